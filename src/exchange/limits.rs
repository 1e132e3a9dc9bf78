//! The time limits of a response body: which one applies, when it runs out, and its fault.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep_until};

use super::{Head, NewTokens, ending::EndReason};
use crate::{
    clock::deadline,
    event::{Event, Fault, FaultClass, Phase},
    transport::{Timeouts, limit_text},
};

/// How long the response may stay open once the dialect's own end (or a fault) has come.
const LINGER: Duration = Duration::from_millis(250);

/// How long to wait in silence once the answer may be complete, if no end mark says so.
const QUIET: Duration = Duration::from_secs(2);

/// How long the body of an HTTP error may take, counted from its head: the part that came by then is enough to show.
const ERROR_BODY: Duration = Duration::from_secs(5);

/// The limit that runs out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitKind {
    Total,
    FirstToken,
    Idle,
    /// Of the body of an HTTP error.
    ErrorBody,
}

/// Tracks what has come, and when the next limit runs out.
pub(super) struct LimitWatch {
    limits: Timeouts,
    pub(super) total: Option<Instant>,
    request_sent: Instant,
    error: Option<Instant>,
    /// The last read that carried more than keep-alives, from the first token on.
    last_content: Option<Instant>,
    /// When the end mark or a fault came.
    pub(super) ended_at: Option<Instant>,
    /// When content came last, if the answer may be complete with that.
    may_end: Option<Instant>,
}

impl LimitWatch {
    pub(super) fn new(limits: Timeouts, started: Instant, head: &Head) -> Self {
        Self {
            limits,
            total: deadline(started, limits.total_ms),
            request_sent: head.request_sent,
            error: error_deadline(head, limits.first_token_ms),
            last_content: None,
            ended_at: None,
            may_end: None,
        }
    }

    pub(super) fn record_read(&mut self, at: Instant, new_tokens: NewTokens, events: &[Event]) {
        let content = events
            .iter()
            .any(|event| !matches!(event, Event::KeepAlive { .. } | Event::LeftOut { .. }));
        if new_tokens.tokens > 0 || (content && self.last_content.is_some()) {
            self.last_content = Some(at);
        }
        let is_end = |event: &Event| matches!(event, Event::Done | Event::Fault(_));
        if events.iter().any(is_end) {
            self.ended_at.get_or_insert(at);
        }
    }

    /// Records a read of a body that is not decoded: all of it counts as content.
    pub(super) fn record_bytes(&mut self, at: Instant) {
        self.last_content = Some(at);
    }

    /// Records whether the answer may be complete with what came at this time; keep-alives do not put its end off.
    pub(super) fn record_may_end(&mut self, at: Instant, may: bool) {
        let since = self.last_content.unwrap_or(at);
        self.may_end = may.then_some(since);
    }

    /// Whether the answer was complete when the limit ran out.
    pub(super) fn is_whole(&self) -> bool {
        self.ended_at.is_some() || self.may_end.is_some()
    }

    pub(super) fn next(&self) -> (Option<Instant>, LimitKind) {
        let quiet = self.may_end.and_then(|at| at.checked_add(QUIET));
        let content = match (self.ended_at, self.last_content) {
            (Some(ended_at), _) => (ended_at.checked_add(LINGER), LimitKind::Idle),
            (None, _) if self.error.is_some() => (self.error, LimitKind::ErrorBody),
            (None, _) if quiet.is_some() => (quiet, LimitKind::Idle),
            (None, Some(last)) => (deadline(last, self.limits.idle_ms), LimitKind::Idle),
            (None, None) => {
                let first = deadline(self.request_sent, self.limits.first_token_ms);
                (first, LimitKind::FirstToken)
            }
        };
        match (self.total, content.0) {
            (Some(total), Some(at)) if at < total => content,
            (None, _) => content,
            (total, _) => (total, LimitKind::Total),
        }
    }

    pub(super) fn total_timeout(&self) -> EndReason {
        EndReason::Fault(total_timeout(self.limits, self.phase()))
    }

    pub(super) fn first_token_timeout(&self) -> EndReason {
        let within = limit_text(self.limits.first_token_ms);
        let message = format!("no token came within {within} of sending (first-token limit)");
        EndReason::Fault(Fault::new(FaultClass::Timeout, Phase::FirstToken, message))
    }

    pub(super) fn idle_timeout(&self) -> EndReason {
        let within = limit_text(self.limits.idle_ms);
        let message = format!("nothing but keep-alives came for {within} (idle limit)");
        EndReason::Fault(Fault::new(FaultClass::Timeout, Phase::Stream, message))
    }

    pub(super) fn phase(&self) -> Phase {
        match self.last_content {
            Some(_) => Phase::Stream,
            None => Phase::FirstToken,
        }
    }
}

/// A timer for a limit that moves with every read. It is reset only if the limit became earlier, or when it fires too
/// early.
#[derive(Default)]
pub(super) struct LimitTimer(Option<Pin<Box<Sleep>>>);

impl LimitTimer {
    /// Waits until the limit; for ever without one.
    pub(super) async fn wait_until(&mut self, limit: Option<Instant>) {
        let Some(limit) = limit.map(Into::into) else {
            return std::future::pending().await;
        };
        let sleep = (self.0).get_or_insert_with(|| Box::pin(sleep_until(limit)));
        if limit < sleep.deadline() {
            sleep.as_mut().reset(limit);
        }
        loop {
            sleep.as_mut().await;
            if limit <= sleep.deadline() {
                return;
            }
            sleep.as_mut().reset(limit);
        }
    }
}

/// The fault of the total limit.
pub(super) fn total_timeout(limits: Timeouts, phase: Phase) -> Fault {
    let within = limit_text(limits.total_ms);
    let message = format!("the run was not done within {within} (total limit)");
    Fault::new(FaultClass::Timeout, phase, message)
}

/// When the body of an HTTP error must be over; no later after its head than the limit for the first token. `None`
/// for other responses.
fn error_deadline(head: &Head, first_token_ms: u64) -> Option<Instant> {
    let is_error = !(200..300).contains(&head.status);
    let limit = match first_token_ms {
        0 => ERROR_BODY,
        limit_ms => ERROR_BODY.min(Duration::from_millis(limit_ms)),
    };
    is_error.then(|| head.stamp.at.checked_add(limit)).flatten()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::Instant as Now;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_goes_off_at_the_last_limit_it_was_given() {
        let (begun, mut timer) = (Now::now(), LimitTimer::default());
        let at = |seconds| Some((begun + Duration::from_secs(seconds)).into_std());
        for limit in [at(10), at(20), None, at(30)] {
            assert_eq!(timer.wait_until(limit).now_or_never(), None);
        }
        timer.wait_until(at(40)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(40), "it moved on");
        timer.wait_until(at(90)).now_or_never();
        timer.wait_until(at(50)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(50), "it came nearer");
    }
}
