//! Receivers that do what a test tells them, and a client to call them with.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwire::net::{AddressPolicy, ClientSettings, Exchange, HttpClient, OutgoingRequest};
use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Long enough that only a fault of ours makes a test wait for it.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// The deadline for receivers that never end.
pub(crate) const SHORT: Duration = Duration::from_millis(250);
/// How much of a body the tests keep.
pub(crate) const KEPT_BYTES: usize = 4 * 1024;

/// A listening socket and how often it was connected to.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    /// Serves every connection with `serve`.
    pub(crate) async fn start<F, S>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, connections }
    }

    /// Reads each request and writes `answer`, over and over on one connection.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(&answer).await.unwrap();
                }
            }
        })
        .await
    }

    /// Answers with an empty 200 and keeps the text of every request.
    pub(crate) async fn recording() -> (Self, Arc<Mutex<Vec<String>>>) {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let receiver = Self::start(move |mut stream| {
            let kept = Arc::clone(&kept);
            async move {
                while let Some(request) = read_request(&mut stream).await {
                    kept.lock().unwrap().push(request);
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                }
            }
        })
        .await;
        (receiver, requests)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }
}

/// Reads one request with its body; `None` when the client is gone.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !is_whole(&text) {
        let byte = stream.read_u8().await.ok()?;
        text.push(byte);
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn is_whole(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// A client that may call this machine.
pub(crate) fn open_client() -> HttpClient {
    HttpClient::new(ClientSettings { policy: AddressPolicy::AllowPrivate, ..ClientSettings::default() })
        .unwrap()
}

/// A POST of `{}`, with patience.
pub(crate) fn post(url: Url) -> OutgoingRequest {
    OutgoingRequest {
        method: Method::POST,
        url,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: Some("{}".into()),
        timeout: PATIENT,
        response_bytes_max: KEPT_BYTES,
    }
}

/// The exchange with a receiver that writes `answer` and closes.
pub(crate) async fn exchange_with(answer: impl Into<Vec<u8>>) -> Exchange {
    let receiver = Receiver::answering_once(answer).await;
    open_client().send(post(receiver.url("/"))).await
}

impl Receiver {
    /// Reads one request, writes `answer` and closes.
    pub(crate) async fn answering_once(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                read_request(&mut stream).await;
                stream.write_all(&answer).await.ok();
            }
        })
        .await
    }
}
