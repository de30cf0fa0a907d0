//! Retry policies that may have been in force.

/// From when to when each number of retries may have been in force.
#[derive(Default)]
pub(crate) struct Policies(Vec<(u64, u64, u8)>);

/// Contentful's default, and ours.
const DEFAULT: u8 = 2;

impl Policies {
    /// Somebody asks for so many retries.
    pub(crate) fn asked(&mut self, now_ms: u64, retries: u8) {
        self.begin();
        self.0.push((now_ms, u64::MAX, retries));
    }

    /// It is known now that so many are in force.
    pub(crate) fn known(&mut self, now_ms: u64, retries: Option<u8>) {
        let retries = retries.unwrap_or(DEFAULT);
        self.begin();
        let open = self.0.iter_mut().filter(|(_, to, _)| *to == u64::MAX);
        open.for_each(|(_, to, _)| *to = now_ms);
        self.0.push((now_ms, u64::MAX, retries));
    }

    fn begin(&mut self) {
        if self.0.is_empty() {
            self.0.push((0, u64::MAX, DEFAULT));
        }
    }

    /// The fewest and the most retries that may have been in force at some moment of this stretch.
    pub(crate) fn between(&self, from_ms: u64, to_ms: u64) -> (u8, u8) {
        let inside = self.0.iter().filter(|(from, to, _)| *from <= to_ms && *to >= from_ms);
        let retries = inside.map(|(_, _, retries)| *retries);
        let (least, most) = (retries.clone().min(), retries.max());
        (least.unwrap_or(DEFAULT), most.unwrap_or(DEFAULT))
    }
}
