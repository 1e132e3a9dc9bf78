//! Gives what was deleted back to the disk, a little at a time while nothing else is to be done.
//!
//! New files are in SQLite's mode `incremental`: their free pages can be cut off piece by piece. An older file
//! gets that mode, and loses its free pages, in one go when it is opened and nobody else uses it.

use std::time::Duration;

use rusqlite::Connection;

/// The wait between two steps.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Pages of one step: 16 MiB.
const STEP: i64 = 4096;

/// This many free pages are kept for what comes next: 1 MiB.
const SPARE: i64 = 256;

/// Most steps before the file is closed: 512 MiB.
const LAST_STEPS: usize = 32;

const INCREMENTAL: i64 = 2;

/// Whether pages can be given back now.
pub(super) fn is_due(file: &Connection) -> bool {
    number(file, "auto_vacuum") == INCREMENTAL && number(file, "freelist_count") > SPARE
}

/// Gives some pages back, and says whether there are more.
pub(super) fn step(file: &Connection) -> bool {
    let done = file
        .prepare(&format!("PRAGMA incremental_vacuum({STEP})"))
        .and_then(|mut pragma| {
            // It frees a page a row.
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
        // The file itself shrinks when the log is folded in.
        super::writer::fold_log_in(file);
    }
    more
}

/// Gives pages back before the file is closed: no more than takes about a second.
pub(super) fn close(file: &Connection) {
    let mut steps = 0;
    while is_due(file) && steps < LAST_STEPS && step(file) {
        steps += 1;
    }
}

/// A new file is in mode `incremental`: to be said before its first table.
///
/// # Errors
/// If the file can't be written.
pub(super) fn prepare(file: &Connection) -> rusqlite::Result<()> {
    // Where there are tables already, it would write the mode into the file again.
    if number(file, "page_count") > 0 {
        return Ok(());
    }
    file.pragma_update(None, "auto_vacuum", INCREMENTAL)
}

/// Rebuilds an older file whose free pages are a quarter of it or more, unless it is in use. Whether or not that
/// succeeds, the file can be used.
pub(super) fn rebuild(file: &Connection) {
    let (free, all) = (number(file, "freelist_count"), number(file, "page_count"));
    if number(file, "auto_vacuum") == INCREMENTAL || free <= SPARE || free * 4 < all {
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
