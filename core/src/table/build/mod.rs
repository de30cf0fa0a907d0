//! Building a table: webhooks come in one by one, then everything is numbered, packed and written once.

mod chains;
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
    hooks: S::Hooks,
    /// Each pattern of each webhook: the node where it ends, and the webhook.
    rules: S::Keys,
    regexps: R,
    seed: u32,
    /// Whether webhooks came in ascending order so far: then a new one need not be looked for.
    ascending: bool,
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
            ascending: true,
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

impl<S: Storage, R: Default> Default for TableBuilder<S, R> {
    fn default() -> Self {
        Self::new(R::default())
    }
}

impl<S: Storage, R: Regexps> TableBuilder<S, R> {
    /// Adds a webhook: an event that one of `patterns` takes in and that passes all `filters` is for it.
    ///
    /// Webhooks may come in any order; ascending order is quickest, because a webhook that comes out of order is
    /// looked for among all others first.
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
        let hooks = self.hooks.as_slice();
        let ascending = self.ascending && hooks.last().is_none_or(|last| last.webhook < webhook);
        if !ascending && hooks.iter().any(|hook| hook.webhook == webhook) {
            return Err(TableError::DuplicateWebhook);
        }
        let before = (self.trie.lengths(), self.filters.lengths(), self.rules.as_slice().len());
        self.push(webhook, patterns, filters).inspect_err(|_| {
            let (trie, filters, rules) = before;
            self.rules.truncate(rules);
            self.filters.truncate(filters);
            self.trie.truncate(trie);
        })?;
        self.ascending = ascending;
        Ok(())
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
        let first = self.rules.as_slice().len();
        for pattern in patterns {
            let rule = u64::from(self.trie.insert(pattern)?) << 32 | u64::from(webhook);
            let own = self.rules.as_slice().get(first..).unwrap_or_default();
            if !own.contains(&rule) {
                self.rules.push(rule).map_err(patterns_full)?;
            }
        }
        let words_start = self.words_end()?;
        filters.iter().try_for_each(|filter| self.filters.push(filter, &mut self.regexps))?;
        let hook = Hook { webhook, words_start, words_end: self.words_end()? };
        self.hooks.push(hook).map_err(patterns_full)
    }

    fn words_end(&self) -> Result<u32, TableError> {
        u32::try_from(self.filters.words.as_slice().len()).map_err(|_| TableError::TooLarge)
    }
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
