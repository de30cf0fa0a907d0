//! Chance: everything that happens by it in one history comes from one seed.

use bellwire::random::Dice;

/// Numbers from a seed, and choices made with them.
pub(crate) struct Chance(Dice);

impl Chance {
    /// A sequence of its own for each purpose, so that a change of one leaves the others as they are.
    pub(crate) fn new(seed: u64, purpose: u64) -> Chance {
        let mix = Dice::seeded(seed ^ (purpose << 56));
        mix.roll();
        Chance(Dice::seeded(mix.roll()))
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.roll() % end
    }

    /// A number from `first` to, not including, `end`.
    pub(crate) fn between(&self, first: u64, end: u64) -> u64 {
        first + self.below(end - first)
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&self, times: u64) -> bool {
        self.below(100) < times
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// One of these, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&self, choices: &[(u64, T)]) -> T {
        let mut left = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        choices[0].1
    }

    /// Some time between the two, the short as likely as the long.
    pub(crate) fn span_ms(&self, least: u64, most: u64) -> u64 {
        let doublings = (most / least.max(1)).max(1).ilog2() as u64 + 1;
        let from = least.max(1) << self.below(doublings);
        self.between(from, from * 2).clamp(least, most)
    }
}
