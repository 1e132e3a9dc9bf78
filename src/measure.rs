//! The figures of a run.
//!
//! In: a [`Run`] with its raw stamps, reads and token counts, which are stored, and the prices that hold. Out:
//! [`figures`], which are computed from them and not stored.

mod answer;
pub mod arrivals;
pub mod burst;
pub mod change;
mod connection;
pub mod cost;
pub mod cost_sum;
pub mod evidence;
pub mod late;
pub mod lost;
pub mod percentile;
pub mod phases;
pub mod sketch;

pub(crate) use self::answer::streamed;
pub use self::{answer::FIGURES, connection::CONNECTION_FIGURES};

use crate::{price::PriceTable, run::Run};

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// Which end of a figure's scale is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
    /// Neither.
    Neutral,
}

/// What figures are about: they are shown in these groups, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureGroup {
    /// How long one waits.
    Latency,
    /// How fast the tokens come, and how evenly.
    Speed,
    /// What is counted and paid for.
    Cost,
    /// What the connection takes.
    Connection,
    /// How late this program reads what has come.
    OurDelay,
}

impl FigureGroup {
    /// All groups, in order.
    pub const ALL: [Self; 5] = [
        Self::Latency,
        Self::Speed,
        Self::Cost,
        Self::Connection,
        Self::OurDelay,
    ];

    /// Its name on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Latency => "Latency",
            Self::Speed => "Speed",
            Self::Cost => "Tokens and cost",
            Self::Connection => "Connection",
            Self::OurDelay => "Our own delay",
        }
    }
}

/// A figure derived from a run: the same row serves hover texts, tables, exports and `--json`.
#[derive(Debug)]
pub struct Figure {
    /// Its key in JSON and CSV, with its unit.
    pub key: &'static str,
    /// What it is about.
    pub group: FigureGroup,
    /// Its short name on screen.
    pub label: &'static str,
    /// Its unit on screen.
    pub unit: &'static str,
    /// How it is computed, in one sentence.
    pub definition: &'static str,
    /// Which end is better.
    pub better: Better,
    /// Its value by these prices, which only costs need; `None` (blank) if unknown.
    pub value: fn(&Run, &PriceTable) -> Option<f64>,
}

/// All figures: those of the answer, then those of its connection.
pub fn figures() -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().chain(CONNECTION_FIGURES)
}

/// The figure of this key.
#[must_use]
pub fn figure(key: &str) -> Option<&'static Figure> {
    figures().find(|figure| figure.key == key)
}
