//! Holds what was asked, and what is in the file, against the schedule and the course of the month.

use std::{collections::HashMap, fmt, path::Path, time::Duration};

use rusqlite::Connection;

use super::{
    course::{Course, EVERY, TARGETS},
    supervisor::{AskedProbe, Life},
};
use crate::{
    history::{GapReason, History, ProbeGap},
    monitor::AT_ONCE,
};

const SECOND: Duration = Duration::from_secs(1);
/// A probe begins within a tenth of the time between two, and what the machine is late by.
const WINDOW: Duration = Duration::from_secs(30 + 5);
/// A sleep is noticed at the next probe or check, and then the network gets ten seconds.
const WAKING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(10 + 35));
/// Probes that follow soon on a change, and how close they are.
const SOON: (usize, Duration) = (3, Duration::from_secs(15));

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Proven {
    slots: usize,
    probed: usize,
    in_gaps: usize,
    /// The last of a process or before a sleep, which were still to come.
    cut_off: usize,
    /// Of gaps that a kill took with it before they were on disk.
    gaps_lost: usize,
    soon: usize,
    changes: usize,
    most_a_minute: usize,
    kept: usize,
    lost: usize,
    most_lost_by_a_kill: usize,
    cut_by_kills: usize,
    sleeps: usize,
    kills: usize,
    /// Times after a kill in which no program ran for long.
    not_running: usize,
}

impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} slots: {} probed once, {} in a marked gap, {} cut off by a sleep or the end of a process, {} in a gap \
             that a kill took with it",
            self.slots, self.probed, self.in_gaps, self.cut_off, self.gaps_lost
        )?;
        writeln!(
            f,
            "{} changes of a target, and {} probes soon after; at most {} other probes in any minute",
            self.changes, self.soon, self.most_a_minute
        )?;
        write!(
            f,
            "{} kills, {} of them with a long time until the next start, {} sleeps; probes in the file: {}, of those {} cut off by a kill; lost to kills: {}, at most {} by one",
            self.kills,
            self.not_running,
            self.sleeps,
            self.kept,
            self.cut_by_kills,
            self.lost,
            self.most_lost_by_a_kill
        )
    }
}

/// A probe in the file.
struct StoredProbe {
    started_unix_ns: i64,
    outcome: String,
}

/// Checks it all; panics where something does not hold.
pub(super) fn check(folder: &Path, course: Course, lives: &[Life]) -> Proven {
    let mut proven = Proven {
        kills: lives.iter().filter(|life| life.is_killed).count(),
        ..Proven::default()
    };
    let rows = rows(folder);
    check_rows(&rows, course, lives, &mut proven);
    let gaps = gaps(folder);
    check_sleeps(&gaps, course, lives, &mut proven);
    check_not_running(&gaps, course, lives, &mut proven);
    for life in lives {
        let (asked, soon) = without_soon(life, &mut proven);
        proven.soon += soon;
        check_rush(&asked, &mut proven);
        check_slots(&gaps, course, life, &asked, &mut proven);
    }
    proven
}

fn rows(folder: &Path) -> HashMap<i64, StoredProbe> {
    let file = Connection::open(folder.join("history.db")).unwrap();
    let whole: String = file
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    let sql = "SELECT id, started_unix_ns, outcome FROM run";
    let mut select = file.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let (started_unix_ns, outcome) = (row.get(1)?, row.get::<_, Option<String>>(2)?);
        Ok((
            row.get(0)?,
            StoredProbe {
                started_unix_ns,
                outcome: outcome.unwrap_or_default(),
            },
        ))
    };
    select
        .query_map([], row)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn gaps(folder: &Path) -> Vec<ProbeGap> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let history = History::open(folder);
    let gaps = runtime.block_on(history.gaps(0, i64::MAX)).unwrap();
    runtime.block_on(history.end()).unwrap();
    gaps
}

