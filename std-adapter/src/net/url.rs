//! The rules for the text of a URL that is to be called.
//!
//! The text is read once, by the WHATWG rules of the `url` crate, and only the result is used: what was judged is
//! what is called. Texts that other readers take for another host (backslashes, user information, …) are refused.

use std::net::IpAddr;

use url::{Host, Url};

use super::guard::{AddressPolicy, BlockedAddress};

/// The most bytes the text of a URL may have.
pub const URL_BYTES_MAX: usize = 8 * 1024;

/// The last port that is reserved for well-known services; only 80 and 443 of them may be called.
const WELL_KNOWN_PORT_MAX: u16 = 1023;

/// Why the text of a URL is refused, as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The text is longer than [`URL_BYTES_MAX`].
    #[error("the URL is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
    /// The text holds a character that readers of URLs disagree about.
    #[error("the URL holds a backslash, white space or a control character")]
    Character,
    /// The URL holds a fragment, which is never sent.
    #[error("the URL holds a fragment (#)")]
    Fragment,
    /// The URL holds a user name or a password.
    #[error("the URL holds user information (@): use HTTP basic authentication instead")]
    UserInfo,
    /// The scheme is neither http nor https, or is not followed by `//` and a host.
    #[error("the URL does not start with http:// or https:// and a host")]
    Scheme,
    /// The text is no URL; the reason is the reader's.
    #[error("the URL cannot be read: {0}")]
    Syntax(String),
    /// The port may not be called.
    #[error("port {0} is not allowed: use 80, 443 or one above {WELL_KNOWN_PORT_MAX}")]
    Port(u16),
    /// The host is the machine itself.
    #[error("the host {0} is this machine itself")]
    Localhost(String),
    /// The host is no full domain name.
    #[error("the host {0} is not a full domain name")]
    Host(String),
    /// The host is an address that is not public.
    #[error(transparent)]
    Blocked(#[from] BlockedAddress),
    /// A pointer of a URL template stands in the scheme, host or port.
    #[error("the URL holds a pointer before its path: scheme, host and port must be fixed")]
    PointerInAuthority,
    /// A path segment of a URL template is `.` or `..`, which would take away what a pointer put in.
    #[error("the path of a URL with pointers holds a segment of dots")]
    DotSegment,
}

/// Reads the URL `raw` and says whether it may be called under `policy`.
///
/// Under [`AddressPolicy::PublicOnly`] the host must be a public address or a full domain name, and the port 80,
/// 443 or above 1023. The address a name leads to is not looked up here: the client judges it at each connect.
///
/// # Errors
/// [`UrlError`], one sentence for the caller.
///
/// # Examples
/// ```
/// use bellwire::net::{AddressPolicy, check_url};
/// let url = check_url("https://hooks.example.com/in?a=1", AddressPolicy::PublicOnly).unwrap();
/// assert_eq!(url.host_str(), Some("hooks.example.com"));
/// let refused = check_url("http://2130706433/", AddressPolicy::PublicOnly).unwrap_err();
/// assert_eq!(refused.to_string(), "127.0.0.1 is a loopback address");
/// ```
pub fn check_url(raw: &str, policy: AddressPolicy) -> Result<Url, UrlError> {
    check_text(raw)?;
    let url = Url::parse(raw).map_err(|error| UrlError::Syntax(error.to_string()))?;
    if policy == AddressPolicy::PublicOnly {
        check_port(&url)?;
        check_host(&url)?;
    }
    Ok(url)
}

/// Refuses what readers of URLs disagree about, before any of them reads it.
fn check_text(raw: &str) -> Result<(), UrlError> {
    if raw.len() > URL_BYTES_MAX {
        return Err(UrlError::TooLong);
    }
    if raw.contains(|c: char| c == '\\' || c.is_control() || c.is_whitespace()) {
        return Err(UrlError::Character);
    }
    if raw.contains('#') {
        return Err(UrlError::Fragment);
    }
    match authority(raw) {
        None | Some("") => Err(UrlError::Scheme),
        Some(authority) if authority.contains('@') => Err(UrlError::UserInfo),
        Some(_) => Ok(()),
    }
}

/// The text between `http://` or `https://` and the path or query.
fn authority(raw: &str) -> Option<&str> {
    let (scheme, rest) = raw.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    rest.split(['/', '?']).next()
}

fn check_port(url: &Url) -> Result<(), UrlError> {
    match url.port_or_known_default() {
        Some(80 | 443) => Ok(()),
        Some(port) if port > WELL_KNOWN_PORT_MAX => Ok(()),
        port => Err(UrlError::Port(port.unwrap_or_default())),
    }
}

fn check_host(url: &Url) -> Result<(), UrlError> {
    match url.host() {
        Some(Host::Domain(name)) => check_name(name),
        Some(Host::Ipv4(v4)) => Ok(AddressPolicy::PublicOnly.check(IpAddr::V4(v4))?),
        Some(Host::Ipv6(v6)) => Ok(AddressPolicy::PublicOnly.check(IpAddr::V6(v6))?),
        None => Err(UrlError::Scheme),
    }
}

/// Judges a domain name, already in lower case and ASCII.
fn check_name(name: &str) -> Result<(), UrlError> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    if labels == "localhost" || labels.ends_with(".localhost") {
        return Err(UrlError::Localhost(name.to_owned()));
    }
    if !labels.contains('.') || labels.split('.').any(str::is_empty) {
        return Err(UrlError::Host(name.to_owned()));
    }
    Ok(())
}
