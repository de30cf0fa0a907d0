//! A compiled regular expression: an automaton over bytes, checked once and then walked in place.
//!
//! `docs/match-table.md` gives its bytes. State 0 has failed for good and state 1 has found the expression for good, so
//! the walk ends early at either.

use crate::limits::DFA_BYTES_MAX;
use crate::steps;

/// Bytes before the transitions: number of states, number of columns, first state, then a column for each byte.
const HEAD_BYTES: usize = 6 + 256;
const FAILED: u16 = 0;
const FOUND: u16 = 1;

/// An automaton in its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Dfa<'a> {
    /// Columns of the table; the last is for the end of the text.
    columns: u16,
    start: u16,
    /// The column of each byte.
    classes: &'a [u8; 256],
    /// The next state for each state from 2 on, and each column.
    transitions: &'a [[u8; 2]],
}

impl<'a> Dfa<'a> {
    /// The automaton in these bytes; it is sound when [`Dfa::check`] has passed them once.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (head, transitions) = bytes.split_at_checked(HEAD_BYTES)?;
        let (words, classes) = head.split_first_chunk::<6>()?;
        let [_, _, c, d, e, f] = *words;
        Some(Self {
            columns: u16::from_le_bytes([c, d]),
            start: u16::from_le_bytes([e, f]),
            classes: classes.try_into().ok()?,
            transitions: transitions.as_chunks::<2>().0,
        })
    }

    /// Whether `bytes` are an automaton: every state, every column and the size in range.
    pub(crate) fn check(bytes: &[u8]) -> bool {
        let states = bytes.first_chunk::<2>().map(|states| u16::from_le_bytes(*states));
        states.zip(Dfa::new(bytes)).is_some_and(|(states, dfa)| dfa.is_sound(states, bytes.len()))
    }

    fn is_sound(&self, states: u16, bytes: usize) -> bool {
        let rows = usize::from(states).checked_sub(2);
        let cells = rows.map(|rows| rows.saturating_mul(self.columns.into()));
        let within = |state: &[u8; 2]| u16::from_le_bytes(*state) < states;
        bytes <= DFA_BYTES_MAX
            && (1..=257).contains(&self.columns)
            && cells.is_some_and(|cells| cells.saturating_mul(2).saturating_add(HEAD_BYTES) == bytes)
            && self.start < states
            && self.classes.iter().all(|class| u16::from(*class) + 1 < self.columns)
            && self.transitions.iter().all(within)
    }

    /// Whether the expression is found in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let mut state = self.start;
        for byte in text.as_bytes() {
            if state <= FOUND {
                break;
            }
            let class = self.classes.get(usize::from(*byte)).copied().unwrap_or_default();
            state = self.next(state, class.into());
        }
        let end = self.columns.wrapping_sub(1);
        if state > FOUND { self.next(state, end) == FOUND } else { state == FOUND }
    }

    fn next(&self, state: u16, column: u16) -> u16 {
        steps::count(1);
        let row = usize::from(state).wrapping_sub(2);
        let cell = row.wrapping_mul(self.columns.into()).wrapping_add(column.into());
        self.transitions.get(cell).map_or(FAILED, |next| u16::from_le_bytes(*next))
    }
}
