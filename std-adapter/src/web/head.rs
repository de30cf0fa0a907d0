//! The head of a webhook's pages: its name, where it leads, how it does, and the tabs.

use super::chart::History;
use super::standing::Trouble;
use super::triggers;
use crate::app::App;
use crate::clock;
use crate::store::record::CallRecord;
use crate::webhooks::Webhook;

/// A tab of a webhook's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Settings,
    Log,
    Test,
}

/// What the head shows.
pub(super) struct Head {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) active: bool,
    pub(super) triggers: String,
    pub(super) history: History,
    pub(super) trouble: Option<Trouble>,
    tab: Tab,
}

/// One tab.
pub(super) struct TabItem {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) current: bool,
}

impl Head {
    pub(super) fn new(app: &App, webhook: &Webhook, newest_first: &[(u128, CallRecord)], tab: Tab) -> Head {
        let record = &webhook.record;
        Head {
            id: record.id.clone(),
            name: record.name.clone(),
            method: webhook.transformation.method().to_string(),
            url: record.url.clone(),
            active: record.active,
            triggers: triggers::words(&record.topics),
            history: History::of(newest_first),
            trouble: Trouble::of(app, webhook, clock::now_ms()),
            tab,
        }
    }

    pub(super) fn tabs(&self) -> [TabItem; 3] {
        let rows = [
            (Tab::Settings, "", "Webhook settings"),
            (Tab::Log, "/calls", "Activity log"),
            (Tab::Test, "/test", "Test"),
        ];
        rows.map(|(tab, path, label)| TabItem { path, label, current: tab == self.tab })
    }
}
