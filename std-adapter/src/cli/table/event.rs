//! The event that a table is tried on: a topic, and attributes from a payload or one by one.

use std::path::PathBuf;

use bellwire_core::filter::Value;

use crate::cli::output::{CliError, read_input};
use crate::ingest::attributes::PayloadFields;

#[derive(Debug, clap::Args)]
pub(crate) struct EventArgs {
    /// What happened: Type.action, or a path of three to eight segments
    #[arg(long, allow_hyphen_values = true)]
    pub(super) topic: String,
    /// An attribute of the event; give the option once for each
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<Attribute>,
    /// The environment of a payload [default: the payload's sys.environment, else master]
    #[arg(long, requires = "payload")]
    environment: Option<String>,
    /// A payload as JSON, whose attributes are those that the server sees in it; - for standard input
    payload: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Attribute {
    name: String,
    value: serde_json::Value,
}

fn attribute(text: &str) -> Result<Attribute, String> {
    let (name, value) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("NAME=VALUE is needed")?;
    let typed = serde_json::from_str::<serde_json::Value>(value).ok();
    let typed = typed.filter(|typed| typed.is_string() || typed.is_boolean() || typed.as_i64().is_some());
    Ok(Attribute { name: name.into(), value: typed.unwrap_or_else(|| value.into()) })
}

impl Attribute {
    fn as_value(&self) -> Value<'_> {
        match &self.value {
            serde_json::Value::Bool(boolean) => Value::Boolean(*boolean),
            value => {
                value.as_i64().map_or_else(|| Value::Text(value.as_str().unwrap_or_default()), Value::Integer)
            }
        }
    }
}

/// What an event says of itself.
pub(super) struct TriedEvent<'a> {
    given: &'a [Attribute],
    payload: Option<(PayloadFields, String)>,
}

impl EventArgs {
    pub(super) fn read(&self) -> Result<TriedEvent<'_>, CliError> {
        let payload = match &self.payload {
            Some(file) => Some(self.read_payload(file)?),
            None => None,
        };
        Ok(TriedEvent { given: &self.attributes, payload })
    }

    fn read_payload(&self, file: &PathBuf) -> Result<(PayloadFields, String), CliError> {
        let body = read_input(Some(file))?;
        let fields = PayloadFields::read(&body)
            .map_err(|problem| CliError::new(format!("the payload is not JSON: {problem}")))?;
        let environment = self.environment.clone().or_else(|| fields.environment.clone());
        Ok((fields, environment.unwrap_or_else(|| "master".to_owned())))
    }
}

impl TriedEvent<'_> {
    /// Names and values. What was given one by one goes before what the payload says.
    pub(super) fn attributes(&self) -> Vec<(&str, Value<'_>)> {
        let given = self.given.iter().map(|attribute| (attribute.name.as_str(), attribute.as_value()));
        let payload = self.payload.iter().flat_map(|(fields, environment)| fields.attributes(environment));
        given.chain(payload.map(|(name, value)| (name, Value::Text(value)))).collect()
    }
}
