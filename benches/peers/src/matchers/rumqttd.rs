//! The matcher of rumqttd's broker: each filter compared with the topic.
//!
//! The broker remembers the answers for topics that it has seen; what is measured is how it comes to one.

use rumqttd::protocol::matches;

use super::mqtt;
use crate::matcher::{Matcher, topics_alone};
use crate::work::Work;

/// Filters with their numbers.
pub struct Filters(Vec<(String, u32)>);

impl Matcher for Filters {
    const NAME: &'static str = "rumqttd 0.20";
    const SEPARATOR: char = '/';
    type Input = &'static str;

    fn new(work: &Work) -> Result<Self, String> {
        topics_alone(work)?;
        let filters = work.wanted().map(|(number, webhook)| (mqtt(&webhook.pattern), number));
        Ok(Self(filters.collect()))
    }

    fn input(&self, topic: &'static str, _: &'static [(&'static str, &'static str)]) -> Self::Input {
        topic
    }

    fn find(&self, topic: &Self::Input, with: impl FnMut(u32)) {
        self.0.iter().filter(|(filter, _)| matches(topic, filter)).map(|(_, number)| *number).for_each(with);
    }
}
