//! `bellwire token`: make, list and revoke the access tokens of a space.

use hyper::Method;
use serde_json::{Value, json};

use super::client::{Api, ServerArgs};
use super::output::{CliError, printable, say, table};
use crate::store::record::Role;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is shown only this once
    Create {
        /// The space it is for
        #[arg(long)]
        space: String,
        /// manage: everything in the space; publish: send events; read: look at definitions, calls and health
        #[arg(long, value_enum)]
        role: Role,
        /// Its name for people [default: the role]
        #[arg(long)]
        name: Option<String>,
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List a space's tokens
    List {
        /// The space
        #[arg(long)]
        space: String,
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Take a token away, at once
    Revoke {
        /// The space
        #[arg(long)]
        space: String,
        /// The token's id, as `list` shows it
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub(crate) async fn run(command: TokenCommand) -> Result<(), CliError> {
    match command {
        TokenCommand::Create { space, role, name, json, server } => {
            let mut wanted = json!({"role": role.name()});
            if let Some(name) = name {
                wanted["name"] = name.into();
            }
            let token =
                Api::new(&server)?.write(Method::POST, &["spaces", &space, "tokens"], &wanted).await?;
            if json {
                say!("{token}");
            } else {
                // Alone on standard output, so that a script can take it.
                eprintln!("the token, shown only this once:");
                say!("{}", token["token"].as_str().unwrap_or_default());
            }
        }
        TokenCommand::List { space, json, server } => {
            let tokens = Api::new(&server)?.read(&["spaces", &space, "tokens"], &[]).await?;
            if json {
                say!("{tokens}");
            } else {
                print_tokens(&space, &tokens);
            }
        }
        TokenCommand::Revoke { space, id, server } => {
            Api::new(&server)?.delete(&["spaces", &space, "tokens", &id]).await?;
            say!("revoked {id}");
        }
    }
    Ok(())
}

fn print_tokens(space: &str, tokens: &Value) {
    let text = |value: &Value| printable(value.as_str().unwrap_or_default());
    let items = tokens["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |token: &Value| {
        [
            text(&token["sys"]["id"]),
            text(&token["role"]),
            text(&token["name"]),
            text(&token["sys"]["createdAt"]),
        ]
    };
    let rows: Vec<[String; 4]> = items.iter().map(row).collect();
    if rows.is_empty() {
        say!("no tokens yet: make one with `bellwire token create --space {space} --role publish`");
    } else {
        say!("{}", table(["ID", "ROLE", "NAME", "MADE"], &rows));
    }
}
