//! The rules' states: which of them fire for which targets.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::{AlertNews, AlertSample, SampleKind, sample::of_endpoint};
use crate::{
    endpoint::TargetId,
    history::FiringAlert,
    measure::percentile,
    settings::alert::{AlertFigure, AlertSettings},
};

const MINUTE_NS: i64 = 60_000_000_000;
const DAY_S: f64 = 86_400.0;

/// Follows all rules over all targets.
#[derive(Debug, Default)]
pub struct AlertWatch {
    rules: Arc<[AlertSettings]>,
    /// The targets that are known: a check of an endpoint counts for each of its own.
    targets: BTreeSet<TargetId>,
    /// By the rule's place and its subject: a target, or an endpoint without a model.
    states: BTreeMap<(usize, TargetId), RuleState>,
}

/// One rule for one target or endpoint.
#[derive(Debug, Default)]
struct RuleState {
    /// What was said in the rule's minutes, the oldest first; of a certificate, what was said last.
    window: VecDeque<(i64, SampleKind)>,
    /// Since when it fires.
    since: Option<i64>,
    /// Whether somebody was told.
    is_told: bool,
    /// The figure's last value, and of how many runs and checks.
    last: (f64, usize),
}

impl AlertWatch {
    /// Follows these rules. What it knew of rules that judge as before stays.
    pub fn follow(&mut self, rules: &[AlertSettings]) {
        if *self.rules == *rules {
            return;
        }
        let old = std::mem::replace(&mut self.rules, rules.into());
        let states = std::mem::take(&mut self.states);
        let kept = states.into_iter().filter_map(|((place, target), state)| {
            let rule = old.get(place)?;
            let place = self.place(&rule.name, &rule.judgement())?;
            Some(((place, target), state))
        });
        self.states = kept.collect();
    }

    /// Follows these targets: checks of their endpoints count for them. What it knew of others is gone.
    pub fn follow_targets(&mut self, targets: impl IntoIterator<Item = TargetId>) {
        self.targets = targets.into_iter().collect();
        let targets = &self.targets;
        self.states
            .retain(|(_, subject), _| is_followed(targets, subject));
    }

    /// Takes what a run or a check said. `minute` is the minute of the local day, for quiet hours.
    pub fn push(&mut self, sample: &AlertSample, minute: u32) -> Vec<AlertNews> {
        let at = sample.at_unix_ns;
        let subjects = self.add(sample, at).into_iter();
        subjects
            .filter_map(|subject| self.judge(&subject, at, minute))
            .collect()
    }

    /// Begins again where another watch ended: with what fired then, and what runs and checks have said since, or shortly
    /// before. Tells what is over by now, and what fires without anybody knowing.
    pub fn restore(
        &mut self,
        firing: &[FiringAlert],
        past: &[AlertSample],
        now_unix_ns: i64,
        minute: u32,
    ) -> Vec<AlertNews> {
        self.states.clear();
        for known in firing {
            let place = self.place(&known.rule, &known.judgement);
            let key = place.map(|place| (place, known.target.clone()));
            let is_meant = |key: &(usize, TargetId)| {
                self.is_subject(key) && is_followed(&self.targets, &key.1)
            };
            if let Some(key) = key.filter(is_meant) {
                let state = RuleState {
                    since: Some(known.since_unix_ns),
                    is_told: known.is_told,
                    last: (known.value, known.n),
                    ..RuleState::default()
                };
                self.states.insert(key, state);
            }
        }
        for sample in past {
            self.add(sample, now_unix_ns);
        }
        let fires = |state: &RuleState| state.since.is_some();
        let keys: Vec<_> = (self.states.iter())
            .filter(|(_, state)| fires(state))
            .map(|(key, _)| key.clone())
            .collect();
        let news = keys.iter();
        news.filter_map(|key| self.judge(key, now_unix_ns, minute))
            .collect()
    }

    /// The rules that fire, to be restored later.
    #[must_use]
    pub fn firing(&self) -> Vec<FiringAlert> {
        let fires = self.firing_states().map(|(rule, target, state, since)| {
            let (value, n) = state.last;
            FiringAlert {
                rule: rule.name.clone(),
                judgement: rule.judgement(),
                target: target.clone(),
                since_unix_ns: since,
                is_told: state.is_told,
                value,
                n,
            }
        });
        fires.collect()
    }

    /// What was told of the rules that fire.
    #[must_use]
    pub fn told(&self) -> Vec<AlertNews> {
        let fires = self.firing_states().filter(|(.., state, _)| state.is_told);
        let news = fires.map(|(rule, target, state, since)| AlertNews {
            at_unix_ns: since,
            since_unix_ns: since,
            ..AlertNews::of(rule, subject_name(target), state.last)
        });
        news.collect()
    }

    fn firing_states(&self) -> impl Iterator<Item = (&AlertSettings, &TargetId, &RuleState, i64)> {
        self.states.iter().filter_map(|((place, target), state)| {
            Some((self.rules.get(*place)?, target, state, state.since?))
        })
    }

    /// The place of the rule with this name that judges so.
    fn place(&self, name: &str, judgement: &str) -> Option<usize> {
        let is_it = |rule: &AlertSettings| rule.name == name && rule.judgement() == judgement;
        self.rules.iter().position(is_it)
    }

    fn is_subject(&self, (place, subject): &(usize, TargetId)) -> bool {
        (self.rules.get(*place)).is_some_and(|rule| is_about(rule, subject))
    }

    /// Adds a sample to the states that it counts for, and gives their keys. `now` ends their minutes.
    fn add(&mut self, sample: &AlertSample, now: i64) -> Vec<(usize, TargetId)> {
        let keys = self.subjects(sample);
        for key in &keys {
            if let Some(rule) = self.rules.get(key.0) {
                let state = self.states.entry(key.clone()).or_default();
                state.add(rule, sample, now);
            }
        }
        keys
    }

