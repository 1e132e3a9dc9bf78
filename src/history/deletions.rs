//! Deletes runs, or everything of a target or of some days: runs with their texts, wire, findings and files, what was
//! rolled up, gaps and checks.
//!
//! In: a [`Deletion`], whose work the writer does in steps, so that other writes come in between. Out: a
//! [`DeletionCount`]. Runs under way are left.

use std::sync::Arc;

use jiff::civil::{Date, date};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use tokio::sync::oneshot;

use super::{
    HistoryError,
    other_processes::{ChangeCounts, ProcessWatch},
    query,
    rollups::DAY,
};
use crate::{endpoint::TargetId, run::RunId};

/// Most rows of one step.
const STEP: usize = 200;

/// What is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// These runs.
    Runs(Arc<[RunId]>),
    /// All runs that started in some days of UTC, with what was rolled up of them and the gaps that lie within. Checks
    /// of endpoints go with them, unless only one target is meant whose endpoint has others.
    Days {
        /// Only this target.
        target: Option<TargetId>,
        /// The first day, counted from 1970-01-01; `None` is from the beginning.
        from: Option<i64>,
        /// The first day that stays; `None` is to the end.
        before: Option<i64>,
    },
}

impl Deletion {
    /// One run.
    #[must_use]
    pub fn run(id: RunId) -> Self {
        Self::Runs([id].into())
    }

    /// The number of a day, counted from 1970-01-01.
    #[must_use]
    pub fn day(day: Date) -> i64 {
        let since = day.duration_since(date(1970, 1, 1));
        since.as_hours().div_euclid(24)
    }
}

/// How much is deleted, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletionCount {
    /// Runs.
    pub runs: u64,
    /// Hours and days of probes that were rolled up.
    pub rollups: u64,
    /// Gaps between probes.
    pub gaps: u64,
    /// Checks of endpoints, and hours of such that were rolled up.
    pub checks: u64,
}

impl DeletionCount {
    /// Whether there is nothing to delete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is deleted of each kind, if anything is: how much, and its name in the singular or plural.
    pub fn named(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let all = [
            (self.runs, "run", "runs"),
            (
                self.rollups,
                "row of rolled-up probes",
                "rows of rolled-up probes",
            ),
            (self.gaps, "gap", "gaps"),
            (self.checks, "row of checks", "rows of checks"),
        ];
        let some = all.into_iter().filter(|(count, ..)| *count > 0);
        some.map(|(count, one, many)| (count, if count == 1 { one } else { many }))
    }
}

/// A deletion under way.
#[derive(Debug)]
pub(super) struct DeletionJob {
    pub(super) deletion: Deletion,
    /// How many of [`Deletion::Runs`] were looked at.
    pub(super) looked_at: usize,
    pub(super) done: DeletionCount,
    pub(super) reply: oneshot::Sender<Result<DeletionCount, HistoryError>>,
}

/// What is deleted of one table: the rows whose `column` is one of `keys`, in the stretch by their `time`, if `also`
/// holds.
struct DeletedTable {
    table: &'static str,
    primary_key: &'static str,
    column: &'static str,
    time: &'static str,
    also: &'static str,
    key: fn(&Bounds) -> i64,
    count: fn(&mut DeletionCount) -> &mut u64,
}

/// Of the table `run`: those that are over. Imported ones have no outcome.
pub(super) const ENDED: &str = "(outcome IS NOT NULL OR origin = 'import')";

