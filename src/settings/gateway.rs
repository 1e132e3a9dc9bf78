//! The `[gateway]` section: which target answers for a model's name, and who may ask.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use serde::Deserialize;

use crate::{
    endpoint::{BadTarget, TargetId},
    event::words,
};

/// Everything that is set for the gateway.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GatewaySettings {
    /// Where it listens.
    pub listen: Option<SocketAddr>,
    /// What the history keeps of its requests' contents.
    pub history: KeptContents,
    /// Its routes, in the order of the file.
    pub routes: Vec<RouteSettings>,
    /// The keys of its clients, besides its own token.
    pub keys: Vec<LocalKeySettings>,
}

words! {
    #[derive(Default)]
    /// What the history keeps of the contents of the gateway's requests. Timestamps, counts and faults are always
    /// kept.
    KeptContents {
        #[default]
        /// What was asked and answered.
        All = "all",
        /// What was asked and answered where the answer failed.
        Errors = "errors",
        /// Nothing of either.
        None = "none",
    }
}

words! {
    #[derive(Default)]
    /// In which order a route's targets are asked.
    RouteStrategy {
        #[default]
        /// As they are written; one that fails is passed over for a while.
        FirstHealthy = "first-healthy",
        /// The one with the shortest TTFT of late, by a quantile.
        Fastest = "fastest",
        /// By chance, in proportion to their weights.
        Weighted = "weighted",
        /// By turns.
        RoundRobin = "round-robin",
    }
}

/// A route: the requests for a model's name go to these targets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RouteSettings {
    /// The model's name; with a `*` at its end, all names that begin so.
    #[serde(skip)]
    pub name: String,
    /// Where its requests may go; a model of `*` is the name that was asked for.
    #[serde(deserialize_with = "super::monitor::targets")]
    pub targets: Vec<TargetId>,
    /// The targets' weights for the strategy `weighted`; all are 1 if there are none.
    pub weights: Vec<f64>,
    /// In which order they are asked.
    pub strategy: RouteStrategy,
    /// The quantile of TTFT by which the strategy `fastest` compares, from 0 to 1.
    pub quantile: Option<f64>,
    /// The share of requests, from 0 to 1, that the strategy `fastest` gives to another target than the fastest, so
    /// that it hears of the others.
    pub exploration: Option<f64>,
    /// How often a failed request is tried again once each target was asked.
    pub retries: Option<u32>,
    /// How long a target may take to its first token, connecting included; without it the endpoint's limits hold.
    pub first_token_ms: Option<u64>,
    /// Whether a second target is asked where the first takes long.
    pub hedge: Option<HedgeSettings>,
    /// The regions in which its targets may be; empty for any.
    pub regions: Vec<String>,
    /// Most US dollars a day. Models without a known price are then refused.
    pub usd_per_day: Option<f64>,
}

/// When a second target is asked for the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct HedgeSettings {
    /// After this quantile of the route's TTFT so far, from 0 to 1.
    pub quantile: f64,
    /// Most further requests, as a share of the route's requests.
    pub share: f64,
    /// Most further requests a minute.
    pub per_minute: u32,
    /// The shortest wait in milliseconds.
    pub at_least_ms: u64,
}

impl Default for HedgeSettings {
    fn default() -> Self {
        Self {
            quantile: 0.95,
            share: 0.05,
            per_minute: 60,
            at_least_ms: 10,
        }
    }
}

/// A key of a client, with what it may do. Limits of `None` do not hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LocalKeySettings {
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// The SHA-256 of its text, in hexadecimal digits.
    pub sha256: String,
    /// The names of the models that it may ask, each exact or with a `*` at its end; empty for all.
    pub models: Vec<String>,
    /// The regions in which its requests may be answered; empty for any.
    pub regions: Vec<String>,
    /// Most requests at once.
    pub requests_at_once: Option<u32>,
    /// Most requests a minute.
    pub requests_per_minute: Option<u32>,
    /// Most tokens a minute, of requests and answers together.
    pub tokens_per_minute: Option<u64>,
    /// Largest body of a request, in MiB.
    pub max_body_mib: Option<u32>,
    /// Most US dollars a day. Models without a known price are then refused.
    pub usd_per_day: Option<f64>,
}

/// The keys of the section and of its parts.
pub(super) const KEYS: &[&str] = &["listen", "history", "route", "key"];
pub(super) const ROUTE_KEYS: &[&str] = &[
    "targets",
    "weights",
    "strategy",
    "quantile",
    "exploration",
    "retries",
    "first_token_ms",
    "hedge",
    "regions",
    "usd_per_day",
];
pub(super) const HEDGE_KEYS: &[&str] = &["quantile", "share", "per_minute", "at_least_ms"];
pub(super) const LOCAL_KEY_KEYS: &[&str] = &[
    "sha256",
    "models",
    "regions",
    "requests_at_once",
    "requests_per_minute",
    "tokens_per_minute",
    "max_body_mib",
    "usd_per_day",
];

