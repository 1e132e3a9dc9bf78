//! Fixtures and recordings give the same events however they are cut.

use std::fs;

use tokenscope::{
    dialect::{DIALECTS, Dialect, DialectId, WireFormat},
    event::{Answer, FaultClass},
};

use super::{Fixture, answer, decode, fixtures, head, protocols, recordings};
use crate::sse::wire_folder;

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
