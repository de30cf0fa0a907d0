//! Events accepted and deliveries made per second, end to end, as ratios to the same client posting straight to the
//! same receiver; and how long an event takes to arrive when the server is not busy.
//!
//! Three processes on this machine, as in real life: the sender (this one), the server, the receiver. The program
//! starts itself again for the other two. Sockets are real, the store is on the disk, every acknowledgement waits
//! for its fsync. One row is of a server that answers 202 and stores nothing: what storing costs. Run it with `cargo run --release -p bellwire-benches --bin end_to_end -- --help`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwire::node::Node;
use bellwire::store::{Batch, Durability, MemoryStore, Pace, Range, Row, Store, StoreError, Table};
use bellwire_benches::latency::quantile_ms;
use bellwire_benches::process::{Connection, Fault, Helper, announce, expect, listen, serve, settings};
use bytes::Bytes;
use clap::Parser;
use hyper::Method;

/// How long deliveries may lag behind the last acknowledgement before the program gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measure a whole server: accepted events and deliveries per second
#[derive(Clone, Debug, Parser)]
struct Args {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections of the sender
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Bytes of an event's payload
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Webhooks that match every event, one measurement each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10])]
    fan_out: Vec<usize>,
    /// The modest rate at which latencies are measured, in percent of the deliveries made at fan-out 1
    #[arg(long, default_value_t = 20)]
    modest: u64,
    /// What this process is: started by the program itself
    #[arg(long, hide = true, default_value = "sender")]
    role: String,
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
}

fn main() -> Result<(), Fault> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.role.as_str() {
        "receiver" => runtime.block_on(receive()),
        "server" => runtime.block_on(serve(args.data)),
        "forgetful" => runtime.block_on(serve_forgetfully()),
        _ => runtime.block_on(send(args)),
    }
}

/// The receiver: answers 200 and counts; `GET` answers with the count.
async fn receive() -> Result<(), Fault> {
    let count = Arc::new(AtomicU64::new(0));
    let (address, listening) = listen(move |method, _| {
        if method == Method::GET {
            return count.load(Ordering::SeqCst).to_string().into();
        }
        count.fetch_add(1, Ordering::SeqCst);
        Bytes::new()
    })
    .await?;
    announce(address)?;
    Ok(listening.await?)
}

/// A server that acknowledges events and stores none.
async fn serve_forgetfully() -> Result<(), Fault> {
    let node = Node::start_with(settings(PathBuf::new()), Forgetful(MemoryStore::new())).await?;
    announce(node.address())?;
    std::future::pending().await
}

/// A store that takes events in and does not keep them.
struct Forgetful(MemoryStore);

impl Store for Forgetful {
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        if batch.changes().any(|(table, _, _)| table == Table::Events) {
            return Ok(());
        }
        self.0.commit(batch, durability)
    }

    fn pace(&self) -> Pace {
        self.0.pace()
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(table, key)
    }

    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.0.scan(table, range, limit)
    }

    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.0.scan_keys(table, range, limit)
    }
}

/// Posts as fast as the connections allow. Answers with how many were taken, and how long that took.
async fn load(
    args: &Args,
    address: SocketAddr,
    path: &'static str,
    payload: &Bytes,
) -> Result<(u64, Duration), Fault> {
    let begun = Instant::now();
    let end = begun + Duration::from_secs(args.seconds);
    let mut senders = Vec::new();
    for _ in 0..args.connections {
        let mut connection = Connection::open(address).await?;
        let payload = payload.clone();
        senders.push(tokio::spawn(async move {
            let mut taken = 0;
            while Instant::now() < end {
                let (status, body) = connection.send(Method::POST, path, payload.clone()).await?;
                match status {
                    200 | 202 => taken += 1,
                    429 | 503 => tokio::time::sleep(Duration::from_millis(5)).await,
                    _ => return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()),
                }
            }
            Ok::<u64, Fault>(taken)
        }));
    }
    let mut taken = 0;
    for sender in senders {
        taken += sender.await??;
    }
    Ok((taken, begun.elapsed()))
}

/// One line of the table.
struct Measured {
    name: String,
    events: f64,
    deliveries: Option<f64>,
    cpu_for_10_000: Option<f64>,
}

