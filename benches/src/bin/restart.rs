//! How soon a server delivers again that is started with very many deliveries owed, and how much memory that takes.
//!
//! Fills a store as a server would have left it, starts a server on it in a process of its own, and is the endpoint.
//!
//! Run it with `cargo run --release -p bellwire-benches --bin restart -- --help`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwire::clock;
use bellwire::config::Settings;
use bellwire::id;
use bellwire::node::Node;
use bellwire::secret::Secret;
use bellwire::store::record::{self, EventRecord, OwedKey, OwedRecord, SpaceRecord};
use bellwire::store::{Batch, Durability, FjallStore, Range, Store, Table};
use bellwire_benches::process::{ADMIN, Fault, Helper, announce};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

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
        "server" => runtime.block_on(serve(args)),
        _ => runtime.block_on(measure(args)),
    }
}

fn settings(data: PathBuf, webhooks: u64) -> Result<Settings, Fault> {
    Ok(Settings {
        data,
        listen: "127.0.0.1:0".parse()?,
        allow_private_networks: true,
        webhooks_per_space: usize::try_from(webhooks)?,
        admin_token: Some(Secret::new(ADMIN)),
        ..Settings::default()
    })
}

async fn serve(args: Args) -> Result<(), Fault> {
    let node = Node::start(settings(args.data.ok_or("a server needs --data")?, args.webhooks)?).await?;
    announce(node.address())?;
    std::future::pending().await
}

async fn measure(args: Args) -> Result<(), Fault> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let (endpoint, arrived) = receive().await?;
    define(&args, &data, endpoint).await?;
    let filling = Instant::now();
    fill(&args, &data)?;
    println!("{} deliveries to {} webhooks, written in {:.1?}", args.owed, args.webhooks, filling.elapsed());
    let begun = Instant::now();
    let server = Helper::start("server", &["--data", &data.to_string_lossy()])?;
    println!("listening after            {:>10.0} ms", begun.elapsed().as_secs_f64() * 1_000.0);
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

/// An endpoint that counts.
async fn receive() -> Result<(SocketAddr, Arc<AtomicU64>), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let arrived = Arc::new(AtomicU64::new(0));
    let count = arrived.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = count.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let count = count.clone();
                async move {
                    let _ = request.into_body().collect().await;
                    count.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    Ok((address, arrived))
}

/// Makes the space and its webhooks.
async fn define(args: &Args, data: &Path, endpoint: SocketAddr) -> Result<(), Fault> {
    let node = Node::start(settings(data.to_owned(), args.webhooks)?).await?;
    node.ensure_space("bench").await?;
    for number in 0..args.webhooks {
        let url = format!("http://{endpoint}/{number}");
        let definition = json!({"name": "w", "url": url, "topics": ["*.*"]});
        node.put_webhook("bench", &format!("w{number}"), &definition).await?;
    }
    node.stop().await;
    Ok(())
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
    Ok(store.commit(&Batch::new(), Durability::Synced)?)
}
