//! Alerts: when a target is slow or fails for longer than a rule allows.
//!
//! In: the rules of the settings, and probes as they end, in order of time. Out: [`AlertNews`], when a rule fires for a
//! target and when that is over. Nobody is told from here; there is no clock.

mod message;
mod watch;

use std::fmt;

use serde::Serialize;

pub use self::{
    message::webhook_body,
    watch::{AlertPeriod, AlertWatch, periods},
};
use crate::{
    endpoint::TargetId,
    event::FaultClass,
    history::ProbeOutcome,
    measure::late,
    run::{OffsetNs, Run, ms},
    settings::alert::AlertFigure,
};

/// What a run says to the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSample {
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Its target.
    pub target: TargetId,
    /// What it tells.
    pub told: SampleKind,
}

/// What a run tells of its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleKind {
    /// It answered; its TTFT in milliseconds, if it is to be trusted.
    Answered(Option<f64>),
    /// It failed.
    Failed,
}

impl AlertSample {
    /// What a run that is over says; `None` if it was stopped, or is not over.
    #[must_use]
    pub fn of(run: &Run, late_share: f64) -> Option<Self> {
        let ttft = run.stamps.first_token;
        let fault = run.answer.fault.as_ref().map(|fault| fault.class);
        let told = told(fault, ttft, run.stamps.first_token_delay, late_share)?;
        run.state.is_over().then(|| Self {
            at_unix_ns: run.stamps.started_unix_ns,
            target: run.head.target.clone(),
            told,
        })
    }

    /// What a probe of the history says; `None` if it was stopped.
    #[must_use]
    pub fn of_probe(probe: &ProbeOutcome, late_share: f64) -> Option<Self> {
        let ProbeOutcome {
            fault,
            first_token,
            first_token_delay,
            ..
        } = *probe;
        Some(Self {
            at_unix_ns: probe.at_unix_ns,
            target: probe.target.clone(),
            told: told(fault, first_token, first_token_delay, late_share)?,
        })
    }
}

fn told(
    fault: Option<FaultClass>,
    ttft: Option<OffsetNs>,
    delay: Option<u32>,
    late_share: f64,
) -> Option<SampleKind> {
    match fault {
        Some(class) if class.is_no_failure() => None,
        Some(_) => Some(SampleKind::Failed),
        None => {
            let trusted = ttft.filter(|ttft| !late::is_late(*ttft, delay, late_share));
            Some(SampleKind::Answered(trusted.map(ms)))
        }
    }
}

/// A rule fires for a target, or is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertNews {
    /// The rule's name.
    pub rule: String,
    /// The target, as `endpoint/model`.
    pub target: String,
    /// Whether it fires; else it is over.
    pub fires: bool,
    /// When, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Since when it fired, in nanoseconds since 1970.
    pub since_unix_ns: i64,
    /// What the rule looks at.
    pub figure: AlertFigure,
    /// The figure's value: milliseconds, or a share.
    pub value: f64,
    /// Of how many runs.
    pub n: usize,
    /// Of how many minutes.
    pub over_minutes: u32,
    /// It fires above this.
    pub above: f64,
}

/// As a sentence: `slow: openai/gpt-5: TTFT P95 is 2,310 ms (above 2,000 ms; 24 runs in 15 min)`.
impl fmt::Display for AlertNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, above) = (
            amount(self.figure, self.value),
            amount(self.figure, self.above),
        );
        let verb = if self.fires { "is" } else { "is back at" };
        let Self {
            rule,
            target,
            n,
            over_minutes,
            ..
        } = self;
        let name = name(self.figure);
        write!(
            f,
            "{rule}: {target}: {name} {verb} {value} (above {above}; {n} runs in {over_minutes} min)"
        )
    }
}

fn name(figure: AlertFigure) -> &'static str {
    match figure {
        AlertFigure::TtftP50 => "median TTFT",
        AlertFigure::TtftP95 => "TTFT P95",
        AlertFigure::TtftP99 => "TTFT P99",
        AlertFigure::ErrorRate => "error rate",
    }
}

fn amount(figure: AlertFigure, value: f64) -> String {
    match figure {
        AlertFigure::ErrorRate => format!("{:.0} %", value * 100.0),
        _ => format!("{value:.0} ms"),
    }
}
