//! What a table holds, for a person and for a program.

use serde_json::{Value, json};

use crate::cli::output::table as columns;
use crate::webhooks::table::WebhookTable;

/// One line for each thing worth knowing.
pub(super) fn text(table: &WebhookTable) -> String {
    let counts = table.counts();
    let needs = match counts.dfas {
        0 => "nothing beside the core".to_owned(),
        dfas => format!("the feature regexp: {dfas} automata of {} bytes", counts.dfa_bytes),
    };
    let rows = [
        ("image", format!("{} bytes, words of {} bytes", table.image().len(), table.word_bytes())),
        ("webhooks", counts.webhooks.to_string()),
        ("worst case", format!("{} steps and {} nodes for one event", table.steps_max(), table.visits_max())),
        ("needs", needs),
        ("segments", format!("{} of {} bytes", counts.segments, counts.segment_bytes)),
        ("nodes", format!("{} places", counts.slots)),
        ("postings", counts.postings.to_string()),
        (
            "values",
            format!(
                "{} of {} bytes, {} attributes among them",
                counts.values, counts.value_bytes, counts.docs
            ),
        ),
        ("filters", format!("{} words", counts.words)),
        ("groups", format!("{} with {} keys", counts.groups, counts.group_keys)),
    ];
    columns(["WHAT", "HOW MUCH"], &rows.map(|(what, much)| [what.to_owned(), much]))
}

/// The same as one object.
pub(super) fn json(table: &WebhookTable) -> Value {
    let counts = table.counts();
    json!({
        "bytes": table.image().len(),
        "wordBytes": table.word_bytes(),
        "webhooks": counts.webhooks,
        "stepsMax": table.steps_max(),
        "visitsMax": table.visits_max(),
        "regexps": counts.dfas,
        "regexpBytes": counts.dfa_bytes,
        "segments": counts.segments,
        "segmentBytes": counts.segment_bytes,
        "slots": counts.slots,
        "postings": counts.postings,
        "values": counts.values,
        "valueBytes": counts.value_bytes,
        "attributes": counts.docs,
        "filterWords": counts.words,
        "groups": counts.groups,
        "groupKeys": counts.group_keys,
    })
}
