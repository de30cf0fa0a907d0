//! Filters while a table is built: words that name values by their place of arrival.

use crate::filter::{Filter, RegexpError, Regexps, Test, Value};
use crate::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, DFA_BYTES_MAX, FILTER_VALUES_MAX, REGEXP_BYTES_MAX,
    TABLE_DOCS_MAX,
};
use crate::table::error::TableError;
use crate::table::program::{Clauses, Operator, clause_head};
use crate::table::value::{Room, TEXT, to_bytes};

use super::interner::{Errors, Interner};
use super::storage::{List, Storage};
use super::trie::NOWHERE;
use super::{clauses_full, text_full};

const VALUE_ERRORS: Errors = Errors { names: clauses_full, text: text_full };

/// One webhook and where its filters are. A [`Storage`](super::Storage) keeps it and cannot look inside.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    pub(super) webhook: u32,
    pub(super) words_start: u32,
    pub(super) words_end: u32,
}

/// All filters, and what they name.
pub(super) struct Filters<S: Storage> {
    pub(super) words: S::Words,
    pub(super) values: Interner<S::Values, S::Words, S::Bytes>,
    /// The place of each attribute's name.
    pub(super) docs: S::Words,
    /// The place of each automaton's pattern.
    patterns: S::Words,
    /// Where each automaton ends.
    pub(super) dfa_ends: S::Words,
    pub(super) dfas: S::Bytes,
}

impl<S: Storage> Filters<S> {
    pub(super) const EMPTY: Self = Self {
        words: S::Words::EMPTY,
        values: Interner::EMPTY,
        docs: S::Words::EMPTY,
        patterns: S::Words::EMPTY,
        dfa_ends: S::Words::EMPTY,
        dfas: S::Bytes::EMPTY,
    };

    /// How many words, values, attributes and automata there are, and bytes of these.
    pub(super) fn lengths(&self) -> [usize; 5] {
        let (words, docs) = (self.words.as_slice().len(), self.docs.as_slice().len());
        [words, self.values.len(), docs, self.patterns.as_slice().len(), self.dfas.as_slice().len()]
    }

    /// Drops what came since there were so many.
    pub(super) fn truncate(&mut self, [words, values, docs, dfas, dfa_bytes]: [usize; 5]) {
        self.words.truncate(words);
        self.values.truncate(values);
        self.docs.truncate(docs);
        self.patterns.truncate(dfas);
        self.dfa_ends.truncate(dfas);
        self.dfas.truncate(dfa_bytes);
    }

    /// Appends a filter.
    pub(super) fn push(&mut self, filter: &Filter<'_>, regexps: &mut impl Regexps) -> Result<(), TableError> {
        let doc = self.doc(filter.doc)?;
        let head = |operator| clause_head(operator, filter.negated, doc);
        let integer = Value::Integer;
        match filter.test {
            Test::Exists => self.word(head(Operator::Exists)),
            Test::Equals(value) => self.compare(head(Operator::Equals), &[value]),
            Test::In(values) if values.len() > FILTER_VALUES_MAX => Err(TableError::TooManyValues),
            Test::In(values) => {
                self.word(head(Operator::In))?;
                self.compare(values.len() as u32, values)
            }
            Test::Prefix(prefix) => self.compare(head(Operator::Prefix), &[Value::Text(prefix)]),
            Test::Regexp(pattern) => {
                let (dfa, place) = self.regexp(pattern, regexps)?;
                [head(Operator::Regexp), dfa, place].into_iter().try_for_each(|word| self.word(word))
            }
            Test::Lt(limit) => self.compare(head(Operator::Lt), &[integer(limit)]),
            Test::Lte(limit) => self.compare(head(Operator::Lte), &[integer(limit)]),
            Test::Gt(limit) => self.compare(head(Operator::Gt), &[integer(limit)]),
            Test::Gte(limit) => self.compare(head(Operator::Gte), &[integer(limit)]),
            Test::Range { min, max } => self.compare(head(Operator::Range), &[integer(min), integer(max)]),
        }
    }

    pub(super) fn word(&mut self, word: u32) -> Result<(), TableError> {
        self.words.push(word).map_err(clauses_full)
    }

