//! Writing the image: everything is numbered in its final order, then the parts are written one after the other.

use crate::limits::{TABLE_BUCKET_MAX, TABLE_BYTES_MAX, TABLE_STEPS_MAX};
use crate::table::MatchTable;
use crate::table::checksum::xxh32;
use crate::table::error::TableError;
use crate::table::group::{Group, GroupKey};
use crate::table::head::{CHECKED_FROM, CHECKSUM_AT, HEAD_BYTES, Head, LISTED, TAILS};
use crate::table::layout::{Counts, Layout, bucket_count};
use crate::table::survey::survey;
use crate::table::view::{AnyView, with_view};
use crate::table::width::none;

use super::filters::{Filters, Hook};
use super::groups::Groups;
use super::interner::Interner;
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
    mut hooks: S::Hooks,
    mut rules: S::Keys,
    seed: u32,
) -> Result<MatchTable<S::Bytes>, TableError> {
    hooks.as_mut_slice().sort_unstable_by_key(|hook| hook.webhook);
    number_rows(rules.as_mut_slice(), hooks.as_slice());
    let (keys, segment_keys, value_keys) = (S::Keys::EMPTY, S::Keys::EMPTY, S::ValueKeys::EMPTY);
    let mut writer = Writer { trie, filters, hooks, rules, keys, segment_keys, value_keys };
    writer.bound_rows();
    let seed = writer.choose_seed(seed)?;
    let groups = Groups::new(&writer.trie, &writer.filters, writer.hooks.as_slice(), writer.rules.as_slice());
    let counts = writer.counts(&groups)?;
    let head = Head { width: if counts.is_narrow() { 2 } else { 4 }, seed, counts, ..Head::EMPTY };
    let mut image = writer.write(head, &groups);
    if matches!(image, Err(PackError::TooNarrow)) {
        image = writer.write(Head { width: 4, ..head }, &groups);
    }
    match image {
        Ok(image) => finish(image),
        Err(PackError::Full(full)) => Err(text_full(full)),
        Err(PackError::TooNarrow) => Err(TableError::TooLarge),
    }
}

