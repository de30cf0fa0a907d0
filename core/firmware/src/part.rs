//! What the programs share that show how large each part of the core is.

use bellwire_core::filter::Value;
use bellwire_core::topic::Topic;
use core::hint::black_box;
use semihosting::fs;

use crate::board::exit;
use crate::demo::{FRAMES, IMAGE};
use crate::stack::used_by;

/// The name of an attribute and its value.
type Attribute = (&'static str, Value<'static>);

/// Topics and attributes that lead everywhere in the table that lies in flash.
pub static CASES: [(&str, &[Attribute]); 4] = [
    (
        "Entry.publish",
        &[("sys.id", Value::Text("draft-7")), ("sys.environment.sys.id", Value::Text("staging"))],
    ),
    (
        "Asset.delete",
        &[("sys.environment.sys.id", Value::Text("env-3")), ("sys.contentType.sys.id", Value::Text("b"))],
    ),
    ("site.line3.press.temperature", &[("celsius", Value::Integer(81)), ("alarm", Value::Boolean(true))]),
    ("a.b.c.d.e.f.g.h", &[]),
];

/// Calls `with` for each of [`CASES`]. The compiler knows nothing of them.
pub fn each_case(mut with: impl FnMut(&Topic<'_>, &[Attribute])) {
    for (topic, attributes) in black_box(&CASES) {
        if let Ok(topic) = Topic::parse(topic) {
            with(&topic, attributes);
        }
    }
}

/// Runs a part, writes how much stack it took into the host's file `stack`, and ends the program.
///
/// Everything in flash is in every program, so that programs differ in code alone.
pub fn measure(run: impl FnOnce()) -> ! {
    black_box((IMAGE, FRAMES, &CASES));
    let used = used_by(run) as u32;
    let written = fs::write(c"stack", used.to_le_bytes());
    exit(written.is_err().into())
}
