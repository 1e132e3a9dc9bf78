//! How much room the history takes.

use std::{fs, path::Path};

use rusqlite::Connection;

use super::sqlite;

/// How much room the history takes now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryUsage {
    /// Bytes of its file, and of what waits to be written into it.
    pub file_bytes: u64,
    /// Bytes of all captures together, compressed.
    pub capture_bytes: u64,
    /// How many runs have a capture.
    pub captures: u64,
    /// How many runs are kept one by one.
    pub runs: u64,
    /// How many of them are probes.
    pub probes: u64,
    /// How many free checks are kept one by one.
    pub checks: u64,
}

/// The room that the history of a folder takes.
///
/// # Errors
/// If the file can't be read.
pub(super) fn of(file: &Connection, folder: &Path) -> rusqlite::Result<HistoryUsage> {
    let number = |sql: &str| -> rusqlite::Result<u64> {
        let number: i64 = file.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(number.unsigned_abs())
    };
    let wal = format!("{}-wal", sqlite::FILE);
    let bytes_of = |name: &str| fs::metadata(folder.join(name)).map_or(0, |found| found.len());
    Ok(HistoryUsage {
        file_bytes: bytes_of(sqlite::FILE) + bytes_of(&wal),
        capture_bytes: number("SELECT capture_bytes FROM meta")?,
        captures: number("SELECT count(*) FROM capture WHERE bytes > 0")?,
        runs: number("SELECT count(*) FROM run")?,
        probes: number(
            "SELECT count(*) FROM run INDEXED BY run_probe
                WHERE origin = 'probe' AND outcome IS NOT NULL",
        )?,
        checks: number("SELECT count(*) FROM endpoint_check")?,
    })
}
