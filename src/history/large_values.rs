//! Values that are too large for one row. They are split into rows of `piece` of at most 1 MiB each, so that SQLite
//! never needs more than that in memory beside the answer itself.
//!
//! In: a run that is over. Out: rows with the part of its texts beyond [`TEXT_BYTES_IN_RUN_ROW`], and with its calls
//! and its overflow column where these are large; and back.

use std::io::{self, Write as _};

use rusqlite::Connection;
use serde::Serialize;

use super::overflow::OverflowColumn;
use crate::{event::words, run::Run};

/// Bytes of a text that are stored in `run_text`, once the run is over; the rest is in `piece`. A search reads only
/// `run_text`.
const TEXT_BYTES_IN_RUN_ROW: usize = 4 << 20;

/// Most bytes in a row of `piece`: while SQLite reads or writes a row, it holds two further copies of it.
pub(super) const ROW_BYTES: usize = 1 << 20;

/// First `seq` of each kind of row that only a run that is over has. Rows of its texts have lower numbers.
const CALLS_SEQ: i64 = 1 << 40;
const OVERFLOW_SEQ: i64 = 1 << 41;
const REFUSAL_SEQ: i64 = 1 << 42;

words! {
    /// What the bytes of a piece are.
    PieceRowKind {
        /// Reads, as in `run_wire`.
        Reads = "reads",
        /// Visible text.
        Text = "text",
        /// Reasoning.
        Reasoning = "reasoning",
        /// Refusal.
        Refusal = "refusal",
        /// Any other events, one JSON object a line.
        Events = "events",
        /// Tool calls of a run that is over.
        Calls = "calls",
        /// Overflow column of a run that is over.
        OverflowColumn = "rest",
    }
}

/// Whether a run has a text that is too long for `run_text`.
pub(super) fn is_large(run: &Run) -> bool {
    run.answer.text.len().max(run.answer.reasoning.len()) > TEXT_BYTES_IN_RUN_ROW
}

/// The part of a text that is stored in `run_text`.
pub(super) fn row_part(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_IN_RUN_ROW)]
}

/// A value as JSON for one cell. If it is too large, it is written into rows of `piece`, and `None` is returned.
///
/// # Errors
/// If the file can't be written.
pub(super) fn json_cell<T: Serialize>(
    file: &Connection,
    run: &Run,
    kind: PieceRowKind,
    value: &T,
) -> rusqlite::Result<Option<String>> {
    let mut short = CellBuffer(Vec::new());
    if serde_json::to_writer(&mut short, value).is_ok() {
        return Ok(String::from_utf8(short.0).ok());
    }
    let seq = if kind == PieceRowKind::Calls {
        CALLS_SEQ
    } else {
        OVERFLOW_SEQ
    };
    let mut rows = RowWriter::new(file, (run.head.id.0, seq), kind);
    let written = serde_json::to_writer(&mut rows, value).map_err(io::Error::from);
    rows.end(written)?;
    Ok(None)
}

/// Collects the JSON of one cell, and fails beyond [`ROW_BYTES`].
struct CellBuffer(Vec<u8>);

impl io::Write for CellBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > ROW_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that splits its bytes into rows of `piece`.
pub(super) struct RowWriter<'a> {
    file: &'a Connection,
    run: i64,
    seq: i64,
    kind: PieceRowKind,
    row: Vec<u8>,
    failed: Option<rusqlite::Error>,
}

impl<'a> RowWriter<'a> {
    /// Writes rows of a run, the first of them with this `seq`.
    pub(super) fn new(file: &'a Connection, (run, seq): (i64, i64), kind: PieceRowKind) -> Self {
        Self {
            file,
            run,
            seq,
            kind,
            row: Vec::new(),
            failed: None,
        }
    }

    /// Writes the last row.
    ///
    /// # Errors
    /// If this or what was `written` before failed.
    pub(super) fn end(mut self, written: io::Result<()>) -> rusqlite::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        written.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        self.put()
    }

    fn put(&mut self) -> rusqlite::Result<()> {
        if !self.row.is_empty() {
            put_row(self.file, (self.run, self.seq), self.kind, &self.row)?;
            self.seq += 1;
            self.row.clear();
        }
        Ok(())
    }
}

