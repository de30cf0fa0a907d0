//! `bellwire table`: match tables as files, to look into and to send to devices.

mod event;
mod report;
mod source;

use std::path::PathBuf;

use bellwire_core::table::Verdict;
use bellwire_core::topic::Topic;
use clap::Subcommand;
use serde_json::json;

use self::event::EventArgs;
use self::source::{Source, SourceArgs};
use super::output::{CliError, printable, say, table};

/// Compile webhooks into a match table, look into one, and try events on it
#[derive(Debug, Subcommand)]
pub(crate) enum TableCommand {
    /// Compile definitions into the image of a match table
    #[command(after_help = COMPILE_HELP)]
    Compile(CompileArgs),
    /// Say what a table holds, how large it is, and what an event can cost it at most
    Inspect(InspectArgs),
    /// Print the webhooks that want an event
    #[command(after_help = EVENT_HELP)]
    Match(MatchArgs),
    /// Say for each webhook why it gets an event, or why it does not
    #[command(after_help = EVENT_HELP)]
    Explain(ExplainArgs),
}

const COMPILE_HELP: &str = "Definitions are JSON as the API returns them: one, an array of them, or a list with items. \
Only topics, filters, active and sys.id are looked at; an inactive webhook is left out. A webhook's number in the table \
is its place in the file, from 0.

Besides what the API takes, filters may use prefix, exists, lt, lte, gt, gte and range, compare with integers and \
booleans, and look at any attribute.

Examples:
  bellwire table compile webhooks.json --output webhooks.table
  curl -H \"Authorization: Bearer $BELLWIRE_TOKEN\" $URL/spaces/blog/webhook_definitions | bellwire table inspect -";

const EVENT_HELP: &str = "The table is an image, or definitions, which are compiled first.

Examples:
  bellwire table match webhooks.table --topic Entry.publish entry.json
  bellwire table explain webhooks.json --topic site.line3.press --attribute celsius=81 --attribute alarm=true

An attribute that reads as an integer, as true or as false is one; put quotes around a text that does: --attribute \
'code=\"81\"'.";

#[derive(Debug, clap::Args)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Where to put the image
    #[arg(long, short)]
    output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MatchArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    event: EventArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    event: EventArgs,
    /// Only this webhook: its id, or its number
    #[arg(long)]
    webhook: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: TableCommand) -> Result<(), CliError> {
    match command {
        TableCommand::Compile(args) => compile(&args),
        TableCommand::Inspect(args) => inspect(&args),
        TableCommand::Match(args) => find(&args),
        TableCommand::Explain(args) => explain(&args),
    }
}

fn compile(args: &CompileArgs) -> Result<(), CliError> {
    let source = Source::read(&args.source)?;
    let image = source.table.image();
    std::fs::write(&args.output, image)
        .map_err(|cause| CliError::new(format!("cannot write {}: {cause}", args.output.display())))?;
    let webhooks = source.table.len();
    say!("compiled {webhooks} webhooks into {} bytes: {}", image.len(), args.output.display());
    Ok(())
}

fn inspect(args: &InspectArgs) -> Result<(), CliError> {
    let source = Source::read(&args.source)?;
    if args.json {
        say!("{}", report::json(&source.table));
    } else {
        say!("{}", report::text(&source.table));
    }
    Ok(())
}

fn find(args: &MatchArgs) -> Result<(), CliError> {
    let source = Source::read(&args.source)?;
    let event = args.event.read()?;
    let topic = topic(&args.event.topic)?;
    let attributes = event.attributes();
    let found: Vec<u32> = source.table.find(&topic, attributes.as_slice()).collect();
    if args.json {
        let webhooks = found.iter().map(|number| json!({"number": number, "id": source.id(*number)}));
        say!("{}", json!({"topic": topic.as_str(), "webhooks": webhooks.collect::<Vec<_>>()}));
    } else if found.is_empty() {
        say!("none of {} webhooks wants this event", source.table.len());
    } else {
        let rows: Vec<[String; 2]> =
            found.iter().map(|number| [number.to_string(), name(&source, *number)]).collect();
        say!("{}", table(["NUMBER", "WEBHOOK"], &rows));
    }
    Ok(())
}

fn explain(args: &ExplainArgs) -> Result<(), CliError> {
    let source = Source::read(&args.source)?;
    let event = args.event.read()?;
    let topic = topic(&args.event.topic)?;
    let attributes = event.attributes();
    let numbers = match &args.webhook {
        Some(wanted) => vec![source.number(wanted)?],
        None => source.numbers().collect(),
    };
    let verdicts: Vec<(u32, Verdict<'_>)> = numbers
        .into_iter()
        .map(|number| (number, source.table.explain(number, &topic, attributes.as_slice())))
        .collect();
    if args.json {
        let rows = verdicts.iter().map(|(number, verdict)| {
            let failed = match verdict {
                Verdict::FilterFailed { number, .. } => Some(number),
                _ => None,
            };
            let matched = matches!(verdict, Verdict::Matched { .. });
            let id = source.id(*number);
            json!({"number": number, "id": id, "matched": matched, "failedFilter": failed, "reason": verdict.to_string()})
        });
        say!("{}", json!({"topic": topic.as_str(), "webhooks": rows.collect::<Vec<_>>()}));
    } else if verdicts.is_empty() {
        say!("the table holds no webhooks");
    } else {
        let rows: Vec<[String; 4]> =
            verdicts.iter().map(|(number, verdict)| row(&source, *number, verdict)).collect();
        say!("{}", table(["NUMBER", "WEBHOOK", "GETS IT", "WHY"], &rows));
    }
    Ok(())
}

fn row(source: &Source, number: u32, verdict: &Verdict<'_>) -> [String; 4] {
    let gets_it = if matches!(verdict, Verdict::Matched { .. }) { "yes" } else { "no" };
    [number.to_string(), name(source, number), gets_it.to_owned(), printable(&verdict.to_string())]
}

/// An image does not hold the ids of webhooks.
fn name(source: &Source, number: u32) -> String {
    source.id(number).map_or_else(|| "-".to_owned(), printable)
}

fn topic(text: &str) -> Result<Topic<'_>, CliError> {
    Topic::parse(text).map_err(|cause| CliError::new(format!("{text:?} is not a topic: {cause}")))
}
