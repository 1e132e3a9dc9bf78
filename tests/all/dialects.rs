//! What holds for every dialect: its fixtures give their events however they are cut.
//!
//! A dialect's own file adds its recordings, its cuts and its requests.

mod cuts;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokenscope::{
    body::ResponseHead,
    dialect::{DIALECTS, Dialect, DialectId},
    event::{Answer, Event},
};

use crate::sse::wire_folder;

/// The head of a response with this status and nothing else known.
pub fn head(status: u16) -> ResponseHead {
    ResponseHead {
        status,
        ..ResponseHead::default()
    }
}

/// What a dialect makes of a body that comes in these pieces.
pub fn decode<'a>(
    dialect: &Dialect,
    head: &ResponseHead,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Event> {
    let mut decoder = (dialect.decoder)(head);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut events);
    }
    decoder.end(&mut events);
    events
}

/// What the events come to.
pub fn answer(events: &[Event]) -> Answer {
    let mut answer = Answer::default();
    for event in events {
        answer.apply(event);
    }
    answer
}

/// A body that we wrote, and where its events stand.
pub struct Fixture {
    pub name: String,
    pub head: ResponseHead,
    pub body: Vec<u8>,
    expected: PathBuf,
}

/// `tests/fixtures/<dialect>/<case>[.<status>].<sse|json|ndjson|html>`, each with its events in
/// `<case>.events.jsonl`.
pub fn fixtures(dialect: &Dialect) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(dialect.id.as_str());
    let mut fixtures = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let parts: Vec<&str> = file.split('.').collect();
        let status = match parts.as_slice() {
            // What a body holds, for people: a dialect's own file makes the one of the other.
            [_, "events", "jsonl"] | [_, "messages", "json"] => continue,
            [_, status, _] => status.parse().unwrap(),
            _ => 200,
        };
        fixtures.push(Fixture {
            name: format!("{} {}", dialect.id, parts[0]),
            head: head(status),
            body: fs::read(&path).unwrap(),
            expected: folder.join(format!("{}.events.jsonl", parts[0])),
        });
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(fixtures.len() >= 10, "{} has too few fixtures", dialect.id);
    fixtures
}

/// What the fixture of this name comes to.
pub fn fixture(dialect: &Dialect, case: &str) -> Answer {
    let name = format!("{} {case}", dialect.id);
    let mut named = fixtures(dialect).into_iter().filter(|f| f.name == name);
    let fixture = named.next().unwrap_or_else(|| panic!("no fixture {name}"));
    answer(&decode(dialect, &fixture.head, [fixture.body.as_slice()]))
}

/// A fixture that was cut, and nevertheless gave no fault, though more than blanks is missing.
pub struct CleanCut<'a> {
    /// The fixture's name.
    pub name: &'a str,
    /// What of the body was there.
    pub kept: &'a [u8],
    /// What this comes to.
    pub cut: Answer,
    /// What the uncut body comes to.
    pub whole: &'a Answer,
}

impl CleanCut<'_> {
    /// Asserts that the answer is as long as the uncut one, and ends for the same reason.
    pub fn says_the_same(&self) {
        let (cut, whole) = (&self.cut, self.whole);
        let case = self.case();
        assert_eq!(
            (&cut.text, &cut.finish),
            (&whole.text, &whole.finish),
            "{case}"
        );
    }

    /// The cut in words, for an assertion.
    pub fn case(&self) -> String {
        format!("{} cut at {}: {:?}", self.name, self.kept.len(), self.cut)
    }
}

/// The judge of a protocol with an end mark: only what comes behind it may be lost unseen.
pub fn ends_by_its_mark(clean: &CleanCut<'_>) {
    assert!(clean.cut.done, "{}", clean.case());
    clean.says_the_same();
}

/// Cuts every fixture of a dialect at every byte, and has those cuts judged that are no fault.
pub fn every_cut(dialect: &Dialect, judge: impl Fn(&CleanCut<'_>)) {
    let (mut cuts, mut faults) = (0, 0);
    for Fixture {
        name, head, body, ..
    } in fixtures(dialect)
    {
        let come_to = |body: &[u8]| answer(&decode(dialect, &head, [body]));
        let whole = come_to(&body);
        for at in 0..body.len() {
            let (kept, lost) = body.split_at(at);
            let cut = come_to(kept);
            cuts += 1;
            faults += usize::from(cut.fault.is_some());
            if cut.fault.is_some() {
                continue;
            }
            let clean = CleanCut {
                name: &name,
                kept,
                cut,
                whole: &whole,
            };
            if lost.trim_ascii().is_empty() {
                clean.says_the_same();
            } else {
                judge(&clean);
            }
        }
    }
    println!("{cuts} cuts, {faults} of them faults");
    assert!(faults > cuts / 2, "{faults} faults in {cuts} cuts");
}

/// Whether an answer has a note in these words.
pub fn has_note(answer: &Answer, text: &str) -> bool {
    answer.notes.iter().any(|(note, _)| note.text == text)
}

/// Recorded bodies of a protocol, as the manifest in `TOKENSCOPE_WIRE` names it.
pub fn recordings(wire: &Path, protocol: &str) -> Vec<(PathBuf, ResponseHead)> {
    let folder = wire.join("open");
    let manifest = fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    // File, provider, protocol, …, status, content type.
    let rows = manifest
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[2] == protocol)
        .map(|row| {
            let content_type = Some(row[10].to_owned()).filter(|t| !t.is_empty());
            let head = ResponseHead {
                status: row[9].parse().unwrap(),
                content_type,
                ..ResponseHead::default()
            };
            (folder.join(row[0]), head)
        })
        .collect()
}

/// The protocols of the manifest that a dialect speaks.
pub fn protocols(id: DialectId) -> &'static [&'static str] {
    match id {
        DialectId::OpenaiChat => &["openai-chat"],
        DialectId::OpenaiResponses => &["openai-responses"],
        DialectId::Ollama => &["ollama-ndjson"],
        DialectId::Anthropic => &["anthropic-messages"],
        DialectId::VertexGrpc => &[],
        DialectId::Gemini => &["gemini-sse", "gemini-json-array", "gemini-unary"],
    }
}

/// Of so many recordings one is shown in a window: every one is decoded elsewhere.
#[cfg(feature = "gui")]
const SAMPLED: usize = 5;

/// What all our fixtures say, and some of the recordings where they are, by name.
#[cfg(feature = "gui")]
pub fn told_streams() -> Vec<(String, Vec<Event>)> {
    let mut streams = Vec::new();
    let wire = wire_folder();
    for dialect in DIALECTS {
        for fixture in fixtures(dialect) {
            let events = decode(dialect, &fixture.head, [fixture.body.as_slice()]);
            streams.push((fixture.name, events));
        }
        let protocols = protocols(dialect.id).iter();
        let recorded = protocols.flat_map(|p| wire.iter().flat_map(|w| recordings(w, p)));
        for (path, head) in recorded.step_by(SAMPLED) {
            let body = fs::read(&path).unwrap();
            let events = decode(dialect, &head, [body.as_slice()]);
            streams.push((path.display().to_string(), events));
        }
    }
    streams
}
