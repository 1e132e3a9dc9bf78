//! The charts that the monitor has to choose from.

use serde::{Deserialize, Serialize};

/// A chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// Every run's TTFT over time.
    #[default]
    Ttft,
    /// A table of targets.
    Targets,
}

impl Chart {
    /// All charts, each with the name on its button.
    pub const ALL: &'static [(Self, &'static str)] =
        &[(Self::Ttft, "TTFT"), (Self::Targets, "Targets")];

    /// Its title, and what it shows in a sentence.
    #[must_use]
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Ttft => (
                "Time to first token",
                "First token − started, for every run. A cold run’s contains its handshakes",
            ),
            Self::Targets => (
                "Targets",
                "TTFT and outcomes of each target in the range shown",
            ),
        }
    }

    /// Whether its axis is TTFT, linear or logarithmic.
    #[must_use]
    pub fn has_scale(self) -> bool {
        matches!(self, Self::Ttft)
    }

    /// Whether it shows warm runs or cold ones, never both.
    #[must_use]
    pub fn has_connection(self) -> bool {
        matches!(self, Self::Targets)
    }
}
