//! The table: each row of the fault list, with what a server does and what must come of it.

mod breaking;
mod connecting;
mod flooding;
mod machine;
mod refused;
mod said;

use std::sync::Arc;

use tokenscope::{
    event::{FaultClass as C, Phase as P},
    transport::Timeouts,
};

use super::{
    place::Place,
    script::{Act, Over, head},
    voice::Voice,
};
use crate::toy::limits;

/// A row of the list.
pub struct Row {
    pub number: u8,
    /// What happens, in the words of the list.
    pub fault: &'static str,
    /// What the user is told where no case says it.
    pub told: &'static str,
    pub cases: Vec<Case>,
    /// Tests elsewhere that prove it, by their paths.
    pub proved_by: &'static [&'static str],
}

/// One way in which it happens.
#[derive(Clone)]
pub struct Case {
    /// What the server or the network does.
    pub does: &'static str,
    pub place: Place,
    /// In which dialects.
    pub voices: fn(Voice) -> bool,
    pub over: &'static [Over],
    /// Whether it is tried over a warm connection, too.
    pub warm: bool,
    pub acts: Acts,
    pub limits: Timeouts,
    /// When the user stops it.
    pub stop: Option<Stop>,
    pub ends: Ends,
    /// The answer's text, kept to the letter.
    pub kept: &'static str,
    /// A piece of a note that the answer must have.
    pub note: Option<&'static str>,
    pub retry_after_ms: Option<u64>,
    pub status: Option<u16>,
    /// Most MiB of the body that may be taken off the server's hands, what the system buffers included.
    pub most_mib: u64,
}

/// What a server does, in a dialect.
pub type Acts = Arc<dyn Fn(Voice) -> Vec<Act> + Send + Sync>;

/// When the user stops a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    WhenAsked,
    AtHead,
    AtText,
}

/// What a run must come to.
#[derive(Clone)]
pub enum Ends {
    Well,
    /// The class, the phase, and what the message may be: `{…}` stands for any text.
    Fault(C, P, Vec<&'static str>),
}

/// All rows, in their order.
pub fn table() -> Vec<Row> {
    let rows = [
        connecting::rows(),
        breaking::rows(),
        said::rows(),
        flooding::rows(),
        refused::rows(),
        machine::rows(),
    ];
    let mut rows: Vec<Row> = rows.into_iter().flatten().collect();
    rows.sort_by_key(|row| row.number);
    rows
}

fn row<const N: usize>(number: u8, fault: &'static str, cases: [Case; N]) -> Row {
    Row {
        number,
        fault,
        told: "",
        cases: cases.into(),
        proved_by: &[],
    }
}

/// A row that other tests prove.
fn elsewhere(
    number: u8,
    fault: &'static str,
    told: &'static str,
    proved_by: &'static [&'static str],
) -> Row {
    Row {
        told,
        proved_by,
        ..row(number, fault, [])
    }
}

impl Row {
    /// Names tests that prove what no case does.
    fn and(self, told: &'static str, proved_by: &'static [&'static str]) -> Self {
        Self {
            told,
            proved_by,
            ..self
        }
    }
}

const BOTH: &[Over] = &[Over::Http1, Over::Http2];

/// A case of HTTP, in all dialects, over both of its versions, cold and warm.
fn case(does: &'static str, acts: impl Fn(Voice) -> Vec<Act> + Send + Sync + 'static) -> Case {
    Case {
        does,
        place: Place::Here,
        voices: |_| true,
        over: BOTH,
        warm: true,
        acts: Arc::new(acts),
        limits: limits(0, 0, 0, 60_000),
        stop: None,
        ends: Ends::Well,
        kept: "",
        note: None,
        retry_after_ms: None,
        status: None,
        most_mib: 16,
    }
}

/// A case of a place, which a run never gets beyond.
fn case_at(does: &'static str, place: Place) -> Case {
    Case {
        place,
        over: &[Over::Bytes],
        warm: false,
        ..case(does, |_| vec![Act::Hold])
    }
}

impl Case {
    /// What the user is told where it is no fault.
    pub fn told_when_well(&self) -> String {
        match self.note {
            Some(note) => format!("The answer, and a note: {}", note.trim()),
            None => "The answer".to_owned(),
        }
    }

    fn fails(self, class: C, phase: P, says: &[&'static str]) -> Self {
        let ends = Ends::Fault(class, phase, says.to_vec());
        Self { ends, ..self }
    }

    fn keeps(self, kept: &'static str) -> Self {
        Self { kept, ..self }
    }

    fn notes(self, note: &'static str) -> Self {
        let note = Some(note);
        Self { note, ..self }
    }

    fn over(self, over: &'static [Over]) -> Self {
        Self { over, ..self }
    }

    fn voices(self, voices: fn(Voice) -> bool) -> Self {
        Self { voices, ..self }
    }

    fn cold(self) -> Self {
        let warm = false;
        Self { warm, ..self }
    }

    fn acts(self, acts: impl Fn(Voice) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let acts = Arc::new(acts);
        Self { acts, ..self }
    }

    fn within(self, limits: Timeouts) -> Self {
        Self { limits, ..self }
    }

    fn stopped(self, stop: Stop) -> Self {
        let stop = Some(stop);
        Self { stop, ..self }
    }

    fn waits(self, retry_after_ms: u64) -> Self {
        let retry_after_ms = Some(retry_after_ms);
        Self {
            retry_after_ms,
            ..self
        }
    }

    fn status(self, status: u16) -> Self {
        let status = Some(status);
        Self { status, ..self }
    }

    fn most_mib(self, most_mib: u64) -> Self {
        Self { most_mib, ..self }
    }
}

/// The begin of an answer that has said this.
fn begun(voice: Voice, texts: &[&str]) -> Vec<Act> {
    vec![head(voice), Act::Body(voice.pieces(texts))]
}

/// The begin of an answer that has said “Part”, and what follows once it was read.
fn part_then(voice: Voice, then: &[Act]) -> Vec<Act> {
    let mut acts = begun(voice, &["Part"]);
    acts.push(Act::WhenRead);
    acts.extend_from_slice(then);
    acts
}

/// A whole response.
fn responds(status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Vec<Act> {
    let body = body.into();
    let length = ("content-length", body.len().to_string());
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let head = Act::Head(status, headers.chain([length]).collect());
    vec![head, Act::Body(body), Act::EndBody]
}

/// A stream with this body.
fn streams(voice: Voice, body: impl Into<Vec<u8>>) -> Vec<Act> {
    vec![head(voice), Act::Body(body.into()), Act::EndBody]
}
