//! Writing the image: everything is numbered in its final order, then the parts are written one after the other.

use crate::limits::{TABLE_BUCKET_MAX, TABLE_BYTES_MAX, TABLE_STEPS_MAX};
use crate::table::MatchTable;
use crate::table::checksum::xxh32;
use crate::table::error::TableError;
use crate::table::group::{Group, GroupKey};
use crate::table::head::{CHECKED_FROM, CHECKSUM_AT, HEAD_BYTES, Head, LISTED, TAILS};
use crate::table::layout::{Counts, Layout, bucket_count};
use crate::table::names::hash;
use crate::table::program::{Operator, clause_head};
use crate::table::survey::survey;
use crate::table::value::hash_name;
use crate::table::view::{AnyView, with_view};
use crate::table::width::{Kind, link, none, ones};

use super::filters::{Filters, Hook};
use super::groups::Groups;
use super::interner::{Interner, Name};
use super::pack::{PackError, SlotList, put};
use super::storage::{Full, List, Storage};
use super::trie::{NOWHERE, Trie};
use super::{clauses_full, patterns_full, text_full};

/// Seeds that are tried for one whose largest bucket is small.
const SEEDS: u32 = 16;

/// Makes the table of what a builder collected.
pub(super) fn table<S: Storage>(
    trie: Trie<S>,
    filters: Filters<S>,
    hooks: S::Hooks,
    mut rules: S::Keys,
    seed: u32,
) -> Result<MatchTable<S::Bytes>, TableError> {
    rules.as_mut_slice().sort_unstable();
    let (keys, segment_keys, value_keys) = (S::Keys::EMPTY, S::Keys::EMPTY, S::ValueKeys::EMPTY);
    let mut writer = Writer { trie, filters, hooks, rules, keys, segment_keys, value_keys };
    writer.bound_rows();
    let seed = writer.choose_seed(seed)?;
    writer.filters.values.number(writer.value_keys.as_slice());
    let groups = Groups::new(&writer.trie, &writer.filters, writer.hooks.as_slice(), writer.rules.as_slice());
    let counts = writer.counts(&groups)?;
    let head = Head { seed, counts, ..Head::EMPTY };
    let mut image = Err(PackError::TooNarrow);
    if counts.is_narrow() {
        image = writer.write(Head { width: 2, ..head }, &groups);
    }
    if matches!(image, Err(PackError::TooNarrow)) {
        if cfg!(not(feature = "wide")) {
            return Err(TableError::WideUnsupported);
        }
        image = writer.write(Head { width: 4, ..head }, &groups);
    }
    match image {
        Ok(image) => finish(image),
        Err(PackError::Full(full)) => Err(text_full(full)),
        Err(PackError::TooNarrow) => Err(TableError::TooLarge),
    }
}

/// What a builder collected, in final order.
struct Writer<S: Storage> {
    trie: Trie<S>,
    filters: Filters<S>,
    /// Sorted by webhook: a webhook's place is its row.
    hooks: S::Hooks,
    /// Node and row of each pattern, sorted.
    rules: S::Keys,
    /// A list to sort in.
    keys: S::Keys,
    /// Bucket and place of each segment, sorted.
    segment_keys: S::Keys,
    /// Bucket and place of each value, sorted.
    value_keys: S::ValueKeys,
}

impl<S: Storage> Writer<S> {
    /// Lets each node know its rules.
    fn bound_rows(&mut self) {
        let mut start = 0_u32;
        for rules in self.rules.as_slice().chunk_by(|a, b| a >> 32 == b >> 32) {
            let end = start.wrapping_add(rules.len() as u32);
            let number = rules.first().map_or(NOWHERE, |rule| (rule >> 32) as u32);
            if let Some(node) = self.trie.node_mut(number) {
                (node.rows_start, node.rows_end) = (start, end);
            }
            start = end;
        }
    }

