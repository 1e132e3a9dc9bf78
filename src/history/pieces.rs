//! What a live run has said, chunk by chunk: written as it comes, folded back when it is read.
//!
//! In: the [`RunUpdate`]s of a run. Out: rows of `piece`, as long together as the text; and from
//! them, after a kill, the run as far as it came.

use std::{
    io::{self, Write as _},
    iter,
    sync::Arc,
};

use rusqlite::Connection;

use super::{
    long::{self, Rows},
    reads,
};
use crate::{
    event::{Event, words},
    run::{OffsetNs, Read, Reads, Run, RunUpdate, Stamps, State},
};

words! {
    /// What the bytes of a piece are.
    Kind {
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
        /// Of a run that is over: its calls.
        Calls = "calls",
        /// And the rest of its answer.
        Rest = "rest",
    }
}

/// About what a row takes up beside its bytes while it waits.
const ROW_BYTES: usize = 200;

/// One row of `piece`, or some that follow each other.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) run: i64,
    pub(super) seq: i64,
    pub(super) said: Said,
}

/// What a live run said.
#[derive(Debug)]
pub(super) enum Said {
    /// The bytes of one row.
    Row(Kind, Vec<u8>),
    /// The event of an update that has this place: it is large, and shared with whoever else has it.
    Large(Arc<RunUpdate>, usize),
}

impl Said {
    /// How many rows it takes up at most.
    fn rows(&self) -> i64 {
        match self {
            Self::Row(..) => 1,
            // A byte has six in JSON at most.
            Self::Large(update, at) => {
                let bytes = update.events().get(*at).map_or(0, Event::held);
                i64::try_from(bytes * 6 / long::ROW + 2).unwrap_or(i64::MAX)
            }
        }
    }
}

impl Piece {
    /// Adds the rows; again is the same as once.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn put(&self, file: &Connection) -> rusqlite::Result<()> {
        let place = (self.run, self.seq);
        match &self.said {
            Said::Row(kind, bytes) => long::put_row(file, place, *kind, bytes),
            Said::Large(update, at) => match update.events().get(*at) {
                Some(event) => put_large(file, place, event),
                None => Ok(()),
            },
        }
    }
}

fn put_large(file: &Connection, (run, seq): (i64, i64), event: &Event) -> rusqlite::Result<()> {
    let (kind, mut text) = match event {
        Event::Text { text } => (Kind::Text, text.as_str()),
        Event::Reasoning { text } => (Kind::Reasoning, text.as_str()),
        Event::Refusal { text } => (Kind::Refusal, text.as_str()),
        other => {
            let mut rows = Rows::new(file, (run, seq), Kind::Events);
            let written = serde_json::to_writer(&mut rows, other).map_err(io::Error::from);
            let written = written.and_then(|()| rows.write_all(b"\n"));
            return rows.end(written);
        }
    };
    let mut seq = seq;
    while !text.is_empty() {
        let (row, rest) = text.split_at(text.floor_char_boundary(long::ROW));
        long::put_row(file, (run, seq), kind, row.as_bytes())?;
        seq += 1;
        text = rest;
    }
    Ok(())
}

/// A run that goes, and what of it is not in the file yet.
#[derive(Debug)]
pub(super) struct Live {
    /// Where it stands; its answer and reads stay empty.
    pub(super) run: Run,
    /// Whether its row is in the file.
    pub(super) begun: bool,
    /// Whether the row in the file is out of date.
    pub(super) changed: bool,
    next_seq: i64,
    reads: Reads,
    /// What was said, in its order.
    said: Vec<Said>,
    /// Events whose place among the others tells nothing.
    events: String,
    /// About how many bytes wait in these.
    waiting: usize,
}

impl Live {
    pub(super) fn new(run: Run) -> Self {
        Self {
            run,
            begun: false,
            changed: true,
            next_seq: 0,
            reads: Reads::default(),
            said: Vec::new(),
            events: String::new(),
            waiting: 0,
        }
    }

    /// Whether some of what it said is in the file already.
    pub(super) fn streams(&self) -> bool {
        self.next_seq > 0
    }

    /// Takes an update in, and gives about how many bytes it added.
    pub(super) fn apply(&mut self, update: &Arc<RunUpdate>) -> usize {
        let before = self.waiting;
        self.fold(update);
        self.waiting - before
    }

