//! What is kept of probes and checks that are older than the settings say: one row for each hour and each day.
//!
//! In: the oldest of them, a few at a time. Out: counts by outcome, and a sketch of TTFT. A step adds some of them to
//! their rows and deletes them, in one transaction: whenever the program is killed, each is either still there or
//! counted, once.

mod day_hours;
mod parts;
mod rows;

use std::collections::BTreeMap;

use rusqlite::{
    Connection, OptionalExtension as _, Row, TransactionBehavior, params, types::FromSqlError,
};

pub(super) use self::{
    day_hours::{RolledUpHour, for_each_hour},
    parts::parts,
    rows::{RolledUpProbes, StoredTimes, for_each_part},
};
use super::other_processes::{ChangeCounts, ProcessWatch};
use crate::{
    measure::{
        late,
        sketch::{SketchError, TimeSketch},
    },
    run::Origin,
    settings::retention::Retention,
};

/// One hour, in nanoseconds.
pub(super) const HOUR: i64 = 3_600_000_000_000;

/// One day, in nanoseconds. Days are those of UTC.
pub(super) const DAY: i64 = 24 * HOUR;

/// Most probes of one step: some milliseconds of work.
const STEP_PROBES: u32 = 100;

/// Most checks of one step.
const STEP_CHECKS: u32 = 2_000;

/// From when on probes and checks are kept one by one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RollupLimits {
    /// Probes that started before that are rolled up; in nanoseconds since 1970.
    pub(super) probes_before: i64,
    /// Checks that began before that are rolled up.
    pub(super) checks_before: i64,
    /// The share of its TTFT by which a probe may be read late; later ones are counted apart.
    pub(super) late_share: f64,
}

impl RollupLimits {
    /// The limits at a time. What is kept one by one begins at a whole hour.
    pub(super) fn at(now_unix_ns: i64, retention: Retention, late_share: f64) -> Self {
        let before = |days: u32| start_of(now_unix_ns.saturating_sub(i64::from(days) * DAY), HOUR);
        Self {
            probes_before: before(retention.probes_days),
            checks_before: before(retention.checks_days),
            late_share,
        }
    }
}

/// Rolls up some of the oldest probes and checks, and says whether there may be more.
///
/// # Errors
/// If the file can't be read or written; nothing is changed then.
pub(super) fn step(
    file: &mut Connection,
    limits: RollupLimits,
    watch: &mut ProcessWatch,
) -> rusqlite::Result<bool> {
    if !is_due(file, limits)? {
        return Ok(false);
    }
    let file = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = ChangeCounts::read(&file)?;
    let probes = roll_up_probes(&file, limits)?;
    let checks = roll_up_checks(&file, limits.checks_before)?;
    if probes > 0 {
        file.execute("UPDATE meta SET generation = generation + 1", [])?;
    }
    let after = ChangeCounts::read(&file)?;
    file.commit()?;
    watch.note_own_write(before, after);
    Ok(probes == STEP_PROBES as usize || checks == STEP_CHECKS as usize)
}

/// Whether there is anything to roll up.
fn is_due(file: &Connection, limits: RollupLimits) -> rusqlite::Result<bool> {
    let mut select = file.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM run INDEXED BY run_probe
                WHERE origin = 'probe' AND outcome IS NOT NULL AND started_unix_ns < ?1)
            OR EXISTS (SELECT 1 FROM endpoint_check INDEXED BY endpoint_check_at WHERE at_unix_ns < ?2)",
    )?;
    select.query_row((limits.probes_before, limits.checks_before), |row| {
        row.get(0)
    })
}

/// The row that a probe belongs to, its length aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RollupKey {
    target: i64,
    hour: i64,
    connection: String,
    simulated: bool,
}

fn roll_up_probes(file: &Connection, limits: RollupLimits) -> rusqlite::Result<usize> {
    debug_assert_eq!(Origin::Probe.as_str(), "probe", "the word of the index");
    let mut select = file.prepare_cached(
        "SELECT id, target, started_unix_ns, connection, simulated, outcome, first_token, first_token_delay
            FROM run INDEXED BY run_probe
            WHERE origin = 'probe' AND outcome IS NOT NULL AND started_unix_ns < ?1
            ORDER BY started_unix_ns LIMIT ?2",
    )?;
    let mut rows = select.query((limits.probes_before, STEP_PROBES))?;
    let mut ids: Vec<i64> = Vec::new();
    let mut hours: BTreeMap<RollupKey, ProbeRollup> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        ids.push(row.get(0)?);
        let key = RollupKey {
            target: row.get(1)?,
            hour: start_of(row.get(2)?, HOUR),
            connection: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            simulated: row.get(4)?,
        };
        let hour = hours.entry(key).or_default();
        hour.add(row, limits.late_share)?;
    }
    for (key, probes) in &hours {
        for length in [HOUR, DAY] {
            add_to_row(file, key, length, probes)?;
        }
    }
    // The trigger `run_gone` deletes what belongs to them.
    let mut delete = file.prepare_cached("DELETE FROM run WHERE id = ?1")?;
    for id in &ids {
        delete.execute([id])?;
    }
    Ok(ids.len())
}

