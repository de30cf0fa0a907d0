//! `bellwire listen`: an endpoint that prints the calls that arrive and checks their signatures.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hyper::StatusCode;
use serde_json::{Value, json};

use super::output::{CliError, printable, say};
use super::receiver::{Arrived, receive};
use super::serve::StopSignals;
use crate::clock;

/// Be an endpoint: print the calls that arrive and check their signatures
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bellwire listen --port 9000 --secret \"$SIGNING_SECRET\"

The server must allow private networks to call it: bellwire serve --allow-private-networks")]
pub(crate) struct ListenArgs {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The space's signing secret: check each call's signature
    #[arg(long, env = "BELLWIRE_SIGNING_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Status to answer with
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// Print JSON: an object a call
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: ListenArgs) -> Result<(), CliError> {
    let status = StatusCode::from_u16(args.status).map_err(|_| CliError::new("that is no HTTP status"))?;
    let (secret, json) = (args.secret, args.json);
    let answer = move |call: Arrived| {
        let verdict = secret.as_deref().map(|secret| call.verify(secret));
        let shown = if json {
            as_json(&call, verdict.as_ref()).to_string()
        } else {
            as_text(&call, verdict.as_ref())
        };
        say!("{shown}");
        status
    };
    let mut stop = StopSignals::catch()?;
    let (address, _serving) = receive(SocketAddr::new(args.address, args.port), answer).await?;
    if json {
        say!("{}", json!({"listening": format!("http://{address}/")}));
    } else {
        say!("listening on http://{address}/ - every call is answered with {status}");
    }
    stop.wait().await;
    Ok(())
}

fn verdict_words(call: &Arrived, verdict: Option<&Result<(), String>>) -> String {
    let signed = !call.header(bellwire_core::sign::SIGNATURE).is_empty();
    match verdict {
        None if signed => "signed; give --secret to have it checked".into(),
        None => "not signed".into(),
        Some(Ok(())) => "signature good".into(),
        Some(Err(cause)) => format!("SIGNATURE BAD: {cause}"),
    }
}

fn as_text(call: &Arrived, verdict: Option<&Result<(), String>>) -> String {
    let headers = call
        .headers
        .iter()
        .map(|(name, value)| format!("  {name}: {}", String::from_utf8_lossy(value.as_bytes())));
    let body = serde_json::from_slice::<Value>(&call.body)
        .ok()
        .and_then(|json| serde_json::to_string_pretty(&json).ok());
    let body = body.unwrap_or_else(|| String::from_utf8_lossy(&call.body).into_owned());
    let now = clock::iso(clock::now_ms());
    let lines: Vec<String> = headers.collect();
    let text = format!(
        "\n{now}  {} {}  ({})\n{}\n\n{body}",
        call.method,
        call.path,
        verdict_words(call, verdict),
        lines.join("\n")
    );
    printable(&text)
}

fn as_json(call: &Arrived, verdict: Option<&Result<(), String>>) -> Value {
    let headers: serde_json::Map<String, Value> = call
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    json!({
        "receivedAt": clock::iso(clock::now_ms()),
        "method": call.method,
        "path": call.path,
        "headers": headers,
        "body": String::from_utf8_lossy(&call.body),
        "signatureValid": verdict.map(Result::is_ok),
    })
}