impl io::Write for RowWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(ROW_BYTES - self.row.len());
        self.row.extend_from_slice(&bytes[..taken]);
        if self.row.len() == ROW_BYTES
            && let Err(error) = self.put()
        {
            self.failed = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes one row of `piece`, in place of one with the same key.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put_row(
    file: &Connection,
    (run, seq): (i64, i64),
    kind: PieceRowKind,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    file.prepare_cached("INSERT OR REPLACE INTO piece VALUES (?1, ?2, ?3, ?4)")?
        .execute((run, seq, kind.as_str(), bytes))?;
    Ok(())
}

/// Stores in `piece` the texts of a run that is over, as far as `run_text` does not hold them. If all of its pieces
/// were stored while it streamed (`pieces_stored`), those rows are kept instead of written again.
///
/// # Errors
/// If the file can't be written.
pub(super) fn store(file: &Connection, run: &Run, pieces_stored: bool) -> rusqlite::Result<()> {
    let id = run.head.id.0;
    let answer = &run.answer;
    let texts = [
        (PieceRowKind::Text, &answer.text),
        (PieceRowKind::Reasoning, &answer.reasoning),
    ];
    let mut keeps_rows = pieces_stored;
    for (kind, text) in texts {
        keeps_rows = keeps_rows && length(file, id, kind)? == text.len();
    }
    if keeps_rows {
        file.prepare_cached(
            "DELETE FROM piece WHERE run = ?1 AND kind NOT IN ('text', 'reasoning')",
        )?
        .execute([id])?;
        for (kind, text) in texts {
            remove_prefix(file, id, kind, row_part(text).len())?;
        }
    } else {
        file.prepare_cached("DELETE FROM piece WHERE run = ?1")?
            .execute([id])?;
        for ((kind, text), seq) in texts.into_iter().zip([0, CALLS_SEQ / 2]) {
            put_beyond_row(file, (id, seq), kind, text)?;
        }
    }
    put_beyond_row(
        file,
        (id, REFUSAL_SEQ),
        PieceRowKind::Refusal,
        &answer.refusal,
    )
}

fn put_beyond_row(
    file: &Connection,
    place: (i64, i64),
    kind: PieceRowKind,
    text: &str,
) -> rusqlite::Result<()> {
    let mut rows = RowWriter::new(file, place, kind);
    let written = rows.write_all(&text.as_bytes()[row_part(text).len()..]);
    rows.end(written)
}

/// How many bytes the rows of a kind hold.
fn length(file: &Connection, run: i64, kind: PieceRowKind) -> rusqlite::Result<usize> {
    let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM piece WHERE run = ?1 AND kind = ?2";
    let length: i64 = file
        .prepare_cached(sql)?
        .query_row((run, kind.as_str()), |row| row.get(0))?;
    Ok(usize::try_from(length).unwrap_or(0))
}

/// Removes the first bytes of a text from its rows.
fn remove_prefix(
    file: &Connection,
    run: i64,
    kind: PieceRowKind,
    mut bytes: usize,
) -> rusqlite::Result<()> {
    let sql = "SELECT seq, length(bytes) FROM piece WHERE run = ?1 AND kind = ?2 ORDER BY seq";
    let mut rows = file.prepare_cached(sql)?;
    let rows = rows.query_map((run, kind.as_str()), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
    for (seq, length) in rows {
        if bytes == 0 {
            break;
        }
        let length = usize::try_from(length).unwrap_or(0);
        let cut = length.min(bytes);
        bytes -= cut;
        if cut == length {
            file.prepare_cached("DELETE FROM piece WHERE run = ?1 AND seq = ?2")?
                .execute((run, seq))?;
        } else {
            let sql = "SELECT bytes FROM piece WHERE run = ?1 AND seq = ?2";
            let row: Vec<u8> = file
                .prepare_cached(sql)?
                .query_row((run, seq), |row| row.get(0))?;
            put_row(file, (run, seq), kind, &row[cut..])?;
        }
    }
    Ok(())
}

/// Loads the large values of a run that is over, and adds them to it.
///
/// # Errors
/// If the file can't be read.
pub(super) fn load(file: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    let sql = "SELECT kind, bytes FROM piece WHERE run = ?1 ORDER BY seq";
    let mut pieces = file.prepare_cached(sql)?;
    let mut rows = pieces.query([run.head.id.0])?;
    let answer = &mut run.answer;
    let is_plain = answer.pieces == answer.plain_pieces();
    let take = |text: &mut String| std::mem::take(text).into_bytes();
    let mut parts = [
        (PieceRowKind::Text, take(&mut answer.text)),
        (PieceRowKind::Reasoning, take(&mut answer.reasoning)),
        (PieceRowKind::Refusal, take(&mut answer.refusal)),
        (PieceRowKind::Calls, Vec::new()),
        (PieceRowKind::OverflowColumn, Vec::new()),
    ];
    while let Some(row) = rows.next()? {
        let (kind, bytes) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_blob()?);
        let part = parts.iter_mut().find(|(of, _)| of.as_str() == kind);
        if let Some((_, part)) = part {
            part.extend_from_slice(bytes);
        }
    }
    let [text, reasoning, refusal, calls, rest] = parts.map(|(_, bytes)| bytes);
    answer.text = utf8_lossy(text);
    answer.reasoning = utf8_lossy(reasoning);
    answer.refusal = utf8_lossy(refusal);
    if !calls.is_empty() {
        answer.tool_calls = serde_json::from_slice(&calls).unwrap_or_default();
    }
    let rest = serde_json::from_slice::<OverflowColumn<'_>>(&rest).ok();
    match rest {
        Some(rest) => rest.restore(answer),
        None if is_plain => answer.pieces = answer.plain_pieces(),
        None => {}
    }
    Ok(())
}

/// Loads only the overflow column of a run that is over, if it is large.
///
/// # Errors
/// If the file can't be read.
pub(super) fn load_overflow(file: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    let sql = "SELECT bytes FROM piece WHERE run = ?1 AND seq >= ?2 AND kind = ?3 ORDER BY seq";
    let mut pieces = file.prepare_cached(sql)?;
    let kind = PieceRowKind::OverflowColumn.as_str();
    let mut rows = pieces.query((run.head.id.0, OVERFLOW_SEQ, kind))?;
    let mut json = Vec::new();
    while let Some(row) = rows.next()? {
        json.extend_from_slice(row.get_ref(0)?.as_blob()?);
    }
    if let Ok(overflow) = serde_json::from_slice::<OverflowColumn<'_>>(&json) {
        overflow.restore(&mut run.answer);
    }
    Ok(())
}

fn utf8_lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}
