//! Which targets can be asked now, and how fast they were of late.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::recent::RecentTtfts;
use crate::{
    endpoint::TargetId,
    event::{Fault, FaultClass},
};

/// After so many failures in a row a target is passed over.
const FAILURES: u32 = 5;
/// For how long at first; twice as long after each trial that failed.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);
/// How long a trial keeps others away, if it never ends.
const TRIAL: Duration = Duration::from_secs(30);
/// The pause after a rate limit that says nothing of its end.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(1);

/// Whether a target can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// It can.
    Ready,
    /// It failed too often, its pause is over, and one request may try it.
    Trial,
    /// Not before this time: it failed too often, or its rate limit is used up.
    Paused(Instant),
}

/// What is known of one target.
#[derive(Debug, Default)]
struct Health {
    ttfts: RecentTtfts,
    failures: u32,
    /// How often in a row its circuit was opened.
    pauses: u32,
    paused_until: Option<Instant>,
    trial_until: Option<Instant>,
    /// By its own word: `retry-after`, or a rate limit's reset.
    waits_until: Option<Instant>,
}

/// The health of one target.
#[derive(Debug, Default)]
pub(super) struct TargetHealth(Mutex<Health>);

impl TargetHealth {
    /// Whether it can be asked at this time.
    pub(super) fn state(&self, at: Instant) -> TargetState {
        let health = self.held();
        let waits = health.waits_until.filter(|until| *until > at);
        match (health.paused_until, waits) {
            (_, Some(until)) => TargetState::Paused(until),
            (None, None) => TargetState::Ready,
            (Some(until), None) if until > at => TargetState::Paused(until),
            (Some(_), None) => match health.trial_until.filter(|until| *until > at) {
                Some(until) => TargetState::Paused(until),
                None => TargetState::Trial,
            },
        }
    }

    /// It is about to be asked: if that is a trial, others are kept away until it ends.
    pub(super) fn asked(&self, at: Instant) {
        if self.state(at) == TargetState::Trial {
            self.held().trial_until = at.checked_add(TRIAL);
        }
    }

    /// It began to answer, after this time.
    pub(super) fn answered(&self, at: Instant, ttft: Option<Duration>) {
        let mut health = self.held();
        if let Some(ttft) = ttft {
            health.ttfts.add(at, ttft);
        }
        health.failures = 0;
        health.pauses = 0;
        health.paused_until = None;
        health.trial_until = None;
    }

    /// It was given up after this time without a token, since another answered first: it is at least as slow.
    pub(super) fn beaten(&self, at: Instant, after: Duration) {
        let mut health = self.held();
        health.ttfts.add(at, after);
        health.trial_until = None;
    }

    /// It failed.
    pub(super) fn failed(&self, at: Instant, fault: &Fault) {
        let mut health = self.held();
        health.trial_until = None;
        let wait = fault.retry_after_ms.map(Duration::from_millis);
        match blame(fault.class) {
            Blame::Nobody => {}
            Blame::RateLimit => {
                health.waits_until = at.checked_add(wait.unwrap_or(RATE_LIMIT_PAUSE));
            }
            Blame::Target => {
                health.waits_until = wait.and_then(|wait| at.checked_add(wait));
                health.failures = health.failures.saturating_add(1);
                if health.failures >= FAILURES {
                    let pause = FIRST_PAUSE.saturating_mul(1 << health.pauses.min(10));
                    health.pauses = health.pauses.saturating_add(1);
                    health.paused_until = at.checked_add(pause.min(LONGEST_PAUSE));
                }
            }
        }
    }

    /// A quantile of its TTFTs, if there are enough.
    pub(super) fn ttft(&self, quantile: f64, at: Instant, least: usize) -> Option<Duration> {
        self.held().ttfts.quantile(quantile, at, least)
    }

    /// How many TTFTs of late it has.
    pub(super) fn ttfts_of_late(&self, at: Instant) -> usize {
        self.held().ttfts.of_late(at)
    }

