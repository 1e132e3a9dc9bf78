//! The sections of the settings, each of which the palette can go to.

use serde::{Deserialize, Serialize};

/// The sections; each is also a verb of the palette that goes there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Endpoints, their tests and editor.
    #[default]
    Endpoints,
    /// Where keys live.
    Keys,
    /// Theme, zoom and fonts.
    Appearance,
    /// Where things are kept.
    Data,
    /// Version, licence and figures.
    About,
}
