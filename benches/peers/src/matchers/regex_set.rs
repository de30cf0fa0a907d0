//! Regular expressions, from regex.

use regex::{RegexSet, RegexSetBuilder};

use crate::matcher::{Matcher, topics_alone};
use crate::work::Work;

/// Bytes that the set may use; the default refuses most of the work.
const BYTES_MAX: usize = 1 << 30;

/// A set of expressions, and the number of each.
pub struct Regexes {
    set: RegexSet,
    numbers: Vec<u32>,
}

impl Matcher for Regexes {
    const NAME: &'static str = "regex 1.13, RegexSet";
    const SEPARATOR: char = '.';
    type Input = &'static str;

    fn new(work: &Work) -> Result<Self, String> {
        topics_alone(work)?;
        let expressions = work.wanted().map(|(_, webhook)| {
            let segments = webhook.pattern.segments().map(|segment| match segment {
                "*" => "[0-9A-Za-z_-]+",
                "**" => "[.0-9A-Za-z_-]+",
                _ => segment,
            });
            format!("^{}$", segments.collect::<Vec<_>>().join("\\."))
        });
        let set = RegexSetBuilder::new(expressions).size_limit(BYTES_MAX).dfa_size_limit(BYTES_MAX).build();
        Ok(Self {
            set: set.map_err(|error| error.to_string())?,
            numbers: work.wanted().map(|(number, _)| number).collect(),
        })
    }

    fn input(&self, topic: &'static str, _: &'static [(&'static str, &'static str)]) -> Self::Input {
        topic
    }

    fn find(&self, topic: &Self::Input, with: impl FnMut(u32)) {
        let found = self.set.matches(topic);
        found.iter().filter_map(|place| self.numbers.get(place).copied()).for_each(with);
    }
}
