//! What went over the wire of each run, compressed, within a budget and an age: the oldest go first.
//!
//! In: the [`WireLog`] of a run that is over. Out: its [`Capture`], or why there is none. Covering secrets and
//! compressing are done on the writer thread, outside of any transaction.

use std::{io, time::Duration};

use rusqlite::{Connection, OptionalExtension};

use crate::{
    capture::{Capture, WireLog, tscap},
    clock::wall_clock_ns,
    event::words,
    run::{Run, RunId},
    settings::CaptureLimits,
};

/// zstd's default: a text of a stream becomes a tenth, at some hundred MB/s.
const LEVEL: i32 = 3;

/// Most bytes of a capture's text in a row. zstd takes up several times as much while it compresses one.
const BLOCK_BYTES: usize = 256 << 10;

/// Captures that are removed in one go while others wait for the writer.
const MAX_REMOVED: usize = 1_000;

words! {
    /// Why the capture of a run was removed.
    Removed {
        /// All captures together had more bytes than they may.
        Budget = "budget",
        /// It was older than captures are kept.
        Age = "age",
    }
}

/// What the history has of a run's wire.
#[derive(Clone, Debug, PartialEq)]
pub enum KeptCapture {
    /// All of it that is kept.
    Kept(Box<Capture>),
    /// It was kept and is gone; the run and its figures stay.
    Removed(Removed),
    /// None was ever kept: the run is older than captures are, it was never sent, its process died, or contents were
    /// not to be kept.
    Never,
}

impl KeptCapture {
    /// Why there is none, as a sentence without its period; `None` if there is one.
    #[must_use]
    pub fn why_gone(&self) -> Option<&'static str> {
        match self {
            Self::Kept(_) => None,
            Self::Removed(Removed::Budget) => Some(
                "its wire was removed, since the captures of newer runs fill their budget (capture_mib in the \
                 settings' section [history]); its figures stay",
            ),
            Self::Removed(Removed::Age) => Some(
                "its wire was removed, since it was older than captures are kept (capture_days in the settings' \
                 section [history]); its figures stay",
            ),
            Self::Never => Some("its wire was never kept"),
        }
    }
}

/// A capture as it is stored: its text, compressed in blocks of at most [`BLOCK_BYTES`].
#[derive(Debug)]
pub(super) struct PackedCapture {
    run: RunId,
    blocks: Vec<Vec<u8>>,
}

impl PackedCapture {
    /// Covers the secrets of a log, and compresses it; `None` if that fails, which is logged.
    pub(super) fn of(run: &Run, log: WireLog) -> Option<Self> {
        let mut packer = Packer::default();
        let written = tscap::write_to(&mut packer, &log.into_capture(run));
        match written.and_then(|()| packer.end()) {
            Ok(blocks) => Some(Self {
                run: run.head.id,
                blocks,
            }),
            Err(error) => {
                tracing::warn!("the wire of a run is not kept: {error}");
                None
            }
        }
    }

    /// Writes it, in place of what was there.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn put(&self, file: &Connection) -> rusqlite::Result<()> {
        let bytes = self.blocks.iter().map(Vec::len).sum();
        file.prepare_cached("DELETE FROM capture WHERE run = ?1")?
            .execute([self.run.0])?;
        file.prepare_cached("INSERT INTO capture (run, bytes) VALUES (?1, ?2)")?
            .execute((self.run.0, integer(bytes)))?;
        let mut insert = file.prepare_cached("INSERT INTO capture_piece VALUES (?1, ?2, ?3)")?;
        for (seq, block) in self.blocks.iter().enumerate() {
            insert.execute((self.run.0, integer(seq), block))?;
        }
        Ok(())
    }
}

/// Compresses what is written to it, block by block: a long text is never in memory as a whole.
#[derive(Default)]
struct Packer {
    block: Vec<u8>,
    packed: Vec<Vec<u8>>,
}

impl Packer {
    fn pack(&mut self) -> io::Result<()> {
        if !self.block.is_empty() {
            self.packed.push(zstd::bulk::compress(&self.block, LEVEL)?);
            self.block.clear();
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<Vec<Vec<u8>>> {
        self.pack()?;
        Ok(self.packed)
    }
}

impl io::Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        if self.block.len() == BLOCK_BYTES {
            self.pack()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Removes captures that are beyond the limits, the oldest first. Returns whether more are to be removed.
///
/// # Errors
/// If the file can't be written.
pub(super) fn trim(file: &Connection, limits: CaptureLimits) -> rusqlite::Result<bool> {
    let oldest_kept = oldest_kept(limits.max_age());
    for _ in 0..MAX_REMOVED {
        let bytes: i64 = file
            .prepare_cached("SELECT capture_bytes FROM meta")?
            .query_row([], |row| row.get(0))?;
        let oldest = file
            .prepare_cached("SELECT run FROM capture WHERE bytes > 0 ORDER BY run LIMIT 1")?
            .query_row([], |row| row.get(0).map(RunId))
            .optional()?;
        let Some(oldest) = oldest else {
            return Ok(false);
        };
        let removed = if oldest < oldest_kept {
            Removed::Age
        } else if bytes.cast_unsigned() > limits.max_bytes() {
            Removed::Budget
        } else {
            return Ok(false);
        };
        remove(file, oldest, removed)?;
    }
    Ok(true)
}

/// The first key of a run that is young enough.
fn oldest_kept(max_age: Duration) -> RunId {
    let age_ns = i64::try_from(max_age.as_nanos()).unwrap_or(i64::MAX);
    RunId::first_since(wall_clock_ns().saturating_sub(age_ns))
}

fn remove(file: &Connection, run: RunId, removed: Removed) -> rusqlite::Result<()> {
    file.prepare_cached("UPDATE capture SET bytes = 0, removed = ?2 WHERE run = ?1")?
        .execute((run.0, removed.as_str()))?;
    file.prepare_cached("DELETE FROM capture_piece WHERE run = ?1")?
        .execute([run.0])?;
    Ok(())
}

/// The capture of a run.
///
/// # Errors
/// If the file can't be read, or what stands there is not a capture.
pub(super) fn load(file: &Connection, run: RunId) -> rusqlite::Result<KeptCapture> {
    let state = file
        .prepare_cached("SELECT removed FROM capture WHERE run = ?1")?
        .query_row([run.0], |row| row.get::<_, Option<String>>(0))
        .optional()?;
    match state {
        None => return Ok(KeptCapture::Never),
        Some(Some(word)) => {
            let removed = Removed::parse(&word).unwrap_or(Removed::Budget);
            return Ok(KeptCapture::Removed(removed));
        }
        Some(None) => {}
    }
    let mut pieces =
        file.prepare_cached("SELECT bytes FROM capture_piece WHERE run = ?1 ORDER BY seq")?;
    let mut rows = pieces.query([run.0])?;
    let mut text = Vec::new();
    while let Some(row) = rows.next()? {
        let block = zstd::bulk::decompress(row.get_ref(0)?.as_blob()?, BLOCK_BYTES);
        text.extend_from_slice(&block.map_err(unreadable)?);
    }
    let text = String::from_utf8(text).map_err(unreadable)?;
    let capture = tscap::read(&text).map_err(unreadable)?;
    Ok(KeptCapture::Kept(Box::new(capture)))
}

fn unreadable(why: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, why.into())
}
