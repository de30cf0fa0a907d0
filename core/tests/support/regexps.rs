//! Regular expressions by the `regex` crate, behind the core's trait.

use bellwire_core::filter::{RegexpError, Regexps};
use regex::Regex;

/// Every expression that was compiled, by number.
#[derive(Debug, Default)]
pub(crate) struct RegexCrate {
    compiled: Vec<Regex>,
}

impl Regexps for RegexCrate {
    fn compile(&mut self, pattern: &str) -> Result<u16, RegexpError> {
        let number = u16::try_from(self.compiled.len()).map_err(|_| RegexpError::Full)?;
        self.compiled.push(Regex::new(pattern).map_err(|_| RegexpError::Syntax)?);
        Ok(number)
    }

    fn is_match(&self, number: u16, value: &str) -> bool {
        self.compiled.get(usize::from(number)).is_some_and(|regex| regex.is_match(value))
    }
}
