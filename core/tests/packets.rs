//! Packets: every row of `testdata/packets.json`, written and read.

#[path = "support/json.rs"]
mod json;

use bellwire_core::event::Event;
use bellwire_core::limits::EVENT_OVERHEAD_BYTES_MAX;
use bellwire_core::topic::Topic;
use bellwire_core::wire::{decode, encode};
use json::{text, value};
use serde_json::Value as Json;

fn rows(list: &str) -> Vec<Json> {
    let rows: Json = serde_json::from_str(include_str!("../testdata/packets.json")).unwrap();
    rows[list].as_array().unwrap().clone()
}

fn event(row: &Json) -> Event<'static> {
    let id = text(&row["id"]).parse().unwrap();
    let occurred_at_ms = row["occurred_at_ms"].as_u64().unwrap();
    let event = Event::new(
        id,
        Topic::parse(text(&row["topic"])).unwrap(),
        occurred_at_ms,
        text(&row["payload"]).as_bytes(),
    );
    let attributes = row["attributes"].as_array().unwrap().iter();
    attributes.fold(event, |event, pair| event.with_attribute(text(&pair[0]), value(&pair[1])).unwrap())
}

fn bytes(row: &Json) -> Vec<u8> {
    let (pairs, rest) = text(&row["bytes"]).as_bytes().as_chunks::<2>();
    assert!(rest.is_empty(), "{}", row["name"]);
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn events_have_the_bytes_of_their_rows() {
    for row in rows("packets") {
        let (event, bytes) = (event(&row), bytes(&row));
        let mut buffer = vec![0; event.payload.len() + EVENT_OVERHEAD_BYTES_MAX];
        assert_eq!(encode(&event, &mut buffer).unwrap(), bytes, "{}", row["name"]);
        assert_eq!(decode(&bytes), Ok(event), "{}", row["name"]);
    }
}

#[test]
fn what_is_cut_anywhere_is_refused() {
    for row in rows("packets") {
        let bytes = bytes(&row);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{} at {length}", row["name"]);
        }
    }
}

#[test]
fn what_is_no_packet_is_refused_with_its_sentence() {
    for row in rows("refused") {
        assert_eq!(decode(&bytes(&row)).unwrap_err().to_string(), text(&row["error"]), "{}", row["name"]);
    }
}
