//! The trie of mqtt-topic-engine.

use mqtt_topic_engine::topic_matcher::{Len, TopicMatcherNode};
use mqtt_topic_engine::{CacheStrategy, TopicPath, TopicPatternPath};

use super::mqtt;
use crate::matcher::{Matcher, topics_alone};
use crate::work::Work;

/// A trie with the number of a pattern at its end.
pub struct Nodes(TopicMatcherNode<Numbers>);

/// What stands at the end of a pattern.
#[derive(Default)]
struct Numbers(Vec<u32>);

impl Len for Numbers {
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Matcher for Nodes {
    const NAME: &'static str = "mqtt-topic-engine 0.2";
    const SEPARATOR: char = '/';
    type Input = TopicPath;

    fn new(work: &Work) -> Result<Self, String> {
        topics_alone(work)?;
        let mut root = TopicMatcherNode::new();
        for (number, webhook) in work.wanted() {
            let pattern = TopicPatternPath::new_from_string(mqtt(&webhook.pattern), CacheStrategy::NoCache);
            let pattern = pattern.expect("a filter of MQTT");
            let numbers: &mut Numbers = root.get_or_create_subscription_table(&pattern);
            numbers.0.push(number);
        }
        Ok(Self(root))
    }

    fn input(&self, topic: &'static str, _: &'static [(&'static str, &'static str)]) -> Self::Input {
        TopicPath::new(topic).expect("a topic of MQTT")
    }

    fn find(&self, topic: &Self::Input, mut with: impl FnMut(u32)) {
        for numbers in self.0.find_by_path(topic) {
            numbers.0.iter().for_each(|number| with(*number));
        }
    }
}
