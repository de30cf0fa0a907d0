//! The trie of rmqtt's broker.

use std::str::FromStr;

use rmqtt::topic::Topic;
use rmqtt::trie::TopicTree;

use super::mqtt;
use crate::matcher::{Matcher, topics_alone};
use crate::work::Work;

/// A trie with the number of a pattern at its end.
pub struct Tree(TopicTree<u32>);

impl Matcher for Tree {
    const NAME: &'static str = "rmqtt 0.23, trie";
    const SEPARATOR: char = '/';
    type Input = Topic;

    fn new(work: &Work) -> Result<Self, String> {
        topics_alone(work)?;
        let mut tree = TopicTree::default();
        for (number, webhook) in work.wanted() {
            let filter = Topic::from_str(&mqtt(&webhook.pattern)).expect("a filter of MQTT");
            tree.insert(&filter, number);
        }
        Ok(Self(tree))
    }

    fn input(&self, topic: &'static str, _: &'static [(&'static str, &'static str)]) -> Self::Input {
        Topic::from_str(topic).expect("a topic of MQTT")
    }

    fn find(&self, topic: &Self::Input, mut with: impl FnMut(u32)) {
        for (_, numbers) in self.0.matches(topic).iter() {
            numbers.into_iter().for_each(|number| with(*number));
        }
    }
}
