//! When each target is asked.
//!
//! In: the plan, and the time now. Out: the probes that are due. Reads no clock and sends nothing.

mod row;

use std::time::{Duration, Instant};

use self::row::{SOON_EVERY, ScheduleRow};
use super::{AT_ONCE, ProbePlan, ProbedConnections};
use crate::endpoint::TargetId;

/// The share of the time between two probes by which a probe may be late at random, so that many monitors do not ask
/// together.
const JITTER: f64 = 0.1;

/// When each target of a plan is asked next.
#[derive(Debug)]
pub struct Schedule {
    every: Option<Duration>,
    connections: ProbedConnections,
    rows: Vec<ScheduleRow>,
}

/// A probe that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueProbe {
    /// Whom it asks.
    pub target: TargetId,
    /// Whether it opens a new connection.
    pub cold: bool,
    /// For how long the target was not asked although it should have been.
    pub missed: Option<Duration>,
}

impl Schedule {
    /// The schedule of a plan that begins now. The targets are spread over the time between two probes; the first is
    /// asked at once, and those that are asked only once are all asked at once.
    #[must_use]
    pub fn new(plan: &ProbePlan, now: Instant) -> Self {
        let mut schedule = Self {
            every: plan.every,
            connections: plan.connections,
            rows: Vec::new(),
        };
        for target in &plan.targets {
            // Named twice, it is asked once.
            if !schedule.rows.iter().any(|row| row.target == *target) {
                schedule.rows.push(ScheduleRow::new(target.clone()));
            }
        }
        schedule.begin_at(now);
        schedule
    }

    /// Begins anew at this time, without counting what was missed: the machine was asleep.
    pub fn begin_at(&mut self, at: Instant) {
        let every = self.every.unwrap_or_default();
        let count = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        for (number, row) in (0..).zip(&mut self.rows) {
            if self.every.is_some() || row.asked == 0 {
                row.next = at.checked_add(every.saturating_mul(number) / count);
                row.due = row.next;
                row.soon = None;
            }
        }
    }

