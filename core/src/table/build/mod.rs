//! Building a table: webhooks come in one by one, then everything is numbered, packed and written once.

mod chains;
mod copy;
mod filters;
mod fixed;
mod groups;
#[cfg(feature = "alloc")]
mod growing;
mod interner;
mod pack;
mod storage;
mod trie;
mod write;

use crate::filter::{Filter, Regexps};
use crate::limits::{FILTERS_PER_WEBHOOK_MAX, PATTERNS_PER_WEBHOOK_MAX};
use crate::topic::TopicPattern;

use super::MatchTable;
use super::error::TableError;
use super::names::FNV_BASIS;
use super::view::with_view;

use filters::Filters;
pub use filters::Hook;
pub use fixed::{Fixed, FixedList, Image};
#[cfg(feature = "alloc")]
pub use growing::Growing;
use interner::Errors;
pub use interner::Name;
pub use storage::{Full, List, Storage};
pub use trie::Node;
use trie::Trie;

/// Collects webhooks for a [`MatchTable`].
pub struct TableBuilder<S: Storage, R> {
    trie: Trie<S>,
    filters: Filters<S>,
    /// Ascending by webhook.
    hooks: S::Hooks,
    /// Each pattern of each webhook: the node where it ends, and the webhook's place.
    rules: S::Keys,
    regexps: R,
    seed: u32,
}

impl<S: Storage, R> TableBuilder<S, R> {
    /// A builder without webhooks that compiles regular expressions with `regexps`.
    pub const fn new(regexps: R) -> Self {
        Self {
            trie: Trie::EMPTY,
            filters: Filters::EMPTY,
            hooks: S::Hooks::EMPTY,
            rules: S::Keys::EMPTY,
            regexps,
            seed: FNV_BASIS,
        }
    }

    /// Lets hashing start from `seed`, or from another number that follows from it when too many names fall into one
    /// bucket. With a seed that nobody else can know, nobody can choose names that do.
    #[must_use]
    pub fn with_seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }
}

impl<S: Storage, R> TableBuilder<S, R> {
    /// A builder that holds the webhooks of `table`, each under the number that `number` gives for it; those that it gives
    /// none for are left out. No text is read more than once, so that of many webhooks some are changed quickly.
    ///
    /// ```
    /// use bellwire_core::filter::NoRegexps;
    /// use bellwire_core::table::{Fixed, MatchTable, TableBuilder};
    /// use bellwire_core::topic::{Topic, TopicPattern};
    ///
    /// type Builder = TableBuilder<Fixed<16, 8, 512>, NoRegexps>;
    /// let mut builder = Builder::default();
    /// builder.add(1, &[TopicPattern::parse("Asset.*")?], &[])?;
    /// builder.add(2, &[TopicPattern::parse("*.delete")?], &[])?;
    /// let before = builder.build()?;
    ///
    /// let mut builder = Builder::copy(&before, NoRegexps, |webhook| (webhook != 2).then_some(webhook))?;
    /// builder.add(2, &[TopicPattern::parse("*.publish")?], &[])?;
    /// let after = builder.build()?;
    /// assert!(before.find(&Topic::parse("Asset.publish")?, &[]).eq([1]));
    /// assert!(after.find(&Topic::parse("Asset.publish")?, &[]).eq([1, 2]));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TableError`] when the builder has no room, or a number was given twice.
    pub fn copy<B: AsRef<[u8]>>(
        table: &MatchTable<B>,
        regexps: R,
        number: impl FnMut(u32) -> Option<u32>,
    ) -> Result<Self, TableError> {
        let mut builder = Self::new(regexps);
        with_view!(table.view(), view => copy::copy(&mut builder, &view, number))?;
        Ok(builder)
    }

    /// Where a new webhook stands among the others.
    fn place_of(&self, webhook: u32) -> Result<usize, TableError> {
        let hooks = self.hooks.as_slice();
        if hooks.last().is_none_or(|last| last.webhook < webhook) {
            return Ok(hooks.len());
        }
        let found = hooks.binary_search_by_key(&webhook, |hook| hook.webhook);
        found.err().ok_or(TableError::DuplicateWebhook)
    }