/// The parts of [`Deletion::Days`].
const DAYS: [DeletedTable; 5] = [
    DeletedTable {
        table: "run",
        primary_key: "id",
        column: "target",
        time: "started_unix_ns",
        also: ENDED,
        key: |bounds| bounds.target,
        count: |count| &mut count.runs,
    },
    DeletedTable {
        table: "probe_rollup",
        primary_key: "target, length, from_unix_ns, connection, simulated",
        column: "target",
        time: "from_unix_ns",
        also: "true",
        key: |bounds| bounds.target,
        count: |count| &mut count.rollups,
    },
    DeletedTable {
        table: "gap",
        primary_key: "from_unix_ns, target, why",
        column: "target",
        time: "from_unix_ns",
        also: "to_unix_ns < ?3",
        key: |bounds| bounds.target,
        count: |count| &mut count.gaps,
    },
    DeletedTable {
        table: "endpoint_check",
        primary_key: "checked, at_unix_ns",
        column: "checked",
        time: "at_unix_ns",
        also: "true",
        key: |bounds| bounds.checked,
        count: |count| &mut count.checks,
    },
    DeletedTable {
        table: "check_rollup",
        primary_key: "checked, from_unix_ns",
        column: "checked",
        time: "from_unix_ns",
        also: "true",
        key: |bounds| bounds.checked,
        count: |count| &mut count.checks,
    },
];

impl DeletedTable {
    /// The condition by the key (`?1`), and the begin and the end of the stretch.
    fn condition(&self, key: i64) -> String {
        let Self {
            column, time, also, ..
        } = self;
        // Not one condition for both: SQLite would not use the index of the column.
        let of_key = if key == ALL {
            "?1 = 0".to_owned()
        } else {
            format!("{column} = ?1")
        };
        format!("{of_key} AND {time} >= ?2 AND {time} < ?3 AND {also}")
    }
}

/// What a deletion is about, as in the file: keys, and a stretch of time.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    target: i64,
    checked: i64,
    stretch: (i64, i64),
}

/// All of them.
const ALL: i64 = 0;
/// None of them.
const NONE: i64 = -1;

impl Bounds {
    fn of(
        file: &Connection,
        target: Option<&TargetId>,
        (from, before): (Option<i64>, Option<i64>),
    ) -> rusqlite::Result<Self> {
        let (target, checked) = match target {
            None => (ALL, ALL),
            Some(target) => keys_of(file, target)?,
        };
        let midnight = |day: i64| day.saturating_mul(DAY);
        Ok(Self {
            target,
            checked,
            stretch: (
                from.map_or(i64::MIN, midnight),
                before.map_or(i64::MAX, midnight),
            ),
        })
    }
}

/// The key of a target, and that of the checks of its endpoint unless it has other targets.
fn keys_of(file: &Connection, target: &TargetId) -> rusqlite::Result<(i64, i64)> {
    let Some(key) = query::target_key(file, target)? else {
        return Ok((NONE, NONE));
    };
    let checks: Option<i64> = file
        .prepare_cached(
            "SELECT id FROM checked_endpoint WHERE endpoint = ?1
                AND NOT EXISTS (SELECT 1 FROM target WHERE endpoint = ?1 AND model <> ?2)",
        )?
        .query_row((&target.endpoint, &target.model), |row| row.get(0))
        .optional()?;
    Ok((key, checks.unwrap_or(NONE)))
}

/// How much a deletion would delete.
///
/// # Errors
/// If the file can't be read.
pub(super) fn count(file: &Connection, deletion: &Deletion) -> rusqlite::Result<DeletionCount> {
    match deletion {
        Deletion::Runs(ids) => count_runs(file, ids),
        Deletion::Days {
            target,
            from,
            before,
        } => count_days(file, &Bounds::of(file, target.as_ref(), (*from, *before))?),
    }
}

fn count_runs(file: &Connection, ids: &[RunId]) -> rusqlite::Result<DeletionCount> {
    let sql = format!("SELECT count(*) FROM run WHERE id = ?1 AND {ENDED}");
    let mut select = file.prepare_cached(&sql)?;
    let mut found = DeletionCount::default();
    for id in ids {
        let count: i64 = select.query_row([id.0], |row| row.get(0))?;
        found.runs += count.cast_unsigned();
    }
    Ok(found)
}