    /// Appends a word, and the places of values behind it.
    fn compare(&mut self, word: u32, values: &[Value<'_>]) -> Result<(), TableError> {
        self.word(word)?;
        values.iter().try_for_each(|value| {
            let place = self.value(value)?;
            self.operand(place)
        })
    }

    /// Appends the place of a value that is compared with.
    pub(super) fn operand(&mut self, place: u32) -> Result<(), TableError> {
        if let Some(name) = self.values.name_mut(place) {
            name.uses = name.uses.saturating_add(1);
        }
        self.word(place)
    }

    fn value(&mut self, value: &Value<'_>) -> Result<u32, TableError> {
        if matches!(value, Value::Text(text) if text.len() > ATTRIBUTE_VALUE_BYTES_MAX) {
            return Err(TableError::ValueTooLong);
        }
        let mut room = Room::default();
        let (kind, bytes) = to_bytes(value, &mut room);
        self.name([&[kind], bytes])
    }

    /// The place of a value whose type and bytes are those of `parts`.
    pub(super) fn name(&mut self, parts: [&[u8]; 2]) -> Result<u32, TableError> {
        self.values.intern(parts, &VALUE_ERRORS)
    }

    /// The number of an attribute.
    pub(super) fn doc(&mut self, doc: &str) -> Result<u8, TableError> {
        match doc.len() {
            0 => return Err(TableError::EmptyDoc),
            length if length > ATTRIBUTE_NAME_BYTES_MAX => return Err(TableError::DocTooLong),
            _ => {}
        }
        let place = self.name([&[TEXT], doc.as_bytes()])?;
        let known = self.values.name(place).and_then(|name| name.doc.checked_sub(1));
        // What a name remembers may be of a webhook that was refused since.
        let is_it = |known: &u16| self.docs.as_slice().get(usize::from(*known)) == Some(&place);
        if let Some(known) = known.filter(is_it) {
            return Ok(known as u8);
        }
        let number = self.docs.as_slice().len();
        if number >= TABLE_DOCS_MAX {
            return Err(TableError::TooManyDocs);
        }
        self.docs.push(place).map_err(clauses_full)?;
        if let Some(name) = self.values.name_mut(place) {
            name.doc = number as u16 + 1;
        }
        Ok(number as u8)
    }

    /// The number of an automaton and the place of its pattern.
    fn regexp(&mut self, pattern: &str, regexps: &mut impl Regexps) -> Result<(u32, u32), TableError> {
        if pattern.len() > REGEXP_BYTES_MAX {
            return Err(RegexpError::TooLong.into());
        }
        let place = self.name([&[TEXT], pattern.as_bytes()])?;
        let dfa = match self.dfa_of(place) {
            Some(known) => known,
            None => self.add_dfa(place, regexps.compile(pattern)?)?,
        };
        Ok((dfa, place))
    }

    /// The number of the automaton of the pattern in a place.
    pub(super) fn dfa_of(&self, place: u32) -> Option<u32> {
        let known = self.values.name(place).and_then(|name| name.dfa.checked_sub(1));
        known.filter(|known| self.patterns.as_slice().get(*known as usize) == Some(&place))
    }

    /// Appends the automaton of the pattern in a place, and gives its number.
    pub(super) fn add_dfa(&mut self, place: u32, dfa: &[u8]) -> Result<u32, TableError> {
        if dfa.len() > DFA_BYTES_MAX {
            return Err(RegexpError::TooLarge.into());
        }
        check_dfa(dfa)?;
        self.dfas.extend(dfa).map_err(text_full)?;
        let end = u32::try_from(self.dfas.as_slice().len()).map_err(|_| TableError::TooLarge)?;
        self.dfa_ends.push(end).map_err(clauses_full)?;
        let number = self.patterns.as_slice().len() as u32;
        self.patterns.push(place).map_err(clauses_full)?;
        if let Some(name) = self.values.name_mut(place) {
            name.dfa = number.wrapping_add(1);
        }
        Ok(number)
    }

    /// The number in the image of the value in a place.
    pub(super) fn number(&self, place: u32) -> u32 {
        self.values.name(place).map_or(NOWHERE, |name| name.number)
    }

    /// The filters of a webhook.
    pub(super) fn clauses(&self, hook: &Hook) -> Clauses<'_, u32> {
        let words = self.words.as_slice().get(hook.words_start as usize..hook.words_end as usize);
        Clauses { words: words.unwrap_or_default(), number: |word| word }
    }
}

#[cfg(feature = "regexp")]
fn check_dfa(dfa: &[u8]) -> Result<(), RegexpError> {
    if crate::filter::Dfa::check(dfa) { Ok(()) } else { Err(RegexpError::Malformed) }
}

/// Nothing here could run it.
#[cfg(not(feature = "regexp"))]
fn check_dfa(_dfa: &[u8]) -> Result<(), RegexpError> {
    Err(RegexpError::Unsupported)
}
