//! The `[monitor]` section: whom the desktop's monitor probes, how often, and for how much.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::gateway::BadValue;
use crate::{endpoint::TargetId, event::words, price::Usd};

words! {
    #[derive(Default)]
    /// Over which connections a plan's probes go.
    ProbedConnections {
        #[default]
        /// Over an open connection, where there is one.
        Warm = "warm",
        /// Each opens a new one.
        Cold = "cold",
        /// Cold and warm take turns.
        Both = "both",
    }
}

/// Everything that is set for the desktop's monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MonitorSettings {
    /// Whether it probes.
    pub on: bool,
    /// Whom.
    #[serde(serialize_with = "names", deserialize_with = "targets")]
    pub targets: Vec<TargetId>,
    /// The time between two probes of a target, in seconds.
    pub every_s: u32,
    /// Over which connections.
    pub connections: ProbedConnections,
    /// Most US dollars a day, from midnight to midnight, UTC; none without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_day: Option<f64>,
    /// Whether targets without a known price are probed all the same where there is such a limit, and not counted.
    pub allow_unpriced: bool,
    /// The time between two free checks of an endpoint (a handshake and its list of models), in seconds; 0 for none.
    pub check_every_s: u32,
    /// What a probe asks; the monitor's own question without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            on: false,
            targets: Vec::new(),
            every_s: 300,
            connections: ProbedConnections::Warm,
            usd_per_day: None,
            allow_unpriced: false,
            check_every_s: 60,
            prompt: None,
        }
    }
}

/// The keys of the section; a test compares them with the fields.
pub(super) const KEYS: &[&str] = &[
    "on",
    "targets",
    "every_s",
    "connections",
    "usd_per_day",
    "allow_unpriced",
    "check_every_s",
    "prompt",
];

/// The longest time between two probes of a target: a day.
const LONGEST_S: u32 = 24 * 60 * 60;
/// The longest question of a probe, in characters: a probe is to be cheap.
const LONGEST_PROMPT: usize = 2_000;

/// What is wrong with a probe's question, if anything is.
#[must_use]
pub fn prompt_error(prompt: &str) -> Option<String> {
    if prompt.trim().is_empty() {
        return Some("A prompt is not blank".to_owned());
    }
    let count = prompt.chars().count();
    (count > LONGEST_PROMPT)
        .then(|| format!("A prompt has at most {LONGEST_PROMPT} characters, not {count}"))
}

impl MonitorSettings {
    /// The time between two probes of a target.
    #[must_use]
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.every_s.into())
    }

    /// The time between two free checks of an endpoint, if there are any.
    #[must_use]
    pub fn check_every(&self) -> Option<Duration> {
        (self.check_every_s > 0).then(|| Duration::from_secs(self.check_every_s.into()))
    }

    /// Says what is wrong with it.
    pub(super) fn check(&self) -> Result<(), BadValue> {
        if !(1..=LONGEST_S).contains(&self.every_s) {
            return Err((
                "every_s",
                format!("every_s is from 1 to {LONGEST_S} seconds"),
            ));
        }
        if self.check_every_s != 0 && !(10..=60).contains(&self.check_every_s) {
            let why = "check_every_s is from 10 to 60 seconds, or 0 for no checks";
            return Err(("check_every_s", why.to_owned()));
        }
        if let Some(why) = self.prompt.as_deref().and_then(prompt_error) {
            return Err(("prompt", why));
        }
        match self.usd_per_day {
            Some(usd) if Usd::of_dollars(usd).is_none() => {
                Err(("usd_per_day", "usd_per_day is 0 or more".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn names<S: Serializer>(targets: &[TargetId], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(targets.iter().map(ToString::to_string))
}

/// Targets, written `ENDPOINT/MODEL`; a single one may be a string.
pub(super) fn targets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<TargetId>, D::Error> {
    let texts = super::section::one_or_many(from)?.unwrap_or_default();
    let target = |text: String| text.parse().map_err(de::Error::custom);
    texts.into_iter().map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_keys_matches_the_fields() {
        let full = MonitorSettings {
            usd_per_day: Some(1.0),
            prompt: Some("Hi".to_owned()),
            ..MonitorSettings::default()
        };
        let written = toml_edit::ser::to_document(&full).unwrap();
        let keys: Vec<&str> = written.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, KEYS);
    }

    #[test]
    fn what_can_not_be_is_said() {
        let with = |change: fn(&mut MonitorSettings)| {
            let mut settings = MonitorSettings::default();
            change(&mut settings);
            settings.check().err().map(|(key, _)| key)
        };
        assert_eq!(with(|_| ()), None);
        assert_eq!(with(|s| s.every_s = 0), Some("every_s"));
        assert_eq!(with(|s| s.every_s = 86_401), Some("every_s"));
        assert_eq!(with(|s| s.check_every_s = 9), Some("check_every_s"));
        assert_eq!(with(|s| s.check_every_s = 0), None);
        assert_eq!(with(|s| s.usd_per_day = Some(-1.0)), Some("usd_per_day"));
        assert_eq!(with(|s| s.prompt = Some("x".repeat(2_000))), None);
        assert_eq!(with(|s| s.prompt = Some("x".repeat(2_001))), Some("prompt"));
        assert_eq!(with(|s| s.prompt = Some(" \n".to_owned())), Some("prompt"));
    }
}
