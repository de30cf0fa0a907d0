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
use super::{MatchTable, Rows, TableError, names};

/// A new text is looked for in so many bytes at the end of the table's text. On a device that is all of it; on a
/// server it bounds the work of adding a webhook, and a common text is stored again only after so many other bytes.
const SHARED_TEXT_BYTES: usize = 1024;

/// Collects webhooks for a [`MatchTable`].
pub struct TableBuilder<S: Storage, R> {
    rows: Rows<S>,
    regexps: R,
    /// Whether webhooks came in ascending order so far: then a new one need not be looked for.
    ascending: bool,
}

impl<S: Storage, R> TableBuilder<S, R> {
    /// A builder without webhooks that compiles regular expressions with `regexps`.
    pub const fn new(regexps: R) -> Self {
        Self { rows: Rows::EMPTY, regexps, ascending: true }
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
        let hooks = self.rows.hooks.as_slice();
        let ascending = self.ascending && hooks.last().is_none_or(|last| last.webhook < webhook);
        if !ascending && hooks.iter().any(|hook| hook.webhook == webhook) {
            return Err(TableError::DuplicateWebhook);
        }
        let before = self.rows.lengths();
        self.push_webhook(webhook, patterns, filters).inspect_err(|_| self.rows.truncate(before))?;
        self.ascending = ascending;
        Ok(())
    }

    /// Sorts what came in. The table never changes afterwards.
    pub fn build(mut self) -> MatchTable<S, R> {
        self.rows.sort();
        MatchTable { rows: self.rows, regexps: self.regexps }
    }

    fn push_webhook(
        &mut self,
        webhook: u32,
        patterns: &[TopicPattern<'_>],
        filters: &[Filter<'_>],
    ) -> Result<(), TableError> {
        for pattern in patterns {
            let rule = Rule { kind: self.kind(pattern)?, action: self.action(pattern)?, hook: webhook };
            self.rows.rules.push(rule).map_err(patterns_full)?;
        }
        let clauses_start = row_number(self.rows.clauses.as_slice().len(), clauses_full)?;
        filters.iter().try_for_each(|filter| self.push_filter(filter))?;
        let clauses_end = row_number(self.rows.clauses.as_slice().len(), clauses_full)?;
        self.rows.hooks.push(Hook { webhook, clauses_start, clauses_end }).map_err(patterns_full)
    }

    fn kind(&mut self, pattern: &TopicPattern<'_>) -> Result<u32, TableError> {
        pattern.kind().map_or(Ok(Rule::ANY), |kind| intern(&mut self.rows.kinds, &mut self.rows.text, kind))
    }

    fn action(&mut self, pattern: &TopicPattern<'_>) -> Result<u32, TableError> {
        pattern
            .action()
            .map_or(Ok(Rule::ANY), |action| intern(&mut self.rows.actions, &mut self.rows.text, action))
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
        self.rows.clauses.push(clause).map_err(clauses_full)
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
        let Some(first) = piece.as_bytes().first() else { return Ok(Span::EMPTY) };
        let text = self.rows.text.as_str().as_bytes();
        let is_here = |rest: &[u8]| rest.first() == Some(first) && rest.starts_with(piece.as_bytes());
        let mut searched = text.len().saturating_sub(SHARED_TEXT_BYTES)..text.len();
        match searched.find(|start| text.get(*start..).is_some_and(is_here)) {
            Some(start) => span(start, piece),
            None => append(&mut self.rows.text, piece),
        }
    }
}

/// Where the one copy of a name starts. Names are never shared with other text: where it starts is what it is.
fn intern(names: &mut impl List<Span>, text: &mut impl Text, name: &str) -> Result<u32, TableError> {
    match names::search(names.as_slice(), text.as_str(), name) {
        Ok(row) => Ok(names.as_slice().get(row).map_or(Rule::ANY, |span| span.start)),
        Err(row) => {
            let span = append(text, name)?;
            names::insert(names, row, span).map_err(patterns_full)?;
            Ok(span.start)
        }
    }
}

fn append(text: &mut impl Text, piece: &str) -> Result<Span, TableError> {
    let span = span(text.as_str().len(), piece)?;
    text.push_str(piece).map_err(text_full)?;
    Ok(span)
}

fn span(start: usize, piece: &str) -> Result<Span, TableError> {
    // The end is counted in 32 bits as well, so no piece starts at `Rule::ANY`.
    row_number(start + piece.len(), text_full)?;
    let length = u16::try_from(piece.len()).map_err(|_| TableError::ValueTooLong)?;
    Ok(Span { start: row_number(start, text_full)?, length })
}

/// The lengths of rules, hooks, clauses and text.
type Lengths = [usize; 4];

impl<S: Storage> Rows<S> {
    fn lengths(&self) -> Lengths {
        let (rules, hooks) = (self.rules.as_slice().len(), self.hooks.as_slice().len());
        [rules, hooks, self.clauses.as_slice().len(), self.text.as_str().len()]
    }

    fn truncate(&mut self, [rules, hooks, clauses, text]: Lengths) {
        self.rules.truncate(rules);
        self.hooks.truncate(hooks);
        self.clauses.truncate(clauses);
        self.text.truncate(text);
        names::truncate(&mut self.kinds, text);
        names::truncate(&mut self.actions, text);
    }

    /// Sorts webhooks, lets each rule name its webhook by the number of its row, and sorts rules.
    fn sort(&mut self) {
        self.hooks.as_mut_slice().sort_unstable_by_key(|hook| hook.webhook);
        let hooks = self.hooks.as_slice();
        for rule in self.rules.as_mut_slice() {
            // There are no more rows than webhooks, which are numbered in 32 bits.
            rule.hook = hooks.partition_point(|hook| hook.webhook < rule.hook) as u32;
        }
        self.rules.as_mut_slice().sort_unstable();
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
