//! Probes: runs on a schedule, so that the history of TTFT grows by itself.
//!
//! In: a plan, and the time. Out: which target is to be asked when, and what it is asked.
//! No target is asked from here: the engine sends each probe as a run.

mod lease;
mod question;
mod reach;
mod schedule;
mod sleep;

use std::time::Duration;

pub use self::{
    lease::{LeaseState, ProberLease},
    question::question,
    reach::is_reachable,
    schedule::{DueProbe, Schedule},
    sleep::SleepWatch,
};
use crate::{endpoint::TargetId, event::words};

/// Most output tokens of a probe, unless the plan says otherwise: enough for a first token, and cheap.
pub const MOST_TOKENS: u32 = 16;
/// What a probe asks, unless the plan says otherwise.
pub const PROMPT: &str = "Reply with the word OK and nothing else.";
/// Most probes under way at once: they must not slow each other down.
pub const AT_ONCE: usize = 8;
/// The shortest time between two probes of a target.
pub const SHORTEST: Duration = Duration::from_secs(1);

words! {
    /// Over which connections a plan's probes go.
    ProbedConnections {
        /// Over an open connection, where there is one.
        Warm = "warm",
        /// Each opens a new one.
        Cold = "cold",
        /// Cold and warm take turns.
        Both = "both",
    }
}

/// Whom the monitor asks, how often, and what.
#[derive(Clone, Debug)]
pub struct ProbePlan {
    /// The targets.
    pub targets: Vec<TargetId>,
    /// The time between two probes of a target; `None` asks each target once.
    pub every: Option<Duration>,
    /// Over which connections.
    pub connections: ProbedConnections,
    /// What is asked; a number that was never sent before is added, so that no cache answers.
    pub prompt: String,
    /// Most output tokens of an answer.
    pub max_tokens: u32,
}

impl ProbePlan {
    /// Asks these targets once, as a probe asks unless it is told otherwise.
    #[must_use]
    pub fn once(targets: Vec<TargetId>) -> Self {
        Self {
            targets,
            every: None,
            connections: ProbedConnections::Warm,
            prompt: PROMPT.to_owned(),
            max_tokens: MOST_TOKENS,
        }
    }
}
