//! Who gets the next place among all attempts under way: places are kept back for endpoints that hold none, and for
//! those that are known to answer.

/// What is known of an endpoint from its last outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nothing yet.
    #[default]
    New,
    /// It answered.
    Proven,
    /// It did not.
    Suspect,
    /// It did, with so much that the answer costs more than many others.
    Heavy,
}

/// The places for attempts under way, and who holds them.
///
/// Suspects together hold at most a quarter of the places, and suspects and newcomers together at most half. An eighth
/// is kept for endpoints that hold none. So however many endpoints hang, those that answer find a place at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    places: u32,
    proven: u32,
    new: u32,
    suspect: u32,
}

impl Pool {
    /// A pool of so many places, at least one; all are free.
    pub const fn new(places: u32) -> Self {
        Self { places: if places > 0 { places } else { 1 }, proven: 0, new: 0, suspect: 0 }
    }

    /// Places held.
    pub const fn held(&self) -> u32 {
        self.proven + self.new + self.suspect
    }

    /// Whether an endpoint that holds `held` places may have another.
    pub const fn admits(&self, standing: Standing, held: u32) -> bool {
        let free = self.places - self.held();
        let kept = if held > 0 { self.places / 8 } else { 0 };
        free > kept
            && match standing {
                Standing::Proven | Standing::Heavy => true,
                Standing::New => self.new + self.suspect < self.share(2),
                Standing::Suspect => self.suspect < self.share(4) && self.new + self.suspect < self.share(2),
            }
    }

    /// The pool after an endpoint of this standing took a place.
    #[must_use]
    pub const fn taken(self, standing: Standing) -> Self {
        match standing {
            Standing::New => Self { new: self.new + 1, ..self },
            Standing::Proven | Standing::Heavy => Self { proven: self.proven + 1, ..self },
            Standing::Suspect => Self { suspect: self.suspect + 1, ..self },
        }
    }

    /// The pool after a place was given back by whoever had this standing when it took it.
    #[must_use]
    pub const fn given_back(self, standing: Standing) -> Self {
        match standing {
            Standing::New => Self { new: self.new.saturating_sub(1), ..self },
            Standing::Proven | Standing::Heavy => Self { proven: self.proven.saturating_sub(1), ..self },
            Standing::Suspect => Self { suspect: self.suspect.saturating_sub(1), ..self },
        }
    }

    /// One part in so many of the places, at least one.
    const fn share(&self, parts: u32) -> u32 {
        if self.places < parts { 1 } else { self.places / parts }
    }
}
