//! The match table itself.

use bellwire_core::table::{MatchTable, Rows};
use bellwire_core::topic::Topic;

use crate::matcher::Matcher;
use crate::work::{Kind, Work};

/// The table, and whether its webhooks have filters.
pub struct Table {
    table: MatchTable<Vec<u8>>,
    filters: bool,
}

impl Matcher for Table {
    const NAME: &'static str = "bellwire";
    const SEPARATOR: char = '.';
    type Input = (Topic<'static>, &'static [(&'static str, &'static str)]);

    fn new(work: &Work) -> Result<Self, String> {
        Ok(Self { table: work.table(), filters: work.kind == Kind::W3 })
    }

    fn input(&self, topic: &'static str, attributes: &'static [(&'static str, &'static str)]) -> Self::Input {
        (Topic::parse(topic).expect("a topic"), attributes)
    }

    /// Without filters the lists of the patterns are what is looked for, as with every peer; with filters each webhook.
    fn find(&self, (topic, attributes): &Self::Input, mut with: impl FnMut(u32)) {
        if self.filters {
            self.table.find(topic, *attributes).for_each(with);
        } else {
            self.table.for_each_list(topic, |rows| first(rows).into_iter().for_each(&mut with));
        }
    }
}

/// The first webhook of a list stands for all that have its pattern.
fn first(rows: Rows<'_>) -> Option<u32> {
    match rows {
        Rows::Narrow(rows) => rows.first().map(|row| u16::from_le_bytes(*row).into()),
        Rows::Wide(rows) => rows.first().map(|row| u32::from_le_bytes(*row)),
    }
}
