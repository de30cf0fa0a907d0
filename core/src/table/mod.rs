//! The match table: the patterns and filters of all webhooks, compiled so that an event finds its webhooks quickly.
//!
//! A [`TableBuilder`] takes webhooks one by one and [`build`](TableBuilder::build)s a [`MatchTable`], which never
//! changes again: to change webhooks, build another table, by [copying](TableBuilder::copy) what stays, and swap the two. A table is one run of bytes, its image,
//! the same on every machine: build it on a server, send it to a device, and [`load`](MatchTable::load) it there from
//! flash, from a file in memory or from a buffer. `docs/match-table.md` of this crate gives the bytes.
//!
//! ```
//! use bellwire_core::filter::{Filter, NoRegexps, Value};
//! use bellwire_core::table::{Fixed, MatchTable, TableBuilder, Verdict};
//! use bellwire_core::topic::{Topic, TopicPattern};
//!
//! // Room for 16 nodes of patterns, 8 words of filters, and an image of 512 bytes.
//! let mut builder = TableBuilder::<Fixed<16, 8, 512>, NoRegexps>::new(NoRegexps);
//! let drafts = Filter::equals("sys.environment.sys.id", "master").not();
//! builder.add(1, &[TopicPattern::parse("Asset.*")?], &[])?;
//! builder.add(2, &[TopicPattern::parse("*.*")?], &[drafts])?;
//! let table = builder.build()?;
//!
//! let (topic, event) = (Topic::parse("Asset.delete")?, [("sys.environment.sys.id", "master")]);
//! assert!(table.find(&topic, &event).eq([1]));
//! match table.explain(2, &topic, &event) {
//!     Verdict::FilterFailed { number, actual, .. } => assert_eq!((number, actual), (0, Some(Value::Text("master")))),
//!     verdict => panic!("{verdict:?}"),
//! }
//!
//! let loaded = MatchTable::load(table.image())?;
//! assert!(loaded.find(&topic, &event).eq([1]));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # How it matches, and what it costs
//!
//! Each segment of the topic is looked up among the interned segments: one hash, one bucket of a few names, whose bytes
//! are compared. From then on a segment is a number, and a trie in a double array leads from node to node with one
//! addition and one comparison a step. Each node has its rows, one for each webhook, in ascending order. The lists of
//! the nodes that the walk comes to are merged, so that a webhook comes once however many of its patterns match. The
//! filters of candidates are judged when the iterator comes to them, up to 2,048 neighbours at a time, in the order of the
//! definition, until one fails; an attribute is looked up once an event. Where many webhooks with filters share a pattern, they are grouped by the
//! rarest value that each asks for, and an event only comes to those that ask for its own.
//!
//! No step depends on how many patterns there are. [`MatchTable::steps_max`] is how many steps one event can take at
//! most. Texts decide, never a hash; nothing is cached and nothing is written.

mod build;
mod checksum;
mod error;
mod explain;
mod find;
mod group;
mod head;
mod judge;
mod layout;
mod load;
#[doc(hidden)]
pub mod naive;
mod names;
mod nodes;
mod program;
mod rows;
mod sentence;
mod shapes;
mod survey;
mod value;
mod view;
mod walk;
mod width;
mod window;

use core::fmt;

use crate::filter::Attributes;
use crate::topic::Topic;

#[cfg(feature = "alloc")]
pub use build::Growing;
pub use build::{Fixed, FixedList, Full, Hook, Image, List, Name, Node, Storage, TableBuilder};
pub use error::{LoadError, TableError};
pub use explain::{FilterView, PatternView, Verdict};
pub use find::Matches;
pub use layout::Counts;
pub use program::Operator;
pub use rows::Rows;

use head::Head;
use layout::Layout;
use view::{AnyView, with_view};
use walk::walk;
use width::Width;

/// The compiled webhooks in the bytes `B` of an image. See the [module](self) for an example and for the cost.
#[derive(Clone, Copy)]
pub struct MatchTable<B> {
    bytes: B,
    head: Head,
    layout: Layout,
}