fn count_days(file: &Connection, bounds: &Bounds) -> rusqlite::Result<DeletionCount> {
    let mut found = DeletionCount::default();
    for part in &DAYS {
        let key = (part.key)(bounds);
        let condition = part.condition(key);
        let sql = format!("SELECT count(*) FROM {} WHERE {condition}", part.table);
        let (from, before) = bounds.stretch;
        let count: i64 = file
            .prepare_cached(&sql)?
            .query_row((key, from, before), |row| row.get(0))?;
        *(part.count)(&mut found) += count.cast_unsigned();
    }
    Ok(found)
}

/// Does a part of a job in a transaction, and says whether there is more to do.
///
/// # Errors
/// If the file can't be written; this part is not done then.
pub(super) fn step(
    file: &mut Connection,
    job: &mut DeletionJob,
    watch: &mut ProcessWatch,
) -> rusqlite::Result<bool> {
    let file = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = ChangeCounts::read(&file)?;
    let mut done = job.done;
    let mut looked_at = job.looked_at;
    let has_more = match &job.deletion {
        Deletion::Runs(ids) => {
            let next = ids.iter().skip(looked_at).take(STEP);
            let rest = ids.len() - looked_at;
            looked_at += rest.min(STEP);
            done.runs += delete_runs(&file, next)?;
            rest > STEP
        }
        Deletion::Days {
            target,
            from,
            before,
        } => {
            let bounds = Bounds::of(&file, target.as_ref(), (*from, *before))?;
            delete_of_days(&file, &bounds, &mut done)?
        }
    };
    file.execute("UPDATE meta SET generation = generation + 1", [])?;
    let after = ChangeCounts::read(&file)?;
    file.commit()?;
    watch.note_own_write(before, after);
    (job.done, job.looked_at) = (done, looked_at);
    Ok(has_more)
}

/// Deletes these runs, and says how many there were. What belongs to them goes by a trigger.
fn delete_runs<'a>(
    file: &Connection,
    ids: impl Iterator<Item = &'a RunId>,
) -> rusqlite::Result<u64> {
    let sql = format!("DELETE FROM run WHERE id = ?1 AND {ENDED}");
    let mut delete = file.prepare_cached(&sql)?;
    let mut deleted = 0;
    for id in ids {
        deleted += delete.execute([id.0])? as u64;
    }
    Ok(deleted)
}

/// Deletes some rows of the first table that has any; says whether there was one.
fn delete_of_days(
    file: &Connection,
    bounds: &Bounds,
    done: &mut DeletionCount,
) -> rusqlite::Result<bool> {
    for part in &DAYS {
        let key = (part.key)(bounds);
        let DeletedTable {
            table, primary_key, ..
        } = part;
        let condition = part.condition(key);
        let sql = format!(
            "DELETE FROM {table} WHERE ({primary_key}) IN
                (SELECT {primary_key} FROM {table} WHERE {condition} LIMIT {STEP})"
        );
        let (from, before) = bounds.stretch;
        let deleted = file.prepare_cached(&sql)?.execute((key, from, before))?;
        *(part.count)(done) += deleted as u64;
        if deleted > 0 {
            return Ok(true);
        }
    }
    forget_targets(file, bounds.target)?;
    Ok(false)
}

/// Deletes the name of a target, or of all, of which nothing is left.
fn forget_targets(file: &Connection, target: i64) -> rusqlite::Result<()> {
    file.execute(
        "DELETE FROM target WHERE (?1 = 0 OR id = ?1)
            AND id NOT IN (SELECT target FROM run)
            AND id NOT IN (SELECT target FROM probe_rollup)
            AND id NOT IN (SELECT target FROM gap)",
        [target],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (day, count) in [
            (date(1970, 1, 1), 0),
            (date(1970, 1, 2), 1),
            (date(1969, 12, 31), -1),
            (date(2026, 11, 30), 20_787),
        ] {
            assert_eq!(Deletion::day(day), count, "{day}");
        }
    }
}
