//! Which limit an answer that is coming is held to, when it runs out, and how that is said.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep_until};

use super::{Came, Head, ending::Reason};
use crate::{
    clock::deadline,
    event::{Event, Fault, FaultClass, Phase},
    transport::{Timeouts, limit_text},
};

/// How long the response may stay open once the dialect's own end (or a fault) has come.
const LINGER: Duration = Duration::from_millis(250);

/// How long nothing may come once the answer may end, where no end mark tells.
const QUIET: Duration = Duration::from_secs(2);

/// How long the body of an error may take from its head on: what is told of it by then is all that is shown anyway.
const ERROR_BODY: Duration = Duration::from_secs(5);

/// Which limit runs out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Total,
    FirstToken,
    Idle,
    /// Of the body of an error.
    ErrorBody,
}

/// When the next limit runs out, given what has come.
pub(super) struct Watch {
    limits: Timeouts,
    pub(super) total: Option<Instant>,
    request_sent: Instant,
    error: Option<Instant>,
    /// The last read that carried more than keep-alives, from the first token on.
    last_content: Option<Instant>,
    /// When the dialect's end or a fault came.
    pub(super) over: Option<Instant>,
    /// The last read, if the answer may end with it.
    may_end: Option<Instant>,
}

impl Watch {
    pub(super) fn new(limits: Timeouts, started: Instant, head: &Head) -> Self {
        Self {
            limits,
            total: deadline(started, limits.total_ms),
            request_sent: head.request_sent,
            error: error_deadline(head, limits.first_token_ms),
            last_content: None,
            over: None,
            may_end: None,
        }
    }

    pub(super) fn saw(&mut self, at: Instant, came: Came, events: &[Event]) {
        let content = events
            .iter()
            .any(|event| !matches!(event, Event::KeepAlive { .. } | Event::LeftOut { .. }));
        if came.tokens > 0 || (content && self.last_content.is_some()) {
            self.last_content = Some(at);
        }
        let is_end = |event: &Event| matches!(event, Event::Done | Event::Fault(_));
        if events.iter().any(is_end) {
            self.over.get_or_insert(at);
        }
    }

    /// Takes a read of a body that is not decoded: all of it counts.
    pub(super) fn saw_bytes(&mut self, at: Instant) {
        self.last_content = Some(at);
    }

    /// Notes whether the answer may end with what came at this time; keep-alives do not put its end off.
    pub(super) fn may_end(&mut self, at: Instant, may: bool) {
        let since = self.last_content.unwrap_or(at);
        self.may_end = may.then_some(since);
    }

    /// Whether the answer had all of its parts when the limit ran out.
    pub(super) fn is_whole(&self) -> bool {
        self.over.is_some() || self.may_end.is_some()
    }

    pub(super) fn next(&self) -> (Option<Instant>, Limit) {
        let quiet = self.may_end.and_then(|at| at.checked_add(QUIET));
        let content = match (self.over, self.last_content) {
            (Some(over), _) => (over.checked_add(LINGER), Limit::Idle),
            (None, _) if self.error.is_some() => (self.error, Limit::ErrorBody),
            (None, _) if quiet.is_some() => (quiet, Limit::Idle),
            (None, Some(last)) => (deadline(last, self.limits.idle_ms), Limit::Idle),
            (None, None) => {
                let first = deadline(self.request_sent, self.limits.first_token_ms);
                (first, Limit::FirstToken)
            }
        };
        match (self.total, content.0) {
            (Some(total), Some(at)) if at < total => content,
            (None, _) => content,
            (total, _) => (total, Limit::Total),
        }
    }

    pub(super) fn out_of_total(&self) -> Reason {
        Reason::Fault(out_of_total(self.limits, self.phase()))
    }

    pub(super) fn out_of_first_token(&self) -> Reason {
        let within = limit_text(self.limits.first_token_ms);
        let message = format!("no token came within {within} of sending (first-token limit)");
        Reason::Fault(Fault::new(FaultClass::Timeout, Phase::FirstToken, message))
    }

    pub(super) fn out_of_idle(&self) -> Reason {
        let within = limit_text(self.limits.idle_ms);
        let message = format!("nothing but keep-alives came for {within} (idle limit)");
        Reason::Fault(Fault::new(FaultClass::Timeout, Phase::Stream, message))
    }

    pub(super) fn phase(&self) -> Phase {
        match self.last_content {
            Some(_) => Phase::Stream,
            None => Phase::FirstToken,
        }
    }
}

/// A timer for a limit that moves with every read: it is set anew only where that came nearer, or once it went off too
/// early.
#[derive(Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Waits until then; for ever, if there is no limit.
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

/// The fault of an exchange that was not over in time.
pub(super) fn out_of_total(limits: Timeouts, phase: Phase) -> Fault {
    let within = limit_text(limits.total_ms);
    let message = format!("the run was not done within {within} (total limit)");
    Fault::new(FaultClass::Timeout, phase, message)
}

/// When the body of an error is to be over, at most as long after its head as a first token may take; `None` if
/// this is no error.
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
        let (begun, mut alarm) = (Now::now(), Alarm::default());
        let at = |seconds| Some((begun + Duration::from_secs(seconds)).into_std());
        for limit in [at(10), at(20), None, at(30)] {
            assert_eq!(alarm.wait_until(limit).now_or_never(), None);
        }
        alarm.wait_until(at(40)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(40), "it moved on");
        alarm.wait_until(at(90)).now_or_never();
        alarm.wait_until(at(50)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(50), "it came nearer");
    }
}