    /// Sorts segments and values into buckets, by the first seed whose buckets are small, or the best of some.
    fn choose_seed(&mut self, first: u32) -> Result<u32, TableError> {
        let names = self.trie.segments.len().max(self.filters.values.len()).max(1);
        // What is usual for so many names in as many buckets as there are, or half as many.
        let small = 3 + names.ilog2() / 2;
        let (mut best, mut seed) = ((u32::MAX, first), first);
        for _ in 0..SEEDS {
            let most = self.order(seed)?;
            best = best.min((most, seed));
            if most <= small.min(TABLE_BUCKET_MAX as u32) {
                return Ok(seed);
            }
            seed = seed.wrapping_mul(0x915f_77f5).wrapping_add(0x9e37_79b9);
        }
        let (most, seed) = best;
        if most as usize > TABLE_BUCKET_MAX {
            return Err(TableError::Collisions);
        }
        self.order(seed).map(|_| seed)
    }

    fn order(&mut self, seed: u32) -> Result<u32, TableError> {
        let (segments, values) = (&self.trie.segments, &self.filters.values);
        let segments =
            segments.order(|name| hash(seed, name), &mut self.segment_keys).map_err(patterns_full)?;
        let values =
            values.order(|name| hash_name(seed, name), &mut self.value_keys).map_err(clauses_full)?;
        Ok(segments.max(values))
    }

    /// How much there is of everything, with nodes for slots.
    fn counts(&self, groups: &Groups<S>) -> Result<Counts, TableError> {
        let count = |count: usize| u32::try_from(count).map_err(|_| TableError::TooLarge);
        let (segments, values) = (&self.trie.segments, &self.filters.values);
        Ok(Counts {
            webhooks: count(self.hooks.as_slice().len())?,
            segments: count(segments.len())?,
            segment_bytes: count(segments.text.as_slice().len())?,
            values: count(values.len())?,
            value_bytes: count(values.text.as_slice().len())?,
            docs: count(self.filters.docs.as_slice().len())?,
            words: count(self.filters.words.as_slice().len())?,
            dfas: count(self.filters.dfa_ends.as_slice().len())?,
            dfa_bytes: count(self.filters.dfas.as_slice().len())?,
            groups: count(groups.nodes().len())?,
            group_keys: count(groups.keys().count())?,
            postings: count(self.node_postings().saturating_add(groups.entries().len()))?,
            slots: count(self.trie.nodes.as_slice().len())?,
        })
    }

    /// Words of the lists of all nodes.
    fn node_postings(&self) -> usize {
        let words = |rows: u32| if rows > 1 { (rows as usize).saturating_add(1) } else { 0 };
        self.trie.nodes.as_slice().iter().map(|node| words(node.rows())).fold(0, usize::saturating_add)
    }

    /// Writes the whole image; bounds and checksum are missing in its head.
    fn write(&mut self, mut head: Head, groups: &Groups<S>) -> Result<S::Bytes, PackError> {
        let listed = (0_u32..).zip(self.hooks.as_slice()).any(|(row, hook)| row != hook.webhook);
        head.flags = if listed { LISTED } else { 0 };
        let mut pen = Pen { image: S::Bytes::EMPTY, word_bytes: head.width };
        pen.skip(HEAD_BYTES).map_err(PackError::Full)?;
        self.trie.number_segments(&mut self.keys).map_err(PackError::Full)?;
        head.counts.slots =
            SlotList::new(&mut pen.image, HEAD_BYTES, head.width).pack(&mut self.trie, &mut self.keys)?;
        self.write_parts(&mut pen, &head, groups).map_err(PackError::Full)?;
        head.bytes = pen.image.as_slice().len() as u32;
        pen.set_head(&head);
        Ok(pen.image)
    }

    /// Writes all parts behind the slots.
    fn write_parts(&mut self, pen: &mut Pen<S::Bytes>, head: &Head, groups: &Groups<S>) -> Result<(), Full> {
        self.write_names(pen)?;
        self.write_filters(pen)?;
        self.write_nodes(pen, head.counts.slots)?;
        groups.entries().iter().try_for_each(|entry| pen.word(*entry as u32))?;
        if head.flags & LISTED != 0 {
            self.hooks.as_slice().iter().try_for_each(|hook| pen.long(hook.webhook))?;
        }
        self.write_groups(pen, groups)?;
        self.write_group_keys(pen, groups)?;
        let ends = self.filters.dfa_ends.as_slice();
        if !ends.is_empty() {
            pen.long(0)?;
        }
        ends.iter().try_for_each(|end| pen.long(*end))?;
        pen.text_of_names(&self.trie.segments, self.segment_keys.as_slice())?;
        pen.text_of_names(&self.filters.values, self.value_keys.as_slice())?;
        pen.image.extend(self.filters.dfas.as_slice())
    }

