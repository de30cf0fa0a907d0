//! Regular expressions for tests: the server's compiler for the table, the `regex` crate for the obvious version.

#[path = "../../../std-adapter/src/webhooks/dfa.rs"]
mod dfa;

use std::cell::RefCell;
use std::collections::HashMap;

use bellwire_core::filter::{RegexpError, Regexps};
use regex::Regex;

/// The server's compiler, with what it compiled before.
#[derive(Debug, Default)]
pub(crate) struct Dfas(HashMap<String, Result<Vec<u8>, RegexpError>>);

impl Regexps for Dfas {
    fn compile(&mut self, pattern: &str) -> Result<&[u8], RegexpError> {
        let dfa = self.0.entry(pattern.into()).or_insert_with(|| dfa::compile_dfa(pattern));
        dfa.as_deref().map_err(|error| *error)
    }
}

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// Whether a pattern is found in a text, by the `regex` crate.
pub(crate) fn finds(pattern: &str, text: &str) -> bool {
    COMPILED.with_borrow_mut(|compiled| {
        let regex = compiled.entry(pattern.into()).or_insert_with(|| Regex::new(pattern).unwrap());
        regex.is_match(text)
    })
}
