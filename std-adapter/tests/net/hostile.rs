//! Receivers that break off, stall, flood or talk nonsense: each costs a bounded time and memory, and no more.

use std::time::Duration;

use bellwire::net::{Exchange, RESPONSE_HEAD_BYTES_MAX};
use bellwire_core::call::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::receiver::{KEPT_BYTES, Receiver, SHORT, exchange_with, open_client, post, read_request};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";

/// Writes `text`, then resets the connection.
async fn write_and_reset(mut stream: TcpStream, text: &str) {
    read_request(&mut stream).await;
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    // The client acknowledges what was sent before the reset throws it away.
    tokio::task::yield_now().await;
    stream.set_zero_linger().unwrap();
}

/// Writes `first`, then `again` without end; `pause` lies between.
async fn write_without_end(mut stream: TcpStream, first: &str, again: &[u8], pause: Duration) {
    read_request(&mut stream).await;
    let mut written = stream.write_all(first.as_bytes()).await;
    while written.is_ok() {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        written = stream.write_all(again).await;
    }
}

/// The exchange with a receiver that writes without end, within a short deadline.
async fn short_exchange(first: &'static str, again: &'static [u8], pause: Duration) -> Exchange {
    let receiver = Receiver::start(move |stream| write_without_end(stream, first, again, pause)).await;
    let mut request = post(receiver.url("/"));
    request.timeout = SHORT;
    open_client().send(request).await
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let exchange = open_client().send(post(url)).await;
    assert_eq!(exchange.outcome, Outcome::Connection);
    assert_eq!(exchange.response, None);
    assert!(exchange.error.unwrap().contains("refused"));
}

#[tokio::test]
async fn a_reset_before_inside_and_after_the_head_is_a_connection_failure() {
    for text in ["", "HTTP/1.1 200 OK\r\nCont", HEAD] {
        let receiver = Receiver::start(move |stream| write_and_reset(stream, text)).await;
        let exchange = open_client().send(post(receiver.url("/"))).await;
        assert_eq!(exchange.outcome, Outcome::Connection, "{text:?}: {exchange:?}");
    }
}

#[tokio::test]
async fn a_response_that_breaks_off_is_a_failure_and_shows_what_arrived() {
    for (answer, arrived) in [
        (format!("{HEAD}half"), "half"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_owned(), "half"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n".to_owned(), "half"),
    ] {
        let exchange = exchange_with(answer.clone()).await;
        assert_eq!(exchange.outcome, Outcome::Connection, "{answer}");
        let response = exchange.response.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, arrived.as_bytes()), "{answer}");
    }
}

#[tokio::test]
async fn silence_ends_with_the_deadline() {
    let (ended, mut endings) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream| {
        let ended = ended.clone();
        async move {
            while stream.read_u8().await.is_ok() {}
            ended.send(()).unwrap();
        }
    })
    .await;
    let mut request = post(receiver.url("/"));
    request.timeout = SHORT;
    let exchange = open_client().send(request).await;
    assert_eq!((exchange.outcome, exchange.response), (Outcome::Timeout, None));
    assert_eq!(exchange.error.as_deref(), Some("No response arrived within 250 ms"));
    endings.recv().await.expect("the connection is closed");
}

#[tokio::test]
async fn the_deadline_holds_for_head_and_body_however_steadily_they_drip() {
    let pause = Duration::from_millis(20);
    let in_head = short_exchange("HTTP/1.1 200 OK\r\nX-Slow: ", b".", pause).await;
    assert_eq!((in_head.outcome, in_head.response), (Outcome::Timeout, None));
    let in_body = short_exchange(HEAD, b".", pause).await;
    assert_eq!(in_body.outcome, Outcome::Timeout);
    assert_eq!(in_body.response.unwrap().status, 200);
    assert_eq!(in_body.error.as_deref(), Some("The response did not end within 250 ms"));
}

