//! Which limit a running answer is held to, and when it runs out.

use std::time::{Duration, Instant};

use crate::{
    clock::deadline,
    event::{Event, Phase},
    run::recorder::Came,
    transport::{HttpResponse, Timeouts},
};

/// How long the response may stay open once the dialect's own end (or a fault) has come.
const LINGER: Duration = Duration::from_millis(250);

/// How long nothing may come once the answer may end, where no end mark tells.
const QUIET: Duration = Duration::from_secs(2);

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
    pub(super) fn new(limits: Timeouts, started: Instant, response: &HttpResponse) -> Self {
        Self {
            limits,
            total: deadline(started, limits.total_ms),
            request_sent: response.request_sent,
            error: response.error_deadline(limits.first_token_ms),
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

    pub(super) fn phase(&self) -> Phase {
        match self.last_content {
            Some(_) => Phase::Stream,
            None => Phase::FirstToken,
        }
    }
}
