//! Returns free pages to the file system, a few at a time while the writer is idle.
//!
//! New files use SQLite's mode `incremental`, in which free pages can be removed step by step. An older file is
//! rebuilt in that mode, without its free pages, when it is opened and no other process uses it.

use std::time::Duration;

use rusqlite::Connection;

/// The wait between two steps.
pub(super) const STEP_INTERVAL: Duration = Duration::from_millis(100);

/// Pages of one step: 16 MiB.
const STEP_PAGES: i64 = 4096;

/// This many free pages are kept for further writes: 1 MiB.
const KEPT_FREE_PAGES: i64 = 256;

/// Most steps when the file is closed: 512 MiB.
const MAX_CLOSING_STEPS: usize = 32;

const INCREMENTAL: i64 = 2;

/// Whether there are pages to return.
pub(super) fn is_due(file: &Connection) -> bool {
    number(file, "auto_vacuum") == INCREMENTAL && number(file, "freelist_count") > KEPT_FREE_PAGES
}

/// Returns some pages, and says whether there are more.
pub(super) fn step(file: &Connection) -> bool {
    let done = file
        .prepare(&format!("PRAGMA incremental_vacuum({STEP_PAGES})"))
        .and_then(|mut pragma| {
            // The pragma frees one page per row that is read.
            let mut rows = pragma.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        });
    if let Err(error) = done {
        tracing::debug!("free pages are not given back now: {error}");
        return false;
    }
    let more = is_due(file);
    if !more {
        // The file itself shrinks only with a WAL checkpoint.
        checkpoint_wal(file);
    }
    more
}

/// Returns pages before the file is closed: as many as take about a second.
pub(super) fn close(file: &Connection) {
    let mut steps = 0;
    while is_due(file) && steps < MAX_CLOSING_STEPS && step(file) {
        steps += 1;
    }
}

/// Sets mode `incremental` for a new file: only possible before its first table.
///
/// # Errors
/// If the file can't be written.
pub(super) fn prepare(file: &Connection) -> rusqlite::Result<()> {
    // With tables in it, the pragma would only write to the file.
    if number(file, "page_count") > 0 {
        return Ok(());
    }
    file.pragma_update(None, "auto_vacuum", INCREMENTAL)
}

/// Rebuilds an older file of which a quarter or more are free pages, unless it is in use. The file can be used
/// whether or not that succeeds.
pub(super) fn rebuild(file: &Connection) {
    let (free, all) = (number(file, "freelist_count"), number(file, "page_count"));
    if number(file, "auto_vacuum") == INCREMENTAL || free <= KEPT_FREE_PAGES || free * 4 < all {
        return;
    }
    let sql = format!("PRAGMA auto_vacuum = {INCREMENTAL}; VACUUM");
    if let Err(error) = file.execute_batch(&sql) {
        tracing::debug!("the file is not rebuilt now: {error}");
    }
}

fn number(file: &Connection, pragma: &str) -> i64 {
    let read = file.pragma_query_value(None, pragma, |row| row.get(0));
    read.unwrap_or_default()
}

/// Checkpoints the WAL: moves its pages into the database file.
pub(super) fn checkpoint_wal(connection: &Connection) {
    let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = folded {
        tracing::debug!("the log was not folded in: {error}");
    }
}