/// Most tries of one request after the first of each target.
const MAX_RETRIES: u32 = 10;

/// The plain values of the section.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GatewaySection {
    pub listen: Option<SocketAddr>,
    pub history: KeptContents,
}

/// What is wrong with a part, and its key.
pub(super) type BadValue = (&'static str, String);

impl RouteSettings {
    /// A route to one target.
    #[must_use]
    pub fn to(name: impl Into<String>, target: TargetId) -> Self {
        Self {
            name: name.into(),
            targets: vec![target],
            ..Self::default()
        }
    }

    /// The limit for the first token, if the route has one.
    #[must_use]
    pub fn first_token(&self) -> Option<Duration> {
        self.first_token_ms
            .filter(|ms| *ms > 0)
            .map(Duration::from_millis)
    }

    /// Says what is wrong with it.
    pub(super) fn check(&self) -> Result<(), BadValue> {
        check_name(&self.name).map_err(|why| ("", why))?;
        if self.targets.is_empty() {
            let why = "targets is missing: write one such as targets = [\"openai/gpt-5-mini\"]";
            return Err(("", why.to_owned()));
        }
        let weights = &self.weights;
        if !weights.is_empty() && weights.len() != self.targets.len() {
            let why = format!(
                "{} weights for {} targets",
                weights.len(),
                self.targets.len()
            );
            return Err(("weights", why));
        }
        let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if !weights.iter().all(is_weight)
            || (!weights.is_empty() && weights.iter().sum::<f64>() <= 0.0)
        {
            return Err(("weights", "weights are 0 or more, and not all 0".to_owned()));
        }
        for (key, share) in [
            ("quantile", self.quantile),
            ("exploration", self.exploration),
        ] {
            check_share(share).map_err(|why| (key, why))?;
        }
        if self.retries.is_some_and(|retries| retries > MAX_RETRIES) {
            return Err(("retries", format!("at most {MAX_RETRIES} retries")));
        }
        if let Some(hedge) = self.hedge {
            check_share(Some(hedge.quantile)).map_err(|why| ("hedge", why))?;
            check_share(Some(hedge.share)).map_err(|why| ("hedge", why))?;
        }
        check_usd(self.usd_per_day)
    }
}

impl LocalKeySettings {
    /// Says what is wrong with it.
    pub(super) fn check(&self) -> Result<(), BadValue> {
        let is_hex = self.sha256.len() == 64 && self.sha256.chars().all(|c| c.is_ascii_hexdigit());
        if !is_hex {
            let why = "sha256 is the SHA-256 of a key in 64 hexadecimal digits: `tokenscope serve --new-key NAME` makes \
                       a key and writes it";
            return Err(("sha256", why.to_owned()));
        }
        for name in &self.models {
            check_name(name).map_err(|why| ("models", why))?;
        }
        check_usd(self.usd_per_day)
    }
}

/// Says why this can't be the name of a route.
///
/// # Errors
/// If it is empty, or has a `*` elsewhere than at its end.
pub fn check_name(name: &str) -> Result<(), String> {
    let prefix = name.strip_suffix('*');
    if name.is_empty() || prefix.unwrap_or(name).contains('*') {
        return Err(format!(
            "“{name}” is no model name: a * may only be its end"
        ));
    }
    Ok(())
}

fn check_share(share: Option<f64>) -> Result<(), String> {
    match share {
        Some(share) if !(0.0..=1.0).contains(&share) => Err(format!("{share} is not from 0 to 1")),
        _ => Ok(()),
    }
}

fn check_usd(usd: Option<f64>) -> Result<(), BadValue> {
    match usd {
        Some(usd) if !usd.is_finite() || usd < 0.0 => {
            Err(("usd_per_day", "usd_per_day is 0 or more".to_owned()))
        }
        _ => Ok(()),
    }
}

impl FromStr for RouteSettings {
    type Err = String;

    /// Reads `NAME=ENDPOINT/MODEL`; several targets are separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, targets) = text.split_once('=').ok_or(
            "write NAME=ENDPOINT/MODEL, as in gemini-3-pro-preview=gemini/gemini-3-pro-preview or *=openai/*",
        )?;
        let name = name.trim();
        check_name(name)?;
        let target = |text: &str| {
            text.trim()
                .parse()
                .map_err(|error: BadTarget| error.to_string())
        };
        Ok(Self {
            name: name.to_owned(),
            targets: targets.split(',').map(target).collect::<Result<_, _>>()?,
            ..Self::default()
        })
    }
}
