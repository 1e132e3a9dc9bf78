//! The load bench: what is sent when, what is kept of each request, and the figures that come of it.
//!
//! In: a [`BenchPlan`] and the [`BenchRequest`]s that its workers recorded. Out: a [`BenchSummary`]. Nothing here sends
//! anything or reads a clock: the engine's workers do (`engine::bench`).

pub mod plan;
pub mod record;
pub mod summary;

pub use self::{
    plan::{
        ArrivalProcess, BackOff, BenchConnections, BenchPlan, GoodputLimits, Load, StopReason,
        StopRules,
    },
    record::{BenchRequest, RequestOutcome, TokenArrival, TokenArrivals},
    summary::{
        BenchSummary, BenchTimes, FaultCounts, Goodput, InvalidReason, Lag, RequestCounts,
        TimeFigures,
    },
};
