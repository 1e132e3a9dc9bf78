//! The time in which no monitor ran, since the program was closed, killed or off: a gap, and no outage.

use std::time::Duration;

use super::MonitorTask;
use crate::history::GapReason;

/// Shorter times are none in any case: so long it may take until another process takes over.
const SHORTEST: Duration = Duration::from_secs(10);

impl MonitorTask {
    /// Marks the time since each target was last asked, if it is at least twice the time between two probes. To be called
    /// when this process begins to ask.
    pub(super) async fn mark_not_running(&mut self) {
        let (Some(history), Some(followed)) = (&self.history, &self.plan) else {
            return;
        };
        let Some(every) = followed.plan.every else {
            return;
        };
        let now = self.machine.unix_ns();
        let mut targets = followed.plan.targets.clone();
        targets.sort();
        targets.dedup();
        let last = match history.last_asked(targets, now).await {
            Ok(last) => last,
            Err(why) => return tracing::warn!("when targets were last asked is not known: {why}"),
        };
        for (target, last) in last {
            let ns = u64::try_from(now.saturating_sub(last)).unwrap_or_default();
            let since = Duration::from_nanos(ns);
            if since >= (2 * every).max(SHORTEST) {
                self.gaps.past(Some(target), GapReason::NotRunning, since);
            }
        }
    }
}
