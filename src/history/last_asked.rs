//! When targets were last asked by a monitor, as far as the file tells: so that the time in which none ran can be marked.

use rusqlite::{Connection, params};

use super::{query, rollups};
use crate::endpoint::TargetId;

/// A probe, one that was rolled up, a gap, or a check of the endpoint; the last that was over or began at a time or before.
/// Of an hour that was rolled up it is only known that a probe began in it. That no monitor ran is no sign of one: a
/// further time without a probe makes that gap longer.
const SELECT: &str = "SELECT max(at) FROM (
        SELECT max(started_unix_ns) AS at FROM (
            SELECT started_unix_ns FROM run
                WHERE target = ?1 AND started_unix_ns <= ?3 AND origin = 'probe'
                ORDER BY started_unix_ns DESC LIMIT 1)
        UNION ALL SELECT min(max(from_unix_ns) + ?4, ?3) FROM probe_rollup
            WHERE target = ?1 AND length = ?4 AND from_unix_ns <= ?3
        UNION ALL SELECT min(max(to_unix_ns), ?3) FROM gap
            WHERE target IN (0, ?1) AND from_unix_ns <= ?3 AND why <> 'not_running'
        UNION ALL SELECT max(at_unix_ns) FROM endpoint_check
            WHERE at_unix_ns <= ?3
                AND checked = (SELECT id FROM checked_endpoint WHERE endpoint = ?2))";

/// When a target was last asked at this time or before, or not asked for a reason; both in nanoseconds since 1970. `None` if
/// it never was.
///
/// # Errors
/// If the file can't be read.
pub(super) fn before(
    file: &Connection,
    target: &TargetId,
    before_unix_ns: i64,
) -> rusqlite::Result<Option<i64>> {
    let Some(key) = query::target_key(file, target)? else {
        return Ok(None);
    };
    let known = params![key, target.endpoint, before_unix_ns, rollups::HOUR];
    file.prepare_cached(SELECT)?
        .query_row(known, |row| row.get(0))
}
