//! What a matcher is to the comparison.

use crate::work::{Kind, Work};

/// For matchers that know topics alone.
///
/// # Errors
/// When the work asks for more.
pub fn topics_alone(work: &Work) -> Result<(), String> {
    if work.kind == Kind::W3 { Err("no filters on attributes".into()) } else { Ok(()) }
}

/// One way to find what an event is for.
pub trait Matcher: Sized + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// What stands between the segments of its topics.
    const SEPARATOR: char;
    /// What it makes of an event before it searches.
    type Input;

    /// Takes in all that is wanted.
    ///
    /// # Errors
    /// When it cannot: why it is left out.
    fn new(work: &Work) -> Result<Self, String>;

    /// What it searches with. The topic's segments stand apart as it wants them.
    fn input(&self, topic: &'static str, attributes: &'static [(&'static str, &'static str)]) -> Self::Input;

    /// Gives the number of everything that is found, in any order: the webhook, or the first one of a pattern.
    fn find(&self, input: &Self::Input, with: impl FnMut(u32));
}
