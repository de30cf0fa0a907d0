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
//! Patterns are sorted by type, action and webhook; `*` sorts first. The patterns that take a topic in stand in at
//! most four runs (`*.*`, `*.action`, `Type.*`, `Type.action`), each found by one binary search and each ascending by
//! webhook. Merging the four gives the candidates in ascending order, each once, however many of its patterns match.
//! The filters of a candidate are judged when the iterator reaches it, in the order of the definition, until one
//! fails. So an event costs four searches of log2(patterns) comparisons of texts, and one evaluation for every
//! filter of a candidate at most. Strings decide, never a hash; nothing is cached and nothing is written.

mod build;
mod error;
mod explain;
mod find;
mod fixed;
#[doc(hidden)]
pub mod naive;
mod rows;
mod storage;

use core::fmt;

pub use build::TableBuilder;
pub use error::TableError;
pub use explain::{FilterView, Operator, Verdict};
pub use find::Matches;
pub use fixed::{Fixed, FixedList, FixedText};
pub use rows::{Clause, Hook, Rule};
pub use storage::{Full, List, Storage, Text};

/// The compiled webhooks. See the [module](self) for an example and for the cost.
pub struct MatchTable<S: Storage, R> {
    /// Sorted by (type, action, hook).
    rules: S::Rules,
    /// Sorted by webhook.
    hooks: S::Hooks,
    clauses: S::Clauses,
    text: S::Text,
    regexps: R,
}

impl<S: Storage, R> MatchTable<S, R> {
    /// A table of no webhook, for a `static` or a start.
    pub const fn empty(regexps: R) -> Self {
        Self {
            rules: S::Rules::EMPTY,
            hooks: S::Hooks::EMPTY,
            clauses: S::Clauses::EMPTY,
            text: S::Text::EMPTY,
            regexps,
        }
    }

    /// How many webhooks the table holds.
    pub fn len(&self) -> usize {
        self.hooks.as_slice().len()
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
            .field("patterns", &self.rules.as_slice().len())
            .field("clauses", &self.clauses.as_slice().len())
            .field("text_bytes", &self.text.as_str().len())
            .finish_non_exhaustive()
    }
}
