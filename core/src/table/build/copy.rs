//! Copying the webhooks of a table into a builder. All goes by number: a text is read once, however many webhooks name it.

use crate::table::error::TableError;
use crate::table::layout::{Counts, Part};
use crate::table::names::Names;
use crate::table::program::{Clause, Operator, clause_head};
use crate::table::view::{Slots, View};
use crate::table::walk::{FIRST_SEGMENT, ROWS};
use crate::table::width::{Kind, Slot, Width, ones};

use super::filters::{Filters, Hook};
use super::storage::{Full, List, Storage};
use super::trie::{NOWHERE, Trie};
use super::{PATTERN_ERRORS, TableBuilder, clauses_full, patterns_full, rule};

/// Copies the webhooks of a table that `number` gives a number.
pub(super) fn copy<S: Storage, R, W: Width>(
    builder: &mut TableBuilder<S, R>,
    view: &View<'_, W>,
    mut number: impl FnMut(u32) -> Option<u32>,
) -> Result<(), TableError> {
    let mut places = Copies::<S::Links>::new(view.head.counts.webhooks).map_err(patterns_full)?;
    let mut copies = FilterCopies::<S, W>::new(*view).map_err(clauses_full)?;
    for row in 0..view.head.counts.webhooks {
        if let Some(webhook) = view.webhook(row).and_then(&mut number) {
            places.set(row, builder.hooks.as_slice().len() as u32);
            copy_webhook(builder, view, row, webhook, &mut copies)?;
        }
    }
    copy_patterns(builder, view, &places)
}

/// Copies the filters of a row for a webhook that comes after all others.
fn copy_webhook<S: Storage, R, W: Width>(
    builder: &mut TableBuilder<S, R>,
    view: &View<'_, W>,
    row: u32,
    webhook: u32,
    copies: &mut FilterCopies<'_, S, W>,
) -> Result<(), TableError> {
    if builder.place_of(webhook)? < builder.hooks.as_slice().len() {
        return Err(TableError::Disordered);
    }
    let words_start = builder.words_end()?;
    view.programs().clauses(row).try_for_each(|clause| copies.push(&clause, &mut builder.filters))?;
    let hook = Hook { webhook, words_start, words_end: builder.words_end()? };
    builder.hooks.push(hook).map_err(patterns_full)
}

/// Copies what leads to the rows that have a place in the builder.
fn copy_patterns<S: Storage, R, W: Width>(
    builder: &mut TableBuilder<S, R>,
    view: &View<'_, W>,
    places: &Copies<S::Links>,
) -> Result<(), TableError> {
    let mut copies = NodeCopies::<S, W>::new(*view).map_err(patterns_full)?;
    for number in 0..view.head.counts.slots {
        let slot = copies.slots.slot(number).filter(|slot| matches!(slot.kind(), Kind::Row | Kind::List));
        let Some((start, end)) = slot.and_then(|slot| copies.slots.list(number, slot)) else { continue };
        for place in view.rows(start, end).iter().filter_map(|row| places.get(W::number(*row))) {
            let node = copies.node(number, &mut builder.trie)?;
            builder.rules.push(rule(node, place as usize)).map_err(patterns_full)?;
        }
    }
    Ok(())
}

/// What the builder has in place of things of the table, by their numbers there.
struct Copies<L>(L);

impl<L: List<u32>> Copies<L> {
    /// Nothing in place of so many things.
    fn new(count: u32) -> Result<Self, Full> {
        let mut copies = L::EMPTY;
        copies.resize(count as usize, NOWHERE)?;
        Ok(Self(copies))
    }

    fn get(&self, number: u32) -> Option<u32> {
        self.0.as_slice().get(number as usize).copied().filter(|copy| *copy != NOWHERE)
    }

    fn set(&mut self, number: u32, copy: u32) {
        if let Some(place) = self.0.as_mut_slice().get_mut(number as usize) {
            *place = copy;
        }
    }

    /// The copy of a thing; `make` makes it when it is needed first.
    #[inline]
    fn get_or(
        &mut self,
        number: u32,
        make: impl FnOnce() -> Result<u32, TableError>,
    ) -> Result<u32, TableError> {
        match self.get(number) {
            Some(copy) => Ok(copy),
            None => make().inspect(|copy| self.set(number, *copy)),
        }
    }
}

