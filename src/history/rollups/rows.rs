//! What was rolled up of a target, as the file has it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, types::FromSqlError};

use super::{HOUR, day_hours::for_each_hour, sketch_or_new, unusable};
use crate::{measure::sketch::TimeSketch, run::ConnectionKind};

/// Some probes of one target over one kind of connection that were rolled up.
pub(in crate::history) struct RolledUpProbes<'a> {
    pub(in crate::history) simulated: bool,
    pub(in crate::history) connection: Option<ConnectionKind>,
    pub(in crate::history) from_unix_ns: i64,
    /// How many with a clean end and a token were read late.
    pub(in crate::history) late: u64,
    /// How many there are, by the word of their outcome.
    pub(in crate::history) outcomes: BTreeMap<&'a str, u64>,
    /// The TTFTs of those that were measured.
    pub(in crate::history) ttft: Option<StoredTimes<'a>>,
}

/// A sketch of times, as the file has it.
#[derive(Clone, Copy)]
pub(in crate::history) enum StoredTimes<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// Its counts, without a header.
    Counts(&'a [u8]),
}

impl StoredTimes<'_> {
    /// Adds them to a sketch, which is made if there is none.
    ///
    /// # Errors
    /// If they can't be read, or there is no room for so many.
    pub(in crate::history) fn add_to(self, all: &mut Option<TimeSketch>) -> rusqlite::Result<()> {
        let all = sketch_or_new(all)?;
        let added = match self {
            Self::Bytes(bytes) => all.merge_bytes(bytes),
            Self::Counts(counts) => all.merge_counts(counts),
        };
        added.map_err(unusable)
    }
}

/// Calls `give` with all that was rolled up of a target in these [parts](super::parts): row by row, and after the rows
/// of hours the TTFTs of these, which stand in the row of their day.
///
/// # Errors
/// If the file can't be read, and what `give` says.
pub(in crate::history) fn for_each_part(
    file: &Connection,
    target: i64,
    parts: &[(i64, (i64, i64))],
    mut give: impl FnMut(&RolledUpProbes<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut select = file.prepare_cached(
        "SELECT simulated, connection, from_unix_ns, late, outcomes, ttft FROM probe_rollup
            WHERE target = ?1 AND length = ?2 AND from_unix_ns BETWEEN ?3 AND ?4",
    )?;
    for (length, (first, last)) in parts {
        let mut rows = select.query((target, length, first, last))?;
        while let Some(row) = rows.next()? {
            give(&probes_of(row)?)?;
        }
        if *length == HOUR {
            for_each_hour(file, target, (*first, *last), |hour| {
                give(&RolledUpProbes {
                    simulated: hour.simulated,
                    connection: hour.connection,
                    from_unix_ns: hour.from_unix_ns,
                    late: 0,
                    outcomes: BTreeMap::new(),
                    ttft: Some(StoredTimes::Counts(hour.counts)),
                })
            })?;
        }
    }
    Ok(())
}

fn probes_of<'a>(row: &'a Row<'_>) -> rusqlite::Result<RolledUpProbes<'a>> {
    let outcomes = row.get_ref(4)?.as_str()?;
    let outcomes = serde_json::from_str(outcomes).map_err(|why| FromSqlError::Other(why.into()))?;
    let ttft = row.get_ref(5)?.as_blob_or_null()?;
    Ok(RolledUpProbes {
        simulated: row.get(0)?,
        connection: ConnectionKind::parse(row.get_ref(1)?.as_str()?),
        from_unix_ns: row.get(2)?,
        late: row.get::<_, i64>(3)?.cast_unsigned(),
        outcomes,
        ttft: ttft.map(StoredTimes::Bytes),
    })
}
