//! The pattern language: topics of events, and the patterns webhooks give for them.
//!
//! A topic is `Type.action`, as in `Entry.publish`. A pattern is the same with `*` allowed for the whole of either
//! side. Both are case-sensitive. Any type of the form `[A-Za-z][A-Za-z0-9]*` and any action of the form
//! `[a-z][a-z_]*` is accepted, Contentful's own or yours.

mod error;
mod scan;

use core::fmt;

pub use error::{TopicError, TopicErrorKind};
use scan::{action_at, kind_at, prefix_bytes};

/// What happened to what: the topic of one event.
///
/// ```
/// use bellwire_core::topic::Topic;
///
/// let topic = Topic::parse("ContentManagement.Entry.publish").unwrap();
/// assert_eq!((topic.kind(), topic.action()), ("Entry", "publish"));
/// assert_eq!(Topic::parse("Entry.Publish").unwrap_err().to_string(), "expected a lower-case letter at byte 6");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic<'a> {
    text: &'a str,
    dot: u8,
}

impl<'a> Topic<'a> {
    /// Reads `Type.action`, with or without the prefix that the header `X-Contentful-Topic` carries
    /// (`ContentManagement.`, `SpaceManagement.` or `AppManagement.`). The prefix is dropped.
    ///
    /// # Errors
    /// [`TopicError`] with the offset of the first wrong byte of `text`.
    pub fn parse(text: &'a str) -> Result<Self, TopicError> {
        let start = prefix_bytes(text);
        let (kind, dot) = kind_at(text, start)?;
        action_at(text, dot + 1)?;
        Ok(Self { text: text.get(start..).unwrap_or_default(), dot: kind.len() as u8 })
    }

    /// The topic as text: `Entry.publish`.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The type, the part before the dot: `Entry`.
    pub fn kind(&self) -> &'a str {
        self.text.get(..self.dot.into()).unwrap_or_default()
    }

    /// The action, the part after the dot: `publish`.
    pub fn action(&self) -> &'a str {
        self.text.get(usize::from(self.dot) + 1..).unwrap_or_default()
    }

    /// What stands before the topic in the header `X-Contentful-Topic`, dot included. It depends on the type alone.
    pub fn header_prefix(&self) -> &'static str {
        match self.kind() {
            "EnvironmentAlias" => "SpaceManagement.",
            "AppInstallation" => "AppManagement.",
            _ => "ContentManagement.",
        }
    }
}

impl fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

/// Which topics a webhook wants: `Entry.publish`, `Entry.*`, `*.publish` or `*.*`.
///
/// ```
/// use bellwire_core::topic::{Topic, TopicPattern};
///
/// let pattern = TopicPattern::parse("Entry.*").unwrap();
/// assert!(pattern.matches(&Topic::parse("Entry.auto_save").unwrap()));
/// assert!(!pattern.matches(&Topic::parse("Asset.auto_save").unwrap()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPattern<'a> {
    kind: Option<&'a str>,
    action: Option<&'a str>,
}

impl<'a> TopicPattern<'a> {
    /// Reads `Type.action`, where `*` may stand for either side as a whole.
    ///
    /// # Errors
    /// [`TopicError`] with the offset of the first wrong byte. A header prefix is refused with
    /// [`TopicErrorKind::HeaderPrefix`]: definitions carry none.
    pub fn parse(text: &'a str) -> Result<Self, TopicError> {
        if prefix_bytes(text) > 0 {
            return Err(TopicError { kind: TopicErrorKind::HeaderPrefix, offset: 0 });
        }
        let (kind, dot) = match text.strip_prefix("*.") {
            Some(_) => (None, 1),
            None => kind_at(text, 0).map(|(kind, dot)| (Some(kind), dot))?,
        };
        let action = match text.get(dot + 1..) {
            Some("*") => None,
            _ => Some(action_at(text, dot + 1)?),
        };
        Ok(Self { kind, action })
    }

    /// A pattern from sides that were checked before.
    pub(crate) const fn from_sides(kind: Option<&'a str>, action: Option<&'a str>) -> Self {
        Self { kind, action }
    }

    /// The type wanted; `None` is any.
    pub const fn kind(&self) -> Option<&'a str> {
        self.kind
    }

    /// The action wanted; `None` is any.
    pub const fn action(&self) -> Option<&'a str> {
        self.action
    }

    /// Whether the pattern takes `topic` in.
    pub fn matches(&self, topic: &Topic<'_>) -> bool {
        self.kind.is_none_or(|kind| kind == topic.kind())
            && self.action.is_none_or(|action| action == topic.action())
    }
}

impl fmt::Display for TopicPattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.unwrap_or("*"), self.action.unwrap_or("*"))
    }
}
