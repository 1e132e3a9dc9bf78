//! The polite pauses after a 429: how long an endpoint is left alone.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::event::{Fault, FaultClass};

/// The first pause, where the endpoint named none.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause, where the endpoint named none.
const LONGEST: Duration = Duration::from_mins(1);
/// The longest that an endpoint can ask for: one that says more is asked again then.
const MOST_ASKED: Duration = Duration::from_mins(10);

/// Until when endpoints are left alone.
#[derive(Debug, Default)]
pub(super) struct EndpointPauses(BTreeMap<String, EndpointPause>);

#[derive(Clone, Copy, Debug)]
struct EndpointPause {
    until: Instant,
    /// The pause after the next 429.
    next: Duration,
}

impl EndpointPauses {
    /// Takes note of how a run of an endpoint ended.
    pub(super) fn note(&mut self, endpoint: &str, fault: Option<&Fault>, now: Instant) {
        let Some(fault) = fault.filter(|fault| fault.class == FaultClass::RateLimited) else {
            self.0.remove(endpoint);
            return;
        };
        let pause = self.0.get(endpoint).map_or(FIRST, |wait| wait.next);
        let asked = fault.retry_after_ms.map(Duration::from_millis);
        let wait = EndpointPause {
            until: now + asked.map_or(pause, |asked| asked.min(MOST_ASKED)),
            next: (2 * pause).min(LONGEST),
        };
        self.0.insert(endpoint.to_owned(), wait);
    }

    /// Until when an endpoint is left alone, if it still is.
    pub(super) fn until(&self, endpoint: &str, now: Instant) -> Option<Instant> {
        let wait = self.0.get(endpoint)?;
        (wait.until > now).then_some(wait.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, event::Phase};

    #[test]
    fn pauses_double_are_as_long_as_was_asked_for_and_end_with_an_answer() {
        let limited = |retry_after_ms| Fault {
            retry_after_ms,
            ..Fault::new(FaultClass::RateLimited, Phase::Headers, "slow down")
        };
        let now = clock::now();
        let mut waits = EndpointPauses::default();
        let mut paused = |fault: Option<Fault>| {
            waits.note("here", fault.as_ref(), now);
            waits.until("here", now).map(|until| until - now)
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(paused(Some(limited(None))), seconds(1));
        assert_eq!(paused(Some(limited(None))), seconds(2));
        assert_eq!(paused(Some(limited(Some(7_000)))), seconds(7));
        assert_eq!(paused(Some(limited(None))), seconds(8));
        for _ in 0..5 {
            paused(Some(limited(None)));
        }
        assert_eq!(paused(Some(limited(None))), seconds(60));
        assert_eq!(paused(Some(limited(Some(86_400_000)))), seconds(600));
        assert_eq!(paused(None), None);
        let other = Fault::new(FaultClass::Reset, Phase::Stream, "gone");
        assert_eq!(paused(Some(other)), None);
        assert_eq!(paused(Some(limited(None))), seconds(1), "it begins anew");
    }
}
