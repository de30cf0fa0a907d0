//! Settings of a server: one set of names for flags, environment and file; a flag beats the environment beats the file.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use thiserror::Error;
use url::Url;

use crate::limits;
use crate::secret::Secret;

/// Shortest admin token that is taken: shorter ones can be guessed.
const ADMIN_TOKEN_CHARS_MIN: usize = 16;

/// What stops a server from starting because of its settings.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The file is not TOML, or has a setting that does not exist.
    // The message only: the line it stands in may hold a secret.
    #[error("the configuration file {path} is not understood: {}", cause.message())]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// Where and why.
        cause: Box<toml::de::Error>,
    },
    /// A setting's value is out of its range.
    #[error("the setting {name} {problem}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A length of time as people write it: `30s`, `250ms`, `1h 30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let hint = || format!("'{text}' is not a length of time such as 30s, 250ms or 1h");
        let span: SignedDuration = text.parse().map_err(|_| hint())?;
        Duration::try_from(span).map(Span).map_err(|_| hint())
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Span, String> {
        text.parse()
    }
}

/// The settings as flags, environment variables and keys of the TOML file. All may be left out.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Directory that holds everything the server must not forget; made if it is not there
    #[arg(long, env = "BELLWIRE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "BELLWIRE_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where people reach the server, when that is not where it listens: behind a proxy that speaks TLS
    #[arg(long, env = "BELLWIRE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,
    /// Allow endpoints on private, loopback and other non-public addresses, and on any port
    #[arg(long, env = "BELLWIRE_ALLOW_PRIVATE_NETWORKS", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub allow_private_networks: Option<bool>,
    /// Delay before the first retry; later delays of a custom policy grow with it [default: 30s]
    #[arg(long, env = "BELLWIRE_RETRY_DELAY", value_name = "SPAN")]
    pub retry_delay: Option<Span>,
    /// Retry when the connection or the name resolution failed, too; Contentful does not
    #[arg(long, env = "BELLWIRE_RETRY_CONNECTION_ERRORS", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub retry_connection_errors: Option<bool>,
    /// Attempts under way at once to one endpoint [default: 16]
    #[arg(long, env = "BELLWIRE_ENDPOINT_CONCURRENCY", value_name = "N")]
    pub endpoint_concurrency: Option<u16>,
    /// Attempts under way at once in all [default: 4096]
    #[arg(long, env = "BELLWIRE_CONCURRENCY", value_name = "N")]
    pub concurrency: Option<usize>,
    /// Deliveries that may be owed in all before events are refused [default: 10000000]
    #[arg(long, env = "BELLWIRE_BACKLOG", value_name = "N")]
    pub backlog: Option<u64>,
    /// Webhooks that one space may have [default: 100]
    #[arg(long, env = "BELLWIRE_WEBHOOKS_PER_SPACE", value_name = "N")]
    pub webhooks_per_space: Option<usize>,
    /// Management requests a second for one token; 0 for no limit [default: 100]
    #[arg(long, env = "BELLWIRE_RATE_LIMIT", value_name = "N")]
    pub rate_limit: Option<u32>,
    /// How long accepted events are kept, and deliveries that wait for an endpoint that keeps failing; an event is kept
    /// longer while a retry of it is owed [default: 72h]
    #[arg(long, env = "BELLWIRE_EVENT_RETENTION", value_name = "SPAN")]
    pub event_retention: Option<Span>,
    /// PEM file of certificate authorities to trust besides the system's
    #[arg(long, env = "BELLWIRE_EXTRA_CA", value_name = "FILE")]
    pub extra_ca: Option<PathBuf>,
    /// How long a stopping server waits for the attempts under way [default: 35s]
    #[arg(long, env = "BELLWIRE_DRAIN", value_name = "SPAN")]
    pub drain: Option<Span>,
    /// How log lines look [default: text]
    #[arg(long, env = "BELLWIRE_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// What to log: error, warn, info, debug, trace, or per part as in 'warn,bellwire=debug' [default: info]
    #[arg(long, env = "BELLWIRE_LOG", value_name = "LEVELS")]
    pub log: Option<String>,
    /// The admin token; made on the first start when absent. Prefer the variable: a flag shows in process lists
    #[arg(long, env = "BELLWIRE_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = parse_secret)]
    pub admin_token: Option<Secret>,
}

