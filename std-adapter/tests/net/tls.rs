//! TLS over HTTP/1.1 and HTTP/2: who is trusted, and receivers that misbehave inside.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bellwire::net::{
    AddressPolicy, ClientSettings, Exchange, HttpClient, RootsError, ScriptedResolver, roots_from_pem,
};
use bellwire_core::call::Outcome;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::authority::{Authority, Identity, acceptor};
use crate::receiver::{KEPT_BYTES, Receiver, SHORT, open_client, post};

const NAME: &str = "hooks.example";
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// A client that trusts this authority and finds every test's receiver under [`NAME`].
fn client(authority: &Authority) -> HttpClient {
    let resolver = ScriptedResolver::new().with(NAME, &[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    let settings = ClientSettings {
        policy: AddressPolicy::AllowPrivate,
        resolver: Arc::new(resolver),
        extra_roots: roots_from_pem(authority.pem().as_bytes()).unwrap(),
        ..ClientSettings::default()
    };
    HttpClient::new(settings).unwrap()
}

type Answer = Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>;

/// A TLS receiver that speaks `protocol` and answers with `answer`; an `Err` of it resets the stream.
async fn tls_receiver(
    identity: Identity,
    protocol: &'static [u8],
    answer: fn(Request<Incoming>) -> Result<Answer, &'static str>,
) -> Receiver {
    let acceptor = acceptor(identity, protocol);
    Receiver::start(move |stream| serve(acceptor.clone(), stream, protocol, answer)).await
}

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    protocol: &'static [u8],
    answer: fn(Request<Incoming>) -> Result<Answer, &'static str>,
) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let stream = TokioIo::new(stream);
    let service = service_fn(move |request| async move { answer(request) });
    if protocol == HTTP2 {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        server.serve_connection(stream, service).await.ok();
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await.ok();
    }
}

/// 200 with the version of the request as its body; 500 when that carries a header nobody asked for.
fn version(request: Request<Incoming>) -> Result<Answer, &'static str> {
    let version = if request.version() == Version::HTTP_2 { "2" } else { "1.1" };
    let asked_for = ["content-type", "content-length", "host"];
    let only = request.headers().keys().all(|name| asked_for.contains(&name.as_str()));
    let mut answer = Response::new(Full::from(version).boxed());
    if !only || request.headers().get("content-length").is_none() {
        *answer.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
    }
    Ok(answer)
}

async fn call(client: &HttpClient, receiver: &Receiver) -> Exchange {
    client.send(post(url(receiver))).await
}

fn url(receiver: &Receiver) -> Url {
    Url::parse(&format!("https://{NAME}:{}/", receiver.address.port())).unwrap()
}

#[tokio::test]
async fn a_trusted_receiver_is_called_over_either_protocol() {
    for (protocol, expected) in [(HTTP1, "1.1"), (HTTP2, "2")] {
        let authority = Authority::new();
        let receiver = tls_receiver(authority.issue(NAME, 4000), protocol, version).await;
        let client = client(&authority);
        for _ in 0..2 {
            let exchange = call(&client, &receiver).await;
            assert_eq!(exchange.outcome, Outcome::Response { status: 200 }, "{exchange:?}");
            assert_eq!(exchange.response.unwrap().body, expected.as_bytes());
        }
        assert_eq!(receiver.connections(), 1);
    }
}

#[tokio::test]
async fn certificates_that_prove_nothing_are_refused() {
    let (trusted, unknown) = (Authority::new(), Authority::named("Unknown"));
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    let self_signed: Identity = (own.der().clone(), key.serialize_der().try_into().unwrap());
    for (identity, word) in [
        (trusted.issue("other.example", 4000), "not valid for name"),
        (trusted.issue(NAME, 2020), "expired"),
        (unknown.issue(NAME, 4000), "UnknownIssuer"),
        (self_signed, "invalid peer certificate"),
    ] {
        let receiver = tls_receiver(identity, HTTP1, version).await;
        let exchange = call(&client(&trusted), &receiver).await;
        assert_eq!((exchange.outcome, exchange.response), (Outcome::Tls, None));
        let error = exchange.error.unwrap();
        assert!(error.starts_with("The TLS connection failed: ") && error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_receiver_without_tls_is_a_tls_failure() {
    let plain = Receiver::start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    let exchange = call(&client(&Authority::new()), &plain).await;
    assert_eq!(exchange.outcome, Outcome::Tls, "{exchange:?}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_meets_the_deadline() {
    let silent = Receiver::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut request = post(url(&silent));
    request.timeout = SHORT;
    assert_eq!(client(&Authority::new()).send(request).await.outcome, Outcome::Timeout);
}

#[tokio::test]
async fn a_handshake_ends_with_the_time_for_connecting() {
    let silent = Receiver::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let settings = ClientSettings {
        policy: AddressPolicy::AllowPrivate,
        connect_timeout: SHORT,
        ..ClientSettings::default()
    };
    let url = format!("https://{}/", silent.address).parse().unwrap();
    let exchange = HttpClient::new(settings).unwrap().send(post(url)).await;
    assert_eq!(exchange.outcome, Outcome::Connection);
    assert_eq!(exchange.error.as_deref(), Some("The connection failed: no connection within 250 ms"));
}

/// A body that never ends and is always ready.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 1024])))))
    }
}

#[tokio::test]
async fn an_endless_http2_body_is_cut() {
    let authority = Authority::new();
    let answer = |_| Ok(Response::new(Endless.boxed()));
    let receiver = tls_receiver(authority.issue(NAME, 4000), HTTP2, answer).await;
    let exchange = call(&client(&authority), &receiver).await;
    assert_eq!(exchange.outcome, Outcome::Response { status: 200 });
    let response = exchange.response.unwrap();
    assert_eq!((response.body.len(), response.truncated), (KEPT_BYTES, true));
}

#[tokio::test]
async fn an_http2_receiver_that_resets_or_floods_is_a_connection_failure() {
    let reset = |_| Err("reset");
    let flood = |_| {
        let head = Response::builder().header("x-big", "x".repeat(64 * 1024));
        Ok(head.body(Empty::new().boxed()).unwrap())
    };
    for answer in [reset as fn(_) -> _, flood] {
        let authority = Authority::new();
        let receiver = tls_receiver(authority.issue(NAME, 4000), HTTP2, answer).await;
        let exchange = call(&client(&authority), &receiver).await;
        assert_eq!((exchange.outcome, &exchange.response), (Outcome::Connection, &None), "{exchange:?}");
    }
}

#[test]
fn roots_are_read_from_pem_or_refused_with_a_reason() {
    assert_eq!(roots_from_pem(Authority::new().pem().as_bytes()).unwrap().len(), 1);
    assert!(matches!(roots_from_pem(b"no certificate here"), Err(RootsError::Empty)));
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(roots_from_pem(broken), Err(RootsError::Refused(_))));
}

#[tokio::test]
async fn the_systems_authorities_do_not_trust_a_stranger() {
    let receiver = tls_receiver(Authority::new().issue("127.0.0.1", 4000), HTTP1, version).await;
    let url = format!("https://{}/", receiver.address).parse().unwrap();
    assert_eq!(open_client().send(post(url)).await.outcome, Outcome::Tls);
}
