//! Where compiled regular expressions come from when a table is built.

use core::error::Error;
use core::fmt;

use crate::limits::{DFA_BYTES_MAX, REGEXP_BYTES_MAX};

/// A compiler of regular expressions: it is needed where tables are built, and nowhere else.
///
/// An expression becomes an automaton in bytes, whose format `docs/match-table.md` gives. The table keeps the bytes
/// and runs them with the feature `regexp`.
pub trait Regexps {
    /// Compiles `pattern` into an automaton that says whether the expression is found somewhere in a text.
    ///
    /// # Errors
    /// [`RegexpError`] when the compiler cannot take the pattern.
    fn compile(&mut self, pattern: &str) -> Result<&[u8], RegexpError>;
}

impl<R: Regexps + ?Sized> Regexps for &mut R {
    fn compile(&mut self, pattern: &str) -> Result<&[u8], RegexpError> {
        (**self).compile(pattern)
    }
}

/// The compiler that refuses every regular expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoRegexps;

impl Regexps for NoRegexps {
    fn compile(&mut self, _pattern: &str) -> Result<&[u8], RegexpError> {
        Err(RegexpError::Unsupported)
    }
}

/// Why a regular expression was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegexpError {
    /// There is no compiler here, or the feature `regexp` is off.
    Unsupported,
    /// It is not a regular expression of the compiler's dialect.
    Syntax,
    /// It asks for a boundary of words in any script, which no automaton over bytes can tell.
    UnicodeWordBoundary,
    /// Its text has more than [`REGEXP_BYTES_MAX`] bytes.
    TooLong,
    /// Its automaton has more than [`DFA_BYTES_MAX`] bytes.
    TooLarge,
    /// The bytes that the compiler gave are no automaton.
    Malformed,
}

impl fmt::Display for RegexpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("regular expressions are not supported here"),
            Self::Syntax => f.write_str("the regular expression is not valid"),
            Self::UnicodeWordBoundary => f.write_str(
                "a word boundary has to be one of ASCII: write (?-u:\\b) for \\b, and (?-u:\\B) for \\B",
            ),
            Self::TooLong => write!(f, "the regular expression is longer than {REGEXP_BYTES_MAX} bytes"),
            Self::TooLarge => {
                write!(f, "the regular expression needs more than {DFA_BYTES_MAX} bytes once compiled")
            }
            Self::Malformed => f.write_str("the compiled regular expression is damaged"),
        }
    }
}

impl Error for RegexpError {}
