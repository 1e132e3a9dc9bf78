//! The part of a stretch whose probes were rolled up.

use rusqlite::Connection;

use super::{
    super::{
        rollups::{self, HOUR, start_of},
        time_buckets::BucketGrid,
    },
    DistributionQuery,
    builder::DistributionBuilder,
};

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
    rollups::for_each_part(file, target, &parts, |probes| {
        builders[usize::from(probes.simulated)].add_rolled_up(probes)
    })?;
    if asked.hours_of_week {
        rollups::for_each_hour(file, target, (first, to), |hour| {
            builders[usize::from(hour.simulated)].add_hour_of_week(&hour)
        })?;
    }
    Ok(())
}
