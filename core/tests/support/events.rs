//! Random events for property tests.

use bellwire_core::event::Event;
use bellwire_core::filter::Value;
use bellwire_core::topic::Topic;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// What a [`Value`] borrows from.
#[derive(Clone, Debug)]
enum Attribute {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl Attribute {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Boolean(boolean) => Value::Boolean(*boolean),
        }
    }
}

/// What an [`Event`] borrows from.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    id: u128,
    topic: String,
    occurred_at_ms: u64,
    attributes: Vec<(String, Attribute)>,
    payload: Vec<u8>,
}

impl Parts {
    pub(crate) fn event(&self) -> Event<'_> {
        let event =
            Event::new(self.id, Topic::parse(&self.topic).unwrap(), self.occurred_at_ms, &self.payload);
        let attributes = self.attributes.iter();
        attributes.fold(event, |event, (name, value)| event.with_attribute(name, value.value()).unwrap())
    }
}

/// Events within all limits, with payloads of some hundred bytes and many zeros.
pub(crate) fn parts() -> impl Strategy<Value = Parts> {
    let byte = prop_oneof![Just(0), any::<u8>()];
    let attribute = prop_oneof![
        2 => "\\PC{0,64}".prop_map(Attribute::Text),
        1 => any::<i64>().prop_map(Attribute::Integer),
        1 => (-200..200_i64).prop_map(Attribute::Integer),
        1 => any::<bool>().prop_map(Attribute::Boolean),
    ];
    (
        prop_oneof![any::<u128>(), 0..300_u128],
        prop_oneof![
            "[A-Za-z][A-Za-z0-9]{0,63}\\.[a-z][a-z_]{0,63}",
            "[A-Z0-9_-]{1,64}(\\.[a-z0-9_-]{1,9}){2,7}",
        ],
        any::<u64>(),
        btree_map("\\PC{1,16}", attribute, 0..=16),
        vec(byte, 0..600),
    )
        .prop_map(|(id, topic, occurred_at_ms, attributes, payload)| Parts {
            id,
            topic,
            occurred_at_ms,
            attributes: attributes.into_iter().collect(),
            payload,
        })
}