/// What was said to be on disk is there, as it ended and with the time at which it began; and nothing else is.
fn check_rows(
    rows: &HashMap<i64, StoredProbe>,
    course: Course,
    lives: &[Life],
    proven: &mut Proven,
) {
    let mut known = 0;
    for life in lives {
        for id in &life.stored {
            assert!(rows.contains_key(id), "{id} was stored, and is gone");
        }
        let mut lost = 0;
        for asked in &life.asked {
            let Some(row) = rows.get(&asked.id) else {
                lost += 1;
                continue;
            };
            known += 1;
            match life.ends.get(&asked.id) {
                // It ended, but that was not on disk yet.
                Some(end) if *end != row.outcome => {
                    assert_eq!(row.outcome, "cancelled", "{asked:?} {end}");
                    assert!(life.is_killed && !life.stored.contains(&asked.id));
                    proven.cut_by_kills += 1;
                }
                Some(_) => assert_eq!(row.started_unix_ns, course.unix_ns(asked.at), "{asked:?}"),
                None => {
                    assert_eq!(row.outcome, "cancelled", "{asked:?}");
                    proven.cut_by_kills += 1;
                }
            }
        }
        assert!(lost == 0 || life.is_killed, "{lost} lost without a kill");
        proven.lost += lost;
        proven.most_lost_by_a_kill = proven.most_lost_by_a_kill.max(lost);
    }
    proven.kept = rows.len();
    // A probe is in the file a moment before it says that it began.
    let unheard = rows.len() - known;
    assert!(
        unheard <= proven.kills * AT_ONCE,
        "{unheard} nobody knows of"
    );
}

/// Each sleep left a gap of its length, for all targets.
fn check_sleeps(gaps: &[ProbeGap], course: Course, lives: &[Life], proven: &mut Proven) {
    for (at, length) in course.sleeps() {
        let is_lived = |life: &&Life| life.from <= at && at < life.until;
        assert!(lives.iter().any(|life| is_lived(&life)), "{at:?}");
        let from = course.unix_ns(at);
        let length = i64::try_from(length.as_nanos()).unwrap();
        let late = i64::try_from(WAKING.1.as_nanos()).unwrap();
        let is_marked = gaps.iter().any(|gap| {
            gap.target.is_none()
                && gap.why == GapReason::Asleep
                && (from..from + late).contains(&gap.from_unix_ns)
                && gap.to_unix_ns == Some(gap.from_unix_ns + length)
        });
        assert!(is_marked, "no gap for the sleep at {at:?}");
        proven.sleeps += 1;
    }
    let asleep = gaps.iter().filter(|gap| gap.why == GapReason::Asleep);
    assert_eq!(asleep.count(), proven.sleeps);
    let is_expected = |gap: &ProbeGap| {
        use GapReason::{Asleep, NotRunning, Offline};
        matches!(gap.why, Asleep | Offline | NotRunning)
    };
    assert!(gaps.iter().all(is_expected), "{gaps:?}");
}

/// The time between a kill and the next start is a gap of each target, from when it was last asked, where it is long; and
/// there are no others of this reason.
fn check_not_running(gaps: &[ProbeGap], course: Course, lives: &[Life], proven: &mut Proven) {
    let mut left: Vec<&ProbeGap> = gaps.iter().collect();
    left.retain(|gap| gap.why == GapReason::NotRunning);
    for pair in lives.windows(2) {
        let [killed, next] = [pair[0].until, pair[1].from];
        let is_long = next >= killed + 2 * EVERY;
        proven.not_running += usize::from(is_long);
        // What a kill may lose is what came after the disk was last waited for.
        let first = pair[0].stored_at.saturating_sub(EVERY + WINDOW);
        let begin = course.unix_ns(first)..=course.unix_ns(killed);
        let end = course.unix_ns(next)..=course.unix_ns(next + SECOND);
        for target in 0..TARGETS {
            let id = format!("t{target:02}");
            let before = left.len();
            left.retain(|gap| {
                let is_of = gap.target.as_ref().is_some_and(|it| it.endpoint == id);
                let ends = gap.to_unix_ns.is_some_and(|to| end.contains(&to));
                !(is_of && begin.contains(&gap.from_unix_ns) && ends)
            });
            // After a short time there is a gap only where the kill took the last probe with it.
            let found = before - left.len();
            assert!(
                if is_long { found == 1 } else { found <= 1 },
                "{found} of {id}, killed at {killed:?}"
            );
        }
    }
    assert!(left.is_empty(), "{left:?}");
}

