//! What the table of targets is sorted by.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::row::TargetRow;
use crate::event::FaultClass;

/// The order of the table. Blank figures come last in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetSort {
    pub by: SortBy,
    pub descending: bool,
}

/// A column to sort by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    Target,
    Status,
    Last,
    #[default]
    P50,
    P95,
    Runs,
    ErrorRate,
    Burst,
    CostToday,
}

impl SortBy {
    /// Whether the first click sorts from the highest down: counts, failures and costs; names and times begin at the
    /// lowest.
    pub fn begins_descending(self) -> bool {
        matches!(
            self,
            Self::Status | Self::Runs | Self::ErrorRate | Self::Burst | Self::CostToday
        )
    }
}

/// The figure that a row is sorted by, if it is one.
fn figure(by: SortBy, row: &TargetRow<'_>) -> Option<f64> {
    let runs = row.runs;
    match by {
        SortBy::Last => runs.last_ttft_ms,
        SortBy::P50 => runs.ttft.p50,
        SortBy::P95 => runs.ttft.p95,
        SortBy::ErrorRate => runs.outcomes.error_rate(),
        SortBy::Burst => row.facts?.buffered.share(),
        SortBy::CostToday => {
            let cost = row.facts?.cost_today;
            (cost.known > 0).then(|| cost.usd.dollars())
        }
        SortBy::Target | SortBy::Status | SortBy::Runs => None,
    }
}

/// The order of two rows.
pub fn compared(sort: TargetSort, a: &TargetRow<'_>, b: &TargetRow<'_>) -> Ordering {
    let turned = |order: Ordering| {
        if sort.descending {
            order.reverse()
        } else {
            order
        }
    };
    let status = |row: &TargetRow<'_>| {
        let last = row.runs.last.and_then(|last| last.fault);
        last.map(FaultClass::as_str)
    };
    let order = match sort.by {
        SortBy::Target => Ordering::Equal,
        SortBy::Status => turned(status(a).cmp(&status(b))),
        SortBy::Runs => turned(a.runs.ttft.runs.cmp(&b.runs.ttft.runs)),
        by => match (figure(by, a), figure(by, b)) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    };
    let names = (&a.runs.target, a.runs.simulated).cmp(&(&b.runs.target, b.runs.simulated));
    let names = if sort.by == SortBy::Target {
        turned(names)
    } else {
        names
    };
    order.then(names)
}
