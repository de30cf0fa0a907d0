//! Deliveries over TLS, with both versions of HTTP, to an endpoint that a company's own authority vouches for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bellwire::config::Settings;
use bellwire::net::ScriptedResolver;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpListener;

use super::authority::{Authority, acceptor};
use super::support::{Server, settings};

const NAME: &str = "hooks.example";

/// Answers every request with the version of HTTP that it came in. Says on which port.
async fn start_endpoint(authority: &Authority, protocol: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = acceptor(authority.issue(NAME, 2100), protocol);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = service_fn(|request: Request<Incoming>| async move {
                let version = if request.version() == Version::HTTP_2 { "HTTP/2" } else { "HTTP/1.1" };
                Ok::<_, hyper::Error>(Response::new(Full::<bytes::Bytes>::from(version)))
            });
            if protocol == b"h2" {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            } else {
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        }
    });
    port
}

#[tokio::test]
async fn calls_are_made_over_tls_and_name_what_is_wrong_with_a_certificate() {
    let (trusted, stranger) = (Authority::new(), Authority::named("Stranger"));
    let dir = tempfile::tempdir().unwrap();
    let extra_ca = dir.path().join("ca.pem");
    std::fs::write(&extra_ca, trusted.pem()).unwrap();
    let resolver = ScriptedResolver::new().with(NAME, &[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    let settings = Settings { extra_ca: Some(extra_ca), ..settings() };
    let server = Server::start_resolving(settings, Arc::new(resolver)).await;
    for (id, authority, protocol, answered) in [
        ("one", &trusted, &b"http/1.1"[..], Some("HTTP/1.1")),
        ("two", &trusted, b"h2", Some("HTTP/2")),
        ("none", &stranger, b"h2", None),
    ] {
        let port = start_endpoint(authority, protocol).await;
        let url = format!("https://{NAME}:{port}/");
        server.webhook(id, &json!({"name": id, "url": url, "topics": ["*.*"]})).await;
        server.publish("Entry.publish", &json!({"sys": {"id": id}})).await.ok();
        let call = server.last_call(id, 1).await;
        match answered {
            Some(version) => assert_eq!(call["response"]["body"], version, "{call}"),
            None => assert_eq!(call["errors"], json!(["TlsError"]), "{call}"),
        }
        server.delete(&super::support::definition_path(id)).await;
    }
}
