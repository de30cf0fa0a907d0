//! Live updates: a stream that says that something of a space changed, so that the page asks for itself again.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc};
use tokio::time::Instant;

use super::error::WebError;
use super::fields::Fields;
use super::session::User;
use super::{Page, Web, WebState};
use crate::app::{Wish, definitions};
use crate::calls::Ended;

/// Streams that are open at once.
pub(super) const STREAMS_MAX: usize = 64;
/// How long a stream lasts; the browser opens another, and with it asks anew whether it may.
const STREAM_LIFE: Duration = Duration::from_secs(5 * 60);
/// Silence is broken this often, so that nothing between here and the browser takes the stream for dead.
const STILL_THERE: Duration = Duration::from_secs(15);
/// However much changes, a page hears of it no more often.
const PAUSE: Duration = Duration::from_millis(400);

/// `GET …/live`: calls that end in the space, or only those of `?webhook=`.
pub(super) async fn stream(
    State(web): WebState,
    user: User,
    Path(space): Path<String>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let webhook = match query.text("webhook") {
        "" => None,
        id => Some(definitions::find(&space, id).map_err(WebError::from)?.record.uid),
    };
    let permit = web.streams.clone().try_acquire_owned().map_err(|_| WebError::Crowded)?;
    let (sender, receiver) = mpsc::channel(1);
    let watcher = Watcher { space_uid: space.uid, webhook, ended: web.app.calls.watch() };
    tokio::spawn(watcher.run(web.clone(), sender));
    Ok(answer(Stream { receiver, _permit: permit }))
}

fn answer(stream: Stream) -> Response {
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (headers, Body::new(stream)).into_response()
}

/// What looks out for one stream.
struct Watcher {
    space_uid: u64,
    webhook: Option<u64>,
    ended: broadcast::Receiver<Ended>,
}

impl Watcher {
    async fn run(mut self, web: Arc<Web>, sender: mpsc::Sender<Bytes>) {
        let (mut closing, end) = (web.closing.subscribe(), Instant::now() + STREAM_LIFE);
        // Tells the browser at once that it is connected.
        let mut said = sender.send(Bytes::from_static(b": here\n\n")).await;
        while said.is_ok() {
            let text = tokio::select! {
                () = self.change(&web) => "data: changed\n\n",
                () = tokio::time::sleep(STILL_THERE) => ": still here\n\n",
                () = tokio::time::sleep_until(end) => return,
                () = sender.closed() => return,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            said = sender.send(Bytes::from_static(text.as_bytes())).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits for a call that the stream is about.
    async fn change(&mut self, web: &Web) {
        loop {
            match self.ended.recv().await {
                Ok(ended) if self.concerns(web, ended) => return,
                Ok(_) => {}
                // Too much happened to tell what.
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn concerns(&self, web: &Web, ended: Ended) -> bool {
        match self.webhook {
            Some(uid) => uid == ended.webhook_uid,
            None => web
                .app
                .registry
                .webhook(ended.webhook_uid)
                .is_some_and(|(space, _)| space.uid == self.space_uid),
        }
    }
}

/// The stream as a body. Its place is given back when the connection ends.
struct Stream {
    receiver: mpsc::Receiver<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.receiver.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
