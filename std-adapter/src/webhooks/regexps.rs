//! The regexp engine behind the core's trait: linear time, bounded size.

use bellwire_core::filter::{RegexpError, Regexps};
use regex::{Regex, RegexBuilder};

/// Bytes that one compiled regexp may take; patterns that need more are refused when they are saved.
const REGEXP_COMPILED_BYTES_MAX: usize = 1 << 20;

/// Compiles a pattern in the syntax of the `regex` crate: an unanchored search, without look-around.
///
/// # Errors
/// A sentence with the engine's reason.
pub fn compile_regexp(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(REGEXP_COMPILED_BYTES_MAX).build();
    built.map_err(|cause| match cause {
        regex::Error::CompiledTooBig(limit) => {
            format!("the regexp needs more than {limit} bytes when compiled")
        }
        other => format!("the regexp is not understood: {}", last_line(&other.to_string())),
    })
}

/// The engine's message draws the pattern with markers; its last line says what is wrong.
fn last_line(message: &str) -> String {
    let line = message.lines().next_back().unwrap_or(message);
    line.trim_start_matches("error: ").to_owned()
}

/// The compiled regexps of one match table, by number.
#[derive(Debug, Default)]
pub struct RegexpEngine(Vec<Regex>);

impl Regexps for RegexpEngine {
    fn compile(&mut self, pattern: &str) -> Result<u16, RegexpError> {
        let number = u16::try_from(self.0.len()).map_err(|_| RegexpError::Full)?;
        self.0.push(compile_regexp(pattern).map_err(|_| RegexpError::Syntax)?);
        Ok(number)
    }

    fn is_match(&self, number: u16, value: &str) -> bool {
        self.0.get(usize::from(number)).is_some_and(|regex| regex.is_match(value))
    }
}
