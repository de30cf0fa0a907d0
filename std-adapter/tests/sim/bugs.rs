//! Planted bugs: each must be found within a bounded number of histories.

use std::sync::atomic::{AtomicUsize, Ordering};

use bellwire::planted::{Bug, plant};

use crate::history::{Report, play};

/// Histories within which each bug is found.
const SEEDS_MAX: u64 = 60;

/// Plays histories until one breaks a promise.
fn hunt(bug: Bug) -> Option<Report> {
    plant(Some(bug));
    let found = (1..=SEEDS_MAX).map(|seed| play(seed, 1)).find(|report| !report.problems.is_empty());
    plant(None);
    found
}

fn hunt_all() -> Vec<(Bug, Option<Report>)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut hunted = Vec::new();
        while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            hunted.push((*bug, hunt(*bug)));
        }
        hunted
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a hunt that ends")).collect()
    })
}

#[test]
fn every_planted_bug_is_found() {
    let hunted = hunt_all();
    for (bug, found) in &hunted {
        match found {
            Some(report) => println!("{bug:?}: seed {}: {}", report.seed, report.problems[0]),
            None => println!("{bug:?}: NOT FOUND in {SEEDS_MAX} histories"),
        }
    }
    let missed: Vec<Bug> = hunted.iter().filter(|(_, found)| found.is_none()).map(|(bug, _)| *bug).collect();
    assert_eq!(missed, []);
}
