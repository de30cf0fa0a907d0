//! Regular expressions of definitions: checked and compiled when a definition is read.

use bellwire_core::filter::RegexpError;
use regex::Regex;

use super::dfa::compile_dfa;

/// Compiles a pattern in the syntax of the `regex` crate: an unanchored search, without look-around. The result is the
/// automaton that a match table holds.
///
/// # Errors
/// A sentence with the reason.
pub fn compile_regexp(pattern: &str) -> Result<Vec<u8>, String> {
    compile_dfa(pattern).map_err(|cause| match (cause, Regex::new(pattern)) {
        (RegexpError::Syntax, Err(cause)) => {
            format!("the regexp is not understood: {}", last_line(&cause.to_string()))
        }
        (cause, _) => cause.to_string(),
    })
}

/// The engine's message draws the pattern with markers; its last line says what is wrong.
fn last_line(message: &str) -> String {
    let line = message.lines().next_back().unwrap_or(message);
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::compile_regexp;

    #[test]
    fn what_is_wrong_with_a_regexp_is_said() {
        for (pattern, said) in [
            ("(", "not understood: unclosed group"),
            ("a(?=b)", "look-around"),
            (r"\bfoo", r"write (?-u:\b)"),
            (r"\pL{200}", "bytes once compiled"),
        ] {
            let refusal = compile_regexp(pattern).unwrap_err();
            assert!(refusal.contains(said), "{pattern}: {refusal}");
        }
        assert!(compile_regexp(r"(?-u:\b)foo").is_ok());
    }
}