#[tokio::test]
async fn interim_responses_without_end_meet_the_deadline() {
    let exchange = short_exchange("", b"HTTP/1.1 103 Early Hints\r\n\r\n", Duration::ZERO).await;
    assert_eq!(exchange.outcome, Outcome::Timeout, "{exchange:?}");
}

#[tokio::test]
async fn an_endless_body_is_cut_and_its_connection_dropped() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"] {
        let (ended, mut endings) = mpsc::unbounded_channel();
        let receiver = Receiver::start(move |stream| {
            let ended = ended.clone();
            async move {
                write_without_end(stream, head, &[b'x'; 1024], Duration::ZERO).await;
                ended.send(()).unwrap();
            }
        })
        .await;
        let exchange = open_client().send(post(receiver.url("/"))).await;
        assert_eq!((exchange.outcome, exchange.error), (Outcome::Response { status: 200 }, None));
        let response = exchange.response.unwrap();
        assert_eq!((response.body.len(), response.truncated), (KEPT_BYTES, true));
        endings.recv().await.expect("the receiver notices that nobody reads on");
    }
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_refused() {
    let fits = "x".repeat(RESPONSE_HEAD_BYTES_MAX - 200);
    let too_long = "x".repeat(2 * RESPONSE_HEAD_BYTES_MAX);
    for (big, outcome) in [(fits, Outcome::Response { status: 200 }), (too_long, Outcome::Connection)] {
        let answer = format!("HTTP/1.1 200 OK\r\nX-Big: {big}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(exchange_with(answer).await.outcome, outcome);
    }
    for again in ["x", "x: y\r\n"] {
        let receiver = Receiver::start(move |stream| async move {
            let many = again.repeat(1024);
            write_without_end(stream, "HTTP/1.1 200 OK\r\nX-Big: ", many.as_bytes(), Duration::ZERO).await;
        })
        .await;
        let exchange = open_client().send(post(receiver.url("/"))).await;
        assert_eq!((exchange.outcome, exchange.response), (Outcome::Connection, None), "{again:?}");
    }
}

#[tokio::test]
async fn nonsense_is_a_connection_failure() {
    for answer in [
        "",
        "\r\n",
        "\0\0\0\0\0\0\0\0",
        "hello\r\n\r\n",
        "<html>Not HTTP</html>",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "220 mail.example ESMTP\r\n",
        "HTTP/3.7 200 OK\r\n\r\n",
        "HTTP/1.1 2xx OK\r\n\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    ] {
        let exchange = exchange_with(answer).await;
        assert_eq!((exchange.outcome, &exchange.response), (Outcome::Connection, &None), "{answer:?}");
        assert!(exchange.error.unwrap().starts_with("The connection failed: "), "{answer:?}");
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_seen_is_not_sent_again() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream| {
        let seen = seen.clone();
        async move {
            seen.send(read_request(&mut stream).await).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            seen.send(read_request(&mut stream).await).unwrap();
        }
    })
    .await;
    let client = open_client();
    assert_eq!(client.send(post(receiver.url("/"))).await.outcome, Outcome::Response { status: 200 });
    assert_eq!(client.send(post(receiver.url("/"))).await.outcome, Outcome::Connection);
    for _ in 0..2 {
        assert!(requests.recv().await.flatten().is_some());
    }
    assert_eq!((requests.is_empty(), receiver.connections()), (true, 1));
}

#[tokio::test]
async fn bytes_after_a_response_do_not_answer_the_next_request() {
    let forged = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    let receiver =
        Receiver::answering_once(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{forged}")).await;
    let client = open_client();
    for _ in 0..2 {
        let exchange = client.send(post(receiver.url("/"))).await;
        assert_eq!(exchange.outcome, Outcome::Response { status: 200 }, "{exchange:?}");
        assert_eq!(exchange.response.unwrap().body, b"ok");
    }
    assert_eq!(receiver.connections(), 2);
}
