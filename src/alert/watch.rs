//! The rules' states: which of them fire for which targets.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{AlertNews, AlertSample, SampleKind};
use crate::{
    endpoint::TargetId,
    measure::percentile,
    settings::alert::{AlertFigure, AlertSettings},
};

const MINUTE_NS: i64 = 60_000_000_000;

/// Follows all rules over all targets.
#[derive(Debug, Default)]
pub struct AlertWatch {
    rules: Arc<[AlertSettings]>,
    /// By the rule's place and the target.
    states: BTreeMap<(usize, TargetId), RuleState>,
}

/// One rule for one target.
#[derive(Debug, Default)]
struct RuleState {
    /// The runs of the rule's minutes, the oldest first.
    window: VecDeque<(i64, SampleKind)>,
    /// Since when it fires.
    since: Option<i64>,
    /// Whether somebody was told.
    is_told: bool,
}

impl AlertWatch {
    /// Follows these rules. What it knew of rules that did not change stays.
    pub fn follow(&mut self, rules: &[AlertSettings]) {
        if *self.rules == *rules {
            return;
        }
        let old = std::mem::replace(&mut self.rules, rules.into());
        let states = std::mem::take(&mut self.states);
        let kept = states.into_iter().filter_map(|((place, target), state)| {
            let rule = old.get(place)?;
            let place = rules.iter().position(|new| new == rule)?;
            Some(((place, target), state))
        });
        self.states = kept.collect();
    }

    /// Takes what a run said. `minute` is the minute of the local day, for quiet hours.
    pub fn push(&mut self, sample: &AlertSample, minute: u32) -> Vec<AlertNews> {
        let rules = Arc::clone(&self.rules);
        let name = sample.target.to_string();
        let mut news = Vec::new();
        for (place, rule) in rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.is_for(&name))
        {
            let key = (place, sample.target.clone());
            let state = self.states.entry(key).or_default();
            news.extend(state.push(rule, sample, minute));
        }
        news
    }

    /// The rules that fire, with their targets and since when (nanoseconds since 1970).
    pub fn firing(&self) -> impl Iterator<Item = (&AlertSettings, &TargetId, i64)> {
        self.states.iter().filter_map(|((place, target), state)| {
            Some((self.rules.get(*place)?, target, state.since?))
        })
    }
}