impl Measured {
    fn of_events(name: &str, events: f64) -> Measured {
        Measured { name: name.to_owned(), events, deliveries: None, cpu_for_10_000: None }
    }
}

async fn send(args: Args) -> Result<(), Fault> {
    let payload = payload(args.bytes, 0);
    let receiver = Helper::start("receiver", &[])?;
    let (taken, took) = load(&args, receiver.address, "/hook", &payload).await?;
    let straight = taken as f64 / took.as_secs_f64();
    let mut rows = vec![Measured::of_events("straight to the receiver", straight)];
    rows.push(forgotten(&args, &payload).await?);
    for fan_out in [0].iter().chain(&args.fan_out) {
        rows.push(through_server(&args, &payload, *fan_out).await?);
    }
    print_table(&args, &rows, straight);
    match rows.iter().find(|row| row.name == through(1)).and_then(|row| row.deliveries) {
        Some(fastest) => measure_latency(&args, (fastest * args.modest as f64 / 100.0) as u64).await,
        None => Ok(()),
    }
}

fn through(fan_out: usize) -> String {
    format!("through the server, fan-out {fan_out}")
}

/// A fresh server with a space, and webhooks for everything that is published.
async fn start_server(
    data: &tempfile::TempDir,
    fan_out: usize,
    receiver: SocketAddr,
) -> Result<Helper, Fault> {
    let server = Helper::start("server", &["--data", &data.path().join("data").to_string_lossy()])?;
    let mut admin = Connection::open(server.address).await?;
    expect(admin.send(Method::PUT, "/spaces/bench", "{\"name\":\"bench\"}".into()).await?)?;
    for number in 0..fan_out {
        let definition =
            format!("{{\"name\":\"w\",\"url\":\"http://{receiver}/hook\",\"topics\":[\"*.publish\"]}}");
        let path = format!("/spaces/bench/webhook_definitions/w{number}");
        expect(admin.send(Method::PUT, &path, definition.into()).await?)?;
    }
    Ok(server)
}

/// Publishes to a server that stores nothing.
async fn forgotten(args: &Args, payload: &Bytes) -> Result<Measured, Fault> {
    let server = Helper::start("forgetful", &[])?;
    let mut admin = Connection::open(server.address).await?;
    expect(admin.send(Method::PUT, "/spaces/bench", "{\"name\":\"bench\"}".into()).await?)?;
    let (taken, took) = load(args, server.address, "/spaces/bench/events", payload).await?;
    Ok(Measured::of_events("answered, not stored", taken as f64 / took.as_secs_f64()))
}

/// Publishes to a fresh server whose webhooks all call one receiver, and waits for the last delivery.
async fn through_server(args: &Args, payload: &Bytes, fan_out: usize) -> Result<Measured, Fault> {
    let data = tempfile::tempdir()?;
    let receiver = Helper::start("receiver", &[])?;
    let server = start_server(&data, fan_out, receiver.address).await?;
    let cpu_before = server.cpu_seconds();
    let begun = Instant::now();
    let (taken, took) = load(args, server.address, "/spaces/bench/events", payload).await?;
    let owed = taken * fan_out as u64;
    wait_for(&receiver, owed).await?;
    let delivered_in = begun.elapsed();
    let cpu = server.cpu_seconds().zip(cpu_before).map(|(after, before)| after - before);
    Ok(Measured {
        name: through(fan_out),
        events: taken as f64 / took.as_secs_f64(),
        deliveries: (fan_out > 0).then(|| owed as f64 / delivered_in.as_secs_f64()),
        cpu_for_10_000: cpu.map(|seconds| seconds / owed.max(taken) as f64 * 10_000.0),
    })
}

