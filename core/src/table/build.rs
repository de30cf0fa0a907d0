//! Building a table: webhooks come in one by one, then everything is sorted once.

use crate::filter::{Filter, RegexpError, Regexps, Test};
use crate::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, FILTER_VALUES_MAX, FILTERS_PER_WEBHOOK_MAX,
    PATTERNS_PER_WEBHOOK_MAX, REGEXP_BYTES_MAX,
};
use crate::topic::TopicPattern;

use super::explain::Operator;
use super::rows::{Clause, Hook, Operand, Rule, Span};
use super::storage::{Full, List, Storage, Text};
use super::{MatchTable, TableError};

/// A new text is looked for in so many bytes at the end of the table's text. On a device that is all of it; on a
/// server it bounds the work of adding a webhook, and a common text is stored again only after so many other bytes.
const SHARED_TEXT_BYTES: usize = 1024;

/// Collects webhooks for a [`MatchTable`].
pub struct TableBuilder<S: Storage, R> {
    rules: S::Rules,
    hooks: S::Hooks,
    clauses: S::Clauses,
    text: S::Text,
    regexps: R,
    /// Whether webhooks came in ascending order so far: then a new one need not be looked for.
    ascending: bool,
}

impl<S: Storage, R> TableBuilder<S, R> {
    /// A builder without webhooks that compiles regular expressions with `regexps`.
    pub const fn new(regexps: R) -> Self {
        Self {
            rules: S::Rules::EMPTY,
            hooks: S::Hooks::EMPTY,
            clauses: S::Clauses::EMPTY,
            text: S::Text::EMPTY,
            regexps,
            ascending: true,
        }
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
    /// [`TableError`] names the limit that was passed. Nothing of the webhook remains, except that an expression which
    /// the engine had compiled before the error stays with the engine, unused.
    pub fn add(
        &mut self,
        webhook: u32,
        patterns: &[TopicPattern<'_>],
        filters: &[Filter<'_>],
    ) -> Result<(), TableError> {
        check_counts(patterns, filters)?;
        let ascending = self.hooks.as_slice().last().is_none_or(|last| last.webhook < webhook);
        if !(self.ascending && ascending) && self.contains(webhook) {
            return Err(TableError::DuplicateWebhook);
        }
        let before = self.lengths();
        self.push_webhook(webhook, patterns, filters).inspect_err(|_| self.truncate(before))?;
        self.ascending &= ascending;
        Ok(())
    }

    /// Sorts what came in. The table never changes afterwards.
    pub fn build(mut self) -> MatchTable<S, R> {
        self.hooks.as_mut_slice().sort_unstable_by_key(|hook| hook.webhook);
        number_hooks(self.rules.as_mut_slice(), self.hooks.as_slice());
        sort(self.rules.as_mut_slice(), self.text.as_str());
        let Self { rules, hooks, clauses, text, regexps, .. } = self;
        MatchTable { rules, hooks, clauses, text, regexps }
    }

    fn contains(&self, webhook: u32) -> bool {
        self.hooks.as_slice().iter().any(|hook| hook.webhook == webhook)
    }

    fn lengths(&self) -> [usize; 4] {
        [
            self.rules.as_slice().len(),
            self.hooks.as_slice().len(),
            self.clauses.as_slice().len(),
            self.text.as_str().len(),
        ]
    }

    fn truncate(&mut self, [rules, hooks, clauses, text]: [usize; 4]) {
        self.rules.truncate(rules);
        self.hooks.truncate(hooks);
        self.clauses.truncate(clauses);
        self.text.truncate(text);
    }

    fn push_webhook(
        &mut self,
        webhook: u32,
        patterns: &[TopicPattern<'_>],
        filters: &[Filter<'_>],
    ) -> Result<(), TableError> {
        for pattern in patterns {
            let (kind, action) = (pattern.kind().unwrap_or(""), pattern.action().unwrap_or(""));
            let rule = Rule { kind: self.share(kind)?, action: self.share(action)?, hook: webhook };
            self.rules.push(rule).map_err(patterns_full)?;
        }
        let clauses_start = row_number(self.clauses.as_slice().len(), clauses_full)?;
        filters.iter().try_for_each(|filter| self.push_filter(filter))?;
        let clauses_end = row_number(self.clauses.as_slice().len(), clauses_full)?;
        self.hooks.push(Hook { webhook, clauses_start, clauses_end }).map_err(patterns_full)
    }

    fn push_filter(&mut self, filter: &Filter<'_>) -> Result<(), TableError> {
        let doc = self.share(checked_doc(filter.doc)?)?;
        match filter.test {
            Test::Equals(value) => self.push_values(filter, doc, Operator::Equals, &[value]),
            Test::In(values) => self.push_values(filter, doc, Operator::In, values),
            Test::Regexp(pattern) => {
                let operand = self.regexp(pattern)?;
                self.push_clause(filter, doc, Operator::Regexp, operand, true)
            }
        }
    }

    fn push_values(
        &mut self,
        filter: &Filter<'_>,
        doc: Span,
        operator: Operator,
        values: &[&str],
    ) -> Result<(), TableError> {
        let Some((last, others)) = values.split_last() else {
            return self.push_clause(filter, doc, operator, Operand::None, true);
        };
        if values.len() > FILTER_VALUES_MAX {
            return Err(TableError::TooManyValues);
        }
        for value in others {
            let operand = Operand::Text(self.value(value)?);
            self.push_clause(filter, doc, operator, operand, false)?;
        }
        let operand = Operand::Text(self.value(last)?);
        self.push_clause(filter, doc, operator, operand, true)
    }

    fn push_clause(
        &mut self,
        filter: &Filter<'_>,
        doc: Span,
        operator: Operator,
        operand: Operand,
        last: bool,
    ) -> Result<(), TableError> {
        let clause = Clause { doc, operand, operator, negated: filter.negated, last };
        self.clauses.push(clause).map_err(clauses_full)
    }

    fn value(&mut self, value: &str) -> Result<Span, TableError> {
        if value.len() > ATTRIBUTE_VALUE_BYTES_MAX {
            return Err(TableError::ValueTooLong);
        }
        self.share(value)
    }

    fn regexp(&mut self, pattern: &str) -> Result<Operand, TableError> {
        if pattern.len() > REGEXP_BYTES_MAX {
            return Err(RegexpError::TooLong.into());
        }
        let number = self.regexps.compile(pattern)?;
        Ok(Operand::Regexp { pattern: self.share(pattern)?, number })
    }

    /// Where `piece` stands in the table's text; it is appended when it was not found near the end.
    fn share(&mut self, piece: &str) -> Result<Span, TableError> {
        let Some(first) = piece.bytes().next() else { return Ok(Span::EMPTY) };
        let text = self.text.as_str().as_bytes();
        let searched = text.len().saturating_sub(SHARED_TEXT_BYTES);
        let found = text
            .get(searched..)
            .unwrap_or_default()
            .windows(piece.len())
            .position(|window| window.first() == Some(&first) && window == piece.as_bytes());
        let start = found.map_or(text.len(), |at| searched + at);
        let span = Span {
            start: row_number(start, text_full)?,
            length: u16::try_from(piece.len()).map_err(|_| TableError::ValueTooLong)?,
        };
        if found.is_none() {
            self.text.push_str(piece).map_err(text_full)?;
        }
        Ok(span)
    }
}

/// Lets each rule name its webhook by the number of its row.
fn number_hooks(rules: &mut [Rule], hooks: &[Hook]) {
    for rule in rules {
        let row = hooks.partition_point(|hook| hook.webhook < rule.hook);
        // There are no more rows than webhooks, which are numbered in 32 bits.
        rule.hook = row as u32;
    }
}

/// Sorts rules and gives all rules of one pattern the same spans, so that a run can be walked without its text.
fn sort(rules: &mut [Rule], text: &str) {
    rules.sort_unstable_by(|a, b| (a.key(text), a.hook).cmp(&(b.key(text), b.hook)));
    let mut run: Option<Rule> = None;
    for rule in rules {
        match run {
            Some(first) if first.key(text) == rule.key(text) => {
                (rule.kind, rule.action) = (first.kind, first.action);
            }
            _ => run = Some(*rule),
        }
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

fn checked_doc(doc: &str) -> Result<&str, TableError> {
    match doc.len() {
        0 => Err(TableError::EmptyDoc),
        length if length > ATTRIBUTE_NAME_BYTES_MAX => Err(TableError::DocTooLong),
        _ => Ok(doc),
    }
}

/// Rows and bytes are counted in 32 bits; a growing list that passes that is full.
fn row_number(number: usize, full: fn(Full) -> TableError) -> Result<u32, TableError> {
    u32::try_from(number).map_err(|_| full(Full { capacity: u32::MAX as usize }))
}

fn patterns_full(Full { capacity }: Full) -> TableError {
    TableError::PatternsFull { capacity }
}

fn clauses_full(Full { capacity }: Full) -> TableError {
    TableError::ClausesFull { capacity }
}

fn text_full(Full { capacity }: Full) -> TableError {
    TableError::TextFull { capacity }
}