/// The probes of a process on schedule, and how many others there were. Those follow soon on a change: a target answers
/// that did not, or the other way round.
fn without_soon<'a>(life: &'a Life, proven: &mut Proven) -> (Vec<&'a AskedProbe>, usize) {
    let mut scheduled = Vec::new();
    for target in 0..TARGETS {
        let (mut before, mut soon, mut last) = (None, 0, Duration::ZERO);
        for asked in life.asked.iter().filter(|asked| asked.target == target) {
            if soon > 0 && asked.at <= last + SOON.1 {
                soon -= 1;
            } else {
                soon = 0;
                scheduled.push(asked);
            }
            last = asked.at;
            let end = life.ends.get(&asked.id).map(String::as_str);
            let is_up = end.filter(|end| *end != "suspended").map(|end| end == "ok");
            if is_up.is_some() && before.is_some() && before != is_up {
                proven.changes += 1;
                soon = SOON.0;
            }
            before = is_up.or(before);
        }
    }
    scheduled.sort_by_key(|asked| asked.at);
    let soon = life.asked.len() - scheduled.len();
    (scheduled, soon)
}

/// After no gap is anything made up for: there are never more in a minute than there may be on schedule.
fn check_rush(asked: &[&AskedProbe], proven: &mut Proven) {
    let minute = 60 * SECOND;
    for (n, first) in asked.iter().enumerate() {
        let rest = &asked[n..];
        let count = rest.partition_point(|asked| asked.at < first.at + minute);
        proven.most_a_minute = proven.most_a_minute.max(count);
    }
    let in_turn = (minute + WINDOW).div_duration_f64(EVERY / TARGETS).ceil();
    assert!(proven.most_a_minute as f64 <= in_turn, "{proven:?}");
}

/// Every time at which a probe was due has one probe, or lies in a gap; and there is no other probe.
fn check_slots(
    gaps: &[ProbeGap],
    course: Course,
    life: &Life,
    asked: &[&AskedProbe],
    proven: &mut Proven,
) {
    let mut left: Vec<Vec<Duration>> = vec![Vec::new(); TARGETS as usize];
    for asked in asked {
        left[asked.target as usize].push(asked.at);
    }
    for (base, end) in stretches(course, life, asked) {
        for target in 0..TARGETS {
            let first = base + EVERY * target / TARGETS;
            let slots = (0u32..).map(|n| first + EVERY * n);
            for slot in slots.take_while(|slot| *slot < end) {
                let window = slot.saturating_sub(SECOND)..(slot + WINDOW).min(end);
                let times = &mut left[target as usize];
                let before = times.len();
                times.retain(|at| !window.contains(at));
                proven.slots += 1;
                match before - times.len() {
                    1 => proven.probed += 1,
                    0 if is_in_gap(gaps, course, target, slot) => proven.in_gaps += 1,
                    0 if slot + WINDOW >= end => proven.cut_off += 1,
                    0 if life.is_killed && slot + WINDOW >= life.stored_at => proven.gaps_lost += 1,
                    n => panic!("{n} probes of target {target} at {slot:?}, base {base:?}"),
                }
            }
        }
    }
    assert!(left.iter().all(Vec::is_empty), "not on schedule: {left:?}");
}

/// The stretches of a process in which its schedule runs on: from its start or from waking, to a sleep or to its end.
fn stretches(course: Course, life: &Life, asked: &[&AskedProbe]) -> Vec<(Duration, Duration)> {
    let mut stretches = Vec::new();
    let mut base = life.from;
    for (at, length) in course.sleeps() {
        if !(life.from..life.until).contains(&at) {
            continue;
        }
        stretches.push((base, at));
        let woken = at + length;
        let first = asked
            .iter()
            .find(|asked| asked.target == 0 && asked.at >= woken);
        base = first.map_or(life.until, |asked| asked.at);
        let late = base.saturating_sub(woken);
        assert!(
            (WAKING.0..WAKING.1).contains(&late),
            "{late:?} after waking"
        );
    }
    // The last probe is in it.
    stretches.push((base, life.until + Duration::from_nanos(1)));
    stretches
}

fn is_in_gap(gaps: &[ProbeGap], course: Course, target: u32, slot: Duration) -> bool {
    let (from, to) = (course.unix_ns(slot), course.unix_ns(slot + WINDOW));
    let id = format!("t{target:02}");
    let is_offline = Course::is_offline(slot) || Course::is_offline(slot + WINDOW);
    is_offline
        && gaps.iter().any(|gap| {
            gap.why == GapReason::Offline
                && gap.target.as_ref().is_some_and(|it| it.endpoint == id)
                && gap.from_unix_ns <= to
                && gap.to_unix_ns.is_some_and(|end| end >= from)
        })
}
