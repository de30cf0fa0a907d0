//! Regular expressions: the server's compiler for tables, and the `regex` crate for the obvious version.

use std::collections::HashMap;
use std::sync::LazyLock;

use bellwire_core::filter::{RegexpError, Regexps};
use regex::Regex;

use crate::dfa;

/// The automaton that the server makes of an expression.
///
/// # Errors
/// [`RegexpError`] when the expression is none, asks for what an automaton cannot do, or is too large.
pub fn compile(pattern: &str) -> Result<Vec<u8>, RegexpError> {
    dfa::compile_dfa(pattern)
}

/// The expressions that random webhooks choose from.
pub const REGEXPS: [&str; 7] = ["", "^a", "a$", "ä|A", "^$", "(?-u:\\b)a", "^(aa|sys\\.id)$"];

/// Each expression with its automaton and what it is checked against.
static COMPILED: LazyLock<HashMap<&str, (Vec<u8>, Regex)>> = LazyLock::new(|| {
    let pair = |pattern| (compile(pattern).expect(pattern), Regex::new(pattern).expect(pattern));
    REGEXPS.into_iter().map(|pattern| (pattern, pair(pattern))).collect()
});

/// The automata of [`REGEXPS`], each compiled once in the life of the program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compiled;

impl Regexps for Compiled {
    fn compile(&mut self, pattern: &str) -> Result<&[u8], RegexpError> {
        COMPILED.get(pattern).map(|(dfa, _)| dfa.as_slice()).ok_or(RegexpError::Unsupported)
    }
}

/// Whether one of [`REGEXPS`] is found in a text.
pub fn finds(pattern: &str, text: &str) -> bool {
    COMPILED.get(pattern).is_some_and(|(_, regex)| regex.is_match(text))
}