    fn held(&self) -> MutexGuard<'_, Health> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose fault a failure is.
enum Blame {
    /// The client's, or ours: it says nothing of the target.
    Nobody,
    RateLimit,
    Target,
}

fn blame(class: FaultClass) -> Blame {
    match class {
        FaultClass::BadRequest
        | FaultClass::NotFound
        | FaultClass::Cancelled
        | FaultClass::Suspended => Blame::Nobody,
        FaultClass::RateLimited => Blame::RateLimit,
        FaultClass::Dns
        | FaultClass::Connect
        | FaultClass::Tls
        | FaultClass::Proxy
        | FaultClass::Auth
        | FaultClass::Overloaded
        | FaultClass::Timeout
        | FaultClass::Reset
        | FaultClass::Interrupted
        | FaultClass::Protocol
        | FaultClass::Provider => Blame::Target,
    }
}

/// The health of all targets that were asked.
#[derive(Debug, Default)]
pub(super) struct HealthBook(Mutex<HashMap<TargetId, Arc<TargetHealth>>>);

impl HealthBook {
    /// The targets that were asked.
    pub(super) fn targets(&self) -> Vec<TargetId> {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.keys().cloned().collect()
    }

    /// The health of a target.
    pub(super) fn of(&self, target: &TargetId) -> Arc<TargetHealth> {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(health) = book.get(target) {
            return Arc::clone(health);
        }
        Arc::clone(book.entry(target.clone()).or_default())
    }

    /// The health of a target, if it was asked.
    pub(super) fn get(&self, target: &TargetId) -> Option<Arc<TargetHealth>> {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.get(target).map(Arc::clone)
    }

    /// The targets that were asked, in order of their names.
    pub(super) fn known(&self) -> Vec<TargetId> {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known: Vec<TargetId> = book.keys().cloned().collect();
        known.sort();
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::now, event::Phase};

    fn fault(class: FaultClass) -> Fault {
        Fault::new(class, Phase::Headers, "why")
    }

    #[test]
    fn after_failures_in_a_row_one_request_tries_it_and_the_pause_doubles() {
        let (health, mut at) = (TargetHealth::default(), now());
        for failures in 1..=FAILURES {
            assert_eq!(health.state(at), TargetState::Ready, "{failures}");
            health.failed(at, &fault(FaultClass::Connect));
        }
        for pause in [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4] {
            assert_eq!(health.state(at), TargetState::Paused(at + pause));
            at += pause;
            assert_eq!(health.state(at), TargetState::Trial);
            health.asked(at);
            assert_eq!(
                health.state(at),
                TargetState::Paused(at + TRIAL),
                "one at a time"
            );
            health.failed(at, &fault(FaultClass::Timeout));
        }
        at += LONGEST_PAUSE;
        health.asked(at);
        health.answered(at, None);
        assert_eq!(health.state(at), TargetState::Ready);
        health.failed(at, &fault(FaultClass::Provider));
        assert_eq!(
            health.state(at),
            TargetState::Ready,
            "it counts from the start"
        );
    }

    #[test]
    fn a_success_between_failures_keeps_it() {
        let (health, at) = (TargetHealth::default(), now());
        for _ in 0..10 * FAILURES {
            health.failed(at, &fault(FaultClass::Overloaded));
            health.answered(at, Some(Duration::from_millis(5)));
        }
        assert_eq!(health.state(at), TargetState::Ready);
    }

    #[test]
    fn what_the_client_did_wrong_is_not_held_against_it() {
        let (health, at) = (TargetHealth::default(), now());
        for class in [
            FaultClass::BadRequest,
            FaultClass::NotFound,
            FaultClass::Cancelled,
        ] {
            for _ in 0..10 * FAILURES {
                health.failed(at, &fault(class));
            }
        }
        assert_eq!(health.state(at), TargetState::Ready);
    }

    #[test]
    fn it_is_not_asked_before_the_time_that_it_names() {
        let (health, at) = (TargetHealth::default(), now());
        let mut limited = fault(FaultClass::RateLimited);
        health.failed(at, &limited);
        assert_eq!(health.state(at), TargetState::Paused(at + RATE_LIMIT_PAUSE));
        limited.retry_after_ms = Some(30_000);
        health.failed(at, &limited);
        let until = at + Duration::from_secs(30);
        assert_eq!(health.state(at), TargetState::Paused(until));
        assert_eq!(
            health.state(until),
            TargetState::Ready,
            "no trial is needed"
        );
    }
}
