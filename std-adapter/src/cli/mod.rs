//! The command: what a person types, and what it answers.

mod calls;
mod client;
mod demo;
mod listen;
mod output;
mod publish;
mod receiver;
mod serve;
mod space;
mod table;
mod token;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::output::CliError;

/// Events in, webhooks out, every call readable afterwards
#[derive(Debug, Parser)]
#[command(name = "bellwire", version, about, long_about = LONG_ABOUT, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const LONG_ABOUT: &str = "Events in, webhooks out, every call readable afterwards.

Publishers send events (Entry.publish with a payload) to a space. Webhooks ask for topics (Entry.*, *.publish, *.*) \
and filters. Whatever matches is called over HTTP, tried again when it fails, and every call can be read in the \
activity log. One binary, no other service.";

const EXAMPLES: &str = "Begin here:
  bellwire demo                              a story in one minute, then a server to try things on
  bellwire serve --data ./data               a server for real

Then, in another shell, with the token that `serve` printed:
  export BELLWIRE_TOKEN=…
  bellwire space create blog
  bellwire listen --port 9000                an endpoint that prints its calls
  bellwire publish --space blog --topic Entry.publish entry.json
  bellwire calls --space blog WEBHOOK --follow";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// See everything happen once, on a temporary data directory with an endpoint of its own
    Demo(demo::DemoArgs),
    /// Be an endpoint: print the calls that arrive and check their signatures
    Listen(listen::ListenArgs),
    /// Publish an event from a file or from standard input
    Publish(publish::PublishArgs),
    /// Read a webhook's activity log
    Calls(calls::CallsArgs),
    /// Make and list spaces
    #[command(subcommand)]
    Space(space::SpaceCommand),
    /// Make, list and revoke the access tokens of a space
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Compile match tables for devices, look into them, try events on them
    #[command(subcommand)]
    Table(table::TableCommand),
    /// Print the completions of a shell, to be sourced or put where the shell looks for them
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command of this process' arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bellwire: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Listen(args) => block_on(listen::run(args)),
        Command::Publish(args) => block_on(publish::run(args)),
        Command::Calls(args) => block_on(calls::run(args)),
        Command::Space(command) => block_on(space::run(command)),
        Command::Token(command) => block_on(token::run(command)),
        Command::Table(command) => table::run(command),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "bellwire", &mut std::io::stdout());
            Ok(())
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|cause| CliError::new(format!("cannot start: {cause}")))?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }
}
