//! The pattern language: topics of events, and the patterns webhooks give for them.
//!
//! A topic is `Type.action`, as in `Entry.publish`, or for use at the edge a path of three to
//! [`SEGMENTS_MAX`](crate::limits::SEGMENTS_MAX) segments, as in `site.line3.press.temperature`. A pattern is a topic
//! with `*` for any segment as a whole; a last `**` takes in one segment or more. All of it is case-sensitive.
//! `docs/topics.md` of this crate is the whole language.

mod error;
mod scan;

use core::fmt;

pub use error::{TopicError, TopicErrorKind};
use scan::{ANY, Segments, TAIL, action_at, check_segment, check_segments, is_short, kind_at, prefix_bytes};

/// What happened to what: the topic of one event.
///
/// ```
/// use bellwire_core::topic::Topic;
///
/// let topic = Topic::parse("ContentManagement.Entry.publish").unwrap();
/// assert_eq!((topic.kind(), topic.action()), ("Entry", "publish"));
/// assert!(Topic::parse("site.line3.press").unwrap().segments().eq(["site", "line3", "press"]));
/// assert_eq!(Topic::parse("Entry.Publish").unwrap_err().to_string(), "expected a lower-case letter at byte 6");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic<'a> {
    text: &'a str,
    /// Where the first dot is.
    first_dot: u8,
    /// Where the last dot is; the same one in a topic of two segments.
    last_dot: u16,
}

impl<'a> Topic<'a> {
    /// Reads `Type.action`, with or without the prefix that the header `X-Contentful-Topic` carries
    /// (`ContentManagement.`, `SpaceManagement.` or `AppManagement.`), or a topic of more segments. The prefix is
    /// dropped.
    ///
    /// # Errors
    /// [`TopicError`] with the offset of the first wrong byte of `text`.
    pub fn parse(text: &'a str) -> Result<Self, TopicError> {
        // Nearly every topic has two segments and no prefix: one look at each byte tells.
        if let Ok(topic) = Self::short(text, 0) {
            return Ok(topic);
        }
        let start = prefix_bytes(text);
        if is_short(text.get(start..).unwrap_or_default()) {
            Self::short(text, start)
        } else {
            Self::long(text)
        }
    }

    /// The topic of two segments that starts at byte `start`.
    fn short(text: &'a str, start: usize) -> Result<Self, TopicError> {
        let (kind, dot) = kind_at(text, start)?;
        action_at(text, dot.saturating_add(1))?;
        let topic = text.get(start..).unwrap_or_default();
        Ok(Self { text: topic, first_dot: kind.len() as u8, last_dot: kind.len() as u16 })
    }

    /// The topic of more segments.
    fn long(text: &'a str) -> Result<Self, TopicError> {
        let dots = check_segments(text, false)?;
        Ok(Self { text, first_dot: dots.start as u8, last_dot: dots.end as u16 })
    }

    /// The topic as text: `Entry.publish`.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The type, the part before the first dot: `Entry`.
    pub fn kind(&self) -> &'a str {
        self.text.get(..self.first_dot.into()).unwrap_or_default()
    }

    /// The action, the part after the last dot: `publish`.
    pub fn action(&self) -> &'a str {
        self.text.get(usize::from(self.last_dot).saturating_add(1)..).unwrap_or_default()
    }

    /// The parts between the dots, two at least.
    pub fn segments(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        Segments::of(self.text)
    }

    /// Whether the topic is `Type.action`, as all of Contentful's are.
    pub const fn has_two_segments(&self) -> bool {
        self.first_dot as u16 == self.last_dot
    }

    /// Type and action of a topic that has no more.
    #[inline]
    pub(crate) fn two_segments(&self) -> Option<[&'a [u8]; 2]> {
        let (kind, rest) = self.text.as_bytes().split_at_checked(self.first_dot.into())?;
        let (_, action) = rest.split_first()?;
        self.has_two_segments().then_some([kind, action])
    }

    /// What stands before the topic in the header `X-Contentful-Topic`, dot included. It depends on the type alone,
    /// and is empty for a topic of more than two segments, which is none of Contentful's.
    pub fn header_prefix(&self) -> &'static str {
        match self.kind() {
            _ if !self.has_two_segments() => "",
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

/// Which topics a webhook wants: `Entry.publish`, `Entry.*`, `*.publish`, `*.*`, `site.*.press.**`, `**`.
///
/// ```
/// use bellwire_core::topic::{Topic, TopicPattern};
///
/// let pattern = TopicPattern::parse("Entry.*").unwrap();
/// assert!(pattern.matches(&Topic::parse("Entry.auto_save").unwrap()));
/// assert!(!pattern.matches(&Topic::parse("Asset.auto_save").unwrap()));
/// let tail = TopicPattern::parse("site.**").unwrap();
/// assert!(tail.matches(&Topic::parse("site.line3.press").unwrap()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPattern<'a> {
    text: &'a str,
}

impl<'a> TopicPattern<'a> {
    /// Reads a pattern: `Type.action` where `*` may stand for either side as a whole, or the same with more segments
    /// and a last `**`.
    ///
    /// # Errors
    /// [`TopicError`] with the offset of the first wrong byte. A header prefix is refused with
    /// [`TopicErrorKind::HeaderPrefix`]: definitions carry none.
    pub fn parse(text: &'a str) -> Result<Self, TopicError> {
        if prefix_bytes(text) > 0 {
            return Err(TopicError { kind: TopicErrorKind::HeaderPrefix, offset: 0 });
        }
        match text.strip_suffix(".**") {
            _ if text == TAIL => {}
            Some(ANY) => {}
            Some(head) if !head.contains('.') => check_segment(head, 0)?,
            _ if is_short(text) => check_short(text)?,
            _ => check_segments(text, true).map(|_| ())?,
        }
        Ok(Self { text })
    }

    /// The pattern as text.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The first segment wanted; `None` is any.
    pub fn kind(&self) -> Option<&'a str> {
        self.segments().next().filter(|segment| !matches!(*segment, ANY | TAIL))
    }

    /// The last segment wanted; `None` is any.
    pub fn action(&self) -> Option<&'a str> {
        self.segments().last().filter(|segment| !matches!(*segment, ANY | TAIL))
    }

    /// The parts between the dots, wildcards included.
    pub fn segments(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        Segments::of(self.text)
    }

    /// Whether the pattern takes `topic` in.
    pub fn matches(&self, topic: &Topic<'_>) -> bool {
        let (mut wanted, mut given) = (self.segments(), topic.segments());
        loop {
            match (wanted.next(), given.next()) {
                (None, None) | (Some(TAIL), Some(_)) => return true,
                (Some(wanted), Some(given)) if wanted == ANY || wanted == given => {}
                _ => return false,
            }
        }
    }
}

fn check_short(text: &str) -> Result<(), TopicError> {
    let dot = match text.strip_prefix("*.") {
        Some(_) => 1,
        None => kind_at(text, 0)?.1,
    };
    let start = dot.saturating_add(1);
    if text.get(start..) == Some(ANY) { Ok(()) } else { action_at(text, start).map(|_| ()) }
}

impl fmt::Display for TopicPattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}
