//! What can be done in the view of comparisons, and its parts.

use serde::{Deserialize, Serialize};

use crate::{compare::MarkChoice, desktop::setup::SidePanel};

/// What the palette and shortcuts can do in the view of comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareVerb {
    /// Shows or hides a panel at the side.
    Side(SidePanel),
    /// Starts the comparison that is set up.
    Start,
    /// Stops the comparison that runs.
    Stop,
    /// Opens the dialog that writes a report on the comparison that is shown.
    Report,
    /// Says what is thought of the two answers that are shown.
    Mark(MarkChoice),
}

/// What is shown of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareDetail {
    /// A verdict for each figure and quantile.
    #[default]
    Verdicts,
    /// Paired differences over time.
    Differences,
    /// The arms' distributions.
    Spread,
    /// Quantiles against quantiles.
    Quantiles,
    /// The phases of each arm, side by side.
    Phases,
    /// The article's table.
    Table,
    /// Pairs of answers, to be marked.
    Answers,
}

impl CompareDetail {
    /// All, each with the name on its button.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Verdicts, "Verdicts"),
        (Self::Differences, "Over time"),
        (Self::Spread, "Spread"),
        (Self::Quantiles, "Q–Q"),
        (Self::Phases, "Phases"),
        (Self::Table, "Table"),
        (Self::Answers, "Answers"),
    ];

    /// What it shows, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Verdicts => {
                "What the pairs say, for each figure and quantile. Hover over a verdict to read how it was made"
            }
            Self::Differences => {
                "Each point is a pair: by how much an arm took longer than A. The line is the median of the differences, \
                 the band its 95 % interval as it is now"
            }
            Self::Spread => {
                "For each time, the share of an arm’s runs that took at most that (an ECDF)"
            }
            Self::Quantiles => {
                "Each point is a quantile: across that of A, upward that of the arm. On the line both are alike; above it \
                 the arm is slower"
            }
            Self::Phases => {
                "Where the time until the first token goes: the median of each phase. Over an open connection there are \
                 no handshakes"
            }
            Self::Table => {
                "The table of the article that this project comes from. Hover over a row or a cell to read what is measured"
            }
            Self::Answers => {
                "Two answers to the same prompt, in an order that does not tell whose is whose"
            }
        }
    }

    /// Whether it is a plot of one figure.
    #[must_use]
    pub fn has_figure(self) -> bool {
        matches!(self, Self::Differences | Self::Spread | Self::Quantiles)
    }

    /// Whether it has an axis of times, which is linear or logarithmic.
    #[must_use]
    pub fn has_scale(self) -> bool {
        matches!(self, Self::Spread | Self::Quantiles)
    }

    /// Whether it is of one kind of connection.
    #[must_use]
    pub fn has_connection(self) -> bool {
        self != Self::Answers
    }
}
