//! Programs of several processes: helpers that a program starts from itself, and the connections between them.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

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
