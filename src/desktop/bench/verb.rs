//! What can be done in the view of load benches, and its parts.

use serde::{Deserialize, Serialize};

use crate::desktop::setup::SidePanel;

/// What the palette and shortcuts can do in the view of load benches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchVerb {
    /// Shows or hides a panel at the side.
    Side(SidePanel),
    /// Starts the bench that is set up.
    Start,
    /// Stops the bench that runs.
    Stop,
    /// Opens the dialog that writes a report on the bench that is shown.
    Report,
}

/// What is shown of a bench.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchDetail {
    /// Percentiles with their intervals.
    #[default]
    Figures,
    /// TTFT over time.
    OverTime,
    /// The distributions of TTFT and total.
    Spread,
    /// Rates and requests under way over time.
    Rate,
    /// Our own lag over time.
    Lag,
    /// Another bench beside it.
    Beside,
}

impl BenchDetail {
    /// All, each with the name on its button.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Figures, "Figures"),
        (Self::OverTime, "TTFT"),
        (Self::Spread, "Spread"),
        (Self::Rate, "Rate"),
        (Self::Lag, "Lag"),
        (Self::Beside, "Beside"),
    ];

    /// What it shows, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Figures => {
                "Percentiles of complete answers. Hover over one to read its 95 % interval"
            }
            Self::OverTime => {
                "Each point is an answer, at the time at which its request was begun; the lines are percentiles"
            }
            Self::Spread => "For each time, the share of answers that took at most that (an ECDF)",
            Self::Rate => "Requests a second, and requests under way",
            Self::Lag => "How long after it was due each request was begun here",
            Self::Beside => {
                "Two benches: each figure with its 95 % interval, and the difference with its own"
            }
        }
    }

    /// Whether it has an axis of times, which is linear or logarithmic.
    #[must_use]
    pub fn has_scale(self) -> bool {
        matches!(self, Self::OverTime | Self::Spread | Self::Lag)
    }
}

/// From when times are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimesFrom {
    /// From when the request was due: what a user waits for.
    #[default]
    Schedule,
    /// From when it was begun.
    Start,
}