/// A table in bytes that live elsewhere: in flash, in a mapped file, in a received frame.
pub type TableRef<'a> = MatchTable<&'a [u8]>;

impl<B: AsRef<[u8]>> MatchTable<B> {
    /// The table whose image `bytes` is, after everything in it was checked once.
    ///
    /// # Errors
    /// [`LoadError`] when the bytes are damaged, were made by another version, or need what this program lacks.
    pub fn load(bytes: B) -> Result<Self, LoadError> {
        let (head, layout) = load::check(bytes.as_ref())?;
        Ok(Self { bytes, head, layout })
    }

    /// The table's bytes, for [`MatchTable::load`] to take anywhere.
    pub fn image(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The webhooks that want an event of this topic with these attributes: ascending, each once.
    ///
    /// Filters are judged as the iterator is driven.
    #[inline]
    pub fn find<'t, A: Attributes + ?Sized>(
        &'t self,
        topic: &Topic<'_>,
        attributes: &'t A,
    ) -> Matches<'t, A> {
        Matches::new(self.view(), topic, attributes)
    }

    /// Calls `with` for each pattern that takes the topic in, with the rows of the webhooks that have it, whatever their
    /// filters. A webhook is in as many lists as it has such patterns. [`MatchTable::webhook`] gives the webhook of a row.
    #[inline]
    pub fn for_each_list<'t>(&'t self, topic: &Topic<'_>, mut with: impl FnMut(Rows<'t>)) {
        with_view!(self.view(), view => {
            walk(&view, topic, |found| {
                with(list_of(&view, view.rows(found.start, found.end)));
            });
        });
    }

    /// Why [`find`](Self::find) gives `webhook` for this event, or why it does not.
    pub fn explain<'t, A: Attributes + ?Sized>(
        &'t self,
        webhook: u32,
        topic: &Topic<'_>,
        attributes: &'t A,
    ) -> Verdict<'t> {
        explain::verdict(self.view(), webhook, topic, attributes)
    }

    /// The webhook of a row; rows are numbered from 0 in the order of webhooks.
    pub fn webhook(&self, row: u32) -> Option<u32> {
        with_view!(self.view(), view => view.webhook(row))
    }

    #[inline]
    fn view(&self) -> AnyView<'_> {
        AnyView::new(self.bytes.as_ref(), &self.head, &self.layout)
    }
}

/// Ties the list to the width of its view.
#[inline]
fn list_of<'t, W: Width>(_view: &view::View<'t, W>, list: &'t [W::Word]) -> Rows<'t> {
    W::rows(list)
}

impl<B> MatchTable<B> {
    /// A table of no webhook, for a `static` or a start. Its image is empty and cannot be loaded.
    pub const fn empty(bytes: B) -> Self {
        Self { bytes, head: Head::EMPTY, layout: Layout::EMPTY }
    }

    /// How many webhooks the table holds.
    pub const fn len(&self) -> usize {
        self.head.counts.webhooks as usize
    }

    /// Whether the table holds no webhook.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much of everything the table holds.
    pub const fn counts(&self) -> Counts {
        self.head.counts
    }

    /// Most nodes of patterns that one event can visit.
    pub const fn visits_max(&self) -> u32 {
        self.head.visits_max
    }

    /// Most steps that one event can take: names compared, nodes visited, values compared, bytes that a regular
    /// expression reads. Handing out a row is none.
    pub const fn steps_max(&self) -> u32 {
        self.head.steps_max
    }

    /// Bytes of a word: 2, or 4 in a table too large for that.
    pub const fn word_bytes(&self) -> u8 {
        self.head.width
    }
}

impl<B: Default> Default for MatchTable<B> {
    fn default() -> Self {
        Self::empty(B::default())
    }
}

impl<B> fmt::Debug for MatchTable<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MatchTable")
            .field("bytes", &self.head.bytes)
            .field("counts", &self.head.counts)
            .field("steps_max", &self.head.steps_max)
            .finish_non_exhaustive()
    }
}
