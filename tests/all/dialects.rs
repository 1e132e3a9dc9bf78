//! What holds for every dialect: its fixtures give their events however they are cut.
//!
//! A dialect's own file adds its recordings, its cuts and its requests.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use tokenscope::{
    body::ResponseHead,
    chat::{CacheLife, ChatRequest},
    dialect::{
        DIALECTS, Dialect, DialectId, WireFormat,
        serve::{ServedRoute, route},
    },
    endpoint::Endpoint,
    event::{Answer, Event, FaultClass},
    hints::fit,
    snippet::{Language, snippet},
};

use crate::{
    floors::{code, rust_files},
    sse::wire_folder,
};

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

#[test]
fn every_dialect_file_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialect");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .map(|path| {
            path.file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .replace('_', "-")
        })
        .collect();
    // What a dialect is made of.
    files.retain(|file| !["protocol", "serve"].contains(&file.as_str()));
    let mut rows: Vec<String> = DIALECTS.iter().map(|d| d.id.to_string()).collect();
    files.sort();
    rows.sort();
    assert_eq!(files, rows);
    assert_eq!(DIALECTS.len(), DialectId::ALL.len());
    for id in DialectId::ALL {
        assert_eq!(id.dialect().id, *id);
    }
}

/// With `TOKENSCOPE_BLESS` set, the expectations are written anew, to be read before they are kept.
#[test]
fn every_fixture_gives_its_events_however_it_is_cut() {
    for (dialect, fixture) in DIALECTS
        .iter()
        .flat_map(|d| fixtures(d).into_iter().map(move |f| (d, f)))
    {
        let decode_all =
            |pieces: &mut dyn Iterator<Item = &[u8]>| decode(dialect, &fixture.head, pieces);
        let (name, body) = (&fixture.name, fixture.body.as_slice());
        let events = decode_all(&mut [body].into_iter());
        let lines: String = (events.iter())
            .map(|event| serde_json::to_string(event).unwrap() + "\n")
            .collect();
        if std::env::var_os("TOKENSCOPE_BLESS").is_some() {
            fs::write(&fixture.expected, &lines).unwrap();
        }
        assert_eq!(
            lines,
            fs::read_to_string(&fixture.expected).unwrap(),
            "{name}"
        );
        for size in 1..body.len().min(64) {
            assert_eq!(
                decode_all(&mut body.chunks(size)),
                events,
                "{name} in pieces of {size}"
            );
        }
        for at in 0..=body.len() {
            let (a, b) = body.split_at(at);
            assert_eq!(
                decode_all(&mut [a, b].into_iter()),
                events,
                "{name} split at {at}"
            );
        }
    }
}

/// What a proxy adds behind the answer's own end is noted, and takes nothing from a whole answer.
#[test]
fn nothing_behind_its_end_spoils_a_whole_answer() {
    const BEHIND: [&str; 4] = [
        r#"{"error": {"message": "the upstream closed", "code": 502}}"#,
        "event: error\ndata: {\"error\": {\"message\": \"the upstream closed\"}}",
        r#"data: {"error": {"message": "the upstream closed"}}"#,
        "data: no JSON at all",
    ];
    let mut kept = 0;
    for dialect in DIALECTS
        .iter()
        .filter(|d| matches!(d.wire, WireFormat::Json))
    {
        // The protocol has no end mark of its own: an error is always one.
        if dialect.id == DialectId::Gemini {
            continue;
        }
        for Fixture {
            name, head, body, ..
        } in fixtures(dialect)
        {
            let whole = answer(&decode(dialect, &head, [body.as_slice()]));
            let as_events = body.starts_with(b"data:") || body.starts_with(b"event:");
            let in_lines = dialect.id == DialectId::Ollama && body.starts_with(b"{");
            if !whole.done || whole.fault.is_some() || !(as_events || in_lines) {
                continue;
            }
            let behind = if as_events { &BEHIND[..] } else { &BEHIND[..1] };
            for behind in behind {
                for end in ["", "\n", "\n\n"] {
                    let more = format!("\n\n{behind}{end}");
                    let longer = [body.as_slice(), more.as_bytes()];
                    let answer = answer(&decode(dialect, &head, longer));
                    let case = format!("{name}, then {behind:?}: {answer:?}");
                    let said = |a: &Answer| (a.text.clone(), a.finish.clone(), a.usage, a.done);
                    assert_eq!(
                        (&answer.fault, said(&answer)),
                        (&None, said(&whole)),
                        "{case}"
                    );
                    kept += 1;
                }
            }
        }
    }
    assert!(kept > 100, "{kept}");
}

