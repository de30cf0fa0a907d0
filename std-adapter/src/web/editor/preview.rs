//! What a webhook would do, before it is saved: which of the latest events it would have got, and what it would send.

use std::sync::Arc;

use serde_json::Value;

use super::draft::Draft;
use super::problems::Problems;
use crate::app::backtest::{Backtest, backtest};
use crate::app::events::Event;
use crate::deliver::rehearse::Rehearsal;
use crate::store::record::WebhookRecord;
use crate::web::body::Body;
use crate::web::error::WebError;
use crate::web::events::Row;
use crate::web::samples::sample;
use crate::web::{Web, triggers};
use crate::webhooks::Space;
use crate::webhooks::definition::Definition;

/// What the preview says.
pub(crate) struct Preview {
    /// The topics in words.
    pub(crate) triggers: String,
    pub(crate) problems: Problems,
    pub(crate) outlook: Option<Outlook>,
}

/// What an acceptable definition would do.
pub(crate) struct Outlook {
    pub(crate) looked_at: usize,
    pub(crate) matched: usize,
    pub(crate) rows: Vec<Row>,
    /// Whether the request is that of a made-up event, since no kept one matches.
    pub(crate) is_sample: bool,
    pub(crate) request: Result<Shown, String>,
}

/// The request as the preview shows it.
pub(crate) struct Shown {
    pub(crate) request: Rehearsal,
    pub(crate) body: Body,
}

/// Bytes of the request's body that the preview shows: it is asked for again and again.
const BODY_BYTES_MAX: usize = 16_000;

impl Shown {
    fn new(request: Rehearsal) -> Shown {
        Shown { body: Body::within(BODY_BYTES_MAX, &request.body, false, false), request }
    }
}

impl Preview {
    /// Tries what was typed.
    pub(crate) fn of(
        web: &Web,
        space: &Space,
        draft: &Draft,
        was: Option<&WebhookRecord>,
        now_ms: u64,
    ) -> Result<Preview, WebError> {
        let json = match draft.to_json(was) {
            Ok(json) => json,
            Err(problems) => {
                return Ok(Preview {
                    triggers: String::new(),
                    problems: Problems::of(&problems),
                    outlook: None,
                });
            }
        };
        let topics: Vec<String> = texts(&json["topics"]);
        let triggers = if topics.is_empty() { "Nothing yet".into() } else { triggers::words(&topics) };
        match Definition::parse(&json, was, web.app.policy) {
            Err(problems) => Ok(Preview { triggers, problems: Problems::of(&problems), outlook: None }),
            Ok(definition) => {
                let outlook = Some(Outlook::of(web, space, definition, now_ms)?);
                Ok(Preview { triggers, problems: Problems::default(), outlook })
            }
        }
    }
}

fn texts(json: &Value) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Outlook {
    fn of(web: &Web, space: &Space, definition: Definition, now_ms: u64) -> Result<Outlook, WebError> {
        let topic = definition.topics.first().cloned().unwrap_or_default();
        let Backtest { looked_at, matched, samples, webhook } = backtest(&web.app, space, definition)?;
        let live = space.live();
        let made_up = || Event::new(web.app.ids.next(), sample(&space.id, &topic, now_ms));
        let fallback = samples.is_empty().then(made_up);
        let event = samples.first().or(fallback.as_ref());
        let request = event.map_or_else(
            || Err("There is no event to try it on.".into()),
            |event| web.app.deliveries.rehearse(space, &Arc::clone(&webhook), event.id, &event.record),
        );
        Ok(Outlook {
            looked_at,
            matched,
            rows: samples.iter().map(|event| Row::new(event, &live, now_ms)).collect(),
            is_sample: fallback.is_some(),
            request: request.map(Shown::new),
        })
    }
}