/// The begin of the hour or day in which a time lies.
pub(super) fn start_of(at: i64, length: i64) -> i64 {
    at.saturating_sub(at.rem_euclid(length))
}

/// Adds probes to a row, which is made if there is none.
fn add_to_row(
    file: &Connection,
    key: &RollupKey,
    length: i64,
    probes: &ProbeRollup,
) -> rusqlite::Result<()> {
    let from = start_of(key.hour, length);
    let at = (key.target, length, from, &key.connection, key.simulated);
    let stored: Option<(ProbeRollup, i64, Vec<u8>)> = file
        .prepare_cached(
            "SELECT late, outcomes, ttft, measured, hours FROM probe_rollup WHERE target = ?1
                AND length = ?2 AND from_unix_ns = ?3 AND connection = ?4 AND simulated = ?5",
        )?
        .query_row(at, |row| {
            let outcomes: String = row.get(1)?;
            let all = ProbeRollup::of_cells(row.get(0)?, &outcomes, sketch_in(row, 2)?)?;
            let hours: Option<Vec<u8>> = row.get(4)?;
            Ok((all, row.get(3)?, hours.unwrap_or_default()))
        })
        .optional()?;
    let (mut all, measured, hours) = stored.unwrap_or_default();
    all.merge(probes)?;
    let further = probes.ttft.as_ref().map_or(0, TimeSketch::len);
    let times = if length == DAY {
        TimesOfDay::of(&all, hours, key.hour, probes)?
    } else {
        TimesOfDay::default()
    };
    file.prepare_cached(
        "INSERT OR REPLACE INTO probe_rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        key.target,
        length,
        from,
        key.connection,
        key.simulated,
        all.late.cast_signed(),
        super::cells::to_json(&all.outcomes)?,
        measured.saturating_add(further.cast_signed()),
        times.median_ms,
        times.ttft,
        times.hours,
    ])?;
    Ok(())
}

/// What the row of a day has of TTFTs, and that of an hour has not: its own are in [`day_hours`].
#[derive(Default)]
struct TimesOfDay {
    median_ms: Option<f64>,
    ttft: Option<Vec<u8>>,
    hours: Option<Vec<u8>>,
}

impl TimesOfDay {
    /// Those of all probes of a day; `hours` are its hours without those probes of them that are new.
    fn of(
        all: &ProbeRollup,
        hours: Vec<u8>,
        hour: i64,
        new: &ProbeRollup,
    ) -> rusqlite::Result<Self> {
        let ttft = all.ttft.as_ref().map(TimeSketch::to_bytes).transpose();
        let hours = match &new.ttft {
            Some(new) => day_hours::with_probes(&hours, hour, new)?,
            None => hours,
        };
        Ok(Self {
            median_ms: all.ttft.as_ref().and_then(TimeSketch::median_ms),
            ttft: ttft.map_err(unusable)?,
            hours: (!hours.is_empty()).then_some(hours),
        })
    }
}

