//! From the error of a failed call to its outcome and a sentence for people.

use std::error::Error;
use std::io;

use bellwire_core::call::Outcome;

use super::resolver::{LookupError, ResolveError};

/// The outcome that `error` stands for, and one sentence with its cause.
///
/// The sentence names hosts and addresses, never the path, the headers or the body.
pub(super) fn classify(error: &(dyn Error + 'static)) -> (Outcome, String) {
    let mut deepest = error.to_string();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(lookup) = error.downcast_ref::<LookupError>() {
            return (lookup_outcome(lookup), sentence(&lookup.to_string()));
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return (Outcome::Tls, format!("The TLS connection failed: {tls}"));
        }
        if error.downcast_ref::<io::Error>().is_some_and(is_exhausted) {
            return (Outcome::NoResources, format!("This machine has no room for another request: {error}"));
        }
        deepest = error.to_string();
        next = cause(error);
    }
    (Outcome::Connection, format!("The connection failed: {deepest}"))
}

/// The error under `error`. `io::Error` gives its own cause's cause as source and so hides one level.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inside {
        Some(inside) => Some(inside),
        None => error.source(),
    }
}

/// Whether this machine, not the other, could not do it: it is out of descriptors, local ports, buffers or memory.
#[cfg(unix)]
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    error.raw_os_error().is_some_and(|code| codes.iter().any(|errno| errno.raw_os_error() == code))
}

/// Elsewhere only what the standard library has a name for.
#[cfg(not(unix))]
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::AddrNotAvailable)
}

fn lookup_outcome(error: &LookupError) -> Outcome {
    match error {
        LookupError::Resolve(ResolveError::Failed { cause, .. }) if is_exhausted(cause) => {
            Outcome::NoResources
        }
        LookupError::Resolve(_) => Outcome::NameResolution,
        LookupError::BlockedName { .. } | LookupError::BlockedLiteral(_) => Outcome::BlockedAddress,
    }
}

/// `text` with its first letter in upper case.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// `errno` of Linux for what the machine runs out of, and two that say something of the other side.
    #[test]
    fn what_this_machine_lacks_is_not_the_endpoint_s_fault() {
        use rustix::io::Errno;
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL] {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            assert_eq!(classify(&error).0, Outcome::NoResources, "{errno}");
        }
        for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH] {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            assert_eq!(classify(&error).0, Outcome::Connection, "{errno}");
        }
    }
}
