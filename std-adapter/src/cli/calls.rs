//! `bellwire calls`: a webhook's activity log, once or as it grows.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::client::{Api, ServerArgs};
use super::output::{CliError, printable, say, table};

/// How often `--follow` asks for what is new.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// Calls that `--follow` asks for each time; the log keeps no more.
const FOLLOW_CALLS: usize = 500;

/// Read a webhook's activity log
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwire calls --space blog 2xNAz23UZhPpcvfxCBBF9k
  bellwire calls --space blog 2xNAz23UZhPpcvfxCBBF9k --call 06h…    one call with request and response
  bellwire calls --space blog 2xNAz23UZhPpcvfxCBBF9k --follow --json | jq .statusCode")]
pub(crate) struct CallsArgs {
    /// The webhook's id
    webhook: String,
    /// The space
    #[arg(long)]
    space: String,
    /// Calls at the most, the newest
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Go on and print each call as it is made
    #[arg(long, conflicts_with = "call")]
    follow: bool,
    /// Show one call with its request and response
    #[arg(long, value_name = "CALL")]
    call: Option<String>,
    /// Print JSON: an object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: CallsArgs) -> Result<(), CliError> {
    let api = Api::new(&args.server)?;
    let path = ["spaces", &args.space, "webhooks", &args.webhook, "calls"];
    if let Some(call) = &args.call {
        let details = api.read(&[&path[..], &[call.as_str()]].concat(), &[]).await?;
        print_details(&details, args.json);
        return Ok(());
    }
    let mut calls = read_calls(&api, &path, if args.follow { FOLLOW_CALLS } else { args.limit }).await?;
    let seen = calls.iter().map(call_id).collect();
    calls.truncate(args.limit);
    calls.reverse();
    print_calls(&calls.iter().collect::<Vec<_>>(), args.json, true);
    if args.follow {
        return follow(&api, &path, seen, args.json).await;
    }
    Ok(())
}

/// Prints each call that is not among the `seen` ones, until interrupted.
async fn follow(api: &Api, path: &[&str], mut seen: HashSet<String>, json: bool) -> Result<(), CliError> {
    loop {
        tokio::time::sleep(FOLLOW_EVERY).await;
        // A call is listed when it has ended, so one that took long may come to stand below others.
        let mut latest = read_calls(api, path, FOLLOW_CALLS).await?;
        latest.reverse();
        let fresh: Vec<&Value> = latest.iter().filter(|call| !seen.contains(&call_id(call))).collect();
        print_calls(&fresh, json, false);
        seen = latest.iter().map(call_id).collect();
    }
}

fn call_id(call: &Value) -> String {
    call["sys"]["id"].as_str().unwrap_or_default().to_owned()
}

async fn read_calls(api: &Api, path: &[&str], limit: usize) -> Result<Vec<Value>, CliError> {
    let page = api.read(path, &[("limit", limit.to_string())]).await?;
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

/// What happened in a call, in a word: the status or the error.
pub(crate) fn result_of(call: &Value) -> String {
    match (call["statusCode"].as_u64(), call["errors"][0].as_str()) {
        (Some(status), Some(error)) => format!("{status} {error}"),
        (Some(status), None) => status.to_string(),
        (None, error) => error.unwrap_or("?").to_owned(),
    }
}

fn print_calls(calls: &[&Value], json: bool, first: bool) {
    if json {
        calls.iter().for_each(|call| say!("{call}"));
        return;
    }
    let text = |value: &Value| printable(value.as_str().unwrap_or("-"));
    let row = |call: &&Value| {
        [
            call_id(call),
            text(&call["requestAt"]),
            text(&call["topic"]),
            call["attempt"].to_string(),
            printable(&result_of(call)),
            text(&call["url"]),
        ]
    };
    let rows: Vec<[String; 6]> = calls.iter().map(row).collect();
    if first {
        say!("{}", table(["CALL", "SENT", "TOPIC", "ATTEMPT", "RESULT", "URL"], &rows));
    } else {
        rows.iter().for_each(|row| say!("{}", row.join("  ")));
    }
}

fn print_details(details: &Value, json: bool) {
    if json {
        say!("{details}");
    } else {
        say!("{}", printable(&serde_json::to_string_pretty(details).unwrap_or_default()));
    }
}
