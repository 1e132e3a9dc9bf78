//! Ends runs whose process died: with a fault, and with all text that was stored.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{benches, drafts, files::ContentsCache, large_values, rows, session::ProcessSession};
use crate::{
    event::{Fault, FaultClass, Phase},
    run::{Origin, Run, RunId, RunState},
};

/// Ends all runs that no living process streams, and returns how many. `with_own` also ends runs with our own session
/// number. That is right only before our first run, when these runs, and the drafts and benches with our number, are
/// those of an earlier process.
///
/// # Errors
/// If the file can't be written.
pub(super) fn dead_runs(
    file: &mut Connection,
    cache: &ContentsCache,
    folder: &Path,
    own: &ProcessSession,
    with_own: bool,
) -> rusqlite::Result<usize> {
    let sessions: Vec<i64> = file
        .prepare("SELECT DISTINCT session FROM run WHERE session IS NOT NULL")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut ended = 0;
    if with_own && has_leftovers(file, own.number)? {
        drafts::release(file, own.number)?;
    }
    if with_own {
        benches::release(file, own.number)?;
    }
    for number in sessions {
        // The lock is held until the runs are written, so that no process takes the number meanwhile.
        let is_own = number == own.number;
        let guard = (!is_own).then(|| ProcessSession::try_number(folder, number));
        let is_dead = match guard {
            None => with_own,
            Some(ref lock) => matches!(lock, Ok(Some(_))),
        };
        if !is_dead {
            continue;
        }
        let transaction = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        ended += end_runs_of(&transaction, cache, number)?;
        transaction.commit()?;
    }
    Ok(ended)
}

/// Whether an earlier process with this number left drafts or open conversations.
fn has_leftovers(file: &Connection, session: i64) -> rusqlite::Result<bool> {
    file.query_row(
        "SELECT EXISTS (SELECT 1 FROM draft WHERE session = ?1)
            OR EXISTS (SELECT 1 FROM open WHERE session = ?1)",
        [session],
        |row| row.get(0),
    )
}

fn end_runs_of(file: &Connection, cache: &ContentsCache, session: i64) -> rusqlite::Result<usize> {
    let ids: Vec<RunId> = file
        .prepare("SELECT id FROM run WHERE session = ?1")?
        .query_map([session], |row| row.get(0).map(RunId))?
        .collect::<Result<_, _>>()?;
    let mut ended = 0;
    for id in ids {
        if let Some(mut run) = rows::load(file, cache, id)? {
            end_interrupted(&mut run);
            large_values::store(file, &run, false)?;
            rows::put_over(file, cache, &run.into())?;
            ended += 1;
        }
    }
    if ended > 0 {
        file.execute("UPDATE meta SET generation = generation + 1", [])?;
    }
    Ok(ended)
}

fn end_interrupted(run: &mut Run) {
    // A run whose stream had closed is complete: only its last write is missing.
    if run.stamps.closed.is_none() {
        let message = format!("the program ended while this run was {}", run.state);
        let fault = Fault::new(class_of(run.head.origin), phase_of(run), message);
        run.answer.fault.get_or_insert(fault);
    }
    run.state = match run.answer.fault {
        Some(_) => RunState::Fault,
        None => RunState::Ok,
    };
}

/// A probe is a measurement: that its own program ended says nothing of the target, so it must not count as a failure.
/// Whoever waited for another run is told that its answer broke off.
fn class_of(origin: Origin) -> FaultClass {
    match origin {
        Origin::Probe => FaultClass::Cancelled,
        _ => FaultClass::Interrupted,
    }
}

fn phase_of(run: &Run) -> Phase {
    match run.state {
        RunState::Queued => Phase::Prepare,
        RunState::Connecting => Phase::Connect,
        RunState::Waiting => Phase::FirstToken,
        RunState::Streaming | RunState::Ok | RunState::Fault => Phase::Stream,
    }
}
