//! Events: attributes and their limits.

use bellwire_core::event::{Event, EventError};
use bellwire_core::filter::{Attributes, Value};
use bellwire_core::topic::Topic;

fn event() -> Event<'static> {
    Event::new(1, Topic::parse("Entry.save").unwrap(), 0, b"")
}

#[test]
fn attributes_keep_their_order_and_their_type() {
    let event = event().with_attribute("b", "1").unwrap().with_attribute("a", 1).unwrap();
    let event = event.with_attribute("c", true).unwrap();
    let values = [("b", Value::Text("1")), ("a", Value::Integer(1)), ("c", Value::Boolean(true))];
    assert_eq!(event.attributes(), values);
    assert_eq!(
        [event.attribute("a"), event.attribute("b"), event.attribute("d")],
        [Some(Value::Integer(1)), Some(Value::Text("1")), None]
    );
}

#[test]
fn limits_are_exact() {
    let (name, value) = ("n".repeat(65), "v".repeat(257));
    let with = |name, value| event().with_attribute(name, value).map(|_| ());
    assert_eq!(with(&name[..64], &value[..256]), Ok(()));
    assert_eq!(with("", "a"), Err(EventError::EmptyName));
    assert_eq!(with(&name, "a"), Err(EventError::NameTooLong));
    assert_eq!(with("a", &value), Err(EventError::ValueTooLong));

    let names: Vec<String> = (0..17).map(|number| number.to_string()).collect();
    let full = names[..16].iter().fold(event(), |event, name| event.with_attribute(name, "").unwrap());
    assert_eq!(full.clone().with_attribute("3", 5), Err(EventError::DuplicateAttribute));
    let error = full.with_attribute(&names[16], "").unwrap_err();
    assert_eq!(error.to_string(), "an event has at most 16 attributes");
}
