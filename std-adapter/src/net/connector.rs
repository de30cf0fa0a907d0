//! The connectors under the client: every address is checked before it is connected to, and connecting ends.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use super::guard::AddressPolicy;
use super::resolver::{LookupError, Resolve, checked_addresses};
use super::timing::Marks;

/// What the system keeps of an answer that is not read yet; it doubles this for its own needs. No more is read of any
/// answer, and left to itself it would take in megabytes of one without end.
const RECEIVE_BUFFER_BYTES: usize = 128 * 1024;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Makes TCP connections to addresses that the policy allows, and to no other.
#[derive(Clone)]
pub(super) struct GuardedConnector {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    connect_timeout: Duration,
    reused: Arc<Semaphore>,
}

impl GuardedConnector {
    /// A connector whose connections are used more than once as long as fewer than `reused_max` such are open.
    pub(super) fn new(
        policy: AddressPolicy,
        resolver: Arc<dyn Resolve>,
        connect_timeout: Duration,
        reused_max: usize,
    ) -> Self {
        Self { policy, resolver, connect_timeout, reused: Arc::new(Semaphore::new(reused_max)) }
    }

    /// What makes one connection and notes when.
    fn tcp(&self, marks: &Arc<Marks>) -> HttpConnector<GuardedResolver> {
        let resolver = Arc::clone(&self.resolver);
        let guarded = GuardedResolver { policy: self.policy, resolver, marks: Arc::clone(marks) };
        let mut tcp = HttpConnector::new_with_resolver(guarded);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(self.connect_timeout));
        tcp.set_recv_buffer_size(Some(RECEIVE_BUFFER_BYTES));
        tcp
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = GuardedStream;
    type Error = BoxError;
    type Future = BoxFuture<GuardedStream, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if let Err(error) = check_literal(&uri, self.policy) {
            return Box::pin(async move { Err(error.into()) });
        }
        let marks = Marks::begin(uri.scheme() == Some(&Scheme::HTTPS));
        // Neither the connector nor the resolver under it has to be waited for.
        let connecting = self.tcp(&marks).call(uri);
        let reused = Arc::clone(&self.reused);
        Box::pin(async move {
            let stream = connecting.await?;
            marks.connected();
            Ok(GuardedStream { stream, reuse: reused.try_acquire_owned().ok(), marks })
        })
    }
}

/// No connection in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} ms", .0.as_millis())]
struct ConnectTimedOut(Duration);

/// Ends a connector's work after a time: lookup, TCP and TLS together.
///
/// A request's own deadline is not enough. When another connection becomes free first, the client takes that one
/// and lets the connecting go on behind its back; a receiver that never ends its TLS handshakes could gather them.
#[derive(Clone)]
pub(super) struct TimedConnector<C> {
    /// The connector that does the work.
    pub(super) inner: C,
    /// How long it may take.
    pub(super) timeout: Duration,
}

impl<C> Service<Uri> for TimedConnector<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Response: Connection + Send,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<C::Response, BoxError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let timeout = self.timeout;
        let connecting = tokio::time::timeout(timeout, self.inner.call(uri));
        Box::pin(async move {
            let connection = connecting.await.unwrap_or_else(|_| Err(ConnectTimedOut(timeout).into()))?;
            Marks::ready(&connection);
            Ok(connection)
        })
    }
}

/// Judges a host that is an address: `HttpConnector` connects to such without asking its resolver.
fn check_literal(uri: &Uri, policy: AddressPolicy) -> Result<(), LookupError> {
    let host = uri.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    match host.parse::<IpAddr>() {
        Ok(address) => Ok(policy.check(address)?),
        Err(_) => Ok(()),
    }
}

/// The resolver under `HttpConnector`: one lookup for each connection, all answers checked, and only those
/// addresses handed on.
#[derive(Clone)]
pub(super) struct GuardedResolver {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    marks: Arc<Marks>,
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = LookupError;
    type Future = BoxFuture<Self::Response, LookupError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LookupError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { policy, resolver, marks } = self.clone();
        Box::pin(async move {
            let addresses = checked_addresses(resolver.as_ref(), name.as_str(), policy).await?;
            marks.looked_up();
            // Port 0: the connector puts in the port of the URL.
            let sockets: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(sockets.into_iter())
        })
    }
}

/// A connection, with the right to be used more than once or without it.
pub(super) struct GuardedStream {
    stream: TokioIo<TcpStream>,
    reuse: Option<OwnedSemaphorePermit>,
    marks: Arc<Marks>,
}

impl GuardedStream {
    fn inner(self: Pin<&mut Self>) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Connection for GuardedStream {
    fn connected(&self) -> Connected {
        let connected = self.stream.connected().extra(Arc::clone(&self.marks));
        if self.reuse.is_none() {
            connected.poison();
        }
        connected
    }
}

impl Read for GuardedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(context, buffer)
    }
}

impl Write for GuardedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.inner().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(context, slices)
    }
}