/// The copies of nodes.
struct NodeCopies<'t, S: Storage, W: Width> {
    slots: Slots<'t, W>,
    names: Names<'t, W>,
    nodes: Copies<S::Links>,
    segments: Copies<S::Links>,
    /// The place of each segment among the names.
    places: Copies<S::Links>,
}

impl<'t, S: Storage, W: Width> NodeCopies<'t, S, W> {
    fn new(view: View<'t, W>) -> Result<Self, Full> {
        let Counts { slots, segments, .. } = view.head.counts;
        let mut places = Copies::new(segments)?;
        for (place, number) in (0_u32..).zip(view.words(Part::SegmentNumbers)) {
            places.set(W::number(*number), place);
        }
        let (nodes, segments) = (Copies::new(slots)?, Copies::new(segments)?);
        Ok(Self { slots: view.slots(), names: view.segments(), nodes, segments, places })
    }

    /// The copy of the node in a slot. No slot of a sound table is far from the root.
    fn node(&mut self, number: u32, trie: &mut Trie<S>) -> Result<u32, TableError> {
        match self.nodes.get(number) {
            Some(node) => return Ok(node),
            None if number == 0 => return trie.root(),
            None => {}
        }
        let parent = self.slots.slot(number).map_or(0, Slot::parent);
        let base = self.slots.slot(parent).map_or(0, |slot| slot.base);
        let mut node = self.node(parent, trie)?;
        let code = number.wrapping_sub(base) & ones(size_of::<W::Word>() as u8);
        if code != ROWS {
            let label = self.label(code, trie)?;
            node = trie.child(node, label)?;
        }
        self.nodes.set(number, node);
        Ok(node)
    }

    /// The label in place of a code.
    fn label(&mut self, code: u32, trie: &mut Trie<S>) -> Result<u32, TableError> {
        let Some(number) = code.checked_sub(FIRST_SEGMENT) else { return Ok(code) };
        let segment = self.segments.get_or(number, || {
            let text = self.places.get(number).and_then(|place| self.names.bytes(place));
            trie.segments.intern([text.unwrap_or_default(), b""], &PATTERN_ERRORS)
        })?;
        Ok(segment.saturating_add(FIRST_SEGMENT))
    }
}

/// The copies of attributes, values and automata.
struct FilterCopies<'t, S: Storage, W: Width> {
    view: View<'t, W>,
    docs: Copies<S::Words>,
    values: Copies<S::Words>,
    dfas: Copies<S::Words>,
}

impl<'t, S: Storage, W: Width> FilterCopies<'t, S, W> {
    fn new(view: View<'t, W>) -> Result<Self, Full> {
        let Counts { docs, values, dfas, .. } = view.head.counts;
        Ok(Self { view, docs: Copies::new(docs)?, values: Copies::new(values)?, dfas: Copies::new(dfas)? })
    }

    /// Appends the copy of a filter.
    fn push(&mut self, clause: &Clause<'_, W::Word>, filters: &mut Filters<S>) -> Result<(), TableError> {
        let doc = self.docs.get_or(clause.doc.into(), || {
            filters.doc(self.view.doc(clause.doc).unwrap_or_default()).map(u32::from)
        })?;
        filters.word(clause_head(clause.operator, clause.negated, doc as u8))?;
        let mut operands = clause.operands.iter().map(|word| W::number(*word));
        match clause.operator {
            Operator::Regexp => return self.push_regexp(operands, filters),
            Operator::In => filters.word(operands.len() as u32)?,
            _ => {}
        }
        operands.try_for_each(|number| {
            let place = self.value(number, filters)?;
            filters.operand(place)
        })
    }

    /// Appends the copies of an automaton and of its pattern.
    fn push_regexp(
        &mut self,
        mut operands: impl Iterator<Item = u32>,
        filters: &mut Filters<S>,
    ) -> Result<(), TableError> {
        let (Some(dfa), Some(pattern)) = (operands.next(), operands.next()) else { return Ok(()) };
        let place = self.value(pattern, filters)?;
        let dfa = self.dfas.get_or(dfa, || match filters.dfa_of(place) {
            Some(known) => Ok(known),
            None => filters.add_dfa(place, self.view.dfa(dfa).unwrap_or_default()),
        })?;
        [dfa, place].into_iter().try_for_each(|word| filters.word(word))
    }

    fn value(&mut self, number: u32, filters: &mut Filters<S>) -> Result<u32, TableError> {
        let bytes = || self.view.values().bytes(number).unwrap_or_default();
        self.values.get_or(number, || filters.name([bytes(), b""]))
    }
}
