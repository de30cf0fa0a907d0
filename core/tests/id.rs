//! Identifiers: what is one, and both ways of serde.

use bellwire_core::id::{Id, IdError, IdErrorKind};

#[test]
fn what_contentful_allows_is_an_id() {
    let long = "a".repeat(64);
    for text in ["a", "master", "2xNAz23UZhPpcvfxCBBF9k", "-", "_", ".", "A-b_c.9", &long] {
        let id = Id::parse(text).unwrap();
        assert_eq!(
            (id.as_str(), id.to_string().as_str(), format!("{id:?}")),
            (text, text, format!("Id({text:?})"))
        );
        assert_eq!(text.parse(), Ok(id));
    }
}

#[test]
fn anything_else_is_refused_with_its_place() {
    let long = "a".repeat(65);
    for (text, kind, offset) in [
        ("", IdErrorKind::Empty, 0),
        (" ", IdErrorKind::Character, 0),
        ("a/b", IdErrorKind::Character, 1),
        ("größe", IdErrorKind::Character, 2),
        ("abc\n", IdErrorKind::Character, 3),
        ("a\0", IdErrorKind::Character, 1),
        (&long, IdErrorKind::TooLong, 64),
    ] {
        assert_eq!(Id::parse(text), Err(IdError { kind, offset }), "{text:?}");
    }
    let error = Id::parse("a b").unwrap_err();
    assert_eq!(error.to_string(), "expected a letter, a digit, `-`, `_` or `.` at byte 1");
}

#[test]
fn an_id_serialises_as_text_and_is_checked_on_the_way_back() {
    let id = Id::parse("master").unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), r#""master""#);
    assert_eq!(serde_json::from_str::<Id>(r#""master""#).unwrap(), id);
    let error = serde_json::from_str::<Id>(r#""a b""#).unwrap_err().to_string();
    assert!(error.starts_with("expected a letter, a digit"), "{error}");
    assert!(serde_json::from_str::<Id>("7").is_err());
}

#[test]
fn ids_sort_as_their_text() {
    let mut ids = ["b", "a.b", "a", "B", "ab"].map(|text| Id::parse(text).unwrap());
    ids.sort();
    assert_eq!(ids.map(|id| id.to_string()), ["B", "a", "a.b", "ab", "b"]);
}