    /// The words of segments, values and attributes.
    fn write_names(&self, pen: &mut Pen<S::Bytes>) -> Result<(), Full> {
        let (segments, values) = (&self.trie.segments, &self.filters.values);
        pen.bounds_of_names(segments, self.segment_keys.as_slice())?;
        for key in self.segment_keys.as_slice() {
            pen.word(segments.name(*key as u32).map_or(NOWHERE, |name| name.number))?;
        }
        pen.bounds_of_names(values, self.value_keys.as_slice())?;
        self.filters.docs.as_slice().iter().try_for_each(|place| pen.word(self.filters.number(*place)))
    }

    /// The filters of all rows.
    fn write_filters(&self, pen: &mut Pen<S::Bytes>) -> Result<(), Full> {
        if self.filters.words.as_slice().is_empty() {
            return Ok(());
        }
        let mut start = 0_u32;
        for hook in self.hooks.as_slice() {
            pen.word(start)?;
            start = start.wrapping_add(hook.words_end.wrapping_sub(hook.words_start));
        }
        pen.word(start)?;
        self.hooks.as_slice().iter().try_for_each(|hook| self.write_words(pen, hook))
    }

    /// The filters of one webhook: values get their numbers in place of their places.
    fn write_words(&self, pen: &mut Pen<S::Bytes>, hook: &Hook) -> Result<(), Full> {
        for clause in self.filters.clauses(hook) {
            pen.word(clause_head(clause.operator, clause.negated, clause.doc))?;
            if clause.operator == Operator::In {
                pen.word(clause.operands.len() as u32)?;
            }
            for (number, place) in clause.operands.iter().enumerate() {
                // The first operand of a regexp is the number of its automaton.
                let is_dfa = clause.operator == Operator::Regexp && number == 0;
                pen.word(if is_dfa { *place } else { self.filters.number(*place) })?;
            }
        }
        Ok(())
    }

    /// The lists of groups stand behind those of nodes.
    fn write_group_keys(&self, pen: &mut Pen<S::Bytes>, groups: &Groups<S>) -> Result<(), Full> {
        let behind = self.node_postings() as u32;
        for (key, [start, end]) in groups.keys() {
            let key = GroupKey { key, start: start.wrapping_add(behind), end: end.wrapping_add(behind) };
            key.to_words().into_iter().try_for_each(|word| pen.long(word))?;
        }
        Ok(())
    }

    /// Writes all nodes into their slots, and appends the lists of their rows in the order of slots.
    fn write_nodes(&self, pen: &mut Pen<S::Bytes>, count: u32) -> Result<(), Full> {
        let (width, mut posting) = (pen.word_bytes, 0_u32);
        for number in 0..count {
            let mut slots = SlotList::new(&mut pen.image, HEAD_BYTES, width);
            let Some(node) = slots.node(number).and_then(|number| self.trie.node(number)) else {
                slots.set(number, [0, ones(width)]);
                continue;
            };
            let own = number == node.slot;
            let parent =
                if own { self.trie.node(node.parent).map(|parent| parent.slot) } else { Some(node.slot) };
            let parent = parent.unwrap_or(none(width));
            let rules = self.rules.as_slice().get(node.rows_start as usize..node.rows_end as usize);
            match rules.unwrap_or_default() {
                [] => slots.set(number, [node.base, link(parent, Kind::Inner)]),
                _ if own && node.is_both() => slots.set(number, [node.base, link(parent, Kind::Both)]),
                [rule] => slots.set(number, [*rule as u32, link(parent, Kind::Row)]),
                rules => {
                    slots.set(number, [posting, link(parent, Kind::List)]);
                    posting = posting.wrapping_add(rules.len() as u32).wrapping_add(1);
                    pen.word(rules.len() as u32)?;
                    rules.iter().try_for_each(|rule| pen.word(*rule as u32))?;
                }
            }
        }
        Ok(())
    }

