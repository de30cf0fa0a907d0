//! The composition root: the only place that puts the parts together, starts them and stops them.

mod descriptors;
mod embed;
mod patience;
mod ports;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwire_core::delivery::BreakerPolicy;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use self::descriptors::Descriptors;
pub use self::embed::EmbedError;
pub use self::ports::Ports;
use self::server::Server;
use crate::api;
use crate::app::App;
use crate::app::rate::Rates;
use crate::calls::CallLog;
use crate::config::Settings;
use crate::deliver::{Deliveries, DeliverySettings, Parts};
use crate::events::EventLog;
use crate::id::IdMaker;
use crate::ingest::Ingest;
use crate::limits::{FAILURES_MAX, PAUSE_FACTOR_MAX};
use crate::metrics::Metrics;
use crate::net::{AddressPolicy, Resolve, RootsError, SystemResolver};
use crate::secret::Secret;
use crate::store::record::OwedKey;
use crate::store::{
    Batch, CommitError, Committer, Durability, FjallStore, OpenError, Reader, Store, StoreError, Table,
    record,
};
use crate::sweep::Sweeper;
use crate::tokens::{TokenError, Tokens};
use crate::web::{self, Web};
use crate::webhooks::Registry;

/// Why a node did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store could not be read.
    #[error("the data directory cannot be used: {0}")]
    Store(#[from] StoreError),
    /// The admin token could not be stored.
    #[error("the admin token cannot be stored: {0}")]
    Token(#[from] TokenError),
    /// The start could not be written down.
    #[error("the data directory cannot be written to: {0}")]
    Commit(#[from] CommitError),
    /// The address is taken, or not one of this machine.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The file of certificate authorities cannot be read.
    #[error("cannot read the certificate authorities in {path}: {cause}")]
    ExtraCa {
        /// The file.
        path: std::path::PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// There are no usable certificate authorities.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

/// A running server.
///
/// ```
/// use bellwire::config::Settings;
/// use bellwire::node::Node;
/// use bellwire::store::MemoryStore;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let settings = Settings { listen: "127.0.0.1:0".parse()?, ..Settings::default() };
/// let node = Node::start_with(settings, MemoryStore::new()).await?;
/// println!("listening on http://{}", node.address());
/// node.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Node {
    address: SocketAddr,
    app: Arc<App>,
    web: Arc<Web>,
    settings: Settings,
    committer: Committer,
    reader: Reader,
    new_admin_token: Option<Secret>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
}

impl Node {
    /// Starts a node on the store in the settings' data directory, which is made if it is not there.
    ///
    /// # Errors
    /// When the store, the address or the certificates cannot be used.
    pub async fn start(settings: Settings) -> Result<Node, StartError> {
        // The address first: when it is taken, the store was not touched and can be opened again at once.
        let server = bind(&settings).await?;
        let store = FjallStore::open(&settings.data)?;
        let ports = Ports::of_system(&settings, Arc::new(SystemResolver::new()))?;
        Node::start_on(server, settings, store, ports).await
    }

    /// Starts a node on a store of the caller's; the settings' data directory is not looked at.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn start_with(settings: Settings, store: impl Store) -> Result<Node, StartError> {
        Node::start_resolving(settings, store, Arc::new(SystemResolver::new())).await
    }

    /// Starts a node that looks names up in a way of the caller's. What it finds is checked all the same.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn start_resolving(
        settings: Settings,
        store: impl Store,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Node, StartError> {
        let ports = Ports::of_system(&settings, resolver)?;
        Node::start_between(settings, store, ports).await
    }

    /// Starts a node between ports of the caller's: for simulations.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn start_between(
        settings: Settings,
        store: impl Store,
        ports: Ports,
    ) -> Result<Node, StartError> {
        let server = bind(&settings).await?;
        Node::start_on(server, settings, store, ports).await
    }

    async fn start_on(
        server: Server,
        settings: Settings,
        store: impl Store,
        ports: Ports,
    ) -> Result<Node, StartError> {
        let store: Arc<dyn Store> = Arc::new(store);
        let committer = Committer::start(store.clone());
        let descriptors = Descriptors::claim(settings.concurrency);
        let run = begin_run(&*store, &committer).await?;
        let delivery =
            DeliverySettings { in_flight_max: descriptors.attempts, ..delivery_settings(&settings, run) };
        let (clock, now_ms) = (ports.clock.clone(), ports.clock.now_ms());
        let reader = Reader::from(store.clone());
        let app = Arc::new(assemble(&settings, delivery, store, reader.clone(), committer.clone(), ports)?);
        let new_admin_token = app.tokens.ensure_admin(settings.admin_token.as_ref(), now_ms).await?;
        app.deliveries.resume();
        let deliveries = app.deliveries.clone();
        let swept = Box::new(move |keys: &[OwedKey]| deliveries.swept(keys));
        let (registry, retention) = (app.registry.clone(), settings.event_retention);
        let sweeper = Sweeper::new(reader.clone(), committer.clone(), registry, retention, swept);
        let (stop, stopped) = watch::channel(false);
        let address = server.address;
        let web = Arc::new(Web::new(app.clone(), settings.origin(address)));
        let router = api::router(app.clone()).merge(web::router(web.clone()));
        info!(%address, "listening");
        let serving = server.run(router, stopped, settings.drain, descriptors.connections);
        Ok(Node {
            address,
            server: tokio::spawn(serving),
            sweeper: tokio::spawn(sweeper.run(clock)),
            app,
            web,
            settings,
            committer,
            reader,
            new_admin_token,
            stop,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The admin token, when this start made it. It cannot be seen again.
    pub fn new_admin_token(&self) -> Option<&Secret> {
        self.new_admin_token.as_ref()
    }

    /// A link to the web app that signs its first follower in as the admin, within ten minutes; `None` when there is
    /// no admin token.
    pub fn sign_in_link(&self) -> Option<Secret> {
        let path = self.web.sign_in_path()?;
        Some(Secret::new(format!("{}{}", self.origin(), path.expose())))
    }

    /// Where people reach it: the settings' public URL, or else the address it listens on.
    pub fn origin(&self) -> String {
        self.settings.origin(self.address)
    }

    /// The parts at work, for a program that embeds the node.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Returns once the store has failed for good. A failed write is never tried again: what the disk holds of it
    /// cannot be known, so the node should end and be started again. Waits for ever while that does not happen.
    pub async fn failed(&self) -> StoreError {
        self.committer.failed().await
    }

    /// Stops: takes no more requests, lets what is under way end within the settings' bound, writes what waits.
    pub async fn stop(self) {
        self.stop_until(std::future::pending()).await;
    }

    /// The same, but what is under way may no longer end once `hurry` has.
    pub async fn stop_until(self, hurry: impl Future<Output = ()>) {
        self.app.stopping.store(true, Ordering::SeqCst);
        self.web.close();
        self.stop.send_replace(true);
        let (drain, reader) = (self.settings.drain, self.reader);
        let server = self.server.abort_handle();
        let ending = async { tokio::join!(self.server, self.app.deliveries.drain(drain)).1 };
        let drained = tokio::select! {
            drained = ending => drained,
            () = hurry => {
                server.abort();
                self.app.deliveries.drain(Duration::ZERO).await
            }
        };
        if !drained {
            warn!("some attempts did not end in time; they are made again at the next start");
        }
        self.sweeper.abort();
        // Not only told to end but gone: it holds the store, which can be opened again when this returns.
        let _cancelled = self.sweeper.await;
        self.committer.close().await;
        reader.close().await;
        info!("stopped");
    }
}

async fn bind(settings: &Settings) -> Result<Server, StartError> {
    let bound = Server::bind(settings.listen).await;
    bound.map_err(|cause| StartError::Listen { address: settings.listen, cause })
}

fn policy(settings: &Settings) -> AddressPolicy {
    if settings.allow_private_networks { AddressPolicy::AllowPrivate } else { AddressPolicy::PublicOnly }
}

/// Name of the record that holds the number of the last run.
const RUN: &[u8] = b"run";

/// Takes the number of this run: one more than the last one's, on the disk before anything is claimed under it.
async fn begin_run(store: &dyn Store, committer: &Committer) -> Result<u64, StartError> {
    let last: u64 = match store.read(Table::Meta, RUN)? {
        Some(bytes) => record::decode(&bytes)?,
        None => 0,
    };
    let mut batch = Batch::default();
    batch.put(Table::Meta, RUN, record::encode(&(last + 1)));
    committer.commit(batch, Durability::Synced).await?;
    Ok(last + 1)
}

fn assemble(
    settings: &Settings,
    delivery: DeliverySettings,
    store: Arc<dyn Store>,
    reader: Reader,
    committer: Committer,
    ports: Ports,
) -> Result<App, StoreError> {
    let Ports { clock, dice, transport } = ports;
    let ids = Arc::new(IdMaker::new(clock.clone()));
    let metrics = Arc::new(Metrics::default());
    let registry = Arc::new(Registry::load(&*store, committer.clone())?);
    let events = EventLog::new(store.clone());
    for space in registry.spaces() {
        events.newest(space.uid, Some(ids.horizon()), 1)?.into_iter().for_each(|newest| ids.follow(newest));
    }
    let tokens = Tokens::load(&*store, committer.clone(), ids.clone())?;
    let calls = Arc::new(CallLog::new(reader.clone(), ids.clone()));
    let parts = Parts {
        store: reader,
        committer: committer.clone(),
        registry: registry.clone(),
        calls: calls.clone(),
        transport,
        clock: clock.clone(),
        dice,
        metrics: metrics.clone(),
    };
    let deliveries = Deliveries::new(delivery, parts);
    let ingest = Ingest::new(
        store.clone(),
        committer.clone(),
        deliveries.clone(),
        ids.clone(),
        metrics.clone(),
        clock,
    )?;
    Ok(App {
        registry,
        tokens,
        calls,
        events,
        ingest: Arc::new(ingest),
        deliveries,
        metrics,
        committer,
        ids,
        rates: Rates::new(settings.rate_limit),
        webhooks_per_space: settings.webhooks_per_space,
        policy: policy(settings),
        stopping: AtomicBool::new(false),
    })
}

fn delivery_settings(settings: &Settings, run: u64) -> DeliverySettings {
    let pause_ms = settings.retry_delay.as_millis() as u64;
    DeliverySettings {
        run,
        breaker: BreakerPolicy {
            failures: FAILURES_MAX,
            pause_ms,
            pause_ms_max: pause_ms.saturating_mul(PAUSE_FACTOR_MAX),
        },
        first_delay: settings.retry_delay,
        retry_connection_errors: settings.retry_connection_errors,
        lane_in_flight_max: settings.endpoint_concurrency,
        in_flight_max: settings.concurrency,
        backlog_max: settings.backlog,
        keep: settings.event_retention,
        policy: policy(settings),
    }
}
