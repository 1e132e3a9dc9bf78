//! The findings of [`conformance`] in runs, counted by target.
//!
//! Findings are derived from a run when it is written; the rows here are an index of them. Runs that were written
//! before this index existed count as not checked.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::query::{self, Snapshot};
use crate::{
    conformance::{self, Check, Finding},
    endpoint::TargetId,
    run::{Run, RunId},
};

/// How one target keeps to its protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Conformance {
    /// The target.
    pub target: TargetId,
    /// How many of its runs were checked.
    pub runs: u64,
    /// What was found in them.
    pub found: BTreeMap<Check, CheckCount>,
}

/// What one check found in the runs of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckCount {
    /// In how many runs.
    pub runs: u64,
    /// The latest of them.
    pub latest: RunId,
    /// What was found there.
    pub text: String,
}

/// Writes the findings of a run, in place of those that were there.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(file: &Connection, run: &Run, findings: &[Finding]) -> rusqlite::Result<()> {
    let id = run.head.id.0;
    file.prepare_cached("DELETE FROM finding WHERE run = ?1")?
        .execute([id])?;
    if !conformance::tells(run) {
        return Ok(());
    }
    file.prepare_cached("UPDATE run SET looked_at = 1 WHERE id = ?1")?
        .execute([id])?;
    let mut insert = file.prepare_cached("INSERT OR IGNORE INTO finding VALUES (?1, ?2, ?3)")?;
    for finding in findings {
        insert.execute(params![id, finding.check.as_str(), finding.text])?;
    }
    Ok(())
}

/// All targets with checked runs since then, ordered by name.
///
/// # Errors
/// If the file can't be read.
pub(super) fn all(
    file: &Connection,
    since_unix_ns: Option<i64>,
) -> rusqlite::Result<Vec<Conformance>> {
    let _snapshot = Snapshot::begin(file)?;
    let since = since_unix_ns.unwrap_or(i64::MIN);
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    let mut looked = file.prepare_cached(
        "SELECT target, count(*) FROM run INDEXED BY run_looked_at
            WHERE looked_at = 1 AND started_unix_ns >= ?1 GROUP BY target",
    )?;
    let mut rows = looked.query([since])?;
    while let Some(row) = rows.next()? {
        counts.insert(row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned());
    }
    let mut found = found(file, since)?;
    let targets = query::targets(file)?.into_iter();
    let all = targets.filter_map(|(id, target)| {
        Some(Conformance {
            target,
            runs: *counts.get(&id)?,
            found: found.remove(&id).unwrap_or_default(),
        })
    });
    Ok(all.collect())
}

/// What was found, by target.
fn found(
    file: &Connection,
    since: i64,
) -> rusqlite::Result<BTreeMap<i64, BTreeMap<Check, CheckCount>>> {
    let mut found: BTreeMap<i64, BTreeMap<Check, CheckCount>> = BTreeMap::new();
    // With `max`, SQLite takes the bare columns from that row.
    let mut select = file.prepare_cached(
        "SELECT run.target, finding.kind, count(DISTINCT run.id), max(run.id), finding.text
            FROM finding JOIN run ON run.id = finding.run
            WHERE run.started_unix_ns >= ?1 GROUP BY run.target, finding.kind",
    )?;
    let mut rows = select.query([since])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        // A check of a newer version is skipped.
        let Some(check) = Check::parse(&kind) else {
            continue;
        };
        let count = CheckCount {
            runs: row.get::<_, i64>(2)?.cast_unsigned(),
            latest: RunId(row.get(3)?),
            text: row.get(4)?,
        };
        found.entry(row.get(0)?).or_default().insert(check, count);
    }
    Ok(found)
}
