//! An error with what lay beneath it, in one line: for the log and the terminal.

use std::error::Error;

/// The error's sentence and those of its causes, as far as they say more.
pub fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let sentence = cause.to_string();
        if !line.contains(&sentence) {
            line = format!("{line}: {sentence}");
        }
        next = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Leak {
        said: &'static str,
        source: io::Error,
    }

    #[test]
    fn what_lay_beneath_is_said_once() {
        let leak = |said| Leak { said, source: io::Error::other("the roof is old") };
        assert_eq!(in_one_line(&leak("it rains in")), "it rains in: the roof is old");
        assert_eq!(in_one_line(&leak("it rains in: the roof is old")), "it rains in: the roof is old");
    }
}
