//! The resolver port: from a name to addresses, and the check that all of them may be called.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::classify::is_exhausted;
use super::guard::{AddressPolicy, BlockedAddress};

/// The most lookups the system resolver does at a time. Each holds a thread until the system answers, so that
/// names whose servers are silent cannot take all threads of the process.
pub const LOOKUPS_IN_FLIGHT_MAX: usize = 64;

/// A lookup under way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// The port: looks up the addresses of a host name.
pub trait Resolve: Send + Sync + 'static {
    /// Looks up all addresses of `host`, best first. An answer without addresses is an error.
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a>;
}

/// Why a name has no addresses.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The name has no address.
    #[error("the name {0} has no address")]
    NotFound(String),
    /// The lookup itself failed.
    #[error("the name {host} could not be looked up: {cause}")]
    Failed {
        /// The name that was asked for.
        host: String,
        /// What the system said.
        cause: io::Error,
    },
}

/// Why a name may not be called: no address, or one that is refused.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The name has no address, or the lookup failed.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// One of the addresses is refused.
    #[error("the name {host} leads to an address that is refused: {blocked}")]
    BlockedName {
        /// The name that was asked for.
        host: String,
        /// The first address that is refused, and why.
        blocked: BlockedAddress,
    },
    /// The host is an address, and that is refused.
    #[error(transparent)]
    BlockedLiteral(#[from] BlockedAddress),
}

/// Looks up `host` once and gives its addresses, if **all** of them may be called under `policy`.
///
/// One refused address among many refuses the lot: who connects picks one of them by its own rules, and a name
/// that mixes public and private addresses has no honest use.
///
/// # Errors
/// [`LookupError`], one sentence for people.
pub async fn checked_addresses(
    resolver: &dyn Resolve,
    host: &str,
    policy: AddressPolicy,
) -> Result<Vec<IpAddr>, LookupError> {
    let addresses = resolver.resolve(host).await?;
    if addresses.is_empty() {
        return Err(ResolveError::NotFound(host.to_owned()).into());
    }
    for address in &addresses {
        policy
            .check(*address)
            .map_err(|blocked| LookupError::BlockedName { host: host.to_owned(), blocked })?;
    }
    Ok(addresses)
}

/// The resolver of the operating system (`getaddrinfo`), at most [`LOOKUPS_IN_FLIGHT_MAX`] lookups at a time.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl SystemResolver {
    /// A resolver with no lookup under way.
    pub fn new() -> Self {
        Self { lookups: Arc::new(Semaphore::new(LOOKUPS_IN_FLIGHT_MAX)) }
    }

    async fn look_up(&self, host: String) -> Result<Vec<IpAddr>, ResolveError> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let asked = host.clone();
        // The permit moves into the thread: a caller that gives up does not free a thread that still waits.
        let lookup = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            (asked.as_str(), 0).to_socket_addrs().map(|found| found.map(|socket| socket.ip()).collect())
        });
        let found = lookup.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        found.map_err(|cause| ResolveError::Failed { host, cause: own_failure().unwrap_or(cause) })
    }
}

/// Why this machine cannot open a socket just now. The system's resolver needs one, and does not say that it got none.
fn own_failure() -> Option<io::Error> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err().filter(is_exhausted)
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        Box::pin(self.look_up(host.to_owned()))
    }
}

/// A resolver that answers from a script: for tests and simulations.
///
/// Each lookup of a name takes the next answer of its script; the last answer stays. Names without a script are
/// not found.
#[derive(Debug, Default)]
pub struct ScriptedResolver {
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    answers: HashMap<String, VecDeque<Vec<IpAddr>>>,
    lookups: usize,
}

impl ScriptedResolver {
    /// A resolver that finds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `addresses` to the end of the script of `host`.
    #[must_use]
    pub fn with(self, host: &str, addresses: &[IpAddr]) -> Self {
        self.script().answers.entry(host.to_owned()).or_default().push_back(addresses.to_vec());
        self
    }

    /// How many lookups were made.
    pub fn lookups(&self) -> usize {
        self.script().lookups
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_answer(&self, host: &str) -> Option<Vec<IpAddr>> {
        let mut script = self.script();
        script.lookups += 1;
        let answers = script.answers.get_mut(host)?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    }
}

impl Resolve for ScriptedResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        let answer = self.next_answer(host);
        Box::pin(async move { answer.ok_or_else(|| ResolveError::NotFound(host.to_owned())) })
    }
}
