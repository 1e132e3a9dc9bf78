//! Probes: runs on a schedule, so that the history of TTFT grows by itself.
//!
//! In: a plan, and the time. Out: which target is to be asked when, what it is asked, and what that costs.
//! No target is asked from here: the engine sends each probe as a run.

mod forecast;
mod lease;
mod question;
mod reach;
mod schedule;
mod sleep;
mod spending;

use std::time::Duration;

pub use self::{
    forecast::{Forecast, forecast, most_cost},
    lease::{LeaseState, ProberLease},
    question::question,
    reach::is_reachable,
    schedule::{DueProbe, Schedule},
    sleep::SleepWatch,
    spending::{DailySpending, day_begin, probe_cost},
};
pub use crate::settings::monitor::ProbedConnections;
use crate::{endpoint::TargetId, price::Usd, settings::monitor::MonitorSettings};

/// Most output tokens of a probe, unless the plan says otherwise: enough for a first token, and cheap.
pub const MOST_TOKENS: u32 = 16;
/// What a probe asks, unless the plan says otherwise. The twelve words of the answer are about as many tokens, so that they
/// end within [`MOST_TOKENS`], and are enough to tell whether something buffers (`measure::burst`).
pub const PROMPT: &str =
    "Count from one to twelve in words, separated by spaces, and say nothing else.";
/// Most probes under way at once: they must not slow each other down.
pub const AT_ONCE: usize = 8;
/// The shortest time between two probes of a target.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// Whom the monitor asks, how often, and what.
#[derive(Clone, Debug, PartialEq)]
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
    /// The time between two free checks of an endpoint; `None` for none.
    pub check_every: Option<Duration>,
    /// What may be spent on a day, from midnight to midnight, UTC; `None` for no cap.
    pub usd_per_day: Option<Usd>,
    /// Whether targets whose price is not known are asked all the same where there is a cap, and not counted.
    pub allow_unpriced: bool,
}

impl ProbePlan {
    /// The plan of the settings; `None` if it is off, or has no target.
    #[must_use]
    pub fn of_settings(settings: &MonitorSettings) -> Option<Self> {
        let is_followed = settings.on && !settings.targets.is_empty();
        is_followed.then(|| Self::drafted(settings))
    }

    /// The plan that the settings describe, whether it is on or not.
    #[must_use]
    pub fn drafted(settings: &MonitorSettings) -> Self {
        Self {
            every: Some(settings.every().max(SHORTEST)),
            connections: settings.connections,
            check_every: settings.check_every(),
            usd_per_day: settings.usd_per_day.and_then(Usd::of_dollars),
            allow_unpriced: settings.allow_unpriced,
            prompt: settings.prompt.clone().unwrap_or_else(|| PROMPT.to_owned()),
            ..Self::once(settings.targets.clone())
        }
    }

    /// Asks these targets once, as a probe asks unless it is told otherwise.
    #[must_use]
    pub fn once(targets: Vec<TargetId>) -> Self {
        Self {
            targets,
            every: None,
            connections: ProbedConnections::Warm,
            prompt: PROMPT.to_owned(),
            max_tokens: MOST_TOKENS,
            check_every: None,
            usd_per_day: None,
            allow_unpriced: false,
        }
    }
}
