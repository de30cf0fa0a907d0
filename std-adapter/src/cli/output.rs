//! How commands speak: errors as one sentence, tables for people.

use std::fmt;
use std::io::{Read, Write};
use std::path::PathBuf;

use bytes::Bytes;

/// Prints a line, as `println!` does, but ends quietly when nobody reads any more (`bellwire calls … | head`).
macro_rules! say {
    ($($words:tt)*) => {
        $crate::cli::output::print_line(format_args!($($words)*))
    };
}
pub(crate) use say;

/// What [`say!`] does.
pub(crate) fn print_line(line: fmt::Arguments<'_>) {
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(cause) => {
            eprintln!("bellwire: cannot write the output: {cause}");
            std::process::exit(1);
        }
    }
}

/// An error as the person at the terminal reads it.
#[derive(Debug)]
pub(crate) struct CliError(String);

impl CliError {
    /// One sentence, without a full stop.
    pub(crate) fn new(sentence: impl Into<String>) -> CliError {
        CliError(sentence.into())
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for CliError {
    fn from(cause: std::io::Error) -> CliError {
        CliError(cause.to_string())
    }
}

/// Rows in columns as wide as their widest cell, under a heading.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<String>>().join("  ").trim_end().to_owned()
    };
    let body = rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str())));
    std::iter::once(line(heading)).chain(body).collect::<Vec<String>>().join("\n")
}

/// Text from outside, made harmless for a terminal: control characters are shown, not obeyed.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// What a file holds; `-` or nothing is standard input.
pub(crate) fn read_input(file: Option<&PathBuf>) -> Result<Bytes, CliError> {
    match file.filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let read = std::fs::read(file);
            read.map(Bytes::from)
                .map_err(|cause| CliError::new(format!("cannot read {}: {cause}", file.display())))
        }
        None => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body)?;
            Ok(body.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a".to_owned(), "1".to_owned()], ["long".to_owned(), "2".to_owned()]];
        assert_eq!(table(["ID", "N"], &rows), "ID    N\na     1\nlong  2");
    }

    #[test]
    fn a_terminal_is_not_steered_from_outside() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\n");
    }
}
