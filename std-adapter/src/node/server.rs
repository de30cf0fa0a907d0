//! Accepts connections and answers requests, within bounds: so many connections, so long for a head.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;
use tracing::{debug, warn};

use super::patience::PatientStream;
use crate::clock;
use crate::limits::WRITE_TIMEOUT;
use crate::quiet::Seldom;

/// How long a caller may take for a request's head, and an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a request's head: a URI of the allowed length and ample headers.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Waited after the operating system refused a connection: it is out of descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that listens.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Begins to listen.
    pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Server { listener, address })
    }

    /// Answers until `stop` says true, at most so many connections at once; then ends what is under way, at most for
    /// `drain`.
    pub(crate) async fn run(
        self,
        router: Router,
        mut stop: watch::Receiver<bool>,
        drain: Duration,
        connections_max: usize,
    ) {
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(connections_max));
        let refused = Seldom::default();
        loop {
            let permit = tokio::select! {
                permit = room.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
                () = stopped(&mut stop) => break,
            };
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(cause) => {
                        refused.warn(clock::now_ms(), &cause, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
                () = stopped(&mut stop) => break,
            };
            let connection = graceful.watch(connect(stream, router.clone()));
            tokio::spawn(async move {
                if let Err(cause) = connection.await {
                    debug!(%cause, "a connection ended early");
                }
                drop(permit);
            });
        }
        drop(self.listener);
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            warn!("some requests did not end in time");
        }
    }
}

/// Returns once the node is told to stop, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn connect(
    stream: TcpStream,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    if let Err(cause) = stream.set_nodelay(true) {
        debug!(%cause, "a connection keeps the delay of small packets");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {}),
            )
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(PatientStream::new(stream, WRITE_TIMEOUT)), service)
}
