//! A range of keys to scan, forwards or backwards.

use std::borrow::Cow;
use std::ops::Bound;

/// Keys from a first one, included, to a last one, excluded; ascending unless [`reversed`](Range::reversed).
///
/// ```
/// use bellwire::store::Range;
///
/// let range = Range::prefix(b"w1/");
/// assert!(range.contains(b"w1/e1") && !range.contains(b"w10/e1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range<'a> {
    from: Cow<'a, [u8]>,
    to: Option<Cow<'a, [u8]>>,
    reverse: bool,
}

impl<'a> Range<'a> {
    /// Every key.
    #[must_use]
    pub fn all() -> Range<'static> {
        Range::from_key(b"")
    }

    /// Every key that begins with `prefix`; every key at all if it is empty.
    #[must_use]
    pub fn prefix(prefix: &'a [u8]) -> Range<'a> {
        Range { from: prefix.into(), to: after_prefix(prefix).map(Cow::Owned), reverse: false }
    }

    /// Keys with `from <= key < to`; none if `to <= from`.
    #[must_use]
    pub fn between(from: &'a [u8], to: &'a [u8]) -> Range<'a> {
        Range { from: from.into(), to: Some(to.into()), reverse: false }
    }

    /// Keys with `from <= key`.
    #[must_use]
    pub fn from_key(from: &'a [u8]) -> Range<'a> {
        Range { from: from.into(), to: None, reverse: false }
    }

    /// The part of the range that comes after `key` in ascending order: for a scan that goes on where the one
    /// before it stopped.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Range<'a> {
        // The least key above `key` is `key` with a zero byte behind it.
        let mut next = key.to_vec();
        next.push(0);
        if self.from.as_ref() < next.as_slice() {
            self.from = Cow::Owned(next);
        }
        self
    }

    /// The part of the range that comes before `key` in ascending order: what [`after`](Range::after) is to an
    /// ascending scan, this is to a reversed one.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Range<'a> {
        if self.to.as_ref().is_none_or(|to| key < to.as_ref()) {
            self.to = Some(Cow::Owned(key.to_vec()));
        }
        self
    }

    /// The same keys, last one first.
    #[must_use]
    pub fn reversed(mut self) -> Range<'a> {
        self.reverse = !self.reverse;
        self
    }

    /// Whether rows come last one first.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        self.reverse
    }

    /// Whether no key can lie in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| to <= &self.from)
    }

    /// Whether `key` lies in it.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.from.as_ref() <= key && self.to.as_ref().is_none_or(|to| key < to.as_ref())
    }

    /// The bounds as ordered collections take them. Collections may panic on the bounds of an
    /// [empty](Range::is_empty) range.
    #[must_use]
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let to = self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(&self.from), to)
    }
}

/// The least byte string above everything that begins with `prefix`: the prefix without its trailing `0xff`,
/// the last byte one higher. `None` if nothing lies above.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let (last, rest) = prefix.iter().rposition(|byte| *byte != 0xff).map(|at| (prefix[at], &prefix[..at]))?;
    Some([rest, &[last + 1]].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefix_bounds_carry_over_ff() {
        let rows: [(&[u8], Option<&[u8]>); 6] = [
            (b"", None),
            (b"\xff", None),
            (b"\xff\xff", None),
            (b"a", Some(b"b")),
            (b"a\xff\xff", Some(b"b")),
            (b"a\xfe\xff", Some(b"a\xff")),
        ];
        for (prefix, to) in rows {
            assert_eq!(after_prefix(prefix).as_deref(), to, "{prefix:x?}");
        }
    }

    #[test]
    fn after_and_before_only_narrow() {
        let range = Range::between(b"b", b"d");
        assert_eq!(range.clone().after(b"a"), range);
        assert_eq!(range.clone().before(b"e"), range);
        assert!(!range.clone().after(b"c").contains(b"c"));
        assert!(range.clone().after(b"c").contains(b"c\0"));
        assert!(!range.clone().before(b"c").contains(b"c"));
        assert!(range.after(b"z").is_empty());
    }

    proptest! {
        #[test]
        fn prefix_contains_exactly_what_starts_with_it(
            prefix in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xfe), Just(0xff)], 0..4),
            key in proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xfe), Just(0xff)], 0..6),
        ) {
            prop_assert_eq!(Range::prefix(&prefix).contains(&key), key.starts_with(&prefix));
        }
    }
}
