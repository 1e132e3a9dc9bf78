//! What is too long for one row: it stands in rows of `piece`, none of them longer than 1 MiB, so that no more of it
//! than that has to be in memory beside the answer itself.
//!
//! In: a run that is over. Out: of its texts what does not stand in its row, its calls and the rest of it where they
//! are long; and back.

use std::io::{self, Write as _};

use rusqlite::Connection;
use serde::Serialize;

use super::{pieces::Kind, rest::Rest};
use crate::run::Run;

/// Most bytes of a text that stand in the row of a run that is over. A search looks at what stands in the row.
const IN_ROW: usize = 4 << 20;

/// Bytes of a row of `piece`: SQLite needs a row's size twice more.
pub(super) const ROW: usize = 1 << 20;

/// Where the rows of each kind begin that only a run that is over has; its texts stand before them.
const CALLS: i64 = 1 << 40;
const REST: i64 = 1 << 41;
const REFUSAL: i64 = 1 << 42;

/// Whether a run has a text that is too long for its row.
pub(super) fn is_long(run: &Run) -> bool {
    run.answer.text.len().max(run.answer.reasoning.len()) > IN_ROW
}

/// What of a text stands in its run's row.
pub(super) fn in_row(text: &str) -> &str {
    &text[..text.floor_char_boundary(IN_ROW)]
}

/// A value as JSON; one that is too long for its cell goes into rows of `piece`, and the cell stays empty.
///
/// # Errors
/// If the file can't be written.
pub(super) fn cell<T: Serialize>(
    file: &Connection,
    run: &Run,
    kind: Kind,
    value: &T,
) -> rusqlite::Result<Option<String>> {
    let mut short = Short(Vec::new());
    if serde_json::to_writer(&mut short, value).is_ok() {
        return Ok(String::from_utf8(short.0).ok());
    }
    let seq = if kind == Kind::Calls { CALLS } else { REST };
    let mut rows = Rows::new(file, (run.head.id.0, seq), kind);
    let written = serde_json::to_writer(&mut rows, value).map_err(io::Error::from);
    rows.end(written)?;
    Ok(None)
}

/// What fits in a cell.
struct Short(Vec<u8>);

impl io::Write for Short {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > ROW {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Cuts what is written into rows of `piece`.
pub(super) struct Rows<'a> {
    file: &'a Connection,
    run: i64,
    seq: i64,
    kind: Kind,
    row: Vec<u8>,
    failed: Option<rusqlite::Error>,
}

impl<'a> Rows<'a> {
    /// The rows of a run, from this number on.
    pub(super) fn new(file: &'a Connection, (run, seq): (i64, i64), kind: Kind) -> Self {
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

impl io::Write for Rows<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(ROW - self.row.len());
        self.row.extend_from_slice(&bytes[..taken]);
        if self.row.len() == ROW
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

/// Writes one row; again is the same as once.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put_row(
    file: &Connection,
    (run, seq): (i64, i64),
    kind: Kind,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    file.prepare_cached("INSERT OR REPLACE INTO piece VALUES (?1, ?2, ?3, ?4)")?
        .execute((run, seq, kind.as_str(), bytes))?;
    Ok(())
}

/// Leaves in `piece`, of a run that is over, what of its texts does not stand in its row. What was written while it
/// went stays where it is, if it was `streamed` whole: it is not written twice.
///
/// # Errors
/// If the file can't be written.
pub(super) fn settle(file: &Connection, run: &Run, streamed: bool) -> rusqlite::Result<()> {
    let id = run.head.id.0;
    let answer = &run.answer;
    let texts = [
        (Kind::Text, &answer.text),
        (Kind::Reasoning, &answer.reasoning),
    ];
    let mut stays = streamed;
    for (kind, text) in texts {
        stays = stays && length(file, id, kind)? == text.len();
    }
    if stays {
        file.prepare_cached(
            "DELETE FROM piece WHERE run = ?1 AND kind NOT IN ('text', 'reasoning')",
        )?
        .execute([id])?;
        for (kind, text) in texts {
            cut_front(file, id, kind, in_row(text).len())?;
        }
    } else {
        file.prepare_cached("DELETE FROM piece WHERE run = ?1")?
            .execute([id])?;
        for ((kind, text), seq) in texts.into_iter().zip([0, CALLS / 2]) {
            put_rest(file, (id, seq), kind, text)?;
        }
    }
    put_rest(file, (id, REFUSAL), Kind::Refusal, &answer.refusal)
}

fn put_rest(file: &Connection, place: (i64, i64), kind: Kind, text: &str) -> rusqlite::Result<()> {
    let mut rows = Rows::new(file, place, kind);
    let written = rows.write_all(&text.as_bytes()[in_row(text).len()..]);
    rows.end(written)
}

/// How many bytes the rows of a kind have.
fn length(file: &Connection, run: i64, kind: Kind) -> rusqlite::Result<usize> {
    let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM piece WHERE run = ?1 AND kind = ?2";
    let length: i64 = file
        .prepare_cached(sql)?
        .query_row((run, kind.as_str()), |row| row.get(0))?;
    Ok(usize::try_from(length).unwrap_or(0))
}

/// Takes the first bytes of a text out of its rows.
fn cut_front(file: &Connection, run: i64, kind: Kind, mut bytes: usize) -> rusqlite::Result<()> {
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

/// Gives a run that is over what its rows have no room for.
///
/// # Errors
/// If the file can't be read.
pub(super) fn complete(file: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    let sql = "SELECT kind, bytes FROM piece WHERE run = ?1 ORDER BY seq";
    let mut pieces = file.prepare_cached(sql)?;
    let mut rows = pieces.query([run.head.id.0])?;
    let answer = &mut run.answer;
    let is_plain = answer.pieces == answer.plain_pieces();
    let take = |text: &mut String| std::mem::take(text).into_bytes();
    let mut parts = [
        (Kind::Text, take(&mut answer.text)),
        (Kind::Reasoning, take(&mut answer.reasoning)),
        (Kind::Refusal, take(&mut answer.refusal)),
        (Kind::Calls, Vec::new()),
        (Kind::Rest, Vec::new()),
    ];
    while let Some(row) = rows.next()? {
        let (kind, bytes) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_blob()?);
        let part = parts.iter_mut().find(|(of, _)| of.as_str() == kind);
        if let Some((_, part)) = part {
            part.extend_from_slice(bytes);
        }
    }
    let [text, reasoning, refusal, calls, rest] = parts.map(|(_, bytes)| bytes);
    answer.text = text_of(text);
    answer.reasoning = text_of(reasoning);
    answer.refusal = text_of(refusal);
    if !calls.is_empty() {
        answer.tool_calls = serde_json::from_slice(&calls).unwrap_or_default();
    }
    let rest = serde_json::from_slice::<Rest<'_>>(&rest).ok();
    match rest {
        Some(rest) => rest.restore(answer),
        None if is_plain => answer.pieces = answer.plain_pieces(),
        None => {}
    }
    Ok(())
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}