    /// Brings the webhook that came last to its place, and lets the first `rules` rules know where the others are now.
    fn settle(&mut self, place: usize, rules: usize) {
        let hooks = self.hooks.as_mut_slice().get_mut(place..).unwrap_or_default();
        if hooks.len() > 1 {
            hooks.rotate_right(1);
            let moved = |rule: &&mut u64| (**rule as u32) as usize >= place;
            self.rules
                .as_mut_slice()
                .iter_mut()
                .take(rules)
                .filter(moved)
                .for_each(|rule| *rule = rule.wrapping_add(1));
        }
    }

    fn words_end(&self) -> Result<u32, TableError> {
        u32::try_from(self.filters.words.as_slice().len()).map_err(|_| TableError::TooLarge)
    }
}

impl<S: Storage, R: Default> Default for TableBuilder<S, R> {
    fn default() -> Self {
        Self::new(R::default())
    }
}

impl<S: Storage, R: Regexps> TableBuilder<S, R> {
    /// Adds a webhook: an event that one of `patterns` takes in and that passes all `filters` is for it.
    ///
    /// Webhooks may come in any order; ascending order is quickest, because a webhook that comes out of order is put
    /// among the others.
    ///
    /// # Errors
    /// [`TableError`] names the limit that was passed. Nothing of the webhook remains.
    pub fn add(
        &mut self,
        webhook: u32,
        patterns: &[TopicPattern<'_>],
        filters: &[Filter<'_>],
    ) -> Result<(), TableError> {
        check_counts(patterns, filters)?;
        let before = (self.trie.lengths(), self.filters.lengths(), self.rules.as_slice().len());
        self.push(webhook, patterns, filters).inspect_err(|_| {
            let (trie, filters, rules) = before;
            self.rules.truncate(rules);
            self.filters.truncate(filters);
            self.trie.truncate(trie);
        })
    }

    /// Writes the image. The table never changes afterwards.
    ///
    /// # Errors
    /// [`TableError`] when the image has no room, or when a limit of tables is passed.
    pub fn build(self) -> Result<MatchTable<S::Bytes>, TableError> {
        write::table(self.trie, self.filters, self.hooks, self.rules, self.seed)
    }

    fn push(
        &mut self,
        webhook: u32,
        patterns: &[TopicPattern<'_>],
        filters: &[Filter<'_>],
    ) -> Result<(), TableError> {
        let place = self.place_of(webhook)?;
        let first = self.rules.as_slice().len();
        for pattern in patterns {
            let rule = rule(self.trie.insert(pattern)?, place);
            let own = self.rules.as_slice().get(first..).unwrap_or_default();
            if !own.contains(&rule) {
                self.rules.push(rule).map_err(patterns_full)?;
            }
        }
        let words_start = self.words_end()?;
        filters.iter().try_for_each(|filter| self.filters.push(filter, &mut self.regexps))?;
        self.hooks
            .push(Hook { webhook, words_start, words_end: self.words_end()? })
            .map_err(patterns_full)?;
        self.settle(place, first);
        Ok(())
    }
}

/// A pattern that ends at a node, of the webhook in a place.
fn rule(node: u32, place: usize) -> u64 {
    u64::from(node) << 32 | place as u64
}

fn check_counts(patterns: &[TopicPattern<'_>], filters: &[Filter<'_>]) -> Result<(), TableError> {
    match (patterns.len(), filters.len()) {
        (0, _) => Err(TableError::NoPatterns),
        (patterns, _) if patterns > PATTERNS_PER_WEBHOOK_MAX => Err(TableError::TooManyPatterns),
        (_, filters) if filters > FILTERS_PER_WEBHOOK_MAX => Err(TableError::TooManyFilters),
        _ => Ok(()),
    }
}

const PATTERN_ERRORS: Errors = Errors { names: patterns_full, text: text_full };

fn patterns_full(Full { capacity }: Full) -> TableError {
    TableError::PatternsFull { capacity }
}

fn clauses_full(Full { capacity }: Full) -> TableError {
    TableError::ClausesFull { capacity }
}

fn text_full(Full { capacity }: Full) -> TableError {
    TableError::TextFull { capacity }
}
