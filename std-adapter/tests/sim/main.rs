//! The whole node in a world that one seed makes: see README.md.

mod acts;
#[cfg(feature = "planted-bugs")]
mod bugs;
mod chance;
mod clock;
mod disk;
mod history;
mod ledger;
mod life;
mod network;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::history::{Report, play};

/// Histories that are played unless `BELLWIRE_SIM_SEEDS` says otherwise.
const SEEDS: u64 = 100;
/// Disagreements after which a history is not played on.
const PROBLEMS_MAX: usize = 10;
/// The first seed, or with `BELLWIRE_SIM_SEEDS=1` the only one.
const FIRST_SEED: &str = "BELLWIRE_SIM_SEED";

fn number(variable: &str, default: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} must be a number")))
}

/// Plays these histories on as many threads as there are processors.
fn play_all(seeds: std::ops::Range<u64>) -> Vec<Report> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut reports = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return reports;
            }
            reports.push(play(seed, PROBLEMS_MAX));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a history that ends")).collect()
    })
}

fn replay(seed: u64) -> String {
    format!(
        "{FIRST_SEED}={seed} BELLWIRE_SIM_SEEDS=1 BELLWIRE_SIM_TELL=1 cargo test -p bellwire --test sim promises -- --nocapture"
    )
}

#[test]
fn the_promises_hold_in_every_history() {
    let (first, count) = (number(FIRST_SEED, 1), number("BELLWIRE_SIM_SEEDS", SEEDS));
    let begun = Instant::now();
    let reports = play_all(first..first + count);
    let hours: u64 = reports.iter().map(|report| report.passed_ms).sum::<u64>() / 3_600_000;
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    println!(
        "{count} histories, {hours} simulated hours, {} events accepted, {} requests, {} lives, in {:.1} s",
        sum(|report| report.accepted),
        sum(|report| report.requests as u64),
        sum(|report| u64::from(report.lives)),
        begun.elapsed().as_secs_f64(),
    );
    let broken: Vec<&Report> = reports.iter().filter(|report| !report.problems.is_empty()).collect();
    for report in &broken {
        println!("seed {} broke a promise:", report.seed);
        report.problems.iter().for_each(|problem| println!("  {problem}"));
        println!("  replay: {}", replay(report.seed));
    }
    assert!(broken.is_empty(), "{} of {count} histories broke a promise", broken.len());
}

#[test]
fn one_seed_is_one_history() {
    for seed in 1..4 {
        assert_eq!(play(seed, PROBLEMS_MAX), play(seed, PROBLEMS_MAX), "seed {seed}");
    }
}