/// JSON that broke off anywhere is told from what never was JSON.
#[test]
fn a_cut_json_body_is_interrupted_and_another_is_no_json() {
    let faults = |dialect: &Dialect, body: &[u8]| {
        answer(&decode(dialect, &head(200), [body]))
            .fault
            .map(|fault| fault.class)
    };
    let mut cuts = 0;
    for dialect in DIALECTS
        .iter()
        .filter(|d| matches!(d.wire, WireFormat::Json))
    {
        for Fixture {
            name, body, head, ..
        } in fixtures(dialect)
        {
            let is_json = head.status == 200 && body.starts_with(b"{");
            if !is_json || faults(dialect, &body) == Some(FaultClass::Protocol) {
                continue;
            }
            for at in 1..body.len() {
                cuts += 1;
                let class = faults(dialect, &body[..at]);
                assert_ne!(class, Some(FaultClass::Protocol), "{name} cut at {at}");
            }
        }
        for body in ["{malformed json: <<<", "{\"a\":1,,", "{\"message\":{'"] {
            let class = faults(dialect, body.as_bytes());
            assert_eq!(class, Some(FaultClass::Protocol), "{}: {body}", dialect.id);
        }
    }
    assert!(cuts > 1_000, "{cuts}");
}

/// Every recording gives the same events byte by byte, and never panics, cut anywhere.
#[test]
fn recordings_are_split_as_fixtures_are() {
    let Some(wire) = wire_folder() else { return };
    for dialect in DIALECTS {
        let protocols = protocols(dialect.id).iter();
        for (path, head) in protocols.flat_map(|p| recordings(&wire, p)) {
            let body = fs::read(&path).unwrap();
            let whole = decode(dialect, &head, [body.as_slice()]);
            assert_eq!(
                decode(dialect, &head, body.chunks(1)),
                whole,
                "{}",
                path.display()
            );
        }
    }
}

/// What is known of a dialect outside its row: where, and why there.
const TOLD_APART: &[(&str, &str)] = &[
    (
        "cli/models.rs",
        "the line of the simulator's first endpoint",
    ),
    ("cli/chat/report.rs", "a run that was not accepted has none"),
    (
        "gateway/client_setup.rs",
        "which base URL each program is given",
    ),
    ("gateway/setup.rs", "what answers a first try"),
    (
        "cli/probe/otlp.rs",
        "the conventions' word for each: the compiler asks for a new one's",
    ),
    (
        "desktop/inspector/save.rs",
        "how a file with a body is named: the compiler asks for a new one's",
    ),
    (
        "snippet/python.rs",
        "a program for each: the compiler asks for a new one's",
    ),
    (
        "snippet/javascript.rs",
        "how a program reads each: the compiler asks for a new one's",
    ),
    (
        "endpoint/simulated.rs",
        "the id of the simulator's first endpoint",
    ),
    ("simulator.rs", "the name of the simulator's first endpoint"),
    (
        "server/reply.rs",
        "who asks for nothing known is answered as most clients are",
    ),
    (
        "settings/section.rs",
        "what an endpoint speaks that does not say",
    ),
    (
        "settings/environment.rs",
        "what the variables of OpenAI's clients mean",
    ),
    (
        "endpoint/preset.rs",
        "what a preset speaks that does not say",
    ),
];

