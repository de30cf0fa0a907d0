//! Events accepted and deliveries made per second, end to end, as ratios to the same client posting straight to the
//! same receiver.
//!
//! Three processes on this machine, as in real life: the sender (this one), the server, the receiver. The program
//! starts itself again for the other two. Sockets are real, the store is on the disk, every acknowledgement waits
//! for its fsync. Run it with `cargo run --release -p bellwire-benches --bin end_to_end -- --help`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwire::config::Settings;
use bellwire::node::Node;
use bellwire::secret::Secret;
use bellwire_benches::process::{ADMIN, Connection, Fault, Helper, announce, expect};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

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
    /// What this process is: started by the program itself
    #[arg(long, hide = true, default_value = "sender")]
    role: String,
    #[arg(long, hide = true)]
    data: Option<std::path::PathBuf>,
}

fn main() -> Result<(), Fault> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.role.as_str() {
        "receiver" => runtime.block_on(receive()),
        "server" => runtime.block_on(serve(args)),
        _ => runtime.block_on(send(args)),
    }
}

/// The receiver: answers 200 and counts; `GET` answers with the count.
async fn receive() -> Result<(), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?)?;
    let count = Arc::new(AtomicU64::new(0));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let count = count.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let count = count.clone();
            async move {
                if request.method() == Method::GET {
                    return Ok::<_, hyper::Error>(Response::new(Full::<Bytes>::from(
                        count.load(Ordering::SeqCst).to_string(),
                    )));
                }
                request.into_body().collect().await?;
                count.fetch_add(1, Ordering::SeqCst);
                Ok(Response::new(Full::from("")))
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// The server, on a data directory of its own.
async fn serve(args: Args) -> Result<(), Fault> {
    let settings = Settings {
        data: args.data.ok_or("a server needs --data")?,
        listen: "127.0.0.1:0".parse()?,
        allow_private_networks: true,
        rate_limit: 0,
        admin_token: Some(Secret::new(ADMIN)),
        ..Settings::default()
    };
    let node = Node::start(settings).await?;
    announce(node.address())?;
    std::future::pending().await
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

async fn send(args: Args) -> Result<(), Fault> {
    let payload = payload(args.bytes);
    let receiver = Helper::start("receiver", &[])?;
    let (taken, took) = load(&args, receiver.address, "/hook", &payload).await?;
    let straight = taken as f64 / took.as_secs_f64();
    let mut rows = vec![Measured {
        name: "straight to the receiver".into(),
        events: straight,
        deliveries: None,
        cpu_for_10_000: None,
    }];
    rows.push(through_server(&args, &payload, 0).await?);
    for fan_out in &args.fan_out {
        rows.push(through_server(&args, &payload, *fan_out).await?);
    }
    print_table(&args, &rows, straight);
    Ok(())
}

/// Publishes to a fresh server whose webhooks all call one receiver, and waits for the last delivery.
async fn through_server(args: &Args, payload: &Bytes, fan_out: usize) -> Result<Measured, Fault> {
    let data = tempfile::tempdir()?;
    let receiver = Helper::start("receiver", &[])?;
    let dir = data.path().join("data");
    let server = Helper::start("server", &["--data", &dir.to_string_lossy()])?;
    let mut admin = Connection::open(server.address).await?;
    expect(admin.send(Method::PUT, "/spaces/bench", "{\"name\":\"bench\"}".into()).await?)?;
    for number in 0..fan_out {
        let definition = format!(
            "{{\"name\":\"w\",\"url\":\"http://{}/hook\",\"topics\":[\"*.publish\"]}}",
            receiver.address
        );
        let path = format!("/spaces/bench/webhook_definitions/w{number}");
        expect(admin.send(Method::PUT, &path, definition.into()).await?)?;
    }
    let cpu_before = server.cpu_seconds();
    let begun = Instant::now();
    let (taken, took) = load(args, server.address, "/spaces/bench/events", payload).await?;
    let owed = taken * fan_out as u64;
    wait_for(&receiver, owed).await?;
    let delivered_in = begun.elapsed();
    let cpu = server.cpu_seconds().zip(cpu_before).map(|(after, before)| after - before);
    Ok(Measured {
        name: format!("through the server, fan-out {fan_out}"),
        events: taken as f64 / took.as_secs_f64(),
        deliveries: (fan_out > 0).then(|| owed as f64 / delivered_in.as_secs_f64()),
        cpu_for_10_000: cpu.filter(|_| owed > 0).map(|seconds| seconds / owed as f64 * 10_000.0),
    })
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

/// An entry of about this many bytes.
fn payload(bytes: usize) -> Bytes {
    let envelope = |text: &str| {
        format!(
            "{{\"sys\":{{\"type\":\"Entry\",\"id\":\"bench\",\"environment\":{{\"sys\":{{\"id\":\"master\"}}}}}},\"fields\":{{\"text\":{{\"en-US\":\"{text}\"}}}}}}"
        )
    };
    envelope(&"x".repeat(bytes.saturating_sub(envelope("").len()))).into()
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