    /// Whose states a sample counts for.
    fn subjects(&self, sample: &AlertSample) -> Vec<(usize, TargetId)> {
        let mut found = Vec::new();
        let counting = self.rules.iter().enumerate();
        for (place, rule) in counting.filter(|(_, rule)| sample.told.counts_for(rule.figure)) {
            let named: Vec<TargetId> = match sample.told {
                SampleKind::Checked { .. } => (self.targets.iter())
                    .filter(|target| target.endpoint == sample.target.endpoint)
                    .cloned()
                    .collect(),
                _ if rule.figure.is_of_endpoint() => vec![of_endpoint(&sample.target.endpoint)],
                _ => vec![sample.target.clone()],
            };
            let keys = named.into_iter().map(|subject| (place, subject));
            found.extend(keys.filter(|key| self.is_subject(key)));
        }
        found
    }

    fn judge(&mut self, key: &(usize, TargetId), at: i64, minute: u32) -> Option<AlertNews> {
        let rule = self.rules.get(key.0)?;
        let state = self.states.get_mut(key)?;
        state.judge(rule, &key.1, at, minute)
    }
}

/// Whether a rule holds for a target, or for an endpoint as a whole.
pub(super) fn is_about(rule: &AlertSettings, subject: &TargetId) -> bool {
    if subject.model.is_empty() {
        rule.is_for_endpoint(&subject.endpoint)
    } else {
        rule.is_for(&subject.to_string())
    }
}

/// Whether a target is among those that are followed, or an endpoint has one of them.
fn is_followed(targets: &BTreeSet<TargetId>, subject: &TargetId) -> bool {
    if subject.model.is_empty() {
        (targets.iter()).any(|target| target.endpoint == subject.endpoint)
    } else {
        targets.contains(subject)
    }
}

/// How a target or an endpoint is named.
fn subject_name(subject: &TargetId) -> String {
    if subject.model.is_empty() {
        subject.endpoint.clone()
    } else {
        subject.to_string()
    }
}

impl RuleState {
    fn add(&mut self, rule: &AlertSettings, sample: &AlertSample, now: i64) {
        let (at, told) = (sample.at_unix_ns, sample.told);
        if rule.figure == AlertFigure::CertificateDays {
            self.window.clear();
            self.window.push_back((at, told));
            return;
        }
        // Runs end in another order than they began.
        let place = self.window.partition_point(|(other, _)| *other <= at);
        self.window.insert(place, (at, told));
        let from = now.saturating_sub(i64::from(rule.over_minutes) * MINUTE_NS);
        let old = self.window.partition_point(|(at, _)| *at <= from);
        self.window.drain(..old);
    }

    fn judge(
        &mut self,
        rule: &AlertSettings,
        subject: &TargetId,
        at: i64,
        minute: u32,
    ) -> Option<AlertNews> {
        let (value, n) = self.value(rule, at)?;
        self.last = (value, n);
        if rule.is_bad(value) {
            self.since.get_or_insert(at);
        }
        let since = self.since?;
        let is_over = rule.is_good(value);
        let is_quiet = rule.quiet.is_some_and(|quiet| quiet.has(minute));
        let news = AlertNews {
            fires: !is_over,
            at_unix_ns: at,
            since_unix_ns: since,
            ..AlertNews::of(rule, subject_name(subject), (value, n))
        };
        if is_over {
            self.since = None;
            // Its end is told to who was told of its beginning, at night too.
            return std::mem::take(&mut self.is_told).then_some(news);
        }
        let is_new = !self.is_told && !is_quiet;
        self.is_told |= is_new;
        is_new.then_some(news)
    }

    /// The figure's value at a time, and of how many runs and checks; `None` if they are too few.
    fn value(&self, rule: &AlertSettings, at: i64) -> Option<(f64, usize)> {
        let found = match rule.figure {
            AlertFigure::TtftP50 => self.ttft(0.5),
            AlertFigure::TtftP95 => self.ttft(0.95),
            AlertFigure::TtftP99 => self.ttft(0.99),
            AlertFigure::ErrorRate => self.share(|told| told == SampleKind::Failed),
            AlertFigure::Availability => self.share(|told| {
                matches!(
                    told,
                    SampleKind::Answered(_) | SampleKind::Checked { is_up: true }
                )
            }),
            AlertFigure::Burst => {
                self.share(|told| told == SampleKind::Arrived { is_buffered: true })
            }
            AlertFigure::CertificateDays => self.days_left(at),
        };
        found.filter(|(_, n)| *n >= rule.least())
    }

    fn ttft(&self, quantile: f64) -> Option<(f64, usize)> {
        let ttfts = self.window.iter().filter_map(|(_, told)| match told {
            SampleKind::Answered(ttft) => *ttft,
            _ => None,
        });
        let found = percentile::percentile(ttfts, quantile);
        Some((found.value?, found.n))
    }

    fn share(&self, counts: impl Fn(SampleKind) -> bool) -> Option<(f64, usize)> {
        let n = self.window.len();
        let counted = self.window.iter().filter(|(_, told)| counts(*told)).count();
        (n > 0).then(|| (float(counted) / float(n), n))
    }

    fn days_left(&self, at: i64) -> Option<(f64, usize)> {
        let (_, told) = self.window.back()?;
        let SampleKind::Certificate { until_unix_s } = told else {
            return None;
        };
        let left_s = until_unix_s.saturating_sub(at / 1_000_000_000);
        #[expect(clippy::cast_precision_loss, reason = "seconds of some years")]
        let days = left_s as f64 / DAY_S;
        Some((days, 1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of runs")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
