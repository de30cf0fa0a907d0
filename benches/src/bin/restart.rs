//! How soon a server delivers again that is started with very many deliveries owed, and how much memory that takes.
//!
//! Fills a store as a server would have left it, starts a server on it in a process of its own, and is the endpoint.
//!
//! Run it with `cargo run --release -p bellwire-benches --bin restart -- --help`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bellwire::clock;
use bellwire::id;
use bellwire::node::Node;
use bellwire::store::record::{self, EventRecord, OwedKey, OwedRecord, SpaceRecord};
use bellwire::store::{Batch, Durability, FjallStore, Range, Store, Table};
use bellwire_benches::process::{Fault, Helper, count_arrivals, serve, settings};
use clap::Parser;
use serde_json::json;

/// How long the first delivery may take before the program gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measure a start with very many deliveries owed
#[derive(Clone, Debug, Parser)]
struct Args {
    /// Deliveries owed
    #[arg(long, default_value_t = 1_000_000)]
    owed: u64,
    /// Webhooks that they are owed to
    #[arg(long, default_value_t = 100)]
    webhooks: u64,
    /// Bytes of an event's payload
    #[arg(long, default_value_t = 1_024)]
    bytes: usize,
    /// Seconds for which the server delivers before its memory is read
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Let the server before be killed in the middle of its work, instead of ending well
    #[arg(long)]
    killed: bool,
    /// What this process is: started by the program itself
    #[arg(long, hide = true, default_value = "endpoint")]
    role: String,
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
}

fn main() -> Result<(), Fault> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.role.as_str() {
        "server" => runtime.block_on(serve(args.data)),
        "filler" => fill(&args, args.data.as_deref().ok_or("a filler needs --data")?),
        _ => runtime.block_on(measure(args)),
    }
}

async fn measure(args: Args) -> Result<(), Fault> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let (endpoint, arrived) = count_arrivals().await?;
    define(&args, &data, endpoint).await?;
    let filling = Instant::now();
    fill_aside(&args, &data)?;
    println!("{} deliveries to {} webhooks, written in {:.1?}", args.owed, args.webhooks, filling.elapsed());
    let begun = Instant::now();
    let server = Helper::start("server", &["--data", &data.to_string_lossy()])?;
    let listening = begun.elapsed().as_secs_f64() * 1_000.0;
    let worked = server.cpu_seconds().unwrap_or_default() * 1_000.0;
    println!("listening after            {listening:>10.0} ms, of which {worked:.0} ms at work");
    while arrived.load(Ordering::SeqCst) == 0 {
        if begun.elapsed() > PATIENCE {
            return Err("nothing was delivered".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("first delivery after       {:>10.0} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    let made = arrived.load(Ordering::SeqCst);
    println!("delivered {} s later      {made:>10}", args.seconds);
    for (name, label) in [("VmHWM", "peak memory"), ("RssAnon", "of that not the store's files, now")] {
        println!("{label:<35} {:>6} MB", server.status_kb(name).unwrap_or_default() / 1_024);
    }
    Ok(())
}

/// Makes the space and its webhooks.
async fn define(args: &Args, data: &Path, endpoint: SocketAddr) -> Result<(), Fault> {
    let node = Node::start(settings(data.to_owned())).await?;
    node.ensure_space("bench").await?;
    for number in 0..args.webhooks {
        let url = format!("http://{endpoint}/{number}");
        let definition = json!({"name": "w", "url": url, "topics": ["*.*"]});
        node.put_webhook("bench", &format!("w{number}"), &definition).await?;
    }
    node.stop().await;
    Ok(())
}

/// Fills the store in a process of its own, which can be killed.
fn fill_aside(args: &Args, data: &Path) -> Result<(), Fault> {
    let mut filler = Command::new(std::env::current_exe()?);
    filler.args(["--role", "filler", "--data"]).arg(data);
    for (name, value) in [("--owed", args.owed), ("--bytes", args.bytes as u64)] {
        filler.arg(name).arg(value.to_string());
    }
    let ended = filler.args(args.killed.then_some("--killed")).status()?;
    if ended.success() || args.killed { Ok(()) } else { Err("the store could not be filled".into()) }
}

/// Writes events and what they owe, as the server does.
fn fill(args: &Args, data: &Path) -> Result<(), Fault> {
    let store = FjallStore::open(data)?;
    let (_, space) = store.scan(Table::Spaces, Range::all(), 1)?.pop().ok_or("the store is empty")?;
    let space: SpaceRecord = record::decode(&space)?;
    let uids: Vec<u64> = (store.scan(Table::Webhooks, Range::all(), usize::MAX)?.iter())
        .map(|(_, value)| record::decode::<record::WebhookRecord>(value).map(|webhook| webhook.uid))
        .collect::<Result<_, _>>()?;
    let now_ms = clock::now_ms();
    let event = EventRecord {
        environment: "master".into(),
        topic: "Entry.publish".into(),
        occurred_at_ms: now_ms,
        user: "bench".into(),
        entity_id: None,
        context: Vec::new(),
        payload: format!("{{\"text\":\"{}\"}}", "x".repeat(args.bytes)).into_bytes(),
    };
    let (mut left, mut number) = (args.owed, 0);
    while left > 0 {
        let mut batch = Batch::new();
        for _ in 0..100 {
            let event_id = id::first_of(now_ms) + number;
            number += 1;
            batch.put(Table::Events, record::timed_key(space.uid, event_id), record::encode(&event));
            for webhook_uid in uids.iter().take(usize::try_from(left)?) {
                let key = OwedKey { webhook_uid: *webhook_uid, due_ms: now_ms, event_id };
                let owed = OwedRecord { space_uid: space.uid, attempt: 1, ..OwedRecord::default() };
                batch.put(Table::Owed, key.to_bytes(), record::encode(&owed));
            }
            left = left.saturating_sub(uids.len() as u64);
        }
        store.commit(&batch, Durability::Buffered)?;
    }
    store.commit(&Batch::new(), Durability::Synced)?;
    if args.killed {
        std::process::abort();
    }
    Ok(())
}
