//! How long a change of one webhook takes until it is live in a space that has many, and what matching notices of it.
//!
//! For each size of the space: the time from the start of a change until the new table is in place, on a real disk, and
//! the slowest of the matches that another thread did all the while.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwire::net::AddressPolicy;
use bellwire::store::record::WebhookRecord;
use bellwire::store::{Committer, FjallStore};
use bellwire::webhooks::definition::Definition;
use bellwire::webhooks::{Expected, Registry, Space};
use bellwire_benches::stored;
use bellwire_benches::workload::{self, Event, Webhook, Workload};
use bellwire_core::filter::{Filter, Test, Value};
use clap::Parser;
use serde_json::{Value as Json, json};

/// Measure how long a change of one webhook takes until it is live
#[derive(Debug, Parser)]
struct Args {
    /// Webhooks in the space; several sizes, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "100,10000,100000")]
    webhooks: Vec<usize>,
    /// Changes measured for each size
    #[arg(long, default_value_t = 20)]
    changes: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    println!("webhooks  filters  change, median ms  slowest ms  slowest match, ms  of matches");
    for count in args.webhooks {
        for workload in [workload::plain(count), workload::filtered(count)] {
            runtime.block_on(measure(workload, args.changes))?;
        }
    }
    Ok(())
}

async fn measure(workload: Workload, changes: usize) -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let store = Arc::new(FjallStore::open(&directory.path().join("data"))?);
    stored::fill(&*store, (0..).zip(&workload.webhooks).map(|(number, webhook)| stored(webhook, number)))?;
    let registry = Registry::load(&*store, Committer::start(store.clone()))?;
    let space = registry.space(stored::SPACE).ok_or("the space that was stored is not there")?;
    let done = Arc::new(AtomicBool::new(false));
    let has_filters = workload.webhooks.iter().any(|webhook| !webhook.filters.is_empty());
    let matching = thread::spawn({
        let (space, done) = (space.clone(), done.clone());
        move || match_until(&space, &workload.events, &done)
    });
    let mut times = Vec::with_capacity(changes);
    for number in 0..changes {
        times.push(change(&registry, &space, number).await?);
    }
    done.store(true, Ordering::Relaxed);
    let (slowest, matches) = matching.join().map_err(|_| "the matching thread ended early")?;
    times.sort_unstable();
    println!(
        "{:>8}  {:>7}  {:>17.2}  {:>10.2}  {:>17.3}  {matches:>10}",
        space.live().webhooks.len(),
        if has_filters { "yes" } else { "no" },
        ms(times[changes / 2]),
        ms(times[changes - 1]),
        ms(slowest),
    );
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Replaces one webhook by one with another name and topic; how long it took until its table was in place.
async fn change(registry: &Registry, space: &Arc<Space>, number: usize) -> Result<Duration, Box<dyn Error>> {
    let live = space.live();
    let was = live.webhooks.get(number * 7919 % live.webhooks.len()).ok_or("the space is empty")?;
    let body =
        json!({"name": format!("changed {number}"), "url": was.record.url, "topics": ["Entry.publish"]});
    let definition = Definition::parse(&body, Some(&was.record), AddressPolicy::PublicOnly);
    let definition = definition.map_err(|problems| format!("{problems:?}"))?;
    let started = Instant::now();
    let change = registry.change(space).await;
    change.update(was, definition, Expected::Version(was.record.version), stored::stamp()).await?;
    Ok(started.elapsed())
}

/// The slowest match, and how many there were.
fn match_until(space: &Space, events: &[Event], done: &AtomicBool) -> (Duration, usize) {
    let (mut slowest, mut matches) = (Duration::ZERO, 0);
    for event in events.iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
        let started = Instant::now();
        let live = space.live();
        // One match: the lists of all would be as long as the space, and the time that of handing them out.
        std::hint::black_box(live.table.find(&event.topic, event.attributes.as_slice()).next());
        slowest = slowest.max(started.elapsed());
        matches += 1;
    }
    (slowest, matches)
}

fn stored(webhook: &Webhook, number: u64) -> WebhookRecord {
    let filters: Vec<Json> = webhook.filters.iter().map(filter_json).collect();
    let topics = vec![webhook.pattern.to_string()];
    WebhookRecord { filters_json: Some(Json::from(filters).to_string()), ..stored::webhook(number, topics) }
}

fn filter_json(filter: &Filter<'_>) -> Json {
    let text = |value: &Value<'_>| match value {
        Value::Text(text) => json!(text),
        other => unreachable!("a workload's filters compare with texts, not with {other:?}"),
    };
    let (operator, operand) = match filter.test {
        Test::Equals(value) => ("equals", text(&value)),
        Test::In(values) => ("in", values.iter().map(text).collect()),
        // The API's filters have no prefix.
        Test::Prefix(prefix) => ("regexp", json!({"pattern": format!("^{prefix}")})),
        other => unreachable!("a workload has equals, in and prefix, not {other:?}"),
    };
    let json = json!({operator: [{"doc": filter.doc}, operand]});
    if filter.negated { json!({"not": json}) } else { json }
}
