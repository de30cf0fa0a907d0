//! Where a table comes from: an image, or definitions that are compiled.

use std::path::PathBuf;

use bellwire_core::table::MatchTable;
use serde_json::Value;

use crate::cli::output::{CliError, read_input};
use crate::webhooks::filters::{Dialect, FilterSpec, parse_filters};
use crate::webhooks::table::{Wanted, WebhookTable, compile};

/// What every image begins with.
const MAGIC: &[u8] = b"BWMT";
/// Where hashing starts unless somebody says otherwise, so that one file of definitions has one image.
const SEED: u32 = 0x811c_9dc5;

#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// An image, or definitions as JSON; - for standard input
    table: PathBuf,
    /// Where hashing of names starts when definitions are compiled: a secret number where strangers choose topics
    #[arg(long, default_value_t = SEED)]
    seed: u32,
}

/// A table, and what is known of its webhooks.
pub(super) struct Source {
    pub(super) table: WebhookTable,
    /// Ids by number; none when the table came as an image.
    ids: Vec<String>,
}

/// What is looked at in a definition.
struct Parsed {
    id: String,
    active: bool,
    topics: Vec<String>,
    filters: Vec<FilterSpec>,
}

impl Source {
    pub(super) fn read(args: &SourceArgs) -> Result<Source, CliError> {
        let place = args.table.display();
        let bytes = read_input(Some(&args.table))?;
        if bytes.starts_with(MAGIC) {
            let table = MatchTable::load(bytes.into());
            let table = table.map_err(|cause| CliError::new(format!("{place}: {cause}")))?;
            return Ok(Source { table, ids: Vec::new() });
        }
        let parsed = definitions(&bytes).map_err(|problem| CliError::new(format!("{place}: {problem}")))?;
        let wanted = parsed.iter().map(|webhook| Wanted {
            id: &webhook.id,
            active: webhook.active,
            topics: &webhook.topics,
            filters: Ok(&webhook.filters),
        });
        let table = compile(wanted, args.seed);
        let table = table.map_err(|cause| CliError::new(format!("{place}: {cause}")))?;
        Ok(Source { table, ids: parsed.into_iter().map(|webhook| webhook.id).collect() })
    }

    /// The id of a webhook, if the table came with ids.
    pub(super) fn id(&self, number: u32) -> Option<&str> {
        self.ids.get(number as usize).map(String::as_str)
    }

    /// All webhooks of the table.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        (0..self.table.len() as u32).filter_map(|row| self.table.webhook(row))
    }

    /// The webhook with this id, or else with this number.
    pub(super) fn number(&self, wanted: &str) -> Result<u32, CliError> {
        let by_id = || self.ids.iter().position(|id| id == wanted).map(|place| place as u32);
        let number = by_id().or_else(|| wanted.parse().ok());
        number
            .filter(|number| self.numbers().any(|other| other == *number))
            .ok_or_else(|| CliError::new(format!("the table holds no webhook {wanted:?}")))
    }
}

/// The definitions of a JSON text: one, an array, or the API's list.
fn definitions(bytes: &[u8]) -> Result<Vec<Parsed>, String> {
    let json: Value = serde_json::from_slice(bytes)
        .map_err(|cause| format!("neither the image of a table nor JSON: {cause}"))?;
    let items = match json.get("items").unwrap_or(&json) {
        Value::Array(items) => items.as_slice(),
        one @ Value::Object(_) => std::slice::from_ref(one),
        _ => return Err("a definition is a JSON object".into()),
    };
    let parse =
        |(number, item)| definition(number, item).map_err(|problem| format!("webhook {number}: {problem}"));
    items.iter().enumerate().map(parse).collect()
}

fn definition(number: usize, item: &Value) -> Result<Parsed, String> {
    let id = item["sys"]["id"].as_str().map_or_else(|| number.to_string(), str::to_owned);
    let topics = item["topics"].as_array().ok_or("topics must be an array of strings")?;
    let topics = topics.iter().map(|topic| topic.as_str().map(str::to_owned));
    let topics = topics.collect::<Option<Vec<String>>>().ok_or("topics must be an array of strings")?;
    let filters = match &item["filters"] {
        Value::Null => Vec::new(),
        filters => parse_filters(filters, Dialect::Edge)?,
    };
    let active = match &item["active"] {
        Value::Null => true,
        active => active.as_bool().ok_or("active must be true or false")?,
    };
    Ok(Parsed { id, active, topics, filters })
}