impl RuleState {
    fn push(
        &mut self,
        rule: &AlertSettings,
        sample: &AlertSample,
        minute: u32,
    ) -> Option<AlertNews> {
        let at = sample.at_unix_ns;
        self.window.push_back((at, sample.told));
        let from = at.saturating_sub(i64::from(rule.over_minutes) * MINUTE_NS);
        // Runs end in another order than they began.
        self.window.retain(|(at, _)| *at > from);
        let (value, n) = self.value(rule)?;
        if value > rule.above {
            self.since.get_or_insert(at);
        }
        let since = self.since?;
        let is_over = value <= rule.until();
        let is_quiet = rule.quiet.is_some_and(|quiet| quiet.has(minute));
        let news = AlertNews {
            rule: rule.name.clone(),
            target: sample.target.to_string(),
            fires: !is_over,
            at_unix_ns: at,
            since_unix_ns: since,
            figure: rule.figure,
            value,
            n,
            over_minutes: rule.over_minutes,
            above: rule.above,
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

    /// The figure's value, and of how many runs; `None` if they are too few.
    fn value(&self, rule: &AlertSettings) -> Option<(f64, usize)> {
        let (value, n) = match rule.figure {
            AlertFigure::TtftP50 => self.ttft(0.5)?,
            AlertFigure::TtftP95 => self.ttft(0.95)?,
            AlertFigure::TtftP99 => self.ttft(0.99)?,
            AlertFigure::ErrorRate => {
                let failed = |told: &&(i64, SampleKind)| told.1 == SampleKind::Failed;
                let n = self.window.len();
                (
                    float(self.window.iter().filter(failed).count()) / float(n),
                    n,
                )
            }
        };
        (n >= rule.least as usize).then_some((value, n))
    }

    /// A quantile of TTFT in milliseconds, and of how many runs; `None` if that many do not allow it.
    fn ttft(&self, quantile: f64) -> Option<(f64, usize)> {
        let ttfts = self.window.iter().filter_map(|(_, told)| match told {
            SampleKind::Answered(ttft) => *ttft,
            SampleKind::Failed => None,
        });
        let found = percentile::percentile(ttfts, quantile);
        Some((found.value?, found.n))
    }
}

/// A time in which a rule fired for a target.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertPeriod {
    /// The target.
    pub target: TargetId,
    /// When it fired, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// When it was over; `None` if it still fires.
    pub to_unix_ns: Option<i64>,
}

/// When a rule would have fired on runs of the past, which are in order of time. Quiet hours are left aside.
#[must_use]
pub fn periods(rule: &AlertSettings, samples: &[AlertSample]) -> Vec<AlertPeriod> {
    let mut watch = AlertWatch::default();
    watch.follow(&[AlertSettings {
        quiet: None,
        ..rule.clone()
    }]);
    let mut found: Vec<AlertPeriod> = Vec::new();
    for sample in samples {
        for news in watch.push(sample, 0) {
            if news.fires {
                found.push(AlertPeriod {
                    target: sample.target.clone(),
                    from_unix_ns: news.at_unix_ns,
                    to_unix_ns: None,
                });
            } else if let Some(open) = found.iter_mut().rev().find(|p| p.target == sample.target) {
                open.to_unix_ns = Some(news.at_unix_ns);
            }
        }
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "a count of runs")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::alert::QuietHours;

    fn rule(figure: AlertFigure, above: f64) -> AlertSettings {
        AlertSettings {
            name: "r".into(),
            figure,
            above,
            ..AlertSettings::default()
        }
    }

    fn sample(minute: i64, told: SampleKind) -> AlertSample {
        AlertSample {
            at_unix_ns: minute * MINUTE_NS,
            target: "here/m".parse().unwrap(),
            told,
        }
    }

    fn answered(minute: i64, ms: f64) -> AlertSample {
        sample(minute, SampleKind::Answered(Some(ms)))
    }

    /// The minutes at which it fired and was over.
    fn told(
        rule: &AlertSettings,
        samples: impl IntoIterator<Item = AlertSample>,
    ) -> Vec<(i64, bool)> {
        let mut watch = AlertWatch::default();
        watch.follow(std::slice::from_ref(rule));
        let samples = samples.into_iter();
        let news = samples.flat_map(|sample| {
            let minute = sample.at_unix_ns / MINUTE_NS;
            watch.push(&sample, u32::try_from(minute % 1_440).unwrap())
        });
        news.map(|news| (news.at_unix_ns / MINUTE_NS, news.fires))
            .collect()
    }

    #[test]
    fn a_median_fires_once_and_is_over_once() {
        let slow = |minute| (20..60).contains(&minute);
        let probes =
            (0..120).map(|minute| answered(minute, if slow(minute) { 900.0 } else { 300.0 }));
        let rule = rule(AlertFigure::TtftP50, 500.0);
        // Of 15 runs the eighth slow one makes the median, and the eighth good one ends it.
        assert_eq!(told(&rule, probes), [(27, true), (67, false)]);
    }

    #[test]
    fn between_the_two_limits_nothing_is_told() {
        let values = [300.0, 510.0, 480.0, 510.0, 480.0, 449.0, 480.0, 510.0];
        let probes = values.iter().enumerate().flat_map(|(hour, ms)| {
            let hour = i64::try_from(hour).unwrap();
            (0..15).map(move |minute| answered(hour * 60 + minute, *ms))
        });
        let told = told(&rule(AlertFigure::TtftP50, 500.0), probes);
        let hours: Vec<_> = told
            .iter()
            .map(|(minute, fires)| (minute / 60, *fires))
            .collect();
        assert_eq!(hours, [(1, true), (5, false), (7, true)]);
    }

    #[test]
    fn an_error_rate_counts_all_runs_and_too_few_tell_nothing() {
        let rule = rule(AlertFigure::ErrorRate, 0.5);
        let failed = |minute| sample(minute, SampleKind::Failed);
        assert_eq!(told(&rule, (0..4).map(failed)), []);
        assert_eq!(told(&rule, (0..6).map(failed)), [(4, true)]);
        // Untrusted times are answers all the same.
        let late = |minute| sample(minute, SampleKind::Answered(None));
        let half = (0..100).map(|minute| {
            if minute % 2 == 0 {
                failed(minute)
            } else {
                late(minute)
            }
        });
        let told = told(&rule, half);
        assert!(
            told.iter().all(|(minute, _)| *minute < 15),
            "8 of 15 at most: {told:?}"
        );
    }

    #[test]
    fn a_percentile_waits_until_it_is_known() {
        let rule = AlertSettings {
            over_minutes: 60,
            ..rule(AlertFigure::TtftP95, 500.0)
        };
        let told = told(&rule, (0..60).map(|minute| answered(minute, 900.0)));
        assert_eq!(told, [(19, true)], "P95 needs twenty runs");
    }

    #[test]
    fn in_quiet_hours_nobody_is_told_until_they_end() {
        let rule = AlertSettings {
            quiet: Some(QuietHours { from: 0, to: 60 }),
            ..rule(AlertFigure::TtftP50, 500.0)
        };
        let lasting = (0..90).map(|minute| answered(minute, 900.0));
        assert_eq!(told(&rule, lasting), [(60, true)]);
        let over = (0..90).map(|minute| answered(minute, if minute < 30 { 900.0 } else { 100.0 }));
        assert_eq!(
            told(&rule, over),
            [],
            "what was over in the night is not told"
        );
    }

    #[test]
    fn targets_are_apart_and_rules_keep_their_state_when_others_change() {
        let (one, other) = (
            rule(AlertFigure::TtftP50, 500.0),
            rule(AlertFigure::ErrorRate, 0.1),
        );
        let mut watch = AlertWatch::default();
        watch.follow(std::slice::from_ref(&one));
        let slow: Vec<_> = (0..10)
            .flat_map(|minute| watch.push(&answered(minute, 900.0), 0))
            .collect();
        assert_eq!(slow.len(), 1);
        watch.follow(&[other, one]);
        assert_eq!(watch.firing().count(), 1);
        let mut elsewhere = answered(11, 900.0);
        elsewhere.target.model = "n".into();
        assert_eq!(watch.push(&elsewhere, 0), [], "one run of another target");
        let over: Vec<_> = (11..30)
            .flat_map(|minute| watch.push(&answered(minute, 100.0), 0))
            .collect();
        assert_eq!(over.len(), 1, "it fired before, and is over");
        assert!(!over[0].fires);
    }

    #[test]
    fn a_rule_is_tried_on_the_past() {
        let slow = |minute| (20..60).contains(&minute) || minute >= 110;
        let past: Vec<_> = (0..120)
            .map(|minute| answered(minute, if slow(minute) { 900.0 } else { 300.0 }))
            .collect();
        let found = periods(&rule(AlertFigure::TtftP50, 500.0), &past);
        let minutes: Vec<_> = (found.iter())
            .map(|p| {
                (
                    p.from_unix_ns / MINUTE_NS,
                    p.to_unix_ns.map(|to| to / MINUTE_NS),
                )
            })
            .collect();
        assert_eq!(minutes, [(27, Some(67)), (117, None)]);
    }
}
