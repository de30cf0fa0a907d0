//! Programs of several processes: helpers that a program starts from itself, the servers and endpoints among them, and
//! the connections between them.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwire::config::Settings;
use bellwire::node::Node;
use bellwire::secret::Secret;
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::workload::PER_SPACE_MAX;

/// Whatever goes wrong ends the program.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The admin token of the servers.
pub const ADMIN: &str = "admin-token-for-benches";

/// Says where a helper listens, to whoever started it.
///
/// # Errors
/// When nobody reads.
pub fn announce(address: SocketAddr) -> Result<(), Fault> {
    println!("{address}");
    Ok(std::io::stdout().flush()?)
}

/// The settings of the servers that are measured: on this machine, with nothing in the way of a load.
#[must_use]
pub fn settings(data: PathBuf) -> Settings {
    Settings {
        data,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        allow_private_networks: true,
        rate_limit: 0,
        webhooks_per_space: PER_SPACE_MAX,
        admin_token: Some(Secret::new(ADMIN)),
        ..Settings::default()
    }
}

/// Is a server until the process is killed.
///
/// # Errors
/// When it does not start.
pub async fn serve(data: Option<PathBuf>) -> Result<(), Fault> {
    let node = Node::start(settings(data.ok_or("a server needs --data")?)).await?;
    announce(node.address())?;
    std::future::pending().await
}

/// An endpoint that answers 200 with what `answer` makes of each request's method and body, until the task is ended.
///
/// # Errors
/// When no port is free.
pub async fn listen<F>(answer: F) -> Result<(SocketAddr, JoinHandle<()>), Fault>
where
    F: Fn(Method, Bytes) -> Bytes + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let listening = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let answer = answer.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    let method = request.method().clone();
                    let body = request.into_body().collect().await.map(Collected::to_bytes);
                    let answer = answer(method, body.unwrap_or_default());
                    Ok::<_, Infallible>(Response::new(Full::new(answer)))
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    Ok((address, listening))
}

/// An endpoint that answers 200, and how many requests it has had.
///
/// # Errors
/// When no port is free.
pub async fn count_arrivals() -> Result<(SocketAddr, Arc<AtomicU64>), Fault> {
    let arrived = Arc::new(AtomicU64::new(0));
    let count = arrived.clone();
    let (address, _listening) = listen(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Bytes::new()
    })
    .await?;
    Ok((address, arrived))
}

/// A process of this program in another role; killed when dropped.
#[derive(Debug)]
pub struct Helper {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Helper {
    /// Starts it and waits until it says where it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(role: &str, more: &[&str]) -> Result<Helper, Fault> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(["--role", role]).args(more).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Helper { child, address: line.trim().parse()? })
    }

    /// A line of `/proc/…/status` that is a number of kB, such as `VmRSS`.
    pub fn status_kb(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Seconds of processor time that the process has used.
    pub fn cpu_seconds(&self) -> Option<f64> {
        /// Clock ticks a second in `/proc`, the same on every Linux of today.
        const TICKS: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
        Some(ticks / TICKS)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Connection, Fault> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection(sender))
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<(u16, Bytes), Fault> {
        self.publish(method, path, "Entry.publish", body).await
    }

    /// The same, with a topic.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn publish(
        &mut self,
        method: Method,
        path: &str,
        topic: &str,
        body: Bytes,
    ) -> Result<(u16, Bytes), Fault> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "bench")
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("x-contentful-topic", topic)
            .header("content-type", "application/json");
        self.0.ready().await?;
        let response = self.0.send_request(request.body(Full::new(body))?).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// Fails unless the status is a success.
///
/// # Errors
/// With the answer's body.
pub fn expect((status, body): (u16, Bytes)) -> Result<(), Fault> {
    if (200..300).contains(&status) { Ok(()) } else { Err(String::from_utf8_lossy(&body).into()) }
}
