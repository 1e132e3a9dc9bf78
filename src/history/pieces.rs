//! The pieces of a live run: written as its events come, folded into the run when it is read.
//!
//! In: the [`RunUpdate`]s of a run. Out: rows of `piece`, together about as large as the text; and from these rows,
//! after a kill, the run as far as it came.

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use rusqlite::Connection;

use super::{
    large_values::{self, PieceRowKind, RowWriter},
    reads,
};
use crate::{
    capture::WireLog,
    event::Event,
    run::{OffsetNs, Read, Reads, Run, RunState, RunUpdate, Stamps},
};

/// About how many bytes a queued row takes beside its content.
const ROW_OVERHEAD_BYTES: usize = 200;

/// One row of `piece`, or several with consecutive `seq`.
#[derive(Debug)]
pub(super) struct PieceRows {
    pub(super) run: i64,
    pub(super) seq: i64,
    pub(super) content: PieceContent,
}

/// The content of rows of `piece`.
#[derive(Debug)]
pub(super) enum PieceContent {
    /// The bytes of one row.
    Row(PieceRowKind, Vec<u8>),
    /// One row of reads: they become bytes where the row is written, since whoever queues them holds up the runs.
    Reads(Reads),
    /// The event at this index of an update. It is large, so the update is shared instead of copied.
    LargeEvent(Arc<RunUpdate>, usize),
}

impl PieceContent {
    /// At most how many rows it needs.
    fn rows(&self) -> i64 {
        match self {
            Self::Row(..) | Self::Reads(_) => 1,
            // A byte becomes at most six in JSON.
            Self::LargeEvent(update, at) => {
                let bytes = update.events().get(*at).map_or(0, Event::bytes_held);
                i64::try_from(bytes * 6 / large_values::ROW_BYTES + 2).unwrap_or(i64::MAX)
            }
        }
    }
}

impl PieceRows {
    /// Writes the rows, in place of rows with the same keys.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn put(&self, file: &Connection) -> rusqlite::Result<()> {
        let place = (self.run, self.seq);
        match &self.content {
            PieceContent::Row(kind, bytes) => large_values::put_row(file, place, *kind, bytes),
            PieceContent::Reads(reads) => {
                large_values::put_row(file, place, PieceRowKind::Reads, &reads::encode(reads))
            }
            PieceContent::LargeEvent(update, at) => match update.events().get(*at) {
                Some(event) => put_large_event(file, place, event),
                None => Ok(()),
            },
        }
    }
}

fn put_large_event(
    file: &Connection,
    (run, seq): (i64, i64),
    event: &Event,
) -> rusqlite::Result<()> {
    let (kind, mut text) = match event {
        Event::Text { text } => (PieceRowKind::Text, text.as_str()),
        Event::Reasoning { text } => (PieceRowKind::Reasoning, text.as_str()),
        Event::Refusal { text } => (PieceRowKind::Refusal, text.as_str()),
        other => {
            let mut rows = RowWriter::new(file, (run, seq), PieceRowKind::Events);
            let written = serde_json::to_writer(&mut rows, other).map_err(io::Error::from);
            let written = written.and_then(|()| rows.write_all(b"\n"));
            return rows.end(written);
        }
    };
    let mut seq = seq;
    while !text.is_empty() {
        let (row, rest) = text.split_at(text.floor_char_boundary(large_values::ROW_BYTES));
        large_values::put_row(file, (run, seq), kind, row.as_bytes())?;
        seq += 1;
        text = rest;
    }
    Ok(())
}

/// A live run, and what of it is not in the file yet.
#[derive(Debug)]
pub(super) struct LiveRun {
    /// Its head, state and stamps; its answer and reads stay empty.
    pub(super) run: Run,
    /// Whether its row is in the file.
    pub(super) begun: bool,
    /// Whether the row in the file is out of date.
    pub(super) changed: bool,
    next_seq: i64,
    reads: Reads,
    /// Contents of the next rows, in order.
    contents: Vec<PieceContent>,
    /// JSON lines of events whose order relative to the text does not matter.
    events: String,
    /// What went over the wire so far.
    pub(super) wire: WireLog,
    /// About how many bytes these hold.
    pending_bytes: usize,
}

impl LiveRun {
    pub(super) fn new(run: Run) -> Self {
        Self {
            run,
            begun: false,
            changed: true,
            next_seq: 0,
            reads: Reads::default(),
            contents: Vec::new(),
            events: String::new(),
            wire: WireLog::default(),
            pending_bytes: 0,
        }
    }

    /// Whether some of its pieces were taken for writing already.
    pub(super) fn has_written_pieces(&self) -> bool {
        self.next_seq > 0
    }

    /// Applies an update, and returns about how many bytes it added.
    pub(super) fn apply(&mut self, update: &Arc<RunUpdate>) -> usize {
        let before = self.pending_bytes;
        self.apply_update(update);
        self.pending_bytes - before
    }

