//! The table and its peers, each behind [`Matcher`](crate::matcher::Matcher).

mod a_tree;
mod bellwire;
mod globset;
mod regex_set;
mod rmqtt;
mod rumqttd;
mod topic_engine;
mod wildmatch;

pub use self::a_tree::Expressions;
pub use self::bellwire::Table;
pub use self::globset::Globs;
pub use self::regex_set::Regexes;
pub use self::rmqtt::Tree;
pub use self::rumqttd::Filters;
pub use self::topic_engine::Nodes;
pub use self::wildmatch::Wildcards;

use bellwire_core::topic::TopicPattern;

/// A pattern in the language of MQTT. `**` takes in one segment or more, `#` none as well, so it stands behind a `+`.
fn mqtt(pattern: &TopicPattern<'_>) -> String {
    let segments = pattern.segments().map(|segment| match segment {
        "*" => "+",
        "**" => "+/#",
        _ => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}