fn parse_secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

impl Options {
    /// Reads a TOML file of settings.
    pub fn from_file(path: &Path) -> Result<Options, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        toml::from_str(&text)
            .map_err(|cause| ConfigError::NotUnderstood { path: path.to_owned(), cause: Box::new(cause) })
    }

    /// These settings, with `other`'s where these are silent.
    pub fn or(self, other: Options) -> Options {
        Options {
            data: self.data.or(other.data),
            listen: self.listen.or(other.listen),
            public_url: self.public_url.or(other.public_url),
            allow_private_networks: self.allow_private_networks.or(other.allow_private_networks),
            retry_delay: self.retry_delay.or(other.retry_delay),
            retry_connection_errors: self.retry_connection_errors.or(other.retry_connection_errors),
            endpoint_concurrency: self.endpoint_concurrency.or(other.endpoint_concurrency),
            concurrency: self.concurrency.or(other.concurrency),
            backlog: self.backlog.or(other.backlog),
            webhooks_per_space: self.webhooks_per_space.or(other.webhooks_per_space),
            rate_limit: self.rate_limit.or(other.rate_limit),
            event_retention: self.event_retention.or(other.event_retention),
            extra_ca: self.extra_ca.or(other.extra_ca),
            drain: self.drain.or(other.drain),
            log_format: self.log_format.or(other.log_format),
            log: self.log.or(other.log),
            admin_token: self.admin_token.or(other.admin_token),
        }
    }

    /// The settings with every default filled in, checked.
    pub fn resolve(self) -> Result<Settings, ConfigError> {
        let defaults = Settings::default();
        let span = |given: Option<Span>, default| given.map_or(default, |span| span.0);
        Settings {
            data: self.data.unwrap_or(defaults.data),
            listen: self.listen.unwrap_or(defaults.listen),
            public_url: self.public_url,
            allow_private_networks: self.allow_private_networks.unwrap_or(defaults.allow_private_networks),
            retry_delay: span(self.retry_delay, defaults.retry_delay),
            retry_connection_errors: self.retry_connection_errors.unwrap_or(defaults.retry_connection_errors),
            endpoint_concurrency: self.endpoint_concurrency.unwrap_or(defaults.endpoint_concurrency),
            concurrency: self.concurrency.unwrap_or(defaults.concurrency),
            backlog: self.backlog.unwrap_or(defaults.backlog),
            webhooks_per_space: self.webhooks_per_space.unwrap_or(defaults.webhooks_per_space),
            rate_limit: self.rate_limit.unwrap_or(defaults.rate_limit),
            event_retention: span(self.event_retention, defaults.event_retention),
            extra_ca: self.extra_ca,
            drain: span(self.drain, defaults.drain),
            admin_token: self.admin_token,
        }
        .checked()
    }
}

/// Everything a node needs to know, resolved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Directory of the store.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where people reach it, when that is not where it listens.
    pub public_url: Option<Url>,
    /// Whether endpoints may have non-public addresses.
    pub allow_private_networks: bool,
    /// The first delay of the retry policy.
    pub retry_delay: Duration,
    /// Whether connection and name-resolution errors are retried.
    pub retry_connection_errors: bool,
    /// Attempts under way at once to one endpoint.
    pub endpoint_concurrency: u16,
    /// Attempts under way at once in all.
    pub concurrency: usize,
    /// Deliveries that may be owed in all before events are refused.
    pub backlog: u64,
    /// Webhooks of one space.
    pub webhooks_per_space: usize,
    /// Management requests a second for one token; 0 for no limit.
    pub rate_limit: u32,
    /// How long accepted events are kept, and deliveries that wait for an endpoint that keeps failing.
    pub event_retention: Duration,
    /// PEM file of further certificate authorities.
    pub extra_ca: Option<PathBuf>,
    /// How long a stopping server waits for the attempts under way.
    pub drain: Duration,
    /// The admin token, when it is set from outside.
    pub admin_token: Option<Secret>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data: PathBuf::from("bellwire-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            allow_private_networks: false,
            retry_delay: Duration::from_millis(
                bellwire_core::delivery::RetryPolicy::default().first_delay_ms,
            ),
            retry_connection_errors: false,
            endpoint_concurrency: limits::LANE_IN_FLIGHT_MAX,
            concurrency: limits::IN_FLIGHT_MAX,
            backlog: limits::BACKLOG_MAX,
            webhooks_per_space: limits::WEBHOOKS_PER_SPACE,
            rate_limit: limits::RATE_PER_SECOND,
            event_retention: limits::EVENT_RETENTION,
            extra_ca: None,
            drain: limits::DRAIN,
            admin_token: None,
        }
    }
}