/// Lets each rule name its webhook by the number of its row, and sorts rules by node and row.
fn number_rows(rules: &mut [u64], hooks: &[Hook]) {
    let mut row = 0_usize;
    for rule in &mut *rules {
        let webhook = *rule as u32;
        let is_it = |row: usize| hooks.get(row).is_some_and(|hook| hook.webhook == webhook);
        // Rules come webhook by webhook, mostly in the order of rows.
        row = match (is_it(row), is_it(row.wrapping_add(1))) {
            (true, _) => row,
            (false, true) => row.wrapping_add(1),
            _ => hooks.partition_point(|hook| hook.webhook < webhook),
        };
        *rule = *rule >> 32 << 32 | row as u64;
    }
    rules.sort_unstable();
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
        let segments = self.trie.segments.order(seed, &mut self.segment_keys).map_err(patterns_full)?;
        let values = self.filters.values.order(seed, &mut self.value_keys).map_err(clauses_full)?;
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
            postings: count(self.rules.as_slice().len().saturating_add(groups.entries().len()))?,
            slots: count(self.trie.nodes.as_slice().len())?,
        })
    }

    /// Writes the whole image; bounds and checksum are missing in its head.
    fn write(&mut self, mut head: Head, groups: &Groups<S>) -> Result<S::Bytes, PackError> {
        let listed = (0_u32..).zip(self.hooks.as_slice()).any(|(row, hook)| row != hook.webhook);
        head.flags = if listed { LISTED } else { 0 };
        let mut pen = Pen { image: S::Bytes::EMPTY, word_bytes: head.width };
        self.trie.number_segments(&mut self.keys).map_err(PackError::Full)?;
        self.write_names(&mut pen).map_err(PackError::Full)?;
        if listed {
            let mut webhooks = self.hooks.as_slice().iter().map(|hook| hook.webhook);
            webhooks.try_for_each(|webhook| pen.long(webhook)).map_err(PackError::Full)?;
        }
        self.write_filters(&mut pen).map_err(PackError::Full)?;
        let groups_at = pen.image.as_slice().len();
        pen.skip(16 * groups.nodes().len()).map_err(PackError::Full)?;
        self.write_group_keys(&mut pen, groups).map_err(PackError::Full)?;
        let postings_at = pen.image.as_slice().len();
        pen.skip(usize::from(head.width) * self.rules.as_slice().len()).map_err(PackError::Full)?;
        let mut rows = groups.entries().iter().map(|entry| *entry as u32);
        rows.try_for_each(|row| pen.word(row)).map_err(PackError::Full)?;

        let mut slots = SlotList::new(&mut pen.image, head.width);
        head.counts.slots = slots.pack(&mut self.trie, &mut self.keys)?;
        self.write_nodes(&mut slots, head, postings_at).map_err(PackError::Full)?;
        self.write_groups(slots.before(), groups, groups_at).map_err(PackError::Full)?;
        head.bytes = pen.image.as_slice().len() as u32;
        pen.set_head(&head);
        Ok(pen.image)
    }

    /// The head's room, segments, values and attributes.
    fn write_names(&self, pen: &mut Pen<S::Bytes>) -> Result<(), Full> {
        pen.skip(HEAD_BYTES)?;
        let segments = &self.trie.segments;
        let number = |place: u32| segments.name(place).map_or(NOWHERE, |name| name.number);
        let by_number = self.keys.as_slice().iter().map(|key| *key as u32);
        pen.names(segments, self.segment_keys.as_slice(), number, by_number)?;
        let by_number = 0..self.filters.values.len() as u32;
        pen.names(&self.filters.values, self.value_keys.as_slice(), |place| place, by_number)?;
        self.filters.docs.as_slice().iter().try_for_each(|place| pen.word(*place))
    }

    /// The filters of all rows, and automata.
    fn write_filters(&self, pen: &mut Pen<S::Bytes>) -> Result<(), Full> {
        let (hooks, words) = (self.hooks.as_slice(), self.filters.words.as_slice());
        if !words.is_empty() {
            let mut start = 0_u32;
            for hook in hooks {
                pen.word(start)?;
                start = start.wrapping_add(hook.words_end.wrapping_sub(hook.words_start));
            }
            pen.word(start)?;
        }
        for hook in hooks {
            let own = words.get(hook.words_start as usize..hook.words_end as usize);
            own.unwrap_or_default().iter().try_for_each(|word| pen.word(*word))?;
        }
        let ends = self.filters.dfa_ends.as_slice();
        if !ends.is_empty() {
            pen.long(0)?;
        }
        ends.iter().try_for_each(|end| pen.long(*end))?;
        pen.image.extend(self.filters.dfas.as_slice())
    }

    /// The lists of groups stand behind those of nodes.
    fn write_group_keys(&self, pen: &mut Pen<S::Bytes>, groups: &Groups<S>) -> Result<(), Full> {
        let behind = self.rules.as_slice().len() as u32;
        for (key, [start, end]) in groups.keys() {
            let key = GroupKey { key, start: start.wrapping_add(behind), end: end.wrapping_add(behind) };
            key.to_words().into_iter().try_for_each(|word| pen.long(word))?;
        }
        Ok(())
    }

    /// Writes all nodes, and their rows in the order of slots.
    fn write_nodes(
        &self,
        slots: &mut SlotList<'_, S::Bytes>,
        head: Head,
        postings_at: usize,
    ) -> Result<(), Full> {
        let (width, mut posting) = (usize::from(head.width), 0_u32);
        for slot in 0..head.counts.slots {
            let Some(node) = slots.node(slot).and_then(|number| self.trie.node(number)) else {
                slots.set(slot, [0, none(head.width), posting]);
                continue;
            };
            let parent = self.trie.node(node.parent).map_or(none(head.width), |parent| parent.slot);
            slots.set(slot, [node.base, parent, posting]);
            let rules = self.rules.as_slice().get(node.rows_start as usize..node.rows_end as usize);
            let mut at = postings_at.saturating_add(width.saturating_mul(posting as usize));
            for rule in rules.unwrap_or_default() {
                put(slots.before(), at, head.width, *rule as u32);
                at = at.saturating_add(width);
                posting = posting.wrapping_add(1);
            }
        }
        if head.counts.slots > 0 { slots.end(posting) } else { Ok(()) }
    }

    /// Writes the groups in the order of their nodes' slots, into the room that was left for them.
    fn write_groups(&mut self, image: &mut [u8], groups: &Groups<S>, at: usize) -> Result<(), Full> {
        let order = &mut self.keys;
        order.truncate(0);
        let slot_of = |node: &u32| self.trie.node(*node).map_or(NOWHERE, |node| node.slot);
        groups.nodes().iter().try_for_each(|node| order.push(slot_of(node).into()))?;
        order.as_mut_slice().sort_unstable();
        for (node, group) in groups.nodes().iter().zip(groups.groups()) {
            let slot = slot_of(node);
            let place = order.as_slice().partition_point(|other| *other < u64::from(slot));
            let at = at.saturating_add(place.saturating_mul(16));
            let words = (Group { slot, ..group }).to_words();
            for (word, offset) in words.into_iter().zip((0_usize..).step_by(4)) {
                put(image, at.saturating_add(offset), 4, word);
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
        let bytes = word.to_le_bytes();
        self.image.extend(bytes.get(..self.word_bytes.into()).unwrap_or(&bytes))
    }

    fn long(&mut self, word: u32) -> Result<(), Full> {
        self.image.extend(&word.to_le_bytes())
    }

    fn skip(&mut self, bytes: usize) -> Result<(), Full> {
        let length = self.image.as_slice().len().saturating_add(bytes);
        self.image.resize(length, 0)
    }

    /// Buckets, entries, starts and text of names. `keys` are their buckets and places, `number` gives the number of a
    /// place, `by_number` the places in the order of numbers.
    fn names<N, H, T>(
        &mut self,
        names: &Interner<N, H, T>,
        keys: &[u64],
        number: impl Fn(u32) -> u32,
        by_number: impl Iterator<Item = u32> + Clone,
    ) -> Result<(), Full>
    where
        N: List<super::Name>,
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
        keys.iter().try_for_each(|key| self.word(number(*key as u32)))?;
        let text = names.text.as_slice();
        let bytes_of = |place: u32| names.name(place).map_or(&[][..], |name| name.bytes(text));
        let mut start = 0_usize;
        for place in by_number.clone() {
            self.word(start as u32)?;
            start = start.saturating_add(bytes_of(place).len());
        }
        self.word(start as u32)?;
        by_number.into_iter().try_for_each(|place| self.image.extend(bytes_of(place)))
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
