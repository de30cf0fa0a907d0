//! How long an event takes to reach a healthy endpoint, alone and beside a thousand endpoints that misbehave.
//!
//! Three processes on this machine: this one publishes and is the healthy endpoint, one is the server, one the
//! endpoints that hang, answer a byte a second, answer without end, reset, and redirect to themselves. Each of them has
//! an address of its own in 127.0.0.0/8. Rounds with and without them take turns, each on a fresh server.
//!
//! Run it with `cargo run --release -p bellwire-benches --bin noisy_neighbour -- --help`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bellwire_benches::latency::quantile_ms;
use bellwire_benches::payload::payload;
use bellwire_benches::process::{Connection, Fault, Helper, announce, expect, listen, serve};
use bytes::Bytes;
use clap::Parser;
use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// How long the last events may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Events that the healthy endpoint gets before anything is measured.
const WARM_UP: u64 = 50;

/// More than is read of any answer.
const FLOOD_BYTES: usize = 256 * 1024;

/// What the system takes of an answer before it is read.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;

/// Measure a healthy endpoint's latency beside others that misbehave
#[derive(Clone, Debug, Parser)]
struct Args {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Seconds that the noise has before the measurement begins
    #[arg(long, default_value_t = 10)]
    lead: u64,
    /// Rounds without and with the noise
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Events a second for the healthy endpoint
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Endpoints that never answer
    #[arg(long, default_value_t = 1_000)]
    hanging: usize,
    /// Endpoints of each other kind of noise
    #[arg(long, default_value_t = 25)]
    others: usize,
    /// Milliseconds between two events that every misbehaving endpoint gets
    #[arg(long, default_value_t = 2_000)]
    noise_every_ms: u64,
    /// Answers without end are zeros, instead of letters that no compression makes shorter
    #[arg(long)]
    zeros: bool,
    /// What this process is: started by the program itself
    #[arg(long, hide = true, default_value = "publisher")]
    role: String,
    #[arg(long, hide = true)]
    data: Option<std::path::PathBuf>,
}

/// How an endpoint misbehaves.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Hang,
    Trickle,
    Flood,
    Reset,
    Redirect,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Hang, Kind::Trickle, Kind::Flood, Kind::Reset, Kind::Redirect];

    /// Told apart by the second part of the address that is called.
    fn of(address: Ipv4Addr) -> Kind {
        Kind::ALL[usize::from(address.octets()[1]) % Kind::ALL.len()]
    }

    fn address(self, number: usize) -> Ipv4Addr {
        let [high, low] = (number as u16 + 1).to_be_bytes();
        Ipv4Addr::new(127, 100 + self as u8, high, low)
    }
}

fn main() -> Result<(), Fault> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.role.as_str() {
        "noise" => runtime.block_on(misbehave(args.zeros)),
        "server" => runtime.block_on(serve(args.data)),
        _ => runtime.block_on(compare(args)),
    }
}

async fn misbehave(zeros: bool) -> Result<(), Fault> {
    let flood = flood(zeros);
    let socket = TcpSocket::new_v4()?;
    // What it writes ahead would cost this machine what elsewhere costs another.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(SocketAddr::from(([0, 0, 0, 0], 0)))?;
    let listener = socket.listen(1_024)?;
    announce(listener.local_addr()?)?;
    loop {
        // Without descriptors there is one more endpoint that hangs.
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(annoy(stream, flood.clone()));
    }
}

/// What an endpoint repeats that answers without end: longer than what is read of it.
fn flood(zeros: bool) -> Bytes {
    if zeros {
        return Bytes::from_static(&[0; FLOOD_BYTES]);
    }
    payload(FLOOD_BYTES).into()
}