fn roll_up_checks(file: &Connection, before: i64) -> rusqlite::Result<usize> {
    let found: Vec<(i64, i64, Option<bool>)> = file
        .prepare_cached(
            "SELECT checked, at_unix_ns, is_up FROM endpoint_check INDEXED BY endpoint_check_at
                WHERE at_unix_ns < ?1 ORDER BY at_unix_ns LIMIT ?2",
        )?
        .query_map((before, STEP_CHECKS), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut hours: BTreeMap<(i64, i64), [i64; 3]> = BTreeMap::new();
    let mut delete =
        file.prepare_cached("DELETE FROM endpoint_check WHERE checked = ?1 AND at_unix_ns = ?2")?;
    for (checked, at, is_up) in &found {
        let [checks, told, up] = hours.entry((*checked, start_of(*at, HOUR))).or_default();
        *checks += 1;
        *told += i64::from(is_up.is_some());
        *up += i64::from(*is_up == Some(true));
        delete.execute((checked, at))?;
    }
    let mut put = file.prepare_cached(
        "INSERT INTO check_rollup VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE
            SET checks = checks + excluded.checks, told = told + excluded.told, up = up + excluded.up",
    )?;
    for ((checked, hour), [checks, told, up]) in hours {
        put.execute((checked, hour, checks, told, up))?;
    }
    Ok(found.len())
}

/// Some probes of one target over one kind of connection, summed up.
#[derive(Clone, Debug, Default, PartialEq)]
struct ProbeRollup {
    /// How many with a clean end and a token were read late.
    late: u64,
    /// How many there are, by outcome.
    outcomes: BTreeMap<String, u64>,
    /// The TTFTs of those with a clean end and a token that were not read late; `None` if there are none.
    ttft: Option<TimeSketch>,
}

impl ProbeRollup {
    /// Adds the probe of a row of [`roll_up_probes`].
    fn add(&mut self, row: &Row<'_>, late_share: f64) -> rusqlite::Result<()> {
        let has_connection = row.get_ref(3)?.as_str_or_null()?.is_some();
        let outcome: String = row.get(5)?;
        let ttft: Option<i64> = row.get(6)?;
        let ttft = ttft.filter(|_| outcome == "ok").map(i64::cast_unsigned);
        *self.outcomes.entry(outcome).or_default() += 1;
        let Some(ttft) = ttft else { return Ok(()) };
        if late::is_late(ttft, row.get(7)?, late_share) {
            self.late += 1;
        } else if has_connection {
            sketch_or_new(&mut self.ttft)?
                .record(ttft)
                .map_err(unusable)?;
        }
        Ok(())
    }

    /// Those of a row.
    ///
    /// # Errors
    /// If its outcomes can't be read.
    fn of_cells(late: i64, outcomes: &str, ttft: Option<TimeSketch>) -> rusqlite::Result<Self> {
        let outcomes = serde_json::from_str(outcomes);
        Ok(Self {
            late: late.cast_unsigned(),
            outcomes: outcomes.map_err(|why| FromSqlError::Other(why.into()))?,
            ttft,
        })
    }

    /// Adds other probes.
    ///
    /// # Errors
    /// If there is no room for so many.
    fn merge(&mut self, other: &Self) -> rusqlite::Result<()> {
        self.late += other.late;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome.clone()).or_default() += count;
        }
        if let Some(ttft) = &other.ttft {
            sketch_or_new(&mut self.ttft)?
                .merge(ttft)
                .map_err(unusable)?;
        }
        Ok(())
    }
}

/// The sketch, which is made if there is none.
pub(super) fn sketch_or_new(sketch: &mut Option<TimeSketch>) -> rusqlite::Result<&mut TimeSketch> {
    match sketch {
        Some(sketch) => Ok(sketch),
        none => Ok(none.insert(TimeSketch::new().map_err(unusable)?)),
    }
}

/// The sketch in a column, if there is one.
///
/// # Errors
/// If it can't be read.
fn sketch_in(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<TimeSketch>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    bytes
        .map(TimeSketch::of_bytes)
        .transpose()
        .map_err(unusable)
}

pub(super) fn unusable(why: SketchError) -> rusqlite::Error {
    FromSqlError::Other(why.into()).into()
}

/// A sketch with further times in milliseconds.
///
/// # Errors
/// If there is no room for so many.
pub(super) fn sketch_with(sketch: &TimeSketch, further_ms: &[f64]) -> rusqlite::Result<TimeSketch> {
    let mut all = sketch.clone();
    for ms in further_ms {
        all.record_ms(*ms).map_err(unusable)?;
    }
    Ok(all)
}

/// Until when probes were rolled up (nanoseconds since 1970); `None` if none was.
///
/// # Errors
/// If the file can't be read.
pub(super) fn rolled_up_until(file: &Connection) -> rusqlite::Result<Option<i64>> {
    let last: Option<i64> = file
        .prepare_cached("SELECT max(from_unix_ns) FROM probe_rollup WHERE length = ?1")?
        .query_row([HOUR], |row| row.get(0))?;
    Ok(last.map(|hour| hour.saturating_add(HOUR)))
}

/// The begin of the first hour that was rolled up, in nanoseconds since 1970; `None` if none was.
///
/// # Errors
/// If the file can't be read.
pub(super) fn first(file: &Connection) -> rusqlite::Result<Option<i64>> {
    file.prepare_cached("SELECT min(from_unix_ns) FROM probe_rollup WHERE length = ?1")?
        .query_row([HOUR], |row| row.get(0))
}
