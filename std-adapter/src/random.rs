//! Chance: numbers that spread waits, from the operating system's randomness or from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers that many can use at once. It is quick and not for secrets: one seed gives one sequence.
///
/// ```
/// use bellwire::random::Dice;
///
/// let (one, same) = (Dice::seeded(7), Dice::seeded(7));
/// assert_eq!([one.roll(), one.roll()], [same.roll(), same.roll()]);
/// ```
#[derive(Debug)]
pub struct Dice(AtomicU64);

/// The step of the generator called SplitMix64 (Steele, Lea and Flood, 2014), and its two multipliers.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const MIX: [u64; 2] = [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

impl Dice {
    /// Dice that always fall in the same way.
    pub fn seeded(seed: u64) -> Dice {
        Dice(AtomicU64::new(seed))
    }

    /// Dice that nobody can foresee. Without the operating system's randomness they fall in the same way every time,
    /// which spreads waits as well.
    pub fn unforeseen() -> Dice {
        let mut seed = [0; 8];
        Dice::seeded(getrandom::fill(&mut seed).map_or(STEP, |()| u64::from_le_bytes(seed)))
    }

    /// The next number.
    pub fn roll(&self) -> u64 {
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(MIX[0]);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(MIX[1]);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let dice = Dice::seeded(1_234_567);
        let rolled: Vec<u64> = (0..3).map(|_| dice.roll()).collect();
        assert_eq!(rolled, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
