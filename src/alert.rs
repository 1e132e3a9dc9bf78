//! Alerts: when a target is slow, fails, or is away for longer than a rule allows.
//!
//! In: the rules of the settings, and probes and checks as they end, in order of time. Out: [`AlertNews`], when a rule
//! fires for a target and when that is over. Nobody is told from here; there is no clock.

mod message;
mod past;
mod sample;
mod watch;

use std::fmt;

use serde::Serialize;

pub use self::{
    message::webhook_body,
    past::{AlertPeriod, AlertTrial, not_kept, past_samples, trial},
    sample::{AlertSample, SampleKind},
    watch::AlertWatch,
};
use crate::settings::alert::{AlertFigure, AlertSettings};

/// A rule fires for a target, or is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertNews {
    /// The rule's name.
    pub rule: String,
    /// The target, as `endpoint/model`; the endpoint's id where a rule is about that.
    pub target: String,
    /// Whether it fires; else it is over.
    pub fires: bool,
    /// When, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Since when it fired, in nanoseconds since 1970.
    pub since_unix_ns: i64,
    /// What the rule looks at.
    pub figure: AlertFigure,
    /// The figure's value: milliseconds, a share, or days.
    pub value: f64,
    /// Of how many runs and checks.
    pub n: usize,
    /// Of how many minutes.
    pub over_minutes: u32,
    /// It fires above this; `None` if it fires below a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It fires below this; `None` if it fires above a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

impl AlertNews {
    /// News of a rule whose figure has this value, of so many runs and checks.
    fn of(rule: &AlertSettings, target: String, (value, n): (f64, usize)) -> Self {
        let (above, below) = rule.figure.sides(Some(rule.limit()));
        Self {
            rule: rule.name.clone(),
            target,
            fires: true,
            at_unix_ns: 0,
            since_unix_ns: 0,
            figure: rule.figure,
            value,
            n,
            over_minutes: rule.over_minutes,
            above,
            below,
        }
    }
}

/// As a sentence: `slow: openai/gpt-5: TTFT P95 is 2310 ms (above 2000 ms; 24 runs in 15 min)`.
impl fmt::Display for AlertNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            target,
            figure,
            n,
            over_minutes,
            ..
        } = self;
        let verb = if self.fires { "is" } else { "is back at" };
        let (name, value) = (figure.name(), figure.text(self.value));
        write!(f, "{rule}: {target}: {name} {verb} {value} (")?;
        match (self.above, self.below) {
            (Some(above), _) => write!(f, "above {}", figure.text(above))?,
            (None, Some(below)) => write!(f, "below {}", figure.text(below))?,
            (None, None) => {}
        }
        match figure {
            AlertFigure::CertificateDays => f.write_str(")"),
            AlertFigure::Availability => {
                write!(f, "; {n} runs and checks in {over_minutes} min)")
            }
            _ => write!(f, "; {n} runs in {over_minutes} min)"),
        }
    }
}
