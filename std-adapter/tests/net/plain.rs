//! What goes over the wire, and what comes back when the receiver is an honest one.

use bellwire::net::{AddressPolicy, ClientSettings, HttpClient};
use bellwire_core::call::Outcome;
use hyper::Method;

use crate::receiver::{KEPT_BYTES, Receiver, exchange_with, open_client, post};

#[tokio::test]
async fn a_request_has_the_headers_it_was_given_and_no_more() {
    let (receiver, requests) = Receiver::recording().await;
    let mut request = post(receiver.url("/in%20here?a=1&b={x}"));
    request.headers = vec![
        ("X-Contentful-Topic".to_owned(), "ContentManagement.Entry.publish".to_owned()),
        ("x-accent".to_owned(), "grün".to_owned()),
        ("X-Twice".to_owned(), "1".to_owned()),
        ("X-Twice".to_owned(), "2".to_owned()),
        ("Content-Length".to_owned(), "999".to_owned()),
    ];
    let exchange = open_client().send(request).await;
    assert_eq!(exchange.outcome, Outcome::Response { status: 200 });
    let expected = format!(
        "POST /in%20here?a=1&b={{x}} HTTP/1.1\r\nX-Contentful-Topic: ContentManagement.Entry.publish\r\n\
         X-Accent: grün\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 2\r\nHost: {}\r\n\r\n{{}}",
        receiver.address
    );
    assert_eq!(*requests.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn only_a_request_that_expects_a_body_has_a_length_without_one() {
    let (receiver, requests) = Receiver::recording().await;
    let client = open_client();
    for method in [Method::GET, Method::DELETE, Method::POST, Method::PUT, Method::PATCH] {
        let mut request = post(receiver.url("/"));
        request.headers = vec![("Content-Length".to_owned(), "9".to_owned())];
        request.body = None;
        request.method = method;
        assert_eq!(client.send(request).await.error, None);
    }
    let requests = requests.lock().unwrap();
    let with_length: Vec<_> = requests.iter().map(|text| text.contains("Content-Length: 0")).collect();
    assert!(requests.iter().all(|text| !text.contains("Content-Length: 9")));
    assert_eq!(with_length, [false, false, true, true, true]);
    assert!(requests.iter().all(|text| !text.contains("Transfer-Encoding")));
}

#[tokio::test]
async fn repeated_response_headers_are_joined() {
    let answer = "HTTP/1.1 404 Not Found\r\nSet-Cookie: a=1\r\nX-Odd: \u{e9}\r\nset-cookie: b=2\r\n\
                  Content-Length: 4\r\n\r\ngone";
    let exchange = exchange_with(answer).await;
    assert_eq!(exchange.outcome, Outcome::Response { status: 404 });
    let response = exchange.response.unwrap();
    assert_eq!(response.headers[0], ("set-cookie".to_owned(), "a=1, b=2".to_owned()));
    assert_eq!(response.headers[1], ("x-odd".to_owned(), "\u{e9}".to_owned()));
    assert_eq!((response.body.as_slice(), response.truncated), (&b"gone"[..], false));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let receiver =
        Receiver::answering("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n").await;
    let exchange = open_client().send(post(receiver.url("/"))).await;
    assert_eq!(exchange.outcome, Outcome::Response { status: 302 });
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_compressed_body_is_kept_as_it_came() {
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n".to_vec();
    answer.extend(packed);
    assert_eq!(exchange_with(answer).await.response.unwrap().body, packed);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_whole() {
    let body = "x".repeat(KEPT_BYTES);
    let exchange =
        exchange_with(format!("HTTP/1.1 200 OK\r\nContent-Length: {KEPT_BYTES}\r\n\r\n{body}")).await;
    let response = exchange.response.unwrap();
    assert_eq!((response.body.len(), response.truncated), (KEPT_BYTES, false));
}

#[tokio::test]
async fn connections_are_used_again_within_their_bound() {
    for (reused_connections_max, connections) in [(1, 1), (0, 3)] {
        let (receiver, requests) = Receiver::recording().await;
        let settings = ClientSettings {
            policy: AddressPolicy::AllowPrivate,
            reused_connections_max,
            ..ClientSettings::default()
        };
        let client = HttpClient::new(settings).unwrap();
        for _ in 0..3 {
            assert_eq!(client.send(post(receiver.url("/"))).await.error, None);
        }
        assert_eq!((requests.lock().unwrap().len(), receiver.connections()), (3, connections));
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_stops_the_request_without_showing_its_value() {
    let (receiver, _) = Receiver::recording().await;
    let client = open_client();
    for (name, value) in [
        ("X-Split", "hush\r\nX-More: 1"),
        ("X-Nul", "hush\0"),
        ("X Blank", "hush"),
        ("", "hush"),
        ("Host", "hush"),
        ("Transfer-Encoding", "hush"),
        ("connection", "hush"),
    ] {
        let mut request = post(receiver.url("/"));
        request.headers.push((name.to_owned(), value.to_owned()));
        let exchange = client.send(request).await;
        assert_eq!(exchange.outcome, Outcome::Invalid, "{name:?}");
        assert!(!exchange.error.unwrap().contains("hush"), "{name:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn neither_errors_nor_debug_output_show_secrets() {
    let receiver = Receiver::answering_once("").await;
    let mut request = post(receiver.url("/hush?token=hush"));
    request.headers.push(("Authorization".to_owned(), "hush".to_owned()));
    assert!(!format!("{request:?}").contains("hush"));
    let exchange = open_client().send(request).await;
    assert_eq!(exchange.outcome, Outcome::Connection);
    assert!(!format!("{exchange:?}").contains("hush"), "{exchange:?}");
}
