//! What the monitor's probes found, in order of time: little of each run, for whoever goes through many.

use rusqlite::Connection;

use super::{query::Snapshot, reader::IsCancelled, search};
use crate::{
    endpoint::TargetId,
    event::FaultClass,
    run::{ConnectionKind, OffsetNs, Origin, RunId},
};

/// What one probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeOutcome {
    /// The run.
    pub run: RunId,
    /// Its target.
    pub target: TargetId,
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// The class of its fault, if it failed.
    pub fault: Option<FaultClass>,
    /// Cold or warm, if it came so far.
    pub connection: Option<ConnectionKind>,
    /// Its first token, in nanoseconds since its start.
    pub first_token: Option<OffsetNs>,
    /// How much later than the kernel this program read that, in nanoseconds; `None` if it is not known.
    pub first_token_delay: Option<u32>,
}

/// The probes that are over and started at or after a time (nanoseconds since 1970).
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn since(
    file: &Connection,
    since_unix_ns: i64,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<ProbeOutcome>> {
    let _snapshot = Snapshot::begin(file)?;
    let mut select = file.prepare_cached(
        "SELECT run.id, endpoint, model, started_unix_ns, outcome, connection, first_token, first_token_delay
            FROM run INDEXED BY run_started JOIN target ON target.id = run.target
            WHERE started_unix_ns >= ?1 AND origin = ?2 AND outcome IS NOT NULL ORDER BY started_unix_ns, run.id",
    )?;
    let mut rows = select.query((since_unix_ns, Origin::Probe.as_str()))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if found.len() % 4096 == 4095 && is_cancelled() {
            return Err(search::cancelled());
        }
        let outcome: String = row.get(4)?;
        let is_ok = outcome == "ok";
        let connection: Option<String> = row.get(5)?;
        found.push(ProbeOutcome {
            run: RunId(row.get(0)?),
            target: TargetId {
                endpoint: row.get(1)?,
                model: row.get(2)?,
            },
            at_unix_ns: row.get(3)?,
            // A class of a newer version counts as one of the provider's.
            fault: (!is_ok).then(|| FaultClass::parse(&outcome).unwrap_or(FaultClass::Provider)),
            connection: connection.and_then(|word| ConnectionKind::parse(&word)),
            first_token: row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
            first_token_delay: row.get(7)?,
        });
    }
    Ok(found)
}
