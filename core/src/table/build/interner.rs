//! Names while a table is built: each once, numbered in the order of arrival, sorted into buckets in the end.

use crate::limits::TABLE_VALUES_MAX;
use crate::table::error::TableError;
use crate::table::layout::bucket_count;
use crate::table::names::{FNV_BASIS, fnv1a, fold};

use super::chains::{Chains, Link};
use super::storage::{Full, List};

/// A segment or a value. A [`Storage`](super::Storage) keeps it and cannot look inside.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    start: u32,
    length: u16,
    /// Number of the attribute of this name plus one; 0 when it is none.
    pub(super) doc: u16,
    hash: u32,
    next: u32,
    /// Its number in the image.
    pub(super) number: u32,
    /// How many filters ask for it.
    pub(super) uses: u32,
    /// Number of the automaton of this pattern plus one; 0 when it is none.
    pub(super) dfa: u32,
}

impl Name {
    /// Its bytes in the text of all names.
    pub(super) fn bytes<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let start = self.start as usize;
        text.get(start..start.saturating_add(self.length.into())).unwrap_or_default()
    }
}

impl Link for Name {
    fn hash(&self) -> u32 {
        self.hash
    }

    fn next(&self) -> u32 {
        self.next
    }

    fn set_next(&mut self, next: u32) {
        self.next = next;
    }
}

/// Names of one kind.
pub(super) struct Interner<N, H, B> {
    pub(super) names: N,
    pub(super) text: B,
    chains: Chains<Name, H>,
}

/// How to say that there is no room for a name, or for its bytes.
pub(super) struct Errors {
    pub(super) names: fn(Full) -> TableError,
    pub(super) text: fn(Full) -> TableError,
}

impl<N: List<Name>, H: List<u32>, B: List<u8>> Interner<N, H, B> {
    pub(super) const EMPTY: Self = Self { names: N::EMPTY, text: B::EMPTY, chains: Chains::EMPTY };

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.as_slice().len()
    }

    /// The place of a name whose bytes are those of `parts`, one after the other. A new one is put in.
    pub(super) fn intern(&mut self, parts: [&[u8]; 2], errors: &Errors) -> Result<u32, TableError> {
        let hash = parts.iter().fold(FNV_BASIS, |hash, part| fnv1a(hash, part));
        let [first, second] = parts;
        let text = self.text.as_slice();
        let is_it = |name: &Name| name.bytes(text).strip_prefix(first) == Some(second);
        match self.chains.find(self.names.as_slice(), hash, is_it) {
            Some(place) => Ok(place),
            None => self.add(parts, hash, errors),
        }
    }

    fn add(&mut self, parts: [&[u8]; 2], hash: u32, errors: &Errors) -> Result<u32, TableError> {
        let place = self.len();
        if place >= TABLE_VALUES_MAX {
            return Err(TableError::TooManyTableValues);
        }
        let start = u32::try_from(self.text.as_slice().len()).map_err(|_| TableError::TooLarge)?;
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let length = u16::try_from(length).map_err(|_| TableError::ValueTooLong)?;
        let name = Name { start, length, doc: 0, hash, next: 0, number: 0, uses: 0, dfa: 0 };
        self.names.push(name).map_err(errors.names)?;
        self.chains.insert_last(self.names.as_mut_slice());
        let written = parts.iter().try_for_each(|part| self.text.extend(part));
        written.inspect_err(|_| self.truncate(place)).map_err(errors.text)?;
        Ok(place as u32)
    }

    /// Drops all names from `length` on.
    pub(super) fn truncate(&mut self, length: usize) {
        while self.len() > length
            && let Some(name) = self.names.as_slice().last()
        {
            self.chains.remove_last(name);
            self.text.truncate(name.start as usize);
            self.names.truncate(self.len().wrapping_sub(1));
        }
    }

    /// The bytes of the name in a place.
    pub(super) fn bytes(&self, place: u32) -> &[u8] {
        self.name(place).map_or(&[], |name| name.bytes(self.text.as_slice()))
    }

    pub(super) fn name(&self, place: u32) -> Option<&Name> {
        self.names.as_slice().get(place as usize)
    }

    pub(super) fn name_mut(&mut self, place: u32) -> Option<&mut Name> {
        self.names.as_mut_slice().get_mut(place as usize)
    }

    /// Sorts the names into buckets of the hashes that `hash` gives, and gives how many the largest bucket has. `keys`
    /// holds bucket and place of each name in this order afterwards.
    pub(super) fn order(&self, hash: impl Fn(&[u8]) -> u32, keys: &mut impl List<u64>) -> Result<u32, Full> {
        keys.truncate(0);
        let mask = bucket_count(self.len() as u32).wrapping_sub(1);
        for (place, name) in (0_u32..).zip(self.names.as_slice()) {
            let bucket = fold(hash(name.bytes(self.text.as_slice()))) & mask;
            keys.push(u64::from(bucket) << 32 | u64::from(place))?;
        }
        keys.as_mut_slice().sort_unstable();
        let buckets = keys.as_slice().chunk_by(|a, b| a >> 32 == b >> 32);
        Ok(buckets.map(|bucket| bucket.len() as u32).max().unwrap_or_default())
    }

    /// Numbers the names in this order.
    pub(super) fn number(&mut self, keys: &[u64]) {
        for (number, key) in (0_u32..).zip(keys) {
            if let Some(name) = self.name_mut(*key as u32) {
                name.number = number;
            }
        }
    }
}
