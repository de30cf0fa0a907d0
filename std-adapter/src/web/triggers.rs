//! Topics in words: what a webhook is called for.

use std::collections::BTreeMap;

/// A webhook's topics in words: `Entry: publish, unpublish · Asset: all, and future ones`.
pub(super) fn words(topics: &[String]) -> String {
    if topics.iter().any(|topic| topic == "*.*" || topic == "**") {
        return "All events, and future ones".into();
    }
    let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut order = Vec::new();
    for topic in topics {
        let (kind, action) = topic.split_once('.').unwrap_or((topic, ""));
        let actions = types.entry(kind).or_default();
        if actions.is_empty() {
            order.push(kind);
        }
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    let parts: Vec<String> = order.iter().map(|kind| of_type(kind, &types[kind])).collect();
    parts.join(" · ")
}

fn of_type(kind: &str, actions: &[&str]) -> String {
    let whose = if kind == "*" { "Every type, and future ones" } else { kind };
    if actions.contains(&"*") {
        return format!("{whose}: all, and future ones");
    }
    format!("{whose}: {}", actions.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_read_as_sentences() {
        for (topics, said) in [
            (vec!["*.*"], "All events, and future ones"),
            (vec!["Entry.publish", "Entry.unpublish"], "Entry: publish, unpublish"),
            (vec!["Entry.*", "Asset.publish"], "Entry: all, and future ones · Asset: publish"),
            (vec!["*.publish"], "Every type, and future ones: publish"),
            (vec!["Order.line.added"], "Order: line.added"),
        ] {
            let topics: Vec<String> = topics.into_iter().map(str::to_owned).collect();
            assert_eq!(words(&topics), said);
        }
    }
}