    /// Writes the groups in the order of their nodes' slots.
    fn write_groups(&mut self, pen: &mut Pen<S::Bytes>, groups: &Groups<S>) -> Result<(), Full> {
        let (order, at) = (&mut self.keys, pen.image.as_slice().len());
        order.truncate(0);
        pen.skip(groups.nodes().len().saturating_mul(16))?;
        let width = pen.word_bytes;
        let slot_of = |node: &u32| self.trie.node(*node).map_or(NOWHERE, |node| node.rows_slot(width));
        groups.nodes().iter().try_for_each(|node| order.push(slot_of(node).into()))?;
        order.as_mut_slice().sort_unstable();
        for (node, group) in groups.nodes().iter().zip(groups.groups()) {
            let slot = slot_of(node);
            let place = order.as_slice().partition_point(|other| *other < u64::from(slot));
            let at = at.saturating_add(place.saturating_mul(16));
            let words = (Group { slot, ..group }).to_words();
            for (word, offset) in words.into_iter().zip((0_usize..).step_by(4)) {
                put(pen.image.as_mut_slice(), at.saturating_add(offset), 4, word);
            }
        }
        Ok(())
    }
}

/// Appends to an image.
struct Pen<B> {
    image: B,
    word_bytes: u8,
}

impl<B: List<u8>> Pen<B> {
    fn word(&mut self, word: u32) -> Result<(), Full> {
        // Lengths that the compiler knows: so a word is stored and not copied by a call.
        let [a, b, c, d] = word.to_le_bytes();
        if self.word_bytes == 2 { self.image.extend(&[a, b]) } else { self.image.extend(&[a, b, c, d]) }
    }

    fn long(&mut self, word: u32) -> Result<(), Full> {
        self.image.extend(&word.to_le_bytes())
    }

    fn skip(&mut self, bytes: usize) -> Result<(), Full> {
        let length = self.image.as_slice().len().saturating_add(bytes);
        self.image.resize(length, 0)
    }

    /// Bounds of buckets and of names. `keys` are buckets and places of names, sorted.
    fn bounds_of_names<N, H, T>(&mut self, names: &Interner<N, H, T>, keys: &[u64]) -> Result<(), Full>
    where
        N: List<Name>,
        H: List<u32>,
        T: List<u8>,
    {
        if keys.is_empty() {
            return Ok(());
        }
        let mut entry = 0_usize;
        for bucket in 0..=bucket_count(names.len() as u32) {
            while keys.get(entry).is_some_and(|key| key >> 32 < u64::from(bucket)) {
                entry = entry.wrapping_add(1);
            }
            self.word(entry as u32)?;
        }
        let mut start = 0_usize;
        for key in keys {
            self.word(start as u32)?;
            start = start.saturating_add(names.bytes(*key as u32).len());
        }
        self.word(start as u32)
    }

    /// The text of names in the order of `keys`.
    fn text_of_names<N, H, T>(&mut self, names: &Interner<N, H, T>, keys: &[u64]) -> Result<(), Full>
    where
        N: List<Name>,
        H: List<u32>,
        T: List<u8>,
    {
        keys.iter().try_for_each(|key| self.image.extend(names.bytes(*key as u32)))
    }

    fn set_head(&mut self, head: &Head) {
        if let Some(place) = self.image.as_mut_slice().first_chunk_mut() {
            *place = head.to_bytes();
        }
    }
}

/// Puts the bounds and the checksum into the head.
fn finish<B: List<u8> + AsRef<[u8]>>(image: B) -> Result<MatchTable<B>, TableError> {
    let mut pen = Pen { image, word_bytes: 4 };
    let mut head = Head::read(pen.image.as_slice()).ok_or(TableError::TooLarge)?;
    let layout = Layout::new(&head).ok_or(TableError::TooLarge)?;
    let found = with_view!(AnyView::new(pen.image.as_slice(), &head, &layout), view => survey(&view));
    // What was written is sound, unless a number was cut because there was too much of something.
    let found = found.map_err(|_| TableError::TooLarge)?;
    if found.steps_max > TABLE_STEPS_MAX {
        return Err(TableError::TooManySteps);
    }
    head.flags |= if found.tails { TAILS } else { 0 };
    head.bucket_max = found.bucket_max;
    (head.visits_max, head.steps_max) = (found.visits_max, found.steps_max);
    pen.set_head(&head);
    let checksum = xxh32(pen.image.as_slice().get(CHECKED_FROM..).unwrap_or_default());
    put(pen.image.as_mut_slice(), CHECKSUM_AT, 4, checksum);
    Ok(MatchTable { bytes: pen.image, head, layout })
}

const _: () = assert!(TABLE_BYTES_MAX < u32::MAX as usize);
