//! What a node meets the world through beside its store and its own sockets: time, chance, and the way out.

use std::path::Path;
use std::sync::Arc;

use super::descriptors::Descriptors;
use super::{StartError, policy};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::net::{ClientSettings, HttpClient, Resolve, Transport, roots_from_pem};
use crate::random::Dice;

/// The ports of a node.
#[derive(Clone)]
pub struct Ports {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What spreads waits.
    pub dice: Arc<Dice>,
    /// What makes the requests.
    pub transport: Arc<dyn Transport>,
}

impl Ports {
    /// The system's clock and randomness, and the guarded client with a way of the caller's to look names up.
    ///
    /// # Errors
    /// When the settings' certificate authorities cannot be used.
    pub fn of_system(settings: &Settings, resolver: Arc<dyn Resolve>) -> Result<Ports, StartError> {
        let client = HttpClient::new(ClientSettings { resolver, ..client_settings(settings)? })?;
        Ok(Ports {
            clock: Arc::new(SystemClock),
            dice: Arc::new(Dice::unforeseen()),
            transport: Arc::new(client),
        })
    }
}

fn client_settings(settings: &Settings) -> Result<ClientSettings, StartError> {
    let extra_roots = match &settings.extra_ca {
        Some(path) => roots_from_pem(&read_ca(path)?)?,
        None => Vec::new(),
    };
    let reused_connections_max = Descriptors::available(settings.concurrency).reused;
    Ok(ClientSettings {
        policy: policy(settings),
        extra_roots,
        reused_connections_max,
        ..ClientSettings::default()
    })
}

fn read_ca(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|cause| StartError::ExtraCa { path: path.to_owned(), cause })
}
