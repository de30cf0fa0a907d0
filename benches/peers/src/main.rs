//! Runs the match table and its peers side by side, and prints how long an event takes each of them.

use bellwire_peers::lane::{Lane, race};
use bellwire_peers::matchers::{Expressions, Filters, Globs, Nodes, Regexes, Table, Tree, Wildcards};
use bellwire_peers::report::{self, Race};
use bellwire_peers::work::{Kind, Work};

/// How many webhooks.
const COUNTS: [usize; 4] = [16, 256, 4_096, 65_536];

fn main() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores; nanoseconds an event in the quickest turn (how many times as long as bellwire)");
    let mut races = Vec::new();
    for kind in [Kind::W1, Kind::W2, Kind::W3] {
        for count in COUNTS {
            eprintln!("{kind:?} with {count} webhooks");
            races.push(run(&Work::new(kind, count)));
        }
    }
    report::print(&races);
    report::print_targets(&races);
}

fn run(work: &Work) -> Race {
    let mut lanes = [
        Lane::new::<Table>(work),
        Lane::new::<Filters>(work),
        Lane::new::<Tree>(work),
        Lane::new::<Nodes>(work),
        Lane::new::<Globs>(work),
        Lane::new::<Regexes>(work),
        Lane::new::<Wildcards>(work),
        Lane::new::<Expressions>(work),
    ];
    race(&mut lanes);
    Race::new(work.kind, work.count, &lanes)
}
