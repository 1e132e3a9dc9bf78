//! When a bench stops: what workers ask before each request, and what is judged once a second.

use std::collections::VecDeque;

use super::{
    float,
    plan::{BenchPlan, StopReason},
    summary::RequestCounts,
};

/// Seconds over which a server is judged to take less than is sent.
const JUDGED_SECONDS: usize = 15;

/// In so many of these seconds what is under way must have grown.
const GROWING_SECONDS: usize = 12;

/// And fewer than this share of what was sent in them must have been answered.
const LEAST_ANSWERED: f64 = 0.9;

impl BenchPlan {
    /// Whether the request of this number is one too many. The warm-up comes before those that count.
    #[must_use]
    pub fn is_beyond_count(&self, number: u64) -> bool {
        let most = self
            .stop
            .requests
            .map(|requests| requests.saturating_add(self.warm_up));
        most.is_some_and(|most| number >= most)
    }

    /// Whether the time is over at `at`, if those that count began at `begun`; both in nanoseconds since the start.
    #[must_use]
    pub fn is_time_over(&self, at: u64, begun: u64) -> bool {
        let time = self.stop.time_ms.map(|ms| ms.saturating_mul(1_000_000));
        time.is_some_and(|time| at.saturating_sub(begun) >= time)
    }

    /// Why it has to stop, by what was counted so far and what it cost in US dollars, requests under way at their most.
    #[must_use]
    pub fn must_stop(&self, counts: &RequestCounts, cost_usd: Option<f64>) -> Option<StopReason> {
        let has_failed = (self.stop.failures).is_some_and(|most| counts.failed > most);
        let is_spent = match (self.stop.cost_usd, cost_usd) {
            (Some(most), Some(cost)) => cost >= most,
            _ => false,
        };
        if has_failed {
            Some(StopReason::Failures)
        } else if is_spent {
            Some(StopReason::Cost)
        } else {
            None
        }
    }
}

/// Whether a server takes less than is sent, for good: over the last 15 s fewer than 90 % of the requests that were sent
/// were answered, and in at least 12 of these seconds more were under way than in the one before.
#[derive(Clone, Debug, Default)]
pub struct SaturationWatch {
    /// What had been sent, and what was over, at the end of each second.
    seconds: VecDeque<(u64, u64)>,
}

impl SaturationWatch {
    /// Takes the counts at the end of a second: requests sent and requests over so far. Gives whether it is saturated.
    pub fn second(&mut self, sent: u64, over: u64) -> bool {
        self.seconds.push_back((sent, over));
        while self.seconds.len() > JUDGED_SECONDS + 1 {
            self.seconds.pop_front();
        }
        self.seconds.len() == JUDGED_SECONDS + 1 && self.is_saturated()
    }

    fn is_saturated(&self) -> bool {
        let (Some(first), Some(last)) = (self.seconds.front(), self.seconds.back()) else {
            return false;
        };
        let under_way = |(sent, over): &(u64, u64)| sent.saturating_sub(*over);
        let pairs = self.seconds.iter().zip(self.seconds.iter().skip(1));
        let growing = pairs.filter(|(before, after)| under_way(after) > under_way(before));
        let (sent, over) = (last.0 - first.0, last.1 - first.1);
        let is_behind = float(over) < float(sent) * LEAST_ANSWERED;
        growing.count() >= GROWING_SECONDS && is_behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::{StopRules, tests::a_plan};

    fn plan(stop: StopRules) -> BenchPlan {
        BenchPlan {
            stop,
            warm_up: 10,
            ..a_plan()
        }
    }

    #[test]
    fn a_count_leaves_out_the_warm_up() {
        let plan = plan(StopRules {
            requests: Some(5),
            ..StopRules::default()
        });
        assert!(!plan.is_beyond_count(14));
        assert!(plan.is_beyond_count(15));
        assert!(!a_plan().is_beyond_count(u64::MAX));
    }

    #[test]
    fn time_counts_from_the_first_that_counts() {
        let plan = plan(StopRules {
            time_ms: Some(1_000),
            ..StopRules::default()
        });
        assert!(!plan.is_time_over(1_999_999_999, 1_000_000_000));
        assert!(plan.is_time_over(2_000_000_000, 1_000_000_000));
        assert!(!a_plan().is_time_over(u64::MAX, 0));
    }

    #[test]
    fn failures_and_money_stop_it() {
        let plan = plan(StopRules {
            failures: Some(2),
            cost_usd: Some(0.5),
            ..StopRules::default()
        });
        let failed = |failed| RequestCounts {
            failed,
            ..RequestCounts::default()
        };
        assert_eq!(plan.must_stop(&failed(2), Some(0.4)), None);
        assert_eq!(plan.must_stop(&failed(3), None), Some(StopReason::Failures));
        assert_eq!(
            plan.must_stop(&failed(0), Some(0.5)),
            Some(StopReason::Cost)
        );
    }

    /// The second at which a server is judged saturated that is sent `sent` a second and answers `answered`.
    fn judged(sent: u64, answered: impl Fn(u64) -> u64) -> Option<u64> {
        let mut watch = SaturationWatch::default();
        let mut over = 0;
        (1..=120).find(|second| {
            over += answered(*second);
            watch.second(sent * second, over.min(sent * second))
        })
    }

    #[test]
    fn only_a_server_that_falls_behind_for_good_is_saturated() {
        assert_eq!(judged(100, |_| 80), Some(16));
        assert_eq!(judged(100, |_| 100), None);
        assert_eq!(judged(100, |_| 95), None, "five per cent may be slow ones");
        // A freeze of two seconds in twenty, after which it catches up.
        let freezing = |second| match second % 20 {
            0 | 1 => 0,
            2 => 300,
            _ => 100,
        };
        assert_eq!(judged(100, freezing), None);
    }
}
