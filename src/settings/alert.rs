//! The sections `[alert.NAME]`: when somebody is told that a target is slow, fails or is away, and how.

mod figure;
mod quiet;

use serde::{Deserialize, Serialize};

pub use self::{
    figure::{AlertFigure, AlertUnit},
    quiet::{BadQuietHours, QuietHours},
};
use super::gateway::BadValue;
use crate::event::words;

words! {
    #[derive(Default)]
    /// How a webhook's body is written.
    WebhookForm {
        #[default]
        /// All fields, as one JSON object.
        Json = "json",
        /// A text for Slack's incoming webhooks.
        Slack = "slack",
        /// A text for the bots of Lark (Feishu).
        Lark = "lark",
        /// A text for the robots of `DingTalk`.
        Dingtalk = "dingtalk",
    }
}

/// A rule. It holds for each of its targets apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertSettings {
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// The targets, as `endpoint/model`; `*` at the end stands for anything. All targets if there are none.
    pub targets: Vec<String>,
    /// What it looks at.
    pub figure: AlertFigure,
    /// It fires above this, if it looks at a figure that is bad when it is high.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It fires below this, if it looks at a figure that is bad when it is low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// It is over here or on the good side of it; see [`until`](Self::until) for what holds unless it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<f64>,
    /// Runs and checks of so many minutes count. Of a certificate, the last check does.
    pub over_minutes: u32,
    /// Fewer runs and checks than this tell nothing. Of a certificate, one is enough.
    pub least: u32,
    /// When nobody is told, in local time. What fires meanwhile and lasts is told at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    /// Whether the desktop shows a notification.
    pub notify: bool,
    /// A URL that is posted to; `${NAME}` is taken from the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// How the body for it is written.
    pub form: WebhookForm,
    /// A program that is run, with its arguments; the JSON is its standard input.
    pub command: Vec<String>,
}

/// Fewer runs tell nothing, unless a rule says so.
const LEAST: u32 = 5;

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            targets: Vec::new(),
            figure: AlertFigure::default(),
            above: None,
            below: None,
            until: None,
            over_minutes: 15,
            least: LEAST,
            quiet: None,
            notify: true,
            webhook: None,
            form: WebhookForm::default(),
            command: Vec::new(),
        }
    }
}

/// The keys of a rule; a test compares them with the fields.
pub(super) const KEYS: &[&str] = &[
    "targets",
    "figure",
    "above",
    "below",
    "until",
    "over_minutes",
    "least",
    "quiet",
    "notify",
    "webhook",
    "form",
    "command",
];

/// The longest time whose runs count, in minutes: a week.
pub const LONGEST_MINUTES: u32 = 7 * 24 * 60;

impl AlertSettings {
    /// Its limit: it fires above it, or below it, as its figure has it.
    #[must_use]
    pub fn limit(&self) -> f64 {
        let limit = if self.figure.fires_below() {
            self.below
        } else {
            self.above
        };
        // It was checked when it was read.
        limit.unwrap_or(f64::NAN)
    }

    /// Here, or on the good side of it, it is over. Unless said: nine tenths of `above`; eleven tenths of `below` days;
    /// of an availability, where nine tenths of the failures that `below` allows are left.
    #[must_use]
    pub fn until(&self) -> f64 {
        let limit = self.limit();
        let usual = match self.figure {
            AlertFigure::Availability => 1.0 - (1.0 - limit) * 0.9,
            AlertFigure::CertificateDays => limit * 1.1,
            _ => limit * 0.9,
        };
        self.until.unwrap_or(usual)
    }

    /// Whether a value makes it fire.
    #[must_use]
    pub fn is_bad(&self, value: f64) -> bool {
        if self.figure.fires_below() {
            value < self.limit()
        } else {
            value > self.limit()
        }
    }

