//! The runs of a target as the index holds them, in order of time.

use rusqlite::{Connection, Row};

use crate::{
    event::FaultClass,
    history::reader::{IsCancelled, for_each_row},
    measure::{change, late},
    run::{ConnectionKind, RunId, ms},
};

/// The columns of one run that the index holds.
pub(in crate::history) struct PlottedRun {
    pub(super) id: RunId,
    /// When it started, in nanoseconds since 1970.
    pub(in crate::history) at: i64,
    pub(in crate::history) simulated: bool,
    /// Whether it had a clean end.
    pub(in crate::history) is_ok: bool,
    /// TTFT in ms and the connection, of a run that counts.
    pub(in crate::history) ttft: Option<(f64, ConnectionKind)>,
    /// Whether it would count, but was read late.
    pub(super) is_late: bool,
    /// The class of its fault; `None` if the user stopped it or a sleep cut it off.
    pub(in crate::history) fault: Option<FaultClass>,
}

/// The columns of [`PlottedRun`], all of the index.
const PLOTTED: &str =
    "SELECT id, started_unix_ns, simulated, outcome, first_token, connection, first_token_delay
    FROM run INDEXED BY run_target WHERE target = ?1";

/// Calls `give` with the runs of a target in order of time.
pub(in crate::history) fn for_each_run(
    file: &Connection,
    target: i64,
    (from, to, late_share): (i64, i64, f64),
    is_cancelled: IsCancelled<'_>,
    mut give: impl FnMut(PlottedRun),
) -> rusqlite::Result<()> {
    let sql = format!("{PLOTTED} AND started_unix_ns BETWEEN ?2 AND ?3 ORDER BY started_unix_ns");
    let mut select = file.prepare_cached(&sql)?;
    let rows = select.query((target, from, to))?;
    for_each_row(rows, is_cancelled, |row| {
        give(plotted(row, late_share)?);
        Ok(())
    })
}

/// How many runs before the stretch count for what was usual: as many as a search for changes remembers.
#[expect(clippy::cast_possible_wrap, reason = "a small number")]
const MOST_BEFORE: i64 = change::WINDOW as i64;

/// The last runs of a target before a time, in order of time.
pub(super) fn runs_before(
    file: &Connection,
    target: i64,
    from: i64,
    late_share: f64,
) -> rusqlite::Result<Vec<PlottedRun>> {
    let sql = format!("{PLOTTED} AND started_unix_ns < ?2 ORDER BY started_unix_ns DESC LIMIT ?3");
    let mut select = file.prepare_cached(&sql)?;
    let found = select.query_map((target, from, MOST_BEFORE), |row| plotted(row, late_share))?;
    let mut runs: Vec<_> = found.collect::<rusqlite::Result<_>>()?;
    runs.reverse();
    Ok(runs)
}

fn plotted(row: &Row<'_>, late_share: f64) -> rusqlite::Result<PlottedRun> {
    let outcome = row.get_ref(3)?.as_str_or_null()?;
    let connection = row.get_ref(5)?.as_str_or_null()?;
    let ttft: Option<i64> = row.get(4)?;
    let is_ok = outcome == Some("ok");
    let ttft = ttft.filter(|_| is_ok).map(i64::cast_unsigned);
    let delay: Option<u32> = row.get(6)?;
    let is_late = ttft.is_some_and(|ttft| late::is_late(ttft, delay, late_share));
    let ttft = ttft.filter(|_| !is_late).map(ms);
    let fault = outcome.filter(|_| !is_ok).and_then(FaultClass::parse);
    Ok(PlottedRun {
        id: RunId(row.get(0)?),
        at: row.get(1)?,
        simulated: row.get(2)?,
        is_ok,
        ttft: ttft.zip(connection.and_then(ConnectionKind::parse)),
        is_late,
        fault: fault.filter(|class| !class.is_no_failure()),
    })
}
