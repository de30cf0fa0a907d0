//! What a space with many webhooks costs: the memory of the server, how long it takes to start, and the processor time
//! of an event that one of them asked for.
//!
//! Run it with `cargo run --release -p bellwire-benches --bin large_space -- --help`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwire::store::FjallStore;
use bellwire::store::record::WebhookRecord;
use bellwire_benches::process::{Connection, Fault, Helper, count_arrivals, expect, serve};
use bellwire_benches::stored;
use clap::Parser;
use hyper::Method;

/// How long the last deliveries may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measure what a space with many webhooks costs
#[derive(Clone, Debug, Parser)]
struct Args {
    /// Webhooks in the space; several sizes, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1,1000,100000")]
    webhooks: Vec<u64>,
    /// Events published for each size, one after the other
    #[arg(long, default_value_t = 5_000)]
    events: u64,
    /// What this process is: started by the program itself
    #[arg(long, hide = true, default_value = "publisher")]
    role: String,
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
}

fn main() -> Result<(), Fault> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.role.as_str() {
        "server" => runtime.block_on(serve(args.data)),
        _ => runtime.block_on(measure_all(args)),
    }
}

async fn measure_all(args: Args) -> Result<(), Fault> {
    let (endpoint, arrived) = count_arrivals().await?;
    println!("webhooks  started after, ms  memory at rest, MB  processor time of an event, µs");
    for webhooks in &args.webhooks {
        arrived.store(0, Ordering::SeqCst);
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data");
        fill(&data, *webhooks, endpoint)?;
        let begun = Instant::now();
        let server = Helper::start("server", &["--data", &data.to_string_lossy()])?;
        let started = begun.elapsed();
        let resting_kb = server.status_kb("VmRSS").unwrap_or_default();
        let before = server.cpu_seconds().unwrap_or_default();
        publish(&server, args.events).await?;
        wait_for(&arrived, args.events).await?;
        let took = server.cpu_seconds().unwrap_or_default() - before;
        println!(
            "{webhooks:>8}  {:>17.0}  {:>18}  {:>30.0}",
            started.as_secs_f64() * 1e3,
            resting_kb / 1_024,
            took / args.events as f64 * 1e6
        );
    }
    Ok(())
}

/// A webhook for the type of the events, and others for types of their own.
fn fill(data: &Path, webhooks: u64, endpoint: SocketAddr) -> Result<(), Fault> {
    let webhook = |number| WebhookRecord {
        url: format!("http://{endpoint}/"),
        ..stored::webhook(number, vec![format!("Type{number}.publish")])
    };
    Ok(stored::fill(&FjallStore::open(data)?, (0..webhooks).map(webhook))?)
}

async fn publish(server: &Helper, events: u64) -> Result<(), Fault> {
    let mut connection = Connection::open(server.address).await?;
    let path = format!("/spaces/{}/events", stored::SPACE);
    for _ in 0..events {
        let payload = "{\"sys\":{\"id\":\"bench\"}}".into();
        expect(connection.publish(Method::POST, &path, "Type0.publish", payload).await?)?;
    }
    Ok(())
}

async fn wait_for(arrived: &AtomicU64, count: u64) -> Result<(), Fault> {
    let waiting = Instant::now();
    while arrived.load(Ordering::SeqCst) < count {
        if waiting.elapsed() > PATIENCE {
            return Err("not every delivery was made".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
