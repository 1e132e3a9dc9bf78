//! What a live run has said, chunk by chunk: written as it comes, folded back when it is read.
//!
//! In: the [`RunUpdate`]s of a run. Out: rows of `piece`, as long together as the text; and from
//! them, after a kill, the run as far as it came.

use rusqlite::Connection;

use super::reads;
use crate::{
    event::{Event, words},
    run::{Read, Reads, Run, RunUpdate, Stamps, State},
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
    }
}

/// Most bytes of a text that stand in the row of a run that is over; the rest follows in pieces, so that no more
/// of it has to be in memory at once. A search looks at what stands in the row.
const IN_ROW: usize = 4 << 20;

/// From so many bytes on, what is said next begins a row of its own: SQLite needs a row's size twice more.
const FULL_BYTES: usize = 1 << 20;

/// About what a row takes up beside its bytes while it waits.
const ROW_BYTES: usize = 200;

/// One row of `piece`.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) run: i64,
    pub(super) seq: i64,
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

impl Piece {
    /// Adds the row; again is the same as once.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn put(&self, file: &Connection) -> rusqlite::Result<()> {
        file.prepare_cached("INSERT OR REPLACE INTO piece VALUES (?1, ?2, ?3, ?4)")?
            .execute((self.run, self.seq, self.kind.as_str(), &self.bytes))?;
        Ok(())
    }
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
    said: Vec<(Kind, String)>,
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

    /// Takes an update in, and gives about how many bytes it added.
    pub(super) fn apply(&mut self, update: &RunUpdate) -> usize {
        let before = self.waiting;
        self.fold(update);
        self.waiting - before
    }

    fn fold(&mut self, update: &RunUpdate) {
        let run = &mut self.run;
        match update {
            RunUpdate::Started { started_unix_ns } => {
                run.stamps.started_unix_ns = *started_unix_ns;
                run.state = State::Connecting;
                self.changed = true;
            }
            RunUpdate::Head {
                stamps,
                connection,
                status,
                http_version,
            } => {
                run.stamps.clone_from(stamps);
                run.connection = Some(*connection);
                run.status = Some(*status);
                run.http_version = Some(http_version.clone());
                run.state = State::Waiting;
                self.changed = true;
            }
            RunUpdate::Read { read, events } => {
                self.changed |= stamp(&mut run.stamps, *read, events);
                if run.stamps.first_token.is_some() && run.state != State::Streaming {
                    run.state = State::Streaming;
                    self.changed = true;
                }
                self.reads.push(*read);
                self.waiting += size_of::<Read>();
                self.say(events);
            }
            RunUpdate::Closed { at, events, stamps } => {
                run.stamps.clone_from(stamps);
                run.stamps.closed.get_or_insert(*at);
                self.changed = true;
                self.say(events);
            }
        }
    }

    fn say(&mut self, events: &[Event]) {
        for event in events {
            match event {
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

    fn go_on(&mut self, kind: Kind, mut text: &str) {
        self.waiting += text.len();
        // Lines of JSON stay whole; a text may be cut between any two characters.
        while kind != Kind::Events && text.len() > FULL_BYTES {
            let (piece, rest) = text.split_at(text.floor_char_boundary(FULL_BYTES));
            self.said.push((kind, piece.to_owned()));
            text = rest;
        }
        match self.said.last_mut() {
            Some((last, said)) if *last == kind && said.len() < FULL_BYTES => said.push_str(text),
            _ => {
                self.waiting += ROW_BYTES;
                self.said.push((kind, text.to_owned()));
            }
        }
    }

    /// Takes out what is not in the file yet.
    pub(super) fn cut(&mut self, out: &mut Vec<Piece>) {
        self.waiting = 0;
        let reads = reads::encode(&std::mem::take(&mut self.reads));
        let said = std::mem::take(&mut self.said);
        let said = said
            .into_iter()
            .chain([(Kind::Events, std::mem::take(&mut self.events))])
            .map(|(kind, said)| (kind, said.into_bytes()));
        for (kind, bytes) in [(Kind::Reads, reads)].into_iter().chain(said) {
            if !bytes.is_empty() {
                let (run, seq) = (self.run.head.id.0, self.next_seq);
                self.next_seq += 1;
                out.push(Piece {
                    run,
                    seq,
                    kind,
                    bytes,
                });
            }
        }
    }
}

/// An event as a line of JSON; events are plain data, and always have that form.
fn line(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default() + "\n"
}

/// Sets the stamps that this read is the first of; says whether there were any.
fn stamp(stamps: &mut Stamps, read: Read, events: &[Event]) -> bool {
    let first = |stamp: &mut Option<u64>, is: bool| {
        let sets = is && stamp.is_none();
        if sets {
            *stamp = Some(read.at);
        }
        sets
    };
    let sets = [
        first(&mut stamps.first_byte, true),
        first(&mut stamps.first_event, read.events > 0),
        first(&mut stamps.first_token, read.tokens > 0),
        first(
            &mut stamps.first_visible,
            events.iter().any(Event::is_visible),
        ),
    ];
    if read.tokens > 0 {
        stamps.last_token = Some(read.at);
    }
    sets.contains(&true)
}

/// Gives a live run what its pieces say.
///
/// # Errors
/// If the file can't be read.
pub(super) fn fold(file: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    let mut pieces =
        file.prepare_cached("SELECT kind, bytes FROM piece WHERE run = ?1 ORDER BY seq")?;
    let mut rows = pieces.query([run.head.id.0])?;
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
                let events = text();
                let events = events.lines().map(serde_json::from_str::<Event>);
                events.flatten().for_each(|event| run.answer.apply(&event));
            }
            None => {}
        }
    }
    let last = run.reads.iter().rev().find(|read| read.tokens > 0);
    run.stamps.last_token = last.map(|read| read.at).or(run.stamps.last_token);
    Ok(())
}