/// Publishes at a rate that leaves the server time, and says how long after its 202 an event arrives.
async fn measure_latency(args: &Args, rate: u64) -> Result<(), Fault> {
    let (begun, total) = (Instant::now(), rate * args.seconds);
    let now = move || begun.elapsed().as_micros() as u64;
    let moments = || -> Arc<Vec<AtomicU64>> { Arc::new((0..total).map(|_| AtomicU64::new(0)).collect()) };
    let (answered, arrived) = (moments(), moments());
    let noting = arrived.clone();
    let (receiver, _listening) = listen(move |_, body| {
        if let Some(moment) = number_of(&body).and_then(|number| noting.get(number)) {
            moment.store(now(), Ordering::SeqCst);
        }
        Bytes::new()
    })
    .await?;
    let data = tempfile::tempdir()?;
    let server = start_server(&data, 1, receiver).await?;
    let resting_kb = server.status_kb("VmRSS").unwrap_or_default();
    let mut connections = Vec::new();
    for _ in 0..args.connections {
        connections.push(Connection::open(server.address).await?);
    }
    // Only now: what is due while the server starts would come all at once.
    let started = Instant::now();
    let mut senders = Vec::new();
    for (first, mut connection) in (0..).zip(connections) {
        let (answered, bytes, step) = (answered.clone(), args.bytes, args.connections);
        senders.push(tokio::spawn(async move {
            for number in (first..total).step_by(step) {
                let due = started + Duration::from_micros(number * 1_000_000 / rate);
                tokio::time::sleep_until(due.into()).await;
                let payload = payload(bytes, number);
                expect(connection.send(Method::POST, "/spaces/bench/events", payload).await?)?;
                answered[number as usize].store(now(), Ordering::SeqCst);
            }
            Ok::<(), Fault>(())
        }));
    }
    for sender in senders {
        sender.await??;
    }
    let last = Instant::now();
    while arrived.iter().any(|moment| moment.load(Ordering::SeqCst) == 0) {
        if last.elapsed() > PATIENCE {
            return Err("not every event arrived".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let pairs = arrived.iter().zip(answered.iter());
    let mut latencies: Vec<u64> = pairs
        .map(|(arrived, answered)| {
            arrived.load(Ordering::SeqCst).saturating_sub(answered.load(Ordering::SeqCst))
        })
        .collect();
    println!(
        "at {rate} events/s, from the 202 to the arrival: p50 {:.2} ms, p99 {:.2} ms",
        quantile_ms(&mut latencies, 500),
        quantile_ms(&mut latencies, 990)
    );
    println!("a server that has just started: {} MB", resting_kb / 1_024);
    Ok(())
}

async fn wait_for(receiver: &Helper, owed: u64) -> Result<(), Fault> {
    let begun = Instant::now();
    let mut connection = Connection::open(receiver.address).await?;
    loop {
        let (_, body) = connection.send(Method::GET, "/", Bytes::new()).await?;
        let arrived: u64 = std::str::from_utf8(&body)?.parse()?;
        if arrived >= owed {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("only {arrived} of {owed} deliveries arrived").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// An entry of about this many bytes, with a number.
fn payload(bytes: usize, number: u64) -> Bytes {
    let envelope = |text: &str| {
        format!(
            "{{\"number\":{number},\"sys\":{{\"type\":\"Entry\",\"id\":\"bench\",\"environment\":{{\"sys\":{{\"id\":\"master\"}}}}}},\"fields\":{{\"text\":{{\"en-US\":\"{text}\"}}}}}}"
        )
    };
    envelope(&"x".repeat(bytes.saturating_sub(envelope("").len()))).into()
}

/// The number that [`payload`] put in.
fn number_of(body: &[u8]) -> Option<usize> {
    let digits = body.strip_prefix(b"{\"number\":")?.split(|byte| *byte == b',').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn print_table(args: &Args, rows: &[Measured], straight: f64) {
    println!(
        "{} connections, {} bytes an event, {} s each; ratios to posting straight to the receiver",
        args.connections, args.bytes, args.seconds
    );
    println!(
        "{:<32} {:>10} {:>7} {:>13} {:>7} {:>18}",
        "", "accepted/s", "ratio", "deliveries/s", "ratio", "server CPU s/10,000"
    );
    let number =
        |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
    for row in rows {
        println!(
            "{:<32} {:>10.0} {:>7.3} {:>13} {:>7} {:>18}",
            row.name,
            row.events,
            row.events / straight,
            number(row.deliveries, 0),
            number(row.deliveries.map(|rate| rate / straight), 3),
            number(row.cpu_for_10_000, 2),
        );
    }
}