    fn fold(&mut self, update: &Arc<RunUpdate>) {
        let before = standing(&self.run);
        if let Err(illegal) = self.run.advance(update) {
            tracing::warn!(id = self.run.head.id.0, %illegal, "an update out of order was left aside");
            return;
        }
        self.changed |= standing(&self.run) != before;
        if let RunUpdate::Read { read, .. } = &**update {
            self.reads.push(*read);
            self.waiting += size_of::<Read>();
        }
        self.say(update);
    }

    fn say(&mut self, update: &Arc<RunUpdate>) {
        for (at, event) in update.events().iter().enumerate() {
            match event {
                event if event.held() > long::ROW => {
                    self.waiting += event.held();
                    self.said.push(Said::Large(Arc::clone(update), at));
                }
                Event::Text { text } if !text.is_empty() => self.go_on(Kind::Text, text),
                Event::Reasoning { text } if !text.is_empty() => self.go_on(Kind::Reasoning, text),
                Event::Refusal { text } => self.go_on(Kind::Refusal, text),
                // These make parts, or sign what stands before them.
                Event::Text { .. }
                | Event::Reasoning { .. }
                | Event::ToolCall(_)
                | Event::Media(_)
                | Event::Signature { .. }
                | Event::Opaque { .. } => self.go_on(Kind::Events, &line(event)),
                other => {
                    let line = line(other);
                    self.waiting += line.len();
                    self.events += &line;
                }
            }
        }
    }

    fn go_on(&mut self, kind: Kind, text: &str) {
        self.waiting += text.len();
        match self.said.last_mut() {
            Some(Said::Row(last, said)) if *last == kind && said.len() < long::ROW => {
                said.extend_from_slice(text.as_bytes());
            }
            _ => {
                self.waiting += ROW_BYTES;
                self.said.push(Said::Row(kind, text.as_bytes().to_owned()));
            }
        }
    }

    /// Takes out what is not in the file yet.
    pub(super) fn cut(&mut self, out: &mut Vec<Piece>) {
        self.waiting = 0;
        let reads = reads::encode(&std::mem::take(&mut self.reads));
        let events = std::mem::take(&mut self.events).into_bytes();
        let said = std::mem::take(&mut self.said);
        for said in iter::once(Said::Row(Kind::Reads, reads))
            .chain(said)
            .chain([Said::Row(Kind::Events, events)])
        {
            if matches!(&said, Said::Row(_, bytes) if bytes.is_empty()) {
                continue;
            }
            let (run, seq) = (self.run.head.id.0, self.next_seq);
            self.next_seq += said.rows();
            out.push(Piece { run, seq, said });
        }
    }
}

/// An event as a line of JSON; events are plain data, and always have that form.
fn line(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default() + "\n"
}

/// What makes the row of a live run out of date when it changes: its state, and the stamps of first things.
fn standing(run: &Run) -> (State, [Option<OffsetNs>; 4]) {
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

/// Gives a live run what its pieces say.
///
/// # Errors
/// If the file can't be read.
pub(super) fn fold(file: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    let mut pieces =
        file.prepare_cached("SELECT kind, bytes FROM piece WHERE run = ?1 ORDER BY seq")?;
    let mut rows = pieces.query([run.head.id.0])?;
    // A long line of events has several rows.
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, bytes) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_blob()?);
        let text = || String::from_utf8_lossy(bytes);
        match Kind::parse(kind) {
            Some(Kind::Reads) => run.reads.extend(reads::decode(bytes).unwrap_or_default()),
            Some(Kind::Text) => run.answer.apply(&Event::Text {
                text: text().into(),
            }),
            Some(Kind::Reasoning) => {
                run.answer.apply(&Event::Reasoning {
                    text: text().into(),
                });
            }
            Some(Kind::Refusal) => run.answer.refusal += &text(),
            Some(Kind::Events) => {
                lines.extend_from_slice(bytes);
                if lines.ends_with(b"\n") {
                    let events = std::mem::take(&mut lines);
                    let events = events.split(|byte| *byte == b'\n');
                    let events = events.map(serde_json::from_slice::<Event>);
                    events.flatten().for_each(|event| run.answer.apply(&event));
                }
            }
            Some(Kind::Calls | Kind::Rest) | None => {}
        }
    }
    let last = run.reads.iter().rev().find(|read| read.tokens > 0);
    run.stamps.last_token = last.map(|read| read.at).or(run.stamps.last_token);
    Ok(())
}
