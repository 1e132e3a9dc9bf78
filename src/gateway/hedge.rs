//! When a second target may be asked for the same answer: how long after the first, and how often.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{last_minute::LastMinute, recent::RecentTtfts};
use crate::settings::gateway::HedgeSettings;

/// Fewer TTFTs than this tell no quantile.
const LEAST: usize = 20;
/// Most further requests that may be saved up for later.
const MOST_SAVED: f64 = 5.0;

#[derive(Debug, Default)]
struct HedgeCounts {
    ttfts: RecentTtfts,
    /// Further requests that may be sent by the share.
    saved: f64,
    /// Further requests that were sent.
    sent: LastMinute,
}

/// The TTFTs of a route, and what is left for further requests.
#[derive(Debug, Default)]
pub(super) struct HedgeBudget(Mutex<HedgeCounts>);

impl HedgeBudget {
    /// A request begins: how long its first target may take until a second is asked; `None` if it is not known yet.
    pub(super) fn begin(&self, hedge: &HedgeSettings, at: Instant) -> Option<Duration> {
        let mut budget = self.held();
        budget.saved = (budget.saved + hedge.share).min(MOST_SAVED);
        let wait = budget.ttfts.quantile(hedge.quantile, at, LEAST)?;
        Some(wait.max(Duration::from_millis(hedge.at_least_ms)))
    }

    /// Takes a further request from the budget; false if nothing is left.
    pub(super) fn take(&self, hedge: &HedgeSettings, at: Instant) -> bool {
        let mut budget = self.held();
        if budget.sent.sum(at) >= u64::from(hedge.per_minute) || budget.saved < 1.0 {
            return false;
        }
        budget.saved -= 1.0;
        budget.sent.add(at, 1);
        true
    }

    /// A target of the route gave its first token after this time, or none until then.
    pub(super) fn answered(&self, at: Instant, ttft: Duration) {
        self.held().ttfts.add(at, ttft);
    }

    fn held(&self) -> MutexGuard<'_, HedgeCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    const HEDGE: HedgeSettings = HedgeSettings {
        quantile: 0.95,
        share: 0.05,
        per_minute: 3,
        at_least_ms: 10,
    };

    #[test]
    fn no_more_than_the_share_and_the_rate_are_sent() {
        let (budget, mut at) = (HedgeBudget::default(), now());
        let mut sent = 0;
        for request in 1..=1_000 {
            at += Duration::from_secs(30);
            let _ = budget.begin(&HEDGE, at);
            sent += u32::from(budget.take(&HEDGE, at));
            assert!(
                f64::from(sent) <= f64::from(request) * HEDGE.share + 1e-6,
                "{request}"
            );
        }
        assert!((45..=50).contains(&sent), "{sent}");
        for _ in 0..1_000 {
            let _ = budget.begin(&HEDGE, at);
        }
        let at_once = (0..100).filter(|_| budget.take(&HEDGE, at)).count();
        assert!(
            at_once <= 3,
            "an outage does not ask everything twice: {at_once}"
        );
    }

    #[test]
    fn the_wait_is_the_routes_own_quantile() {
        let (budget, at) = (HedgeBudget::default(), now());
        for ms in 1..20 {
            budget.answered(at, Duration::from_millis(ms * 100));
            assert_eq!(budget.begin(&HEDGE, at), None);
        }
        budget.answered(at, Duration::from_secs(2));
        assert_eq!(budget.begin(&HEDGE, at), Some(Duration::from_millis(1_900)));
        for _ in 0..500 {
            budget.answered(at, Duration::from_millis(1));
        }
        let later = at + Duration::from_secs(1);
        assert_eq!(
            budget.begin(&HEDGE, later),
            Some(Duration::from_millis(10)),
            "the shortest wait"
        );
    }
}
