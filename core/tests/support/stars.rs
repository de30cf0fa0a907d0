//! Random webhooks whose patterns have stars everywhere.

use bellwire_core::topic::TopicPattern;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::webhooks::Webhook;

/// So many stars that one event leads to more lists than are merged at once.
pub(crate) fn stars() -> impl Strategy<Value = Vec<(u32, Webhook)>> {
    let pattern = vec(select(&["a", "*"][..]), 5..=7).prop_map(|mut segments| {
        if segments.len() == 7 {
            segments.pop();
            segments.push("**");
        }
        TopicPattern::parse(segments.join(".").leak()).unwrap()
    });
    let webhook = vec(pattern, 1..20).prop_map(|patterns| Webhook { patterns, filters: Vec::new() });
    btree_map(0..3000_u32, webhook, 0..30).prop_map(|webhooks| webhooks.into_iter().collect())
}
