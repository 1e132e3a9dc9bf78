//! The latest whole answers of a target: what tells how far its figures scatter.

use rusqlite::{Connection, OptionalExtension as _};

use super::query::{self, ROW, RunRow, row_of};
use crate::{endpoint::TargetId, run::Connection as Reuse};

/// Most answers of each connection kind: enough to know a scatter, and none so old that it tells of another time.
const MOST: i64 = 50;

/// The latest whole answers of a target, warm and cold ones apart, the latest first.
///
/// # Errors
/// If the file can't be read.
pub(super) fn of_target(file: &Connection, target: &TargetId) -> rusqlite::Result<Vec<RunRow>> {
    let _snapshot = query::Snapshot::begin(file)?;
    let key: Option<i64> = file
        .prepare_cached("SELECT id FROM target WHERE endpoint = ?1 AND model = ?2")?
        .query_row((&target.endpoint, &target.model), |row| row.get(0))
        .optional()?;
    let mut ids = file.prepare_cached(
        "SELECT id FROM run INDEXED BY run_target
            WHERE target = ?1 AND connection = ?2 AND outcome = 'ok'
            ORDER BY started_unix_ns DESC LIMIT ?3",
    )?;
    let mut select = file.prepare_cached(ROW)?;
    let mut rows = Vec::new();
    for connection in [Reuse::Warm, Reuse::Cold] {
        let found = ids.query_map((key, connection.as_str(), MOST), |row| row.get(0))?;
        for id in found {
            let id: i64 = id?;
            rows.push(select.query_row([id], row_of)?);
        }
    }
    Ok(rows)
}
