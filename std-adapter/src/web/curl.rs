//! A call as a `curl` command: signed afresh, since a signature is good for seconds; secrets as placeholders.

use crate::app::calls::Call;
use crate::clock;
use crate::deliver::request::{REDACTED, sign_again};
use crate::secret::Secret;

/// The command that repeats a call.
pub(super) fn command(call: &Call, signing_secret: Option<&Secret>) -> String {
    let mut lines = Vec::new();
    let mut headers = call.details.request_headers.clone();
    if let Some(secret) = signing_secret.filter(|_| !call.details.request_cut) {
        match sign_again(&call.record, &call.details, secret, clock::now_ms()) {
            Ok(signed) => headers = signed,
            Err(problem) => lines.push(format!("# not signed: {}", one_line(&problem))),
        }
    }
    if call.details.request_cut {
        lines.push("# the log keeps the beginning of this body only, so it is not signed".into());
    }
    let method = if call.details.method.is_empty() { "POST" } else { &call.details.method };
    let mut parts = vec![format!("curl -X {} {}", quoted(method), quoted(&call.record.url))];
    parts.extend(headers.iter().map(|(name, value)| format!("-H {}", quoted(&header(name, value)))));
    if !call.details.request_body.is_empty() {
        parts.push(format!("--data-raw {}", quoted(&call.details.request_body)));
    }
    lines.push(parts.join(" \\\n  "));
    lines.join("\n") + "\n"
}

fn header(name: &str, value: &str) -> String {
    let value = if value == REDACTED { format!("<the secret value of {name}>") } else { one_line(value) };
    format!("{name}: {value}")
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// A word that no shell looks into. What a shell cannot hold is left out.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\0', "").replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use bellwire_core::call::Outcome;

    use super::*;
    use crate::store::record::{CallDetailsRecord, CallRecord, TimingRecord};

    #[test]
    fn nothing_of_a_call_reaches_the_shell() {
        let text = |text: &str| text.to_owned();
        let record = CallRecord {
            event_id: 1,
            topic: text("Entry.publish"),
            entity_id: None,
            attempt: 1,
            outcome: Outcome::Timeout,
            url: text("https://example.com/?a='$(id)'"),
            request_at_ms: 0,
            response_at_ms: None,
            resent: false,
        };
        let details = CallDetailsRecord {
            method: text("POST"),
            request_headers: vec![(text("X-A"), text("it's `id`\nX-B: c")), (text("X-S"), text(REDACTED))],
            request_body: text("{\"a\":\"'; rm -rf /\"}"),
            request_cut: false,
            timeout_ms: 1,
            response: None,
            error: None,
            timing: TimingRecord::default(),
        };
        let command = command(&Call { id: 2, record, details }, None);
        let expected = r#"curl -X 'POST' 'https://example.com/?a='\''$(id)'\''' \
  -H 'X-A: it'\''s `id` X-B: c' \
  -H 'X-S: <the secret value of X-S>' \
  --data-raw '{"a":"'\''; rm -rf /"}'
"#;
        assert_eq!(command, expected);
    }
}