    /// When the next probe is due; `None` if none is, or as many as may be are under way.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let idle = self.rows.iter().filter(|row| !row.is_under_way);
        let due = idle.filter_map(ScheduleRow::due).min();
        due.filter(|_| self.under_way() < AT_ONCE)
    }

    /// Takes the probe that is due longest. It is under way then, until [`is_over`](Self::is_over). `jitter` gives
    /// random numbers from 0 to 1.
    pub fn take_due(&mut self, now: Instant, jitter: impl FnOnce() -> f64) -> Option<DueProbe> {
        if self.next_due()? > now {
            return None;
        }
        let idle = self.rows.iter_mut().filter(|row| !row.is_under_way);
        let row = idle.min_by_key(|row| (row.due().is_none(), row.due()))?;
        let cold = match self.connections {
            ProbedConnections::Warm => false,
            ProbedConnections::Cold => true,
            ProbedConnections::Both => row.asked.is_multiple_of(2),
        };
        row.asked += 1;
        row.is_under_way = true;
        let mut missed = None;
        if row.takes_soon(now) {
            return Some(DueProbe {
                target: row.target.clone(),
                cold,
                missed,
            });
        }
        let next = row.next?;
        (row.next, row.due) = (None, None);
        if let Some(every) = self.every {
            let late = now.saturating_duration_since(next);
            let times = late.as_nanos() / every.as_nanos().max(1);
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            missed = (times > 0).then_some(late);
            row.next = next.checked_add(every.saturating_mul(times.saturating_add(1)));
            let late = every.mul_f64(JITTER * jitter().clamp(0.0, 1.0));
            row.due = row.next.and_then(|next| next.checked_add(late));
        }
        Some(DueProbe {
            target: row.target.clone(),
            cold,
            missed,
        })
    }

    /// Something has changed about these targets: each is probed a few times soon, unless that was so often of late, or
    /// its next probes are as soon anyway.
    pub fn probe_soon(&mut self, is_about: impl Fn(&TargetId) -> bool, now: Instant) {
        if self.every.is_none_or(|every| every <= SOON_EVERY) {
            return;
        }
        for row in self.rows.iter_mut().filter(|row| is_about(&row.target)) {
            row.has_changed(now);
        }
    }

    /// A target's probe is over.
    pub fn is_over(&mut self, target: &TargetId) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.target == *target) {
            row.is_under_way = false;
        }
    }

    /// How many targets there are.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.rows.len()
    }

    /// How many probes are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.rows.iter().filter(|row| row.is_under_way).count()
    }

    /// Whether nothing is under way and nothing will be due.
    #[must_use]
    pub fn is_done(&self) -> bool {
        (self.rows.iter()).all(|row| !row.is_under_way && row.due.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    const EVERY: Duration = Duration::from_mins(1);

    fn plan(targets: usize, every: Option<Duration>) -> ProbePlan {
        let target = |n: usize| format!("endpoint/model-{n}").parse().unwrap();
        ProbePlan {
            every,
            ..ProbePlan::once((0..targets).map(target).collect())
        }
    }

    /// Asks what is due, each probe being over after `takes`, for so long; gives each probe with its time.
    fn asked(
        schedule: &mut Schedule,
        begin: Instant,
        lasts: Duration,
        takes: Duration,
        jitter: f64,
    ) -> Vec<(Duration, DueProbe)> {
        let (mut at, mut asked) = (begin, Vec::new());
        let mut under_way: Vec<(Instant, TargetId)> = Vec::new();
        while at <= begin + lasts {
            under_way.retain(|(over, target)| {
                if *over <= at {
                    schedule.is_over(target);
                }
                *over > at
            });
            while let Some(due) = schedule.take_due(at, || jitter) {
                under_way.push((at + takes, due.target.clone()));
                asked.push((at - begin, due));
            }
            let ends = under_way.iter().map(|(over, _)| *over);
            let Some(next) = ends.chain(schedule.next_due()).min() else {
                break;
            };
            at = next.max(at + Duration::from_millis(1));
        }
        asked
    }

    #[test]
    fn targets_are_spread_and_each_is_asked_once_in_its_time() {
        for jitter in [0.0, 0.5, 1.0] {
            let begin = now();
            let mut schedule = Schedule::new(&plan(3, Some(EVERY)), begin);
            let hour = Duration::from_secs(3_599);
            let asked = asked(&mut schedule, begin, hour, Duration::from_secs(2), jitter);
            assert_eq!(asked.len(), 180, "{jitter}");
            assert!(asked.iter().all(|(_, due)| due.missed.is_none()));
            let first: Vec<u64> = asked[..3].iter().map(|(at, _)| at.as_secs()).collect();
            assert_eq!(first, [0, 20, 40]);
        }
    }

    #[test]
    fn after_a_slow_probe_the_times_it_missed_are_told_and_not_made_up_for() {
        let begin = now();
        let mut schedule = Schedule::new(&plan(1, Some(EVERY)), begin);
        let takes = Duration::from_secs(200);
        let asked = asked(&mut schedule, begin, Duration::from_secs(1_000), takes, 0.0);
        let told: Vec<(u64, Option<u64>)> = asked
            .iter()
            .map(|(at, due)| (at.as_secs(), due.missed.map(|missed| missed.as_secs())))
            .collect();
        // It was due at 60, but under way until 200; at 240 it was under way again.
        assert_eq!(
            told,
            [
                (0, None),
                (200, Some(140)),
                (400, Some(160)),
                (600, Some(180)),
                (800, Some(140)),
                (1_000, Some(160)),
            ]
        );
    }

    #[test]
    fn after_a_sleep_nothing_is_made_up_for() {
        let begin = now();
        let mut schedule = Schedule::new(&plan(2, Some(EVERY)), begin);
        let second = Duration::from_secs(1);
        asked(&mut schedule, begin, second * 59, second, 0.0);
        let woken = begin + Duration::from_hours(10);
        for target in plan(2, None).targets {
            schedule.is_over(&target);
        }
        schedule.begin_at(woken);
        let asked = asked(&mut schedule, woken, second * 119, second, 0.0);
        let told: Vec<u64> = asked.iter().map(|(at, _)| at.as_secs()).collect();
        assert_eq!(told, [0, 30, 60, 90]);
        assert!(asked.iter().all(|(_, due)| due.missed.is_none()));
    }

    #[test]
    fn after_a_change_a_few_probes_follow_soon_and_the_schedule_stays() {
        let begin = now();
        let mut schedule = Schedule::new(&plan(2, Some(EVERY)), begin);
        let second = Duration::from_secs(1);
        let changed = plan(1, None).targets[0].clone();
        asked(&mut schedule, begin, second * 35, second, 0.0);
        for target in plan(2, None).targets {
            schedule.is_over(&target);
        }
        schedule.probe_soon(|target| *target == changed, begin + second * 35);
        // A further change while they are asked adds none.
        schedule.probe_soon(|target| *target == changed, begin + second * 35);
        let from = begin + second * 36;
        let asked = asked(&mut schedule, from, second * 119, second, 0.0);
        let told: Vec<(u64, bool)> = (asked.iter())
            .map(|(at, due)| (at.as_secs() + 36, due.target == changed))
            .collect();
        assert_eq!(
            told,
            [
                (37, true),
                (47, true),
                (57, true),
                (60, true),
                (90, false),
                (120, true),
                (150, false),
            ]
        );
        assert!(asked.iter().all(|(_, due)| due.missed.is_none()));
    }

    #[test]
    fn a_target_that_changes_all_the_time_is_probed_soon_only_so_often() {
        let begin = now();
        let minute = Duration::from_mins(1);
        let mut schedule = Schedule::new(&plan(1, Some(Duration::from_hours(2))), begin);
        let mut probes = 0;
        for n in 0..119 {
            let at = begin + minute * n;
            schedule.probe_soon(|_| true, at);
            let told = asked(
                &mut schedule,
                at,
                Duration::from_secs(59),
                SOON_EVERY / 10,
                0.0,
            );
            for due in &told {
                schedule.is_over(&due.1.target);
            }
            probes += told.len();
        }
        // The scheduled one, and four times three in each of two hours.
        assert_eq!(probes, 1 + 2 * 4 * 3);
        let mut often = Schedule::new(&plan(1, Some(SOON_EVERY)), begin);
        often.probe_soon(|_| true, begin);
        assert!(often.rows[0].soon.is_none());
    }

    #[test]
    fn only_so_many_are_asked_at_once() {
        let begin = now();
        let mut schedule = Schedule::new(&plan(20, None), begin);
        let take_all = |schedule: &mut Schedule| {
            std::iter::from_fn(|| schedule.take_due(begin, || 0.0)).collect::<Vec<_>>()
        };
        let first = take_all(&mut schedule);
        assert_eq!(first.len(), AT_ONCE);
        assert_eq!(schedule.next_due(), None, "nothing to wait for but an end");
        let mut all = first.len();
        let mut under_way = first;
        while let Some(due) = under_way.pop() {
            schedule.is_over(&due.target);
            let more = take_all(&mut schedule);
            all += more.len();
            under_way.extend(more);
        }
        assert_eq!(all, 20);
        assert!(schedule.is_done());
    }

    #[test]
    fn cold_and_warm_take_turns() {
        let begin = now();
        let mut plan = plan(2, Some(EVERY));
        plan.connections = ProbedConnections::Both;
        plan.targets.push(plan.targets[0].clone());
        let mut schedule = Schedule::new(&plan, begin);
        let second = Duration::from_secs(1);
        let asked = asked(&mut schedule, begin, second * 119, second, 0.0);
        let cold: Vec<bool> = asked.iter().map(|(_, due)| due.cold).collect();
        assert_eq!(cold, [true, true, false, false]);
    }
}