/// What of a text stands in its run's row.
pub(super) fn in_row(text: &str) -> &str {
    &text[..text.floor_char_boundary(IN_ROW)]
}

/// Puts, in place of the pieces of a run that is over, what of its texts does not stand in its row.
///
/// # Errors
/// If the file can't be written.
pub(super) fn settle(file: &Connection, run: &Run) -> rusqlite::Result<()> {
    file.prepare_cached("DELETE FROM piece WHERE run = ?1")?
        .execute([run.head.id.0])?;
    let texts = [
        (Kind::Text, &run.answer.text),
        (Kind::Reasoning, &run.answer.reasoning),
    ];
    let pieces = texts.iter().flat_map(|(kind, text)| {
        let rest = &text.as_bytes()[in_row(text).len()..];
        rest.chunks(FULL_BYTES).map(|bytes| (*kind, bytes))
    });
    let mut put = file.prepare_cached("INSERT OR REPLACE INTO piece VALUES (?1, ?2, ?3, ?4)")?;
    for ((kind, bytes), seq) in pieces.zip(0_i64..) {
        put.execute((run.head.id.0, seq, kind.as_str(), bytes))?;
    }
    Ok(())
}

/// Gives a run that is over the texts that its row has no room for.
///
/// # Errors
/// If the file can't be read.
pub(super) fn complete(file: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    let answer = &mut run.answer;
    if answer.text.len().max(answer.reasoning.len()) < IN_ROW - 3 {
        return Ok(());
    }
    let mut texts = [
        (Kind::Text, &mut answer.text),
        (Kind::Reasoning, &mut answer.reasoning),
    ]
    .map(|(kind, text)| (kind, std::mem::take(text).into_bytes(), text));
    let mut pieces =
        file.prepare_cached("SELECT kind, bytes FROM piece WHERE run = ?1 ORDER BY seq")?;
    let mut rows = pieces.query([run.head.id.0])?;
    while let Some(row) = rows.next()? {
        let (kind, bytes) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_blob()?);
        for (of, text, _) in &mut texts {
            if of.as_str() == kind {
                text.extend_from_slice(bytes);
            }
        }
    }
    for (_, bytes, text) in texts {
        *text = String::from_utf8(bytes)
            .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned());
    }
    Ok(())
}
