//! The grid of types and actions: the topics that Contentful knows, with the cells that do not exist left out.

use std::collections::BTreeSet;

/// Columns: actions in the order of an entity's life, then those of jobs.
pub(crate) const ACTIONS: [&str; 11] = [
    "create",
    "save",
    "auto_save",
    "archive",
    "unarchive",
    "publish",
    "unpublish",
    "delete",
    "complete",
    "execute",
    "change_target",
];

const LIFE: [&str; 8] =
    ["create", "save", "auto_save", "archive", "unarchive", "publish", "unpublish", "delete"];
const PUBLISHED: [&str; 5] = ["create", "save", "publish", "unpublish", "delete"];
const ARCHIVED: [&str; 7] = ["create", "save", "archive", "unarchive", "publish", "unpublish", "delete"];
const KEPT: [&str; 3] = ["create", "save", "delete"];

/// Rows: groups of types, each with its label and the actions it has.
type Group = (&'static str, &'static [(&'static str, &'static str, &'static [&'static str])]);

const GROUPS: [Group; 4] = [
    (
        "Content",
        &[
            ("ContentType", "Content type", &PUBLISHED),
            ("Entry", "Entry", &LIFE),
            ("Asset", "Asset", &LIFE),
            ("BulkContentOperation", "Bulk content operation", &["create", "complete"]),
        ],
    ),
    (
        "Working together",
        &[
            ("Task", "Task", &KEPT),
            ("Comment", "Comment", &KEPT),
            ("Workflow", "Workflow", &["create", "save", "delete", "complete"]),
            ("Release", "Release", &["create", "save", "archive", "unarchive", "delete"]),
            ("ReleaseEntry", "Entry version (Timeline)", &["save", "auto_save"]),
            ("ReleaseAsset", "Asset version (Timeline)", &["save", "auto_save"]),
        ],
    ),
    (
        "Actions and settings",
        &[
            ("ReleaseAction", "Release action", &["create", "execute"]),
            ("BulkAction", "Bulk action", &["create", "execute"]),
            ("ScheduledAction", "Scheduled action", &["create", "save", "delete", "execute"]),
            ("EnvironmentAlias", "Environment alias", &["create", "delete", "change_target"]),
            ("AppInstallation", "App installation", &KEPT),
            ("TemplateInstallation", "Template installation", &["complete"]),
        ],
    ),
    (
        "Experiences",
        &[
            ("Experience", "Experience", &PUBLISHED),
            ("Template", "Template", &PUBLISHED),
            ("ComponentType", "Component type", &PUBLISHED),
            ("Fragment", "Fragment", &ARCHIVED),
            ("DataAssembly", "Data assembly", &PUBLISHED),
            ("DesignToken", "Design token", &PUBLISHED),
            ("View", "View", &PUBLISHED),
        ],
    ),
];

/// A check box of the grid.
pub(crate) struct Cell {
    /// What it asks for: `Entry.publish`, `Entry.*`, `*.publish`.
    pub(crate) topic: String,
    /// What it is called, for those who do not see the grid.
    pub(crate) label: String,
    pub(crate) checked: bool,
}

/// A row of the grid.
pub(crate) struct Row {
    pub(crate) label: &'static str,
    /// The whole row, and what it will get in future.
    pub(crate) all: Cell,
    /// One for each column; `None` where the type has no such action.
    pub(crate) cells: Vec<Option<Cell>>,
}

/// A stretch of rows with its heading.
pub(crate) struct Section {
    pub(crate) label: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// The grid with the boxes of these topics checked.
pub(crate) struct Grid {
    pub(crate) columns: Vec<(&'static str, Cell)>,
    pub(crate) sections: Vec<Section>,
}

impl Grid {
    pub(crate) fn of(topics: &BTreeSet<String>) -> Grid {
        let cell = |topic: String, label: String| Cell { checked: topics.contains(&topic), topic, label };
        let column = |action: &&'static str| {
            let words = action.replace('_', " ");
            (*action, cell(format!("*.{action}"), format!("{words} of every type, and of future ones")))
        };
        let row = |(kind, label, actions): &(&'static str, &'static str, &'static [&'static str])| {
            let box_of = |action: &&str| {
                let exists = actions.contains(action);
                exists.then(|| {
                    cell(format!("{kind}.{action}"), format!("{label}: {}", action.replace('_', " ")))
                })
            };
            Row {
                label,
                all: cell(format!("{kind}.*"), format!("{label}: every action, and future ones")),
                cells: ACTIONS.iter().map(box_of).collect(),
            }
        };
        let section = |(label, rows): &Group| Section { label, rows: rows.iter().map(row).collect() };
        Grid { columns: ACTIONS.iter().map(column).collect(), sections: GROUPS.iter().map(section).collect() }
    }
}

/// Whether a topic has a box in the grid.
pub(crate) fn has(topic: &str) -> bool {
    let Some((kind, action)) = topic.split_once('.') else { return false };
    let actions = |kind: &str| {
        let mut rows = GROUPS.iter().flat_map(|(_, rows)| rows.iter());
        rows.find(|(name, ..)| *name == kind).map(|(.., actions)| *actions)
    };
    match (kind, action) {
        ("*", action) => ACTIONS.contains(&action),
        (kind, "*") => actions(kind).is_some(),
        (kind, action) => actions(kind).is_some_and(|actions| actions.contains(&action)),
    }
}

/// Types with their actions, for those who choose one of each.
pub(crate) fn types() -> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])> {
    GROUPS.iter().flat_map(|(_, rows)| rows.iter().copied())
}

#[cfg(test)]
mod tests {
    use bellwire_core::topic::TopicPattern;

    use super::*;

    #[test]
    fn every_box_is_a_topic_and_is_known_as_one() {
        let grid = Grid::of(&BTreeSet::from(["Entry.publish".to_owned(), "*.delete".to_owned()]));
        let rows = || grid.sections.iter().flat_map(|section| &section.rows);
        let boxes = rows().flat_map(|row| row.cells.iter().flatten().chain([&row.all]));
        let boxes: Vec<&Cell> = boxes.chain(grid.columns.iter().map(|(_, cell)| cell)).collect();
        for cell in &boxes {
            assert!(TopicPattern::parse(&cell.topic).is_ok() && has(&cell.topic), "{}", cell.topic);
        }
        let checked: Vec<&str> = boxes.iter().filter(|cell| cell.checked).map(|cell| &*cell.topic).collect();
        assert_eq!(checked, ["Entry.publish", "*.delete"]);
        assert_eq!(rows().count(), 23);
    }

    #[test]
    fn content_types_are_never_saved_by_themselves_nor_archived() {
        assert!(!has("ContentType.auto_save") && !has("ContentType.archive") && has("ContentType.*"));
        assert!(!has("Order.created") && !has("*.*") && !has("Entry"));
    }
}
