//! Any bytes as the image of a match table: loading never panics, and what was loaded is used within its bounds.
#![no_main]

use std::sync::LazyLock;

use bellwire_core::filter::Value;
use bellwire_fuzz::image::{load_and_use, mend};
use bellwire_fuzz::webhooks::Event;
use libfuzzer_sys::fuzz_target;

/// What every image begins with, and the version behind the checksum.
const MAGIC: [u8; 4] = *b"BWMT";
const VERSION_AT: usize = 8;
const VERSION: u8 = 1;

/// Events that the seeds' webhooks want, and one that has nothing of theirs.
static EVENTS: LazyLock<Vec<Event>> = LazyLock::new(|| {
    let text = |doc, text| (doc, Value::Text(text));
    vec![
        Event::new("Entry.publish", vec![text("sys.id", "a"), text("a", "aa"), ("b", Value::Integer(0))]),
        Event::new("A.a.aa.A.-.0.a.a", vec![text("sys.id", "b"), ("a", Value::Boolean(true))]),
        Event::new("Other.topic", Vec::new()),
    ]
});

fuzz_target!(|bytes: &[u8]| {
    load_and_use(bytes, &EVENTS);
    let mut image = bytes.to_vec();
    if let Some(version) = image.get_mut(VERSION_AT) {
        *version = VERSION;
        image[..MAGIC.len()].copy_from_slice(&MAGIC);
    }
    mend(&mut image);
    load_and_use(&image, &EVENTS);
});
