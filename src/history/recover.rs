//! Ends runs whose process died: a fault, and every bit of text that was saved.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{drafts, files::Held, long, rows, session::Session};
use crate::{
    event::{Fault, FaultClass, Phase},
    run::{Run, RunId, State},
};

/// Ends all runs that no living process streams, and says how many. Runs of other windows that live
/// are left alone. `with_own` ends those of our own number too: right only before our first run,
/// when they are an earlier owner's, as are the drafts under our number.
///
/// # Errors
/// If the file can't be written.
pub(super) fn dead_runs(
    file: &mut Connection,
    held: &Held,
    folder: &Path,
    own: &Session,
    with_own: bool,
) -> rusqlite::Result<usize> {
    let sessions: Vec<i64> = file
        .prepare("SELECT DISTINCT session FROM run WHERE session IS NOT NULL")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut ended = 0;
    if with_own && is_named(file, own.number)? {
        drafts::release(file, own.number)?;
    }
    for number in sessions {
        // The lock is held until the runs are written, so that no one takes the number meanwhile.
        let is_own = number == own.number;
        let guard = (!is_own).then(|| Session::try_number(folder, number));
        let is_dead = match guard {
            None => with_own,
            Some(ref lock) => matches!(lock, Ok(Some(_))),
        };
        if !is_dead {
            continue;
        }
        let transaction = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        ended += end_runs_of(&transaction, held, number)?;
        transaction.commit()?;
    }
    Ok(ended)
}

/// Whether an earlier owner of a number left anything beside runs.
fn is_named(file: &Connection, session: i64) -> rusqlite::Result<bool> {
    file.query_row(
        "SELECT EXISTS (SELECT 1 FROM draft WHERE session = ?1)
            OR EXISTS (SELECT 1 FROM open WHERE session = ?1)",
        [session],
        |row| row.get(0),
    )
}

fn end_runs_of(file: &Connection, held: &Held, session: i64) -> rusqlite::Result<usize> {
    let ids: Vec<RunId> = file
        .prepare("SELECT id FROM run WHERE session = ?1")?
        .query_map([session], |row| row.get(0).map(RunId))?
        .collect::<Result<_, _>>()?;
    let mut ended = 0;
    for id in ids {
        if let Some(mut run) = rows::load(file, held, id)? {
            end(&mut run);
            long::settle(file, &run, false)?;
            rows::put(file, held, &run, None)?;
            ended += 1;
        }
    }
    if ended > 0 {
        file.execute("UPDATE meta SET generation = generation + 1", [])?;
    }
    Ok(ended)
}

fn end(run: &mut Run) {
    // A run that closed and only lacked its last write did end by itself.
    if run.stamps.closed.is_none() {
        let message = format!("the program ended while this run was {}", run.state);
        let fault = Fault::new(FaultClass::Interrupted, phase_of(run), message);
        run.answer.fault.get_or_insert(fault);
    }
    run.state = match run.answer.fault {
        Some(_) => State::Fault,
        None => State::Ok,
    };
}

fn phase_of(run: &Run) -> Phase {
    match run.state {
        State::Queued => Phase::Prepare,
        State::Connecting => Phase::Connect,
        State::Waiting => Phase::FirstToken,
        State::Streaming | State::Ok | State::Fault => Phase::Stream,
    }
}
