//! Storage that grows, written outside the core as a server's is.

use bellwire_core::table::{Clause, Full, Hook, List, Rule, Span, Storage, Text};

/// Lists that are vectors, text that is a string.
#[derive(Debug)]
pub(crate) struct Growing;

impl Storage for Growing {
    type Rules = Rows<Rule>;
    type Names = Rows<Span>;
    type Hooks = Rows<Hook>;
    type Clauses = Rows<Clause>;
    type Text = Letters;
}

/// A vector.
#[derive(Debug)]
pub(crate) struct Rows<T>(Vec<T>);

impl<T> List<T> for Rows<T> {
    const EMPTY: Self = Self(Vec::new());

    fn push(&mut self, row: T) -> Result<(), Full> {
        self.0.push(row);
        Ok(())
    }

    fn as_slice(&self) -> &[T] {
        &self.0
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.0
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

/// A string.
#[derive(Debug)]
pub(crate) struct Letters(String);

impl Text for Letters {
    const EMPTY: Self = Self(String::new());

    fn push_str(&mut self, text: &str) -> Result<(), Full> {
        self.0.push_str(text);
        Ok(())
    }

    fn as_str(&self) -> &str {
        &self.0
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}