/// A dialect that nobody thought of is not taken for another one.
#[test]
fn a_dialect_is_told_apart_by_its_row() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut found = Vec::new();
    for file in files {
        let place = file
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        let in_tests = place.ends_with("/tests.rs");
        if place.starts_with("dialect") || in_tests {
            continue;
        }
        let code = code(
            text.split("#[cfg(test)]")
                .next()
                .unwrap()
                .split("#[cfg(all(test")
                .next()
                .unwrap(),
        );
        let names = code.match_indices("DialectId::");
        let names = names.map(|(at, word)| &code[at + word.len()..]);
        let variant = |rest: &str| {
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            word.chars().any(char::is_lowercase) && rest.starts_with(char::is_uppercase)
        };
        if names.into_iter().any(variant) {
            found.push(place);
        }
    }
    found.sort();
    let mut known: Vec<&str> = TOLD_APART.iter().map(|(place, _)| *place).collect();
    known.sort_unstable();
    assert_eq!(found, known, "move what is known into the row");
}

/// Every part of the program that has something for each dialect has it for each.
#[test]
fn every_dialect_is_known_everywhere() {
    let simulated = tokenscope::simulator::endpoints(&"http://127.0.0.1:1/v1".parse().unwrap());
    let mut programs = HashSet::new();
    for dialect in DIALECTS {
        let id = dialect.id;
        assert!(!dialect.efforts.is_empty(), "{id}: its words for an effort");
        let asked = |effort: &str| {
            let mut request = ChatRequest::of_text("gemini-2.5-flash", "Hi");
            request.params.reasoning_effort = Some(effort.to_owned());
            (dialect.encode)(&request)
        };
        let none = (dialect.encode)(&ChatRequest::of_text("gemini-2.5-flash", "Hi"));
        for effort in dialect.efforts {
            assert_ne!(asked(effort), none, "{id}: what it makes of “{effort}”");
        }
        let mut keeps = ChatRequest::of_text("m", "Hi");
        keeps.params.cache_prompt = Some(CacheLife::Hour);
        let hints = fit(id, &keeps).1;
        let is_told = hints.iter().any(|hint| hint.setting == "cache_prompt");
        assert_ne!(
            dialect.asks_to_cache, is_told,
            "{id}: a rule of assets/models.toml"
        );
        // A build without gRPC serves none.
        assert_eq!(
            simulated.iter().any(|endpoint| endpoint.dialect == id),
            dialect.serve.is_some(),
            "{id}"
        );
        let base = format!(
            "http://127.0.0.1:1{}/projects/p/locations/l",
            dialect.base_path
        );
        let endpoint = Endpoint::custom("e", base.parse().unwrap(), id);
        for language in Language::ALL {
            let program = snippet(*language, &endpoint, &ChatRequest::of_text("model-x", "Hi"));
            assert!(program.contains("model-x"), "{id} {language}: {program}");
            programs.insert(program);
        }
        if let Some(serve) = dialect.serve {
            let path = serve.base_path.replace("{name}", "x");
            let base = format!("http://h{path}").parse().unwrap();
            let url = (dialect.chat_url)(&base, "m");
            let path = &url.as_str()["http://h".len()..];
            let (found, asked) = route(path, &http::HeaderMap::new()).expect("served");
            assert!(std::ptr::eq(found, serve), "{id}: {path} is another's");
            assert!(matches!(asked, ServedRoute::Chat(_)), "{id}");
        }
    }
    // gRPC has no programs of its own: they ask by REST.
    let own = DIALECTS
        .iter()
        .filter(|d| matches!(d.wire, WireFormat::Json))
        .count();
    assert!(
        programs.len() >= own * Language::ALL.len(),
        "{}",
        programs.len()
    );
}
