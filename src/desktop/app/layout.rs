//! What the window keeps for its next start.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::App;
use crate::desktop::{looks::Looks, view::ViewId};

/// The key under which eframe keeps the layout.
pub(super) const KEY: &str = "layout";

/// What the window saves for its next start. Contains no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Layout {
    pub(super) view: Option<ViewId>,
    pub(super) views: HashMap<ViewId, String>,
    pub(super) looks: Looks,
}

impl Layout {
    /// What was saved; what can't be read is ignored.
    pub(super) fn read(saved: Option<&str>) -> Self {
        let layout = saved.and_then(|saved| serde_json::from_str(saved).ok());
        layout.unwrap_or_default()
    }
}

impl App {
    /// What to save for the next start.
    #[must_use]
    pub fn layout(&self) -> String {
        let layout = Layout {
            view: Some(self.current),
            views: (self.views.iter())
                .filter_map(|view| Some((view.id(), view.save()?)))
                .collect(),
            looks: self.state.looks.clone(),
        };
        serde_json::to_string(&layout).unwrap_or_default()
    }

    /// The layout that eframe saved.
    pub(in crate::desktop) fn saved_layout(
        storage: Option<&dyn eframe::Storage>,
    ) -> Option<String> {
        storage?.get_string(KEY)
    }
}
