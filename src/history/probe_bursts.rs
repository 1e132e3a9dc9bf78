//! What the arrivals of the monitor's probes say about buffering, in order of time.

use rusqlite::Connection;

use super::{query::Snapshot, reader::IsCancelled, reads, search};
use crate::{
    endpoint::TargetId,
    measure::{
        arrivals::arrivals,
        burst::{Burst, BurstVerdict},
    },
};

/// What the arrivals of one probe say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeBurst {
    /// Its target.
    pub target: TargetId,
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Whether something buffered.
    pub verdict: BurstVerdict,
}

/// Those of the probes with a clean end and a token that started at or after a time (nanoseconds since 1970).
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn since(
    file: &Connection,
    since_unix_ns: i64,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<ProbeBurst>> {
    let _snapshot = Snapshot::begin(file)?;
    // The words of the index `run_probe` have to stand here for it to be used.
    let mut select = file.prepare_cached(
        "SELECT target.endpoint, target.model, started_unix_ns, request_sent, reads
            FROM run INDEXED BY run_probe
            JOIN target ON target.id = run.target JOIN run_wire ON run_wire.id = run.id
            WHERE origin = 'probe' AND outcome IS NOT NULL AND started_unix_ns >= ?1
                AND outcome = 'ok' AND first_token IS NOT NULL
            ORDER BY started_unix_ns",
    )?;
    let mut rows = select.query([since_unix_ns])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if found.len() % 1024 == 1023 && is_cancelled() {
            return Err(search::cancelled());
        }
        let sent: Option<i64> = row.get(3)?;
        let reads = reads::decode(row.get_ref(4)?.as_blob()?).unwrap_or_default();
        let sent = sent.map_or(0, i64::cast_unsigned);
        let burst = Burst::of_arrivals(&arrivals(&reads), sent);
        let Some(burst) = burst else { continue };
        found.push(ProbeBurst {
            target: TargetId {
                endpoint: row.get(0)?,
                model: row.get(1)?,
            },
            at_unix_ns: row.get(2)?,
            verdict: burst.verdict,
        });
    }
    Ok(found)
}
