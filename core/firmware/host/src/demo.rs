//! Makes what lies in the firmware's flash: a table with every kind of pattern and filter, and frames for it.

use bellwire_core::event::Event;
use bellwire_core::filter::{Filter, Test, Value};
use bellwire_core::table::{Growing, TableBuilder};
use bellwire_core::topic::{Topic, TopicPattern};
use bellwire_core::wire::{encode_frame, scratch_bytes_max};

use crate::regexps::Dfas;

/// Webhooks that ask for one of these environments each, so many that the table groups them.
const GROUPED: [&str; 18] = [
    "env-0", "env-1", "env-2", "env-3", "env-4", "env-5", "env-6", "env-7", "env-8", "env-9", "env-10",
    "env-11", "env-12", "env-13", "env-14", "env-15", "env-16", "env-17",
];
/// Webhooks are numbered from here, so that the image lists their numbers.
const FIRST_WEBHOOK: u32 = 10;
const ENVIRONMENT: &str = "sys.environment.sys.id";
const CONTENT_TYPE: &str = "sys.contentType.sys.id";

/// The image of the table.
///
/// # Panics
/// Never: all webhooks are within the limits.
pub fn image() -> Vec<u8> {
    let mut builder = TableBuilder::<Growing, _>::new(Dfas::default());
    for (number, (patterns, filters)) in (FIRST_WEBHOOK..).zip(webhooks()) {
        let patterns: Vec<_> =
            patterns.iter().map(|text| TopicPattern::parse(text).expect("a pattern")).collect();
        builder.add(number, &patterns, &filters).expect("a webhook within the limits");
    }
    builder.build().expect("a table within the limits").image().to_vec()
}

type Webhook = (&'static [&'static str], Vec<Filter<'static>>);

fn webhooks() -> Vec<Webhook> {
    let mut webhooks: Vec<Webhook> = vec![
        (&["Entry.publish", "*.publish"], vec![]),
        (&["Entry.*"], vec![Filter::new("sys.id", Test::Regexp("^draft-[0-9]+$"))]),
        (&["*.*"], vec![Filter::new(ENVIRONMENT, Test::Prefix("env-")).not()]),
        (&["*.delete"], vec![Filter::new(CONTENT_TYPE, Test::In(&[Value::Text("a"), Value::Text("b")]))]),
        (&["site.*.press.temperature"], vec![Filter::new("celsius", Test::Range { min: 80, max: 90 })]),
        (&["site.**"], vec![Filter::new("celsius", Test::Gt(80)), Filter::equals("alarm", true)]),
        (&["a.*.c.*.e.*.g.*", "a.b.**", "**"], vec![Filter::new("sys.id", Test::Exists).not()]),
    ];
    webhooks.extend(GROUPED.map(|environment| {
        let webhook: Webhook = (&["*.*"], vec![Filter::equals(ENVIRONMENT, environment)]);
        webhook
    }));
    webhooks
}

/// Frames of events for the table; garbage and a damaged frame are among them.
///
/// # Panics
/// Never: all events are within the limits.
pub fn frames() -> Vec<u8> {
    let published = [("sys.id", "draft-7".into()), (ENVIRONMENT, "staging".into())];
    let deleted = [(ENVIRONMENT, "env-3".into()), (CONTENT_TYPE, "b".into())];
    let measured = [("celsius", 81.into()), ("alarm", true.into())];
    let mut frames = frame(1, "Entry.publish", &published);
    frames.extend(frame(2, "Asset.delete", &deleted));
    frames.extend(b"garbage\0");
    let mut damaged = frame(3, "Asset.delete", &deleted);
    damaged[5] ^= 1;
    frames.extend(damaged);
    frames.extend(frame(4, "site.line3.press.temperature", &measured));
    frames.extend(frame(5, "a.b.c.d.e.f.g.h", &[]));
    frames
}

fn frame(id: u128, topic: &str, attributes: &[(&str, Value<'_>)]) -> Vec<u8> {
    let topic = Topic::parse(topic).expect("a topic");
    let event = attributes
        .iter()
        .try_fold(Event::new(id, topic, 1_603_379_941_037, b"{}"), |event, (name, value)| {
            event.with_attribute(name, *value)
        });
    let mut scratch = vec![0; scratch_bytes_max(2)];
    encode_frame(&event.expect("attributes within the limits"), &mut scratch)
        .expect("room for the frame")
        .to_vec()
}
