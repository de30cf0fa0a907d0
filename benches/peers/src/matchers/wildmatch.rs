//! Wildcards in texts, from wildmatch: each pattern compared with the topic.
//!
//! Its `*` does not end with a segment, so it gives more than was asked for where topics have more than two.

use wildmatch::WildMatch;

use crate::matcher::{Matcher, topics_alone};
use crate::work::Work;

/// Patterns with their numbers.
pub struct Wildcards(Vec<(WildMatch, u32)>);

impl Matcher for Wildcards {
    const NAME: &'static str = "wildmatch 2.7";
    const SEPARATOR: char = '.';
    type Input = &'static str;

    fn new(work: &Work) -> Result<Self, String> {
        topics_alone(work)?;
        let pattern = |text: &str| WildMatch::new(&text.replace("**", "*"));
        let patterns = work.wanted().map(|(number, webhook)| (pattern(webhook.pattern.as_str()), number));
        Ok(Self(patterns.collect()))
    }

    fn input(&self, topic: &'static str, _: &'static [(&'static str, &'static str)]) -> Self::Input {
        topic
    }

    fn find(&self, topic: &Self::Input, with: impl FnMut(u32)) {
        let found = self.0.iter().filter(|(pattern, _)| pattern.matches(topic));
        found.map(|(_, number)| *number).for_each(with);
    }
}
