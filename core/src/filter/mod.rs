//! Constraints on an event's attributes, with Contentful's meaning, and the traits they are judged through.

#[cfg(feature = "regexp")]
mod dfa;
mod regexp;
mod value;

#[cfg(feature = "regexp")]
pub(crate) use dfa::Dfa;
pub use regexp::{NoRegexps, RegexpError, Regexps};
pub use value::{Attributes, Value};

/// The paths Contentful documents for a filter's `doc`.
pub const CONTENTFUL_DOCS: [&str; 6] = [
    "sys.id",
    "sys.environment.sys.id",
    "sys.contentType.sys.id",
    "sys.createdBy.sys.id",
    "sys.updatedBy.sys.id",
    "sys.deletedBy.sys.id",
];

/// One constraint of a webhook. All filters of a webhook must hold.
///
/// A filter on an attribute that the event lacks is false, negated or not: "not this content type" does not let
/// an asset through. The one exception is `not exists`, which asks for the absence. Under `not`, a filter on an
/// attribute that is there is true when its test is not, also when the test asks for a value of another type.
///
/// ```
/// use bellwire_core::filter::{Filter, Test};
///
/// let draft = Filter::new("sys.environment.sys.id", Test::Prefix("draft-"));
/// assert_eq!(draft.not(), Filter { negated: true, ..draft });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Whether the test stands under `not`.
    pub negated: bool,
    /// Name of the attribute.
    pub doc: &'a str,
    /// What the attribute must be, or must not be under `not`.
    pub test: Test<'a>,
}

impl<'a> Filter<'a> {
    /// The filter that asks `test` of the attribute `doc`.
    pub const fn new(doc: &'a str, test: Test<'a>) -> Self {
        Self { negated: false, doc, test }
    }

    /// The filter that asks for this value.
    pub fn equals(doc: &'a str, value: impl Into<Value<'a>>) -> Self {
        Self::new(doc, Test::Equals(value.into()))
    }

    /// The filter under `not`; a second `not` takes the first away.
    #[must_use]
    pub const fn not(mut self) -> Self {
        self.negated = !self.negated;
        self
    }
}

/// What a filter asks of an attribute's value.
///
/// Values are compared within their type: the text `5` is not the integer 5. Texts are compared byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Test<'a> {
    /// It is this value.
    Equals(Value<'a>),
    /// It is one of these values. Nothing is one of an empty list.
    In(&'a [Value<'a>]),
    /// It is a text that starts with this one.
    Prefix(&'a str),
    /// It is a text, and this regular expression is found somewhere in it. The dialect is that of the [`Regexps`] in
    /// use.
    Regexp(&'a str),
    /// The event has the attribute, whatever its value.
    Exists,
    /// It is an integer less than this one.
    Lt(i64),
    /// It is an integer less than or equal to this one.
    Lte(i64),
    /// It is an integer greater than this one.
    Gt(i64),
    /// It is an integer greater than or equal to this one.
    Gte(i64),
    /// It is an integer from `min` to `max`, both included.
    Range {
        /// The smallest that holds.
        min: i64,
        /// The largest that holds.
        max: i64,
    },
}