    /// Whether a value ends it.
    #[must_use]
    pub fn is_good(&self, value: f64) -> bool {
        // What is written as 0.991 and what is computed from counts may differ by a rounding.
        const ROUNDING: f64 = 1e-9;
        if self.figure.fires_below() {
            value >= self.until() - ROUNDING
        } else {
            value <= self.until() + ROUNDING
        }
    }

    /// How many runs or checks it needs to tell anything.
    #[must_use]
    pub fn least(&self) -> usize {
        match self.figure {
            AlertFigure::CertificateDays => 1,
            _ => self.least as usize,
        }
    }

    /// By what it judges, as a text: two rules with the same judge alike, whoever is told. Holds no secret.
    #[must_use]
    pub fn judgement(&self) -> String {
        let (figure, limit, until) = (self.figure.as_str(), self.limit(), self.until());
        let (minutes, least) = (self.over_minutes, self.least());
        let targets = self.targets.join(" ");
        format!("{figure} {limit} {until} {minutes} {least} {targets}")
    }

    /// Whether it holds for an endpoint as a whole: one of its targets may be meant, or all.
    #[must_use]
    pub fn is_for_endpoint(&self, endpoint: &str) -> bool {
        let fits = |pattern: &String| match (pattern.split_once('/'), pattern.strip_suffix('*')) {
            (Some((of, _)), _) => of == endpoint,
            (None, Some(begin)) => endpoint.starts_with(begin),
            (None, None) => false,
        };
        self.targets.is_empty() || self.targets.iter().any(fits)
    }

    /// Whether it holds for a target, which is written as `endpoint/model`.
    #[must_use]
    pub fn is_for(&self, target: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(begin) => target.starts_with(begin),
            None => target == pattern,
        };
        self.targets.is_empty() || self.targets.iter().any(fits)
    }

    /// Says what its types can't: the key that is wrong, and why.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), BadValue> {
        self.check_limit()?;
        if self.over_minutes == 0 || self.over_minutes > LONGEST_MINUTES {
            let why = format!("over_minutes is from 1 to {LONGEST_MINUTES} (a week)");
            return Err(("over_minutes", why));
        }
        if self.least == 0 {
            return Err(("least", "least is 1 or more".to_owned()));
        }
        Ok(())
    }

    fn check_limit(&self) -> Result<(), BadValue> {
        let figure = self.figure;
        let key = figure.side();
        let (limit, other) = if figure.fires_below() {
            (self.below, ("above", self.above))
        } else {
            (self.above, ("below", self.below))
        };
        if let (other, Some(_)) = other {
            let why = format!("{figure} fires {key} a limit: write {key} instead");
            return Err((other, why));
        }
        let what = match figure {
            AlertFigure::TtftP50 | AlertFigure::TtftP95 | AlertFigure::TtftP99 => {
                "the milliseconds above which it fires"
            }
            AlertFigure::ErrorRate => {
                "the share of failed runs above which it fires, from 0 to below 1"
            }
            AlertFigure::Burst => {
                "the share of buffered answers above which it fires, from 0 to below 1"
            }
            AlertFigure::Availability => {
                "the share of good runs and checks below which it fires, from above 0 to 1"
            }
            AlertFigure::CertificateDays => "the days below which it fires, from 1 to 398",
        };
        let is_limit = |limit: &f64| figure.limits().contains(limit);
        let Some(limit) = limit.filter(is_limit) else {
            return Err((key, format!("{key} is needed: {what}")));
        };
        let until = self.until.unwrap_or(limit);
        match (figure.fires_below(), figure.unit()) {
            (false, _) if !(0.0..=limit).contains(&until) => {
                Err(("until", "until is from 0 to the value of above".to_owned()))
            }
            (true, AlertUnit::Share) if !(limit..=1.0).contains(&until) => {
                Err(("until", "until is from the value of below to 1".to_owned()))
            }
            (true, _) if !(limit..=f64::MAX).contains(&until) => {
                Err(("until", "until is the value of below, or more".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
