//! `bellwire publish`: an event, or many, from a file or from standard input.

use std::path::PathBuf;
use std::slice;

use serde_json::Value;

use super::client::{Api, ServerArgs};
use super::output::{CliError, printable, read_input, say};

/// Publish an event from a file or from standard input
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwire publish --space blog --topic Entry.publish entry.json
  echo '{\"sys\":{\"id\":\"a\"}}' | bellwire publish --space blog --topic Entry.save
  bellwire publish --space blog --lines events.ndjson

A line of the bulk form: {\"topic\": \"Entry.publish\", \"payload\": {…}}, with environment, idempotencyKey and
occurredAt if wanted.")]
pub(crate) struct PublishArgs {
    /// The space
    #[arg(long)]
    space: String,
    /// What happened: Type.action, such as Entry.publish
    #[arg(long, required_unless_present = "lines")]
    topic: Option<String>,
    /// The environment [default: the payload's sys.environment, else master]
    #[arg(long)]
    environment: Option<String>,
    /// Idempotency key: publishes with the same key are one event
    #[arg(long, conflicts_with = "lines")]
    key: Option<String>,
    /// The input holds many events, a JSON object on each line
    #[arg(long, conflicts_with = "topic")]
    lines: bool,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    /// The payload as JSON; - or nothing for standard input
    file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: PublishArgs) -> Result<(), CliError> {
    let api = Api::new(&args.server)?;
    let body = read_input(args.file.as_ref())?;
    let mut path = vec!["spaces", args.space.as_str()];
    if let Some(environment) = &args.environment {
        path.extend(["environments", environment]);
    }
    path.push("events");
    let mut headers =
        vec![("Content-Type", if args.lines { "application/x-ndjson" } else { "application/json" })];
    headers.extend(args.topic.as_deref().map(|topic| ("X-Contentful-Topic", topic)));
    headers.extend(args.key.as_deref().map(|key| ("X-Contentful-Idempotency-Key", key)));
    let answer = api.post(&path, &headers, body).await?;
    let results = if args.lines {
        answer["items"].as_array().map_or(&[][..], Vec::as_slice)
    } else {
        slice::from_ref(&answer)
    };
    if args.json {
        say!("{answer}");
    } else {
        results.iter().for_each(print_result);
    }
    match results.iter().filter(|result| result["message"].is_string()).count() {
        0 => Ok(()),
        refused => Err(CliError::new(format!("{refused} of {} events were refused", results.len()))),
    }
}

fn print_result(result: &Value) {
    let id = printable(result["sys"]["id"].as_str().unwrap_or_default());
    if let Some(message) = result["message"].as_str() {
        say!("refused event {}: {}", result["event"], printable(message));
        return;
    }
    let webhooks = result["webhooks"].as_array().into_iter().flatten();
    let names: Vec<String> = webhooks.filter_map(|link| link["sys"]["id"].as_str()).map(printable).collect();
    match (result["duplicate"] == true, names.is_empty()) {
        (true, _) => say!("accepted before as event {id}"),
        (false, true) => say!("accepted event {id}: no webhook asked for it"),
        (false, false) => say!("accepted event {id}: goes to {}", names.join(", ")),
    }
}