/// Errors are what the other side does about it.
async fn annoy(mut stream: TcpStream, flood: Bytes) -> std::io::Result<()> {
    let SocketAddr::V4(called) = stream.local_addr()? else { return Ok(()) };
    let mut request = vec![0; 64 * 1024];
    if stream.read(&mut request).await? == 0 {
        return Ok(());
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n";
    match Kind::of(*called.ip()) {
        Kind::Hang => while stream.read(&mut request).await? > 0 {},
        Kind::Reset => stream.set_zero_linger()?,
        Kind::Redirect => {
            let answer =
                format!("HTTP/1.1 302 Found\r\nLocation: http://{called}/\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await?;
        }
        Kind::Trickle => {
            for byte in head.bytes().cycle() {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Kind::Flood => {
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(&flood).await?;
            }
        }
    }
    Ok(())
}

/// Latencies in microseconds, from the sending of the event to its arrival.
type Latencies = Arc<Mutex<Vec<u64>>>;

/// The healthy endpoint: notes how old each event is that arrives.
async fn receive(begun: Instant) -> Result<(SocketAddr, Latencies), Fault> {
    let latencies = Latencies::default();
    let shared = latencies.clone();
    let (address, _listening) = listen(move |_, body| {
        let now = begun.elapsed().as_micros() as u64;
        let sent: Option<u64> = std::str::from_utf8(&body).ok().and_then(|text| text.parse().ok());
        shared.lock().expect("nobody panics").extend(sent.map(|sent| now - sent));
        Bytes::new()
    })
    .await?;
    Ok((address, latencies))
}

/// What one measurement found.
#[derive(Default)]
struct Found {
    latencies: Vec<u64>,
    peak_kb: u64,
}

async fn compare(args: Args) -> Result<(), Fault> {
    let (mut alone, mut beside) = (Found::default(), Found::default());
    for _ in 0..args.rounds {
        measure(&args, None, &mut alone).await?;
        let noise = Helper::start("noise", if args.zeros { &["--zeros"] } else { &[] })?;
        measure(&args, Some(noise.address.port()), &mut beside).await?;
    }
    let noise = format!("beside {} hanging and {} of each other kind", args.hanging, args.others);
    println!("{} events a second for {} s, {} rounds", args.rate, args.seconds, args.rounds);
    println!("{:<48} {:>8} {:>9} {:>9} {:>15}", "", "events", "p50, ms", "p99, ms", "peak memory, MB");
    for (name, found) in [("the healthy endpoint alone", &alone), (noise.as_str(), &beside)] {
        println!(
            "{name:<48} {:>8} {:>9.2} {:>9.2} {:>15}",
            found.latencies.len(),
            quantile_ms(&mut found.latencies.clone(), 500),
            quantile_ms(&mut found.latencies.clone(), 990),
            found.peak_kb / 1_024
        );
    }
    println!(
        "p99 beside the noise is {:.2} times that without",
        quantile_ms(&mut beside.latencies, 990) / quantile_ms(&mut alone.latencies, 990)
    );
    Ok(())
}

async fn measure(args: &Args, noise_port: Option<u16>, found: &mut Found) -> Result<(), Fault> {
    let data = tempfile::tempdir()?;
    let server = Helper::start("server", &["--data", &data.path().join("data").to_string_lossy()])?;
    let begun = Instant::now();
    let (healthy, latencies) = receive(begun).await?;
    let mut admin = Connection::open(server.address).await?;
    expect(admin.send(Method::PUT, "/spaces/bench", "{\"name\":\"bench\"}".into()).await?)?;
    define(&mut admin, "healthy", &format!("http://{healthy}/"), "Healthy.publish").await?;
    // A neighbour of long standing: it has answered before the noise begins.
    publish(&Args { rate: WARM_UP, seconds: 1, ..args.clone() }, server.address, begun).await?;
    wait_for(&latencies, WARM_UP as usize).await?;
    latencies.lock().expect("nobody panics").clear();
    let noise = match noise_port {
        Some(port) => {
            define_noise(&mut admin, args, port).await?;
            Some(tokio::spawn(make_noise(server.address, args.noise_every_ms)))
        }
        None => None,
    };
    tokio::time::sleep(Duration::from_secs(args.lead)).await;
    let sent = publish(args, server.address, begun).await?;
    wait_for(&latencies, sent).await?;
    if let Some(noise) = noise {
        noise.abort();
    }
    found.peak_kb = found.peak_kb.max(server.status_kb("VmHWM").unwrap_or_default());
    found.latencies.append(&mut latencies.lock().expect("nobody panics"));
    Ok(())
}

async fn wait_for(latencies: &Latencies, count: usize) -> Result<(), Fault> {
    let waiting = Instant::now();
    loop {
        let arrived = latencies.lock().expect("nobody panics").len();
        if arrived >= count {
            return Ok(());
        }
        if waiting.elapsed() > PATIENCE {
            return Err(format!("only {arrived} of {count} events arrived at the healthy endpoint").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn define(admin: &mut Connection, id: &str, url: &str, topic: &str) -> Result<(), Fault> {
    let definition = format!("{{\"name\":\"{id}\",\"url\":\"{url}\",\"topics\":[\"{topic}\"]}}");
    let path = format!("/spaces/bench/webhook_definitions/{id}");
    expect(admin.send(Method::PUT, &path, definition.into()).await?)
}

async fn define_noise(admin: &mut Connection, args: &Args, port: u16) -> Result<(), Fault> {
    for kind in Kind::ALL {
        let count = if matches!(kind, Kind::Hang) { args.hanging } else { args.others };
        for number in 0..count {
            let url = format!("http://{}:{port}/", kind.address(number));
            define(admin, &format!("{kind:?}-{number}"), &url, "Noise.publish").await?;
        }
    }
    Ok(())
}

/// Publishes events for all that misbehave, until it is stopped.
async fn make_noise(server: SocketAddr, every_ms: u64) -> Result<(), Fault> {
    let mut connection = Connection::open(server).await?;
    let mut ticks = tokio::time::interval(Duration::from_millis(every_ms));
    loop {
        ticks.tick().await;
        connection.publish(Method::POST, "/spaces/bench/events", "Noise.publish", "{}".into()).await?;
    }
}

/// Publishes events that say when they were sent. Answers with how many.
async fn publish(args: &Args, server: SocketAddr, begun: Instant) -> Result<usize, Fault> {
    let mut connection = Connection::open(server).await?;
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / args.rate.max(1)));
    let total = args.rate * args.seconds;
    for _ in 0..total {
        ticks.tick().await;
        let sent = begun.elapsed().as_micros().to_string();
        expect(
            connection.publish(Method::POST, "/spaces/bench/events", "Healthy.publish", sent.into()).await?,
        )?;
    }
    Ok(usize::try_from(total)?)
}
