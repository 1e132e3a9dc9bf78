//! The sections `[alert.NAME]`: when somebody is told that a target is slow or fails, and how.

use serde::{Deserialize, Deserializer, de};

use super::gateway::BadValue;
use crate::event::words;

words! {
    #[derive(Default)]
    /// What a rule looks at: of the runs of one target within its minutes.
    AlertFigure {
        #[default]
        /// The median of TTFT, in milliseconds.
        TtftP50 = "ttft_p50",
        /// The 95th percentile of TTFT, in milliseconds.
        TtftP95 = "ttft_p95",
        /// The 99th percentile of TTFT, in milliseconds.
        TtftP99 = "ttft_p99",
        /// The share of runs that failed, from 0 to 1.
        ErrorRate = "error_rate",
    }
}

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
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct AlertSettings {
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// The targets, as `endpoint/model`; `*` at the end stands for anything. All targets if there are none.
    pub targets: Vec<String>,
    /// What it looks at.
    pub figure: AlertFigure,
    /// It fires above this.
    pub above: f64,
    /// It is over at or below this; nine tenths of `above` unless said.
    pub until: Option<f64>,
    /// Runs of so many minutes count.
    pub over_minutes: u32,
    /// Fewer runs than this tell nothing.
    pub least: u32,
    /// When nobody is told, in local time. What fires meanwhile and lasts is told at its end.
    pub quiet: Option<QuietHours>,
    /// Whether the desktop shows a notification.
    pub notify: bool,
    /// A URL that is posted to; `${NAME}` is taken from the environment.
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
            above: f64::NAN,
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

/// The keys of a rule.
pub(super) const KEYS: &[&str] = &[
    "targets",
    "figure",
    "above",
    "until",
    "over_minutes",
    "least",
    "quiet",
    "notify",
    "webhook",
    "form",
    "command",
];

impl AlertSettings {
    /// At or below this it is over.
    #[must_use]
    pub fn until(&self) -> f64 {
        self.until.unwrap_or(self.above * 0.9)
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

    /// Checks what its types can't.
    pub(super) fn check(&self) -> Result<(), BadValue> {
        let is_share = self.figure == AlertFigure::ErrorRate;
        let range = if is_share { 0.0..1.0 } else { 0.0..f64::MAX };
        if !range.contains(&self.above) {
            let why = if is_share {
                "above is needed: the share of failed runs above which it fires, from 0 to below 1"
            } else {
                "above is needed: the milliseconds above which it fires"
            };
            return Err(("above", why.to_owned()));
        }
        if self
            .until
            .is_some_and(|until| !(0.0..=self.above).contains(&until))
        {
            return Err(("until", "until is from 0 to the value of above".to_owned()));
        }
        if self.over_minutes == 0 || self.over_minutes > 7 * 24 * 60 {
            return Err((
                "over_minutes",
                "over_minutes is from 1 to 10080 (a week)".to_owned(),
            ));
        }
        if self.least == 0 {
            return Err(("least", "least is 1 or more".to_owned()));
        }
        Ok(())
    }
}

/// A part of the day, in minutes since midnight; it may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Its first minute.
    pub from: u32,
    /// The minute after its last.
    pub to: u32,
}

impl QuietHours {
    /// Whether a minute of the day is in it.
    #[must_use]
    pub fn has(self, minute: u32) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl<'de> Deserialize<'de> for QuietHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let ends = text
            .split_once('-')
            .map(|(from, to)| (minute(from), minute(to)));
        match ends {
            Some((Some(from), Some(to))) => Ok(Self { from, to }),
            _ => Err(de::Error::custom("quiet is written as \"22:00-07:00\"")),
        }
    }
}

fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let night = QuietHours {
            from: 1_320,
            to: 420,
        };
        assert_eq!(
            [0, 419, 420, 720, 1_319, 1_320, 1_439].map(|minute| night.has(minute)),
            [true, true, false, false, false, true, true]
        );
        let noon = QuietHours { from: 720, to: 780 };
        assert_eq!(
            [719, 720, 779, 780].map(|minute| noon.has(minute)),
            [false, true, true, false]
        );
    }

    #[test]
    fn targets_are_exact_or_begin_so() {
        let rule = |targets: &[&str]| AlertSettings {
            targets: targets.iter().map(ToString::to_string).collect(),
            ..AlertSettings::default()
        };
        for (targets, fits) in [
            (&[][..], true),
            (&["openai/gpt-5"], true),
            (&["openai/*"], true),
            (&["*"], true),
            (&["openai/gpt"], false),
            (&["google/*", "openai/gpt-5"], true),
            (&["google/*"], false),
        ] {
            assert_eq!(rule(targets).is_for("openai/gpt-5"), fits, "{targets:?}");
        }
    }
}
