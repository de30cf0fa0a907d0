//! Two versions of a webhook side by side: what was typed, and what somebody else saved meanwhile.

use super::draft::{Draft, HeaderRow};
use super::filter_row::{FilterRow, OPERATORS};
use crate::web::triggers;

/// One part of a definition in both versions.
pub(crate) struct Line {
    pub(crate) label: &'static str,
    pub(crate) mine: String,
    pub(crate) theirs: String,
}

impl Line {
    pub(crate) fn differs(&self) -> bool {
        self.mine != self.theirs
    }
}

/// Every part, in the order of the form.
pub(crate) fn compare(mine: &Draft, theirs: &Draft) -> Vec<Line> {
    let (mine, theirs) = (parts(mine), parts(theirs));
    let line = |((label, mine), (_, theirs)): ((&'static str, String), (&'static str, String))| Line {
        label,
        mine,
        theirs,
    };
    mine.into_iter().zip(theirs).map(line).collect()
}

fn parts(draft: &Draft) -> [(&'static str, String); 11] {
    let topics: Vec<String> = draft.topics.iter().cloned().collect();
    let mut triggers =
        if draft.all { "All events, and future ones".into() } else { triggers::words(&topics) };
    if !draft.all && !draft.own.is_empty() {
        triggers = format!("{triggers} {}", draft.own).trim().to_owned();
    }
    let lines = |texts: Vec<String>| if texts.is_empty() { "none".to_owned() } else { texts.join("\n") };
    [
        ("Name", draft.name.clone()),
        ("Request", format!("{} {}", draft.method, draft.url)),
        ("Active", if draft.active { "yes" } else { "no" }.into()),
        ("In order", if draft.ordered { "yes" } else { "no" }.into()),
        ("Triggers", triggers),
        ("Filters", lines(draft.filters.iter().map(filter).collect())),
        ("Headers", lines(draft.headers.iter().map(header).collect())),
        (
            "Basic auth",
            if draft.basic_username.is_empty() { "none".into() } else { draft.basic_username.clone() },
        ),
        ("Content type", draft.content_type.clone()),
        ("Content-Length", if draft.content_length { "asked for" } else { "not asked for" }.into()),
        ("Payload", if draft.custom { draft.payload.clone() } else { "the event's".into() }),
    ]
}

fn filter(row: &FilterRow) -> String {
    let operator = OPERATORS.iter().find(|(name, _)| *name == row.operator).map_or("?", |(_, label)| label);
    format!("{} {operator} {}", row.doc, row.value)
}

fn header(row: &HeaderRow) -> String {
    match (row.secret, row.value.is_empty()) {
        (true, true) => format!("{}: (the stored secret)", row.key),
        (true, false) => format!("{}: (a new secret)", row.key),
        (false, _) => format!("{}: {}", row.key, row.value),
    }
}