impl Settings {
    /// Where people reach a server that listens on `address`, without a slash at the end.
    pub fn origin(&self, address: SocketAddr) -> String {
        let url = self.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        url.unwrap_or_else(|| format!("http://{address}"))
    }

    fn checked(self) -> Result<Settings, ConfigError> {
        let day = Duration::from_secs(24 * 60 * 60);
        let rows = [
            (
                "retry-delay",
                self.retry_delay < Duration::from_millis(1) || self.retry_delay > day,
                "must lie between 1ms and 24h",
            ),
            (
                "endpoint-concurrency",
                !(1..=256).contains(&self.endpoint_concurrency),
                "must lie between 1 and 256",
            ),
            (
                "public-url",
                self.public_url.as_ref().is_some_and(|url| !is_origin(url)),
                "must be http:// or https:// with a host and nothing behind it",
            ),
            ("concurrency", !(1..=65_536).contains(&self.concurrency), "must lie between 1 and 65536"),
            ("backlog", self.backlog == 0, "must be at least 1"),
            (
                "webhooks-per-space",
                !(1..=1_000_000).contains(&self.webhooks_per_space),
                "must lie between 1 and 1000000",
            ),
            ("event-retention", self.event_retention < Duration::from_secs(60), "must be at least 1m"),
            ("drain", self.drain > day, "must be at most 24h"),
            (
                "admin-token",
                self.admin_token.as_ref().is_some_and(|token| !can_be_shown(token)),
                "must have at least 16 characters, all of them visible ASCII: no blank, no line break",
            ),
        ];
        match rows.into_iter().find(|(_, wrong, _)| *wrong) {
            Some((name, _, problem)) => Err(ConfigError::OutOfRange { name, problem }),
            None => Ok(self),
        }
    }
}

/// Whether a URL is a scheme with a host, and perhaps a port.
fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() + "/" == url.as_str()
}

/// Whether a token is long enough and fits a header, so that a caller can show it.
fn can_be_shown(token: &Secret) -> bool {
    let token = token.expose();
    token.len() >= ADMIN_TOKEN_CHARS_MIN && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Options {
        toml::from_str(text).expect("the file is understood")
    }

    #[test]
    fn the_first_source_that_speaks_wins() {
        let flags = Options { retry_delay: Some("1s".parse().unwrap()), ..Options::default() };
        let file = parse("retry-delay = '5s'\nlisten = '127.0.0.1:9'\nallow-private-networks = true");
        let settings = flags.or(file).resolve().unwrap();
        assert_eq!(settings.retry_delay, Duration::from_secs(1));
        assert_eq!(settings.listen.port(), 9);
        assert!(settings.allow_private_networks);
        assert_eq!(settings.concurrency, limits::IN_FLIGHT_MAX);
    }

    #[test]
    fn an_unknown_key_and_a_bad_span_are_named() {
        let unknown = toml::from_str::<Options>("colour = 'red'").unwrap_err().to_string();
        assert!(unknown.contains("colour"), "{unknown}");
        let span = toml::from_str::<Options>("drain = 'soon'").unwrap_err().to_string();
        assert!(span.contains("'soon' is not a length of time"), "{span}");
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        for (text, name) in [
            ("retry-delay = '0s'", "retry-delay"),
            ("retry-delay = '500us'", "retry-delay"),
            ("admin-token = \"0123456789abcdef\\n\"", "admin-token"),
            ("admin-token = '0123456789 abcdef'", "admin-token"),
            ("concurrency = 0", "concurrency"),
            ("endpoint-concurrency = 1000", "endpoint-concurrency"),
            ("admin-token = 'short'", "admin-token"),
        ] {
            let refusal = parse(text).resolve().unwrap_err().to_string();
            assert!(refusal.contains(name), "{refusal}");
        }
    }
}
