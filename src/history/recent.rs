//! The latest complete answers of a target, from which the scatter of its figures is computed.

use rusqlite::Connection;

use super::query::{self, RunRow, SELECT_ROW, row_of};
use crate::{endpoint::TargetId, measure::late, run::ConnectionKind};

/// Most answers of each connection kind: enough for a scatter, few enough that old ones don't count.
const MAX_ANSWERS: i64 = 50;

/// The latest complete answers of a target: warm ones, then cold ones, each latest first.
///
/// # Errors
/// If the file can't be read.
pub(super) fn of_target(
    file: &Connection,
    target: &TargetId,
    late_share: f64,
) -> rusqlite::Result<Vec<RunRow>> {
    let _snapshot = query::Snapshot::begin(file)?;
    let key = query::target_key(file, target)?;
    let mut ids = file.prepare_cached(
        "SELECT id FROM run INDEXED BY run_target
            WHERE target = ?1 AND connection = ?2 AND outcome = 'ok'
                AND NOT coalesce(first_token_delay >= ?4 AND first_token_delay > first_token * ?5, 0)
            ORDER BY started_unix_ns DESC LIMIT ?3",
    )?;
    let mut select = file.prepare_cached(SELECT_ROW)?;
    let mut rows = Vec::new();
    for connection in [ConnectionKind::Warm, ConnectionKind::Cold] {
        let asked = (
            key,
            connection.as_str(),
            MAX_ANSWERS,
            late::LEAST,
            late_share,
        );
        let found = ids.query_map(asked, |row| row.get(0))?;
        for id in found {
            let id: i64 = id?;
            rows.push(select.query_row([id], row_of)?);
        }
    }
    Ok(rows)
}
