//! The load bench: what is sent when, what is kept of each request, and the figures that come of it.
//!
//! In: a [`BenchPlan`] and the [`BenchRequest`]s that its workers recorded. Out: a [`BenchSummary`]. Nothing here sends
//! anything or reads a clock: the engine's workers do (`engine::bench`).

pub mod asked;
pub mod beside;
pub mod charts;
pub mod columns;
pub mod compat;
pub mod figures;
pub mod forecast;
pub mod merge;
pub mod offset;
pub mod order;
pub mod part;
pub mod plan;
pub mod prompts;
pub mod record;
pub mod schedule;
pub mod search;
pub mod share;
pub mod source;
pub mod stop;
pub mod summary;
pub mod texts;
pub mod time_rows;
pub mod validity;
mod words;

use serde::{Deserialize, Serialize};

pub use self::{
    asked::{AskedPrompts, BenchPrompts},
    charts::{BenchCharts, ChartCollector},
    figures::Tally,
    forecast::BenchForecast,
    plan::{
        ArrivalProcess, BackOff, BenchConnections, BenchPlan, GoodputLimits, Load, StopReason,
        StopRules,
    },
    record::{BenchRequest, RequestOutcome, TokenArrival, TokenArrivals},
    schedule::BenchSchedule,
    search::RateSearch,
    source::{BenchQuestion, MostTokens, OnePrompt, RequestSource},
    stop::SaturationWatch,
    summary::{
        BenchSummary, BenchTimes, ConnectionTimes, FaultCounts, Goodput, InvalidReason, Lag,
        RequestCounts, TimeFigures,
    },
};
use crate::run::{RunId, ms};

/// A bench's key: ordered by time, unique across processes that share a history.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct BenchId(pub i64);

impl BenchId {
    /// A new key, made as those of runs are.
    #[must_use]
    pub fn new() -> Self {
        Self(RunId::new().0)
    }
}

/// Nanoseconds as seconds.
fn seconds(ns: u64) -> f64 {
    ms(ns) / 1e3
}

/// A count or a time as a number.
#[expect(clippy::cast_precision_loss, reason = "counts and times of a bench")]
fn float(count: u64) -> f64 {
    count as f64
}
