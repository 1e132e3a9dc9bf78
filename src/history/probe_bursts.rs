//! What the arrivals of the monitor's probes say about buffering, in order of time.

use rusqlite::Connection;

use super::{
    cells::Cells,
    query::Snapshot,
    reader::{IsCancelled, for_each_row},
    reads,
};
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
    let mut found = Vec::new();
    for_each_row(select.query([since_unix_ns])?, is_cancelled, |row| {
        let mut cells = Cells::new(row);
        let (target, at_unix_ns) = (cells.target()?, cells.next()?);
        found.extend(verdict(&mut cells)?.map(|verdict| ProbeBurst {
            target,
            at_unix_ns,
            verdict,
        }));
        Ok(())
    })?;
    Ok(found)
}

/// What the arrivals of a run say, by two cells: when its request was sent, and its reads. `None` without tokens, and for
/// reads that can't be decoded.
pub(super) fn verdict(cells: &mut Cells<'_>) -> rusqlite::Result<Option<BurstVerdict>> {
    let sent = cells.count()?.unwrap_or(0);
    let reads = reads::decode(&cells.next::<Vec<u8>>()?).unwrap_or_default();
    let burst = Burst::of_arrivals(&arrivals(&reads), sent);
    Ok(burst.map(|burst| burst.verdict))
}
