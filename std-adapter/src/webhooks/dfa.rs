//! Regular expressions compiled into the automata that a match table holds.
//!
//! `regex-automata` does the work; here its automaton is explored, made as small as it can be, and written in the bytes
//! that the core walks.

use std::collections::HashMap;
use std::hash::Hash;

use bellwire_core::filter::RegexpError;
use bellwire_core::limits::DFA_BYTES_MAX;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

/// Bytes that may be used on the way to an automaton; most of them are gone once it is as small as it can be.
const WORKING_BYTES_MAX: usize = 8 << 20;
/// States up to which equal ones are looked for.
const MERGED_STATES_MAX: usize = 4096;
/// The states in which nothing can change any more.
const FAILED: u16 = 0;
const FOUND: u16 = 1;
/// Number of the first other state.
const FIRST: usize = 2;

/// Compiles a pattern in the syntax of the `regex` crate into the bytes of an automaton that says whether the pattern is
/// found somewhere in a text.
///
/// # Errors
/// [`RegexpError`] when the pattern is none, asks for what an automaton cannot do, or is too large.
pub(super) fn compile_dfa(pattern: &str) -> Result<Vec<u8>, RegexpError> {
    let config = thompson::Config::new().nfa_size_limit(Some(WORKING_BYTES_MAX));
    let nfa = thompson::Compiler::new().configure(config).build(pattern);
    let nfa = nfa.map_err(|cause| match cause.size_limit() {
        Some(_) => RegexpError::TooLarge,
        None => RegexpError::Syntax,
    })?;
    if nfa.look_set_any().contains_word_unicode() {
        return Err(RegexpError::UnicodeWordBoundary);
    }
    let mut table = Table::explore(&determinize(&nfa)?)?;
    if table.rows.len() <= MERGED_STATES_MAX {
        table.merge_states();
    }
    table.merge_columns();
    table.to_bytes()
}

fn determinize(nfa: &NFA) -> Result<dense::DFA<Vec<u32>>, RegexpError> {
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .match_kind(MatchKind::All)
        .accelerate(false)
        .dfa_size_limit(Some(WORKING_BYTES_MAX))
        .determinize_size_limit(Some(WORKING_BYTES_MAX));
    // What it could refuse but the size was refused before.
    dense::Builder::new().configure(config).build_from_nfa(nfa).map_err(|_| RegexpError::TooLarge)
}

/// An automaton as a table: for each state from [`FIRST`] on, the next state in each column; the last column is for the
/// end of the text.
struct Table {
    start: u16,
    /// The column of each byte.
    classes: [u8; 256],
    rows: Vec<Vec<u16>>,
}

impl Table {
    /// The states that can be reached from the start, those that have matched made one.
    ///
    /// A match is known one byte late. One that ends within a character is an empty one, and none for the `regex` crate:
    /// it does not count.
    fn explore(dfa: &dense::DFA<Vec<u32>>) -> Result<Table, RegexpError> {
        let kind = |byte: u8| (dfa.byte_classes().get(byte), is_within_character(byte));
        let (columns, count) = number((0..=255).map(kind));
        let bytes: Vec<u8> = (0..count)
            .filter_map(|class| columns.iter().position(|other| *other == class))
            .map(|byte| byte as u8)
            .collect();
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::No));
        let mut states = vec![start.map_err(|_| RegexpError::TooLarge)?];
        let mut numbers = HashMap::from([(states[0], FIRST as u16)]);
        let mut rows = Vec::new();
        while let Some(state) = states.get(rows.len()).copied() {
            let mut row = Vec::with_capacity(count + 1);
            for byte in &bytes {
                row.push(match dfa.next_state(state, *byte) {
                    next if dfa.is_match_state(next) && !is_within_character(*byte) => FOUND,
                    next if dfa.is_dead_state(next) => FAILED,
                    next => *numbers.entry(next).or_insert_with(|| {
                        states.push(next);
                        u16::try_from(states.len() + FIRST - 1).unwrap_or(u16::MAX)
                    }),
                });
            }
            row.push(if dfa.is_match_state(dfa.next_eoi_state(state)) { FOUND } else { FAILED });
            rows.push(row);
            if states.len() + FIRST > usize::from(u16::MAX) {
                return Err(RegexpError::TooLarge);
            }
        }
        let classes = std::array::from_fn(|byte| columns[byte] as u8);
        Ok(Table { start: FIRST as u16, classes, rows })
    }

    /// Makes states one that no text tells apart: those that lead to the same blocks stay in one block.
    fn merge_states(&mut self) {
        let mut blocks = vec![FIRST as u16; self.rows.len()];
        let mut count = 0;
        loop {
            let of =
                |state: u16| state.checked_sub(FIRST as u16).map_or(state, |row| blocks[usize::from(row)]);
            let signatures = self.rows.iter().map(|row| row.iter().map(|next| of(*next)).collect::<Vec<_>>());
            let (next, found) = number(blocks.iter().zip(signatures));
            blocks = next.into_iter().map(|block| (block + FIRST) as u16).collect();
            if found == count {
                break;
            }
            count = found;
        }
        self.renumber(&blocks, count);
    }

    /// Lets each state be its block; one state of each block stays.
    fn renumber(&mut self, blocks: &[u16], count: usize) {
        let of = |state: u16| state.checked_sub(FIRST as u16).map_or(state, |row| blocks[usize::from(row)]);
        let mut rows = vec![Vec::new(); count];
        for (row, block) in self.rows.iter().zip(blocks) {
            rows[usize::from(*block) - FIRST] = row.iter().map(|next| of(*next)).collect();
        }
        self.start = of(self.start);
        self.rows = rows;
    }

    /// Makes columns one that no state tells apart.
    fn merge_columns(&mut self) {
        let ends = self.rows.first().map_or(0, |row| row.len() - 1);
        let column = |column: usize| self.rows.iter().map(|row| row[column]).collect::<Vec<u16>>();
        let (merged, count) = number((0..ends).map(column));
        let kept: Vec<usize> =
            (0..count).filter_map(|class| merged.iter().position(|other| *other == class)).collect();
        self.classes = self.classes.map(|class| merged[usize::from(class)] as u8);
        for row in &mut self.rows {
            *row = kept.iter().copied().chain([ends]).map(|column| row[column]).collect();
        }
    }

    fn to_bytes(&self) -> Result<Vec<u8>, RegexpError> {
        let columns = self.rows.first().map_or(1, Vec::len);
        let head = [self.rows.len() + FIRST, columns, self.start.into()];
        let mut bytes: Vec<u8> = head.into_iter().flat_map(|word| (word as u16).to_le_bytes()).collect();
        bytes.extend(self.classes);
        bytes.extend(self.rows.iter().flatten().flat_map(|next| next.to_le_bytes()));
        if bytes.len() > DFA_BYTES_MAX { Err(RegexpError::TooLarge) } else { Ok(bytes) }
    }
}

/// Whether a byte goes on with a character of UTF-8.
fn is_within_character(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Numbers equal items alike, in the order in which they first come; also gives how many different ones there are.
fn number<T: Eq + Hash>(items: impl Iterator<Item = T>) -> (Vec<usize>, usize) {
    let mut numbers = HashMap::new();
    let of_items = items
        .map(|item| {
            let next = numbers.len();
            *numbers.entry(item).or_insert(next)
        })
        .collect();
    (of_items, numbers.len())
}
