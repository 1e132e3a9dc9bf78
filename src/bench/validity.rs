//! Whether this machine kept up. A bench whose client lagged says nothing about the server: it is marked invalid.

use super::{
    float,
    summary::{BenchSummary, InvalidReason, Lag},
};
use crate::{measure::late, visible::visible_line};

/// A lag below this never makes a bench invalid, in milliseconds: timers and schedulers of an idle machine take so much.
pub const LEAST_LAG_MS: f64 = 2.0;

/// The share of first tokens that may be read late.
pub const MOST_LATE: f64 = 0.01;

/// The least share of the rate that was due which must have been begun.
pub const LEAST_RATE: f64 = 0.95;

/// What is known of how this machine kept up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    pub lag: Lag,
    pub median_ttft_ms: Option<f64>,
    /// First tokens that were read late, and all.
    pub late: (u64, u64),
    /// Requests a second that were begun, and that were due; `None` without a schedule.
    pub achieved_rate: Option<f64>,
    pub due_rate: Option<f64>,
}

/// Why a bench is invalid; nothing if it is not.
pub(super) fn reasons(evidence: &Evidence) -> Vec<InvalidReason> {
    let mut reasons = Vec::new();
    // As for a single run that is read late: a tenth of what is measured.
    let share_of_ttft = evidence
        .median_ttft_ms
        .map_or(0.0, |ttft| ttft * late::SHARE);
    let allowed_ms = share_of_ttft.max(LEAST_LAG_MS);
    if let Some(p99_ms) = evidence.lag.p99.filter(|lag| *lag > allowed_ms) {
        reasons.push(InvalidReason::Lagged { p99_ms, allowed_ms });
    }
    let (late, of) = evidence.late;
    let share = if of > 0 { float(late) / float(of) } else { 0.0 };
    if share > MOST_LATE {
        reasons.push(InvalidReason::ReadLate {
            share,
            allowed: MOST_LATE,
        });
    }
    if let (Some(achieved), Some(due)) = (evidence.achieved_rate, evidence.due_rate) {
        let share = achieved / due;
        if share < LEAST_RATE {
            reasons.push(InvalidReason::Short {
                share,
                allowed: LEAST_RATE,
            });
        }
    }
    reasons
}

impl BenchSummary {
    /// Why it says nothing about the server, in words; `None` if it is valid.
    #[must_use]
    pub fn why_invalid(&self) -> Option<String> {
        if self.valid {
            return None;
        }
        let why: Vec<String> = self.invalid.iter().map(ToString::to_string).collect();
        Some(if why.is_empty() {
            "nothing was measured".to_owned()
        } else {
            why.join("; ")
        })
    }
}

impl std::fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lagged { p99_ms, allowed_ms } => write!(
                f,
                "requests were begun late: p99 {p99_ms:.1} ms, and {allowed_ms:.1} ms are allowed"
            ),
            Self::ReadLate { share, allowed } => write!(
                f,
                "{:.1} % of first tokens were read late, and {:.1} % are allowed",
                share * 100.0,
                allowed * 100.0
            ),
            Self::Slept { seconds } => write!(f, "this machine slept for {seconds:.0} s"),
            Self::OnMachine { machine, why } => write!(f, "{}: {why}", visible_line(machine)),
            Self::PartMissing { machine, why } => {
                let machine = visible_line(machine);
                write!(f, "the part of {machine} is missing: {}", visible_line(why))
            }
            Self::Apart { share, allowed } => write!(
                f,
                "the machines sent at once for only {:.0} % of the time, and {:.0} % are needed",
                share * 100.0,
                allowed * 100.0
            ),
            Self::Short { share, allowed } => write!(
                f,
                "only {:.0} % of the rate that was due was begun, and {:.0} % are needed",
                share * 100.0,
                allowed * 100.0
            ),
        }
    }
}
