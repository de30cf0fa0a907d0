//! The match table: the patterns and filters of all webhooks, arranged so that an event finds its webhooks quickly.
//!
//! A [`TableBuilder`] takes webhooks one by one and [`build`](TableBuilder::build)s a [`MatchTable`], which never
//! changes again: to change webhooks, build another table and swap the two. Where the rows live is the caller's
//! choice, a [`Storage`]: [`Fixed`] here, growing lists on a server. The code that matches is the same.
//!
//! ```
//! use bellwire_core::filter::{Filter, NoRegexps, Test};
//! use bellwire_core::table::{Fixed, TableBuilder, Verdict};
//! use bellwire_core::topic::{Topic, TopicPattern};
//!
//! // Room for 16 patterns, 8 values in filters and 200 bytes of text.
//! let mut builder = TableBuilder::<Fixed<16, 8, 200>, NoRegexps>::new(NoRegexps);
//! let drafts = Filter { negated: true, doc: "sys.environment.sys.id", test: Test::Equals("master") };
//! builder.add(1, &[TopicPattern::parse("Asset.*")?], &[])?;
//! builder.add(2, &[TopicPattern::parse("*.*")?], &[drafts])?;
//! let table = builder.build();
//!
//! let (topic, event) = (Topic::parse("Asset.delete")?, [("sys.environment.sys.id", "master")]);
//! assert!(table.find(&topic, &event).eq([1]));
//! match table.explain(2, &topic, &event) {
//!     Verdict::FilterFailed { number, actual, .. } => assert_eq!((number, actual), (0, Some("master"))),
//!     verdict => panic!("{verdict:?}"),
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # How it matches, and what it costs
//!
//! Types and actions are interned: each stands in the text once, in a sorted list. Patterns are sorted by type, action
//! and webhook, all as integers. The patterns that take a topic in stand in at most four runs (`Type.action`,
//! `Type.*`, `*.action`, `*.*`), each ascending by webhook. Merging the four gives the candidates in ascending order,
//! each once, however many of its patterns match. The filters of a candidate are judged when the iterator reaches it,
//! in the order of the definition, until one fails.
//!
//! So an event costs two searches of log2(names) comparisons of texts, eight of log2(patterns) comparisons of
//! integers, one step for each matching pattern, and one evaluation for each filter of a candidate at most. Texts
//! decide, never a hash; nothing is cached and nothing is written.

mod build;
mod error;
mod explain;
mod find;
mod fixed;
#[doc(hidden)]
pub mod naive;
mod names;
mod rows;
mod storage;

use core::fmt;

pub use build::TableBuilder;
pub use error::TableError;
pub use explain::{FilterView, Operator, Verdict};
pub use find::Matches;
pub use fixed::{Fixed, FixedList, FixedText};
pub use rows::{Clause, Hook, Rule, Span};
pub use storage::{Full, List, Storage, Text};

/// The compiled webhooks. See the [module](self) for an example and for the cost.
pub struct MatchTable<S: Storage, R> {
    rows: Rows<S>,
    regexps: R,
}

/// All lists of a table. While it is built only the names are sorted.
struct Rows<S: Storage> {
    /// Types, sorted by text.
    kinds: S::Names,
    /// Actions, sorted by text.
    actions: S::Names,
    /// Sorted by type, action and hook.
    rules: S::Rules,
    /// Sorted by webhook.
    hooks: S::Hooks,
    clauses: S::Clauses,
    text: S::Text,
}

impl<S: Storage> Rows<S> {
    const EMPTY: Self = Self {
        kinds: S::Names::EMPTY,
        actions: S::Names::EMPTY,
        rules: S::Rules::EMPTY,
        hooks: S::Hooks::EMPTY,
        clauses: S::Clauses::EMPTY,
        text: S::Text::EMPTY,
    };
}

impl<S: Storage, R> MatchTable<S, R> {
    /// A table of no webhook, for a `static` or a start.
    pub const fn empty(regexps: R) -> Self {
        Self { rows: Rows::EMPTY, regexps }
    }

    /// How many webhooks the table holds.
    pub fn len(&self) -> usize {
        self.rows.hooks.as_slice().len()
    }

    /// Whether the table holds no webhook.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<S: Storage, R: Default> Default for MatchTable<S, R> {
    fn default() -> Self {
        Self::empty(R::default())
    }
}

impl<S: Storage, R> fmt::Debug for MatchTable<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MatchTable")
            .field("webhooks", &self.len())
            .field("patterns", &self.rows.rules.as_slice().len())
            .field("clauses", &self.rows.clauses.as_slice().len())
            .field("text_bytes", &self.rows.text.as_str().len())
            .finish_non_exhaustive()
    }
}
