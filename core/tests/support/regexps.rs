//! Regular expressions for tests: the compiler that the server has.

#[path = "../../../std-adapter/src/webhooks/dfa.rs"]
mod dfa;

use std::collections::HashMap;

use bellwire_core::filter::{RegexpError, Regexps};

/// The server's compiler, with what it compiled before.
#[derive(Debug, Default)]
pub(crate) struct Dfas(HashMap<String, Result<Vec<u8>, RegexpError>>);

impl Regexps for Dfas {
    fn compile(&mut self, pattern: &str) -> Result<&[u8], RegexpError> {
        let dfa = self.0.entry(pattern.into()).or_insert_with(|| dfa::compile_dfa(pattern));
        dfa.as_deref().map_err(|error| *error)
    }
}
