//! Constraints on an event's attributes, with Contentful's meaning, and the two traits they are judged through.

use core::error::Error;
use core::fmt;

use crate::limits::REGEXP_BYTES_MAX;

/// The paths Contentful documents for a filter's `doc`.
pub const CONTENTFUL_DOCS: [&str; 6] = [
    "sys.id",
    "sys.environment.sys.id",
    "sys.contentType.sys.id",
    "sys.createdBy.sys.id",
    "sys.updatedBy.sys.id",
    "sys.deletedBy.sys.id",
];

/// What filters look at: texts under names such as `sys.environment.sys.id`.
///
/// ```
/// use bellwire_core::filter::Attributes;
///
/// let event = [("sys.id", "nyancat")];
/// assert_eq!(event.attribute("sys.id"), Some("nyancat"));
/// assert_eq!(event.attribute("sys.deletedBy.sys.id"), None);
/// ```
pub trait Attributes {
    /// The attribute named `doc`, or `None` when the event lacks it.
    fn attribute(&self, doc: &str) -> Option<&str>;
}

impl Attributes for [(&str, &str)] {
    fn attribute(&self, doc: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == doc).map(|(_, value)| *value)
    }
}

impl<const N: usize> Attributes for [(&str, &str); N] {
    fn attribute(&self, doc: &str) -> Option<&str> {
        self.as_slice().attribute(doc)
    }
}

impl<A: Attributes + ?Sized> Attributes for &A {
    fn attribute(&self, doc: &str) -> Option<&str> {
        (**self).attribute(doc)
    }
}

/// One constraint of a webhook. All filters of a webhook must hold.
///
/// A filter on an attribute that the event lacks is false, negated or not: "not this content type" does not let
/// an asset through. Texts are compared byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Whether the test stands under `not`.
    pub negated: bool,
    /// Name of the attribute.
    pub doc: &'a str,
    /// What the attribute must be, or must not be under `not`.
    pub test: Test<'a>,
}

/// What a filter asks of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test<'a> {
    /// It is this text.
    Equals(&'a str),
    /// It is one of these texts. No text is one of an empty list.
    In(&'a [&'a str]),
    /// This regular expression is found somewhere in it. The dialect is that of the [`Regexps`] in use.
    Regexp(&'a str),
}

/// An engine for regular expressions, so that a device without one carries none.
///
/// Expressions are compiled when a table is built and known by number from then on.
pub trait Regexps {
    /// Compiles `pattern` and gives its number: 0 for the first, then one more each time. An engine may give the
    /// number of an equal pattern again.
    ///
    /// # Errors
    /// [`RegexpError`] when the engine cannot take the pattern; it then keeps nothing of it.
    fn compile(&mut self, pattern: &str) -> Result<u16, RegexpError>;

    /// Whether expression `number` is found in `value`. A number that was never given is found nowhere.
    fn is_match(&self, number: u16, value: &str) -> bool;
}

/// The engine that refuses every regular expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoRegexps;

impl Regexps for NoRegexps {
    fn compile(&mut self, _pattern: &str) -> Result<u16, RegexpError> {
        Err(RegexpError::Unsupported)
    }

    fn is_match(&self, _number: u16, _value: &str) -> bool {
        false
    }
}

/// Why a regular expression was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegexpError {
    /// There is no engine here.
    Unsupported,
    /// It is not a regular expression of the engine's dialect.
    Syntax,
    /// Its text has more than [`REGEXP_BYTES_MAX`] bytes.
    TooLong,
    /// Compiled, it is larger than the engine allows.
    TooLarge,
    /// The engine holds as many expressions as it can.
    Full,
}

impl fmt::Display for RegexpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("regular expressions are not supported here"),
            Self::Syntax => f.write_str("the regular expression is not valid"),
            Self::TooLong => write!(f, "the regular expression is longer than {REGEXP_BYTES_MAX} bytes"),
            Self::TooLarge => f.write_str("the regular expression is too large once compiled"),
            Self::Full => f.write_str("there is no room for another regular expression"),
        }
    }
}

impl Error for RegexpError {}
