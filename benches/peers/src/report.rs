//! Prints what was measured as tables in Markdown, and whether the table is as much quicker as it is to be.

use crate::lane::{Lane, Outcome};
use crate::work::Kind;

/// What each matcher did with one workload of one size.
pub struct Race {
    /// The workload.
    pub kind: Kind,
    /// How many webhooks.
    pub count: usize,
    /// Name and outcome of each matcher, the table first.
    pub outcomes: Vec<(&'static str, Outcome)>,
}

impl Race {
    /// What the lanes have to say.
    pub fn new(kind: Kind, count: usize, lanes: &[Lane]) -> Self {
        Self { kind, count, outcomes: lanes.iter().map(|lane| (lane.name, lane.outcome())).collect() }
    }

    /// The times of the table itself, from its input and from the text.
    fn own_ns(&self) -> (f64, f64) {
        match self.outcomes.first() {
            Some((_, Outcome::Ran { find_ns, whole_ns, .. })) => (*find_ns, *whole_ns),
            _ => (f64::NAN, f64::NAN),
        }
    }

    /// How many times as long as the table a matcher took, if it took part and was right.
    fn ratio(&self, name: &str) -> Option<f64> {
        self.outcomes.iter().find(|(other, _)| *other == name).and_then(|(_, outcome)| match outcome {
            Outcome::Ran { right: true, find_ns, .. } => Some(find_ns / self.own_ns().0),
            _ => None,
        })
    }
}

/// Two tables for each workload, a row for each matcher, a column for each size: from what a matcher makes of an event,
/// and from the text.
pub fn print(races: &[Race]) {
    for kind in [Kind::W1, Kind::W2, Kind::W3] {
        let races: Vec<&Race> = races.iter().filter(|race| race.kind == kind).collect();
        print_table(&format!("{kind:?}, find"), &races, |find_ns, _| find_ns);
        print_table(&format!("{kind:?}, from the text"), &races, |_, whole_ns| whole_ns);
        print_left_out(&races);
    }
}

fn print_table(title: &str, races: &[&Race], pick: fn(f64, f64) -> f64) {
    let Some(first) = races.first() else { return };
    let sizes = races.iter().map(|race| format!(" {} |", race.count)).collect::<String>();
    println!("\n| {title} |{sizes}\n|---|{}", "--:|".repeat(races.len()));
    for (row, (name, _)) in first.outcomes.iter().enumerate() {
        let cells: Vec<Option<String>> = races.iter().map(|race| cell(race, row, pick)).collect();
        if cells.iter().any(Option::is_some) {
            let cell = |cell: Option<String>| format!(" {} |", cell.unwrap_or_else(|| "–".into()));
            println!("| {name} |{}", cells.into_iter().map(cell).collect::<String>());
        }
    }
}

/// The time, and how many times as long as the table's it is.
fn cell(race: &Race, row: usize, pick: fn(f64, f64) -> f64) -> Option<String> {
    let Outcome::Ran { right, find_ns, whole_ns } = race.outcomes[row].1 else { return None };
    let (own_find_ns, own_whole_ns) = race.own_ns();
    let (ns, own_ns) = (pick(find_ns, whole_ns), pick(own_find_ns, own_whole_ns));
    let wrong = if right { "" } else { ", other answers" };
    Some(if row == 0 { format!("{ns:.0}") } else { format!("{ns:.0} ({:.1} ×{wrong})", ns / own_ns) })
}

/// Who sat out where, and why.
fn print_left_out(races: &[&Race]) {
    println!();
    let Some(first) = races.first() else { return };
    for (row, (name, _)) in first.outcomes.iter().enumerate() {
        let why = |race: &&Race| match &race.outcomes[row].1 {
            Outcome::LeftOut(why) => Some((race.count, why.clone())),
            Outcome::Ran { .. } => None,
        };
        let left_out: Vec<(usize, String)> = races.iter().filter_map(why).collect();
        if let Some((_, why)) = left_out.first() {
            let counts: Vec<String> = left_out.iter().map(|(count, _)| count.to_string()).collect();
            println!("- {name} is left out of {:?} at {}: {why}", first.kind, counts.join(", "));
        }
    }
}

/// A matcher, a workload, a size, and how many times as long it is to take at least.
const TARGETS: [(&str, Kind, usize, f64); 7] = [
    ("globset", Kind::W1, 256, 3.0),
    ("mqtt-topic-engine", Kind::W1, 256, 3.0),
    ("regex", Kind::W1, 256, 3.0),
    ("rmqtt", Kind::W1, 256, 10.0),
    ("rumqttd", Kind::W1, 256, 10.0),
    ("a-tree", Kind::W3, 256, 7.0),
    ("a-tree", Kind::W3, 4_096, 25.0),
];

/// Says of each target whether it is met, and which peers were quicker anywhere, counted without making the input.
pub fn print_targets(races: &[Race]) {
    println!();
    for (name, kind, count, wanted) in TARGETS {
        let race = races.iter().find(|race| race.kind == kind && race.count == count);
        let ratio = race.and_then(|race| ratio_of(race, name));
        let verdict = if ratio.is_some_and(|ratio| ratio >= wanted) { "met" } else { "missed" };
        println!(
            "- {name}, {kind:?} at {count}: {:.1} × of {wanted} ×, {verdict}",
            ratio.unwrap_or_default()
        );
    }
    for race in races {
        for (name, _) in race.outcomes.iter().skip(1) {
            if race.ratio(name).is_some_and(|ratio| ratio <= 1.0) {
                println!("- {name} is quicker on {:?} at {}", race.kind, race.count);
            }
        }
    }
}

fn ratio_of(race: &Race, start: &str) -> Option<f64> {
    let name = race.outcomes.iter().map(|(name, _)| *name).find(|name| name.starts_with(start))?;
    race.ratio(name)
}
