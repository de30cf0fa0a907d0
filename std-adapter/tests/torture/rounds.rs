//! How much is done, from which seed, and how a round that failed is played again.

use std::env;
use std::fmt::Display;
use std::str::FromStr;

use super::chance::Chance;

/// Number of rounds of each kind, instead of the few that fit a build server.
const ROUNDS: &str = "BELLWIRE_TORTURE_ROUNDS";
/// The seed from which everything that happens by chance is drawn.
const SEED: &str = "BELLWIRE_TORTURE_SEED";

fn setting<T: FromStr<Err: Display>>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|cause| panic!("{name}={text}: {cause}")))
}

/// Plays rounds, the first of them with the seed, each further one with the next number as its seed. Each seed is a round
/// of its own, so that one that failed can be played alone. `fewest` are played unless the environment says how many.
pub(crate) fn play(fewest: u64, round: impl Fn(Chance)) {
    let first = setting(SEED).unwrap_or_else(|| u64::from(std::process::id()));
    for seed in first..first + setting(ROUNDS).unwrap_or(fewest) {
        // Shown when the test fails.
        println!("round of {SEED}={seed} {ROUNDS}=1");
        round(Chance::new(seed, 0));
    }
}
