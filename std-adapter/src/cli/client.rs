//! A client of a running server's API, for the commands that act through it.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use url::Url;

use super::output::CliError;
use crate::net::{AddressPolicy, ClientSettings, HttpClient, OutgoingRequest};
use crate::secret::Secret;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of an answer; a page of calls or a bulk answer is far below.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Which server, and by what right.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// The server's address
    #[arg(long, env = "BELLWIRE_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub(crate) url: Url,
    /// Access token. Prefer the variable: a flag shows in process lists
    #[arg(long, env = "BELLWIRE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

/// A server's API.
pub(crate) struct Api {
    client: HttpClient,
    base: Url,
    token: Secret,
}

impl Api {
    /// The API of the server that the arguments name.
    pub(crate) fn new(args: &ServerArgs) -> Result<Api, CliError> {
        let token = args
            .token
            .as_ref()
            .ok_or_else(|| CliError::new("an access token is needed: give --token or set BELLWIRE_TOKEN"))?;
        Api::with(args.url.clone(), Secret::new(token.as_str()))
    }

    /// The API of the server at this address.
    pub(crate) fn with(base: Url, token: Secret) -> Result<Api, CliError> {
        let settings = ClientSettings { policy: AddressPolicy::AllowPrivate, ..ClientSettings::default() };
        let client = HttpClient::new(settings).map_err(|cause| CliError::new(cause.to_string()))?;
        Ok(Api { client, base, token })
    }

    /// Asks for an object.
    pub(crate) async fn read(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, CliError> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(Method::GET, url, &[], None).await
    }

    /// Sends an object.
    pub(crate) async fn write(&self, method: Method, path: &[&str], body: &Value) -> Result<Value, CliError> {
        let body = Bytes::from(body.to_string());
        self.send(method, self.url(path)?, &[("Content-Type", crate::api::envelope::MEDIA_TYPE)], Some(body))
            .await
    }

    /// Sends bytes with headers of the caller's.
    pub(crate) async fn post(
        &self,
        path: &[&str],
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Value, CliError> {
        self.send(Method::POST, self.url(path)?, headers, Some(body)).await
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), CliError> {
        self.send(Method::DELETE, self.url(path)?, &[], None).await.map(|_| ())
    }

    fn url(&self, path: &[&str]) -> Result<Url, CliError> {
        let mut url = self.base.clone();
        let segments = url.path_segments_mut();
        segments
            .map_err(|()| CliError::new(format!("{} is not a server's address", self.base)))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        headers: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Value, CliError> {
        let mut sent = vec![("Authorization".to_owned(), format!("Bearer {}", self.token.expose()))];
        sent.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let request = OutgoingRequest {
            method,
            url,
            headers: sent,
            body,
            timeout: TIMEOUT,
            response_bytes_max: ANSWER_BYTES_MAX,
        };
        let exchange = self.client.send(request).await;
        let Some(response) = exchange.response else {
            let cause = exchange.error.unwrap_or_default();
            return Err(CliError::new(format!("no answer from {}: {cause}", self.base)));
        };
        let object = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        // The answer to many events says of each what became of it, whatever the status.
        if (200..300).contains(&response.status) || object["items"].is_array() {
            Ok(object)
        } else {
            Err(refusal(response.status, &object))
        }
    }
}

/// The API's error object as a sentence.
fn refusal(status: u16, object: &Value) -> CliError {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let message = text(&object["message"]).unwrap_or_else(|| "no reason given".into());
    let reasons = object["details"]["reasons"].as_array().into_iter().flatten().filter_map(text);
    let errors = object["details"]["errors"].as_array().into_iter().flatten();
    let problems = errors.filter_map(|error| {
        let details = text(&error["details"])?;
        let path = text(&error["path"]).filter(|path| !path.is_empty());
        Some(path.map_or(details.clone(), |path| format!("{path}: {details}")))
    });
    let more: Vec<String> = reasons.chain(problems).collect();
    let more = if more.is_empty() { String::new() } else { format!(" {}", more.join("; ")) };
    CliError::new(super::output::printable(&format!("the server answered {status}: {message}{more}")))
}