    fn apply_update(&mut self, update: &Arc<RunUpdate>) {
        if let RunUpdate::Wire(part) = &**update {
            return self.wire.add(part);
        }
        let before = row_state(&self.run);
        if let Err(illegal) = self.run.apply_state(update) {
            tracing::warn!(id = self.run.head.id.0, %illegal, "an update out of order was left aside");
            return;
        }
        self.changed |= row_state(&self.run) != before;
        if let RunUpdate::Read { read, .. } = &**update {
            self.reads.push(*read);
            self.pending_bytes += size_of::<Read>();
        }
        self.queue_events(update);
    }

    fn queue_events(&mut self, update: &Arc<RunUpdate>) {
        for (at, event) in update.events().iter().enumerate() {
            match event {
                event if event.bytes_held() > large_values::ROW_BYTES => {
                    self.pending_bytes += event.bytes_held();
                    self.contents
                        .push(PieceContent::LargeEvent(Arc::clone(update), at));
                }
                Event::Text { text } if !text.is_empty() => {
                    self.append_text(PieceRowKind::Text, text);
                }
                Event::Reasoning { text } if !text.is_empty() => {
                    self.append_text(PieceRowKind::Reasoning, text);
                }
                Event::Refusal { text } => self.append_text(PieceRowKind::Refusal, text),
                // These become parts of the answer or sign the part before them, so their order matters.
                Event::Text { .. }
                | Event::Reasoning { .. }
                | Event::ToolCall(_)
                | Event::Media(_)
                | Event::Signature { .. }
                | Event::Opaque { .. } => self.append_text(PieceRowKind::Events, &json_line(event)),
                other => {
                    let line = json_line(other);
                    self.pending_bytes += line.len();
                    self.events += &line;
                }
            }
        }
    }

    fn append_text(&mut self, kind: PieceRowKind, text: &str) {
        if text.is_empty() {
            return;
        }
        self.pending_bytes += text.len();
        match self.contents.last_mut() {
            Some(PieceContent::Row(last, bytes))
                if *last == kind && bytes.len() < large_values::ROW_BYTES =>
            {
                bytes.extend_from_slice(text.as_bytes());
            }
            _ => {
                self.pending_bytes += ROW_OVERHEAD_BYTES;
                self.contents
                    .push(PieceContent::Row(kind, text.as_bytes().to_owned()));
            }
        }
    }

    /// Moves what is not in the file yet to `out`.
    pub(super) fn take_pieces(&mut self, out: &mut Vec<PieceRows>) {
        self.pending_bytes = 0;
        let reads = std::mem::take(&mut self.reads);
        let events = std::mem::take(&mut self.events).into_bytes();
        let contents = std::mem::take(&mut self.contents);
        let reads = (!reads.is_empty()).then_some(PieceContent::Reads(reads));
        let events =
            (!events.is_empty()).then_some(PieceContent::Row(PieceRowKind::Events, events));
        for content in reads.into_iter().chain(contents).chain(events) {
            let (run, seq) = (self.run.head.id.0, self.next_seq);
            self.next_seq += content.rows();
            out.push(PieceRows { run, seq, content });
        }
    }
}

/// An event as a line of JSON. Events are plain data: serialising them can't fail.
fn json_line(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default() + "\n"
}

/// The fields of a live run that are kept current in its row: its state and the stamps of its first byte, event and
/// token.
fn row_state(run: &Run) -> (RunState, [Option<OffsetNs>; 4]) {
    let Stamps {
        first_byte,
        first_event,
        first_token,
        first_visible,
        ..
    } = run.stamps;
    (
        run.state,
        [first_byte, first_event, first_token, first_visible],
    )
}

/// Applies the stored pieces of a live run to it.
///
/// # Errors
/// If the file can't be read.
pub(super) fn fold(file: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    let mut pieces =
        file.prepare_cached("SELECT kind, bytes FROM piece WHERE run = ?1 ORDER BY seq")?;
    let mut rows = pieces.query([run.head.id.0])?;
    // A long line of events is split over several rows.
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, bytes) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_blob()?);
        let text = || String::from_utf8_lossy(bytes);
        match PieceRowKind::parse(kind) {
            Some(PieceRowKind::Reads) => run.reads.extend(reads::decode(bytes).unwrap_or_default()),
            Some(PieceRowKind::Text) => run.answer.apply(&Event::Text {
                text: text().into(),
            }),
            Some(PieceRowKind::Reasoning) => {
                run.answer.apply(&Event::Reasoning {
                    text: text().into(),
                });
            }
            Some(PieceRowKind::Refusal) => run.answer.refusal += &text(),
            Some(PieceRowKind::Events) => {
                lines.extend_from_slice(bytes);
                if lines.ends_with(b"\n") {
                    let events = std::mem::take(&mut lines);
                    let events = events.split(|byte| *byte == b'\n');
                    let events = events.map(serde_json::from_slice::<Event>);
                    events.flatten().for_each(|event| run.answer.apply(&event));
                }
            }
            Some(PieceRowKind::Calls | PieceRowKind::OverflowColumn) | None => {}
        }
    }
    let last = run.reads.iter().rev().find(|read| read.tokens > 0);
    run.stamps.last_token = last.map(|read| read.at).or(run.stamps.last_token);
    Ok(())
}
