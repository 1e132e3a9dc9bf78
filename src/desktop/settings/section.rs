//! The sections of the settings.

use serde::{Deserialize, Serialize};

/// The sections; each is also a verb of the palette, which shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Endpoints, their tests and editor.
    #[default]
    Endpoints,
    /// Where keys live.
    Keys,
    /// Rules that tell when a target is slow, fails or is away.
    Alerts,
    /// Theme, zoom and fonts.
    Appearance,
    /// Where files are stored.
    Data,
    /// Version, licence, and how figures are calculated.
    About,
}
