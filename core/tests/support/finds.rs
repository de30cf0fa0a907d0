//! Regular expressions for the obvious version: the `regex` crate.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// Whether a pattern is found in a text.
pub(crate) fn finds(pattern: &str, text: &str) -> bool {
    COMPILED.with_borrow_mut(|compiled| {
        let regex = compiled.entry(pattern.into()).or_insert_with(|| Regex::new(pattern).unwrap());
        regex.is_match(text)
    })
}
