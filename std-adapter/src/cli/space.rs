//! `bellwire space`: make and list spaces.

use hyper::Method;
use serde_json::{Value, json};

use super::client::{Api, ServerArgs};
use super::output::{CliError, printable, say, table};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum SpaceCommand {
    /// Make a space; needs the admin token
    Create {
        /// The space's id: letters, digits, - _ and .
        id: String,
        /// Its name for people [default: the id]
        #[arg(long)]
        name: Option<String>,
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the spaces that the token may see
    List {
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub(crate) async fn run(command: SpaceCommand) -> Result<(), CliError> {
    match command {
        SpaceCommand::Create { id, name, json, server } => {
            let name = name.unwrap_or_else(|| id.clone());
            let space =
                Api::new(&server)?.write(Method::PUT, &["spaces", &id], &json!({"name": name})).await?;
            if json {
                say!("{space}");
            } else {
                say!("made the space {id}\nnext: bellwire token create --space {id} --role manage");
            }
        }
        SpaceCommand::List { json, server } => {
            let spaces = Api::new(&server)?.read(&["spaces"], &[("limit", "1000".to_owned())]).await?;
            if json {
                say!("{spaces}");
            } else {
                print_spaces(&spaces);
            }
        }
    }
    Ok(())
}

fn print_spaces(spaces: &Value) {
    let text = |value: &Value| printable(value.as_str().unwrap_or_default());
    let items = spaces["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<[String; 3]> = items
        .iter()
        .map(|space| [text(&space["sys"]["id"]), text(&space["name"]), text(&space["sys"]["createdAt"])])
        .collect();
    if rows.is_empty() {
        say!("no spaces yet: make one with `bellwire space create ID`");
    } else {
        say!("{}", table(["ID", "NAME", "MADE"], &rows));
    }
}
