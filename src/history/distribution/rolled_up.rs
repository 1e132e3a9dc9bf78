//! The part of a stretch whose probes were rolled up.

use rusqlite::{Connection, Row, types::FromSqlError};

use super::{
    super::{
        rollups::{self, HOUR, start_of},
        time_buckets::BucketGrid,
    },
    DistributionQuery,
    builder::{DistributionBuilder, StoredProbes},
};
use crate::run::ConnectionKind;

/// Adds what was rolled up of a target in the hours that begin in a stretch, or in which it begins: what is real to the
/// first builder, what is simulated to the second.
///
/// # Errors
/// If the file can't be read.
pub(super) fn add(
    file: &Connection,
    target: i64,
    (asked, grid): (&DistributionQuery, BucketGrid),
    (from, to): (i64, i64),
    builders: &mut [DistributionBuilder<'_>; 2],
) -> rusqlite::Result<()> {
    let first = start_of(from, HOUR);
    let parts = if grid.has_whole_days() {
        rollups::parts(first, to)
    } else {
        vec![(HOUR, (first, to))]
    };
    let mut select = file.prepare_cached(
        "SELECT simulated, connection, from_unix_ns, outcomes, ttft FROM probe_rollup
            WHERE target = ?1 AND length = ?2 AND from_unix_ns BETWEEN ?3 AND ?4",
    )?;
    for (length, stretch) in parts {
        let (first, last) = stretch;
        let mut rows = select.query((target, length, first, last))?;
        while let Some(row) = rows.next()? {
            builders[usize::from(row.get::<_, bool>(0)?)].add_stored(&stored(row)?)?;
        }
        // The row of an hour has no TTFTs.
        if length == HOUR {
            rollups::for_each_hour(file, target, stretch, |hour| {
                builders[usize::from(hour.simulated)].add_hour(&hour)
            })?;
        }
    }
    if asked.hours_of_week {
        rollups::for_each_hour(file, target, (first, to), |hour| {
            builders[usize::from(hour.simulated)].add_hour_of_week(&hour)
        })?;
    }
    Ok(())
}

fn stored<'a>(row: &'a Row<'_>) -> rusqlite::Result<StoredProbes<'a>> {
    let outcomes = row.get_ref(3)?.as_str()?;
    let outcomes = serde_json::from_str(outcomes).map_err(|why| FromSqlError::Other(why.into()))?;
    Ok(StoredProbes {
        from_unix_ns: row.get(2)?,
        connection: ConnectionKind::parse(row.get_ref(1)?.as_str()?),
        outcomes,
        ttft: row.get_ref(4)?.as_blob_or_null()?,
    })
}
