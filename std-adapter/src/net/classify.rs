//! From the error of a failed call to its outcome and a sentence for people.

use std::error::Error;
use std::io;

use bellwire_core::call::Outcome;

use super::resolver::LookupError;

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

fn lookup_outcome(error: &LookupError) -> Outcome {
    match error {
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
