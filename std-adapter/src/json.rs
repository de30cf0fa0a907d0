//! Reading JSON from outside into a tree that says what the text says.

use serde::de::Error as _;
use serde_json::{Deserializer, Error, Value};

/// `serde_json` takes an object with such a member for something else: a number, or the JSON within a text, which
/// could be nested deeper than the parser allows.
const PRIVATE_NAMES: [&str; 2] = ["$serde_json::private::Number", "$serde_json::private::RawValue"];

/// Reads a JSON text.
///
/// # Errors
/// When it is not JSON, is nested too deep, or holds a name that the parser keeps for itself.
///
/// # Examples
/// ```
/// use bellwire::json::parse;
/// use serde_json::json;
/// assert_eq!(parse(b"{\"a\": [1, null]}").unwrap(), json!({"a": [1, null]}));
/// assert!(parse(b"{\"a\": 1,}").unwrap_err().to_string().ends_with("line 1 column 9"));
/// ```
pub fn parse(text: &[u8]) -> Result<Value, Error> {
    match private_name(text) {
        Some(name) => Err(Error::custom(format!("the name {name} is reserved"))),
        None => serde_json::from_slice(text),
    }
}

/// The first string of a JSON text that is a private name, however it is escaped. Where the text is not JSON the
/// search ends: the parser will find the same.
fn private_name(text: &[u8]) -> Option<&'static str> {
    let mut rest = text;
    loop {
        rest = &rest[rest.iter().position(|byte| *byte == b'"')?..];
        let mut strings = Deserializer::from_slice(rest).into_iter::<String>();
        let string = strings.next()?.ok()?;
        if let Some(name) = PRIVATE_NAMES.into_iter().find(|name| *name == string) {
            return Some(name);
        }
        rest = &rest[strings.byte_offset()..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn private_names_are_refused_however_they_are_written() {
        for text in [
            r#"{"$serde_json::private::Number":"12"}"#,
            r#"[{"a\"b":"\\","x":{"\u0024serde_json::private::RawValue":"[1,2]"}}]"#,
        ] {
            let refusal = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(refusal.contains("is reserved"), "{text}: {refusal}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_taken() {
        // The numbers' digits too: a tree that is written again is the text.
        let text = r#"{"serde_json":"\"$serde_json::private::Number\"","n":1.50,"\\":[""]}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }

    proptest! {
        #[test]
        fn everything_else_is_read_as_the_parser_reads_it(text in "[\\[\\]{}\":,\\\\ 0-9a-bun]{0,24}") {
            prop_assert_eq!(parse(text.as_bytes()).ok(), serde_json::from_str(&text).ok());
        }
    }
}
