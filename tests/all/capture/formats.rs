//! `.tscap` and HAR: what is written is read back, whatever came over the wire.

use serde_json::Value;
use tokenscope::{
    capture::{Capture, CaptureDecoder, WireFrames, har, tscap},
    dialect::{DIALECTS, WireFormat},
    event::Event,
};

use super::of_body;
use crate::dialects::{decode, fixtures};

/// HAR 1.2 as a JSON schema, written from its specification.
const HAR_SCHEMA: &str = include_str!("../../fixtures/har/har-1.2.schema.json");

fn decoded(capture: &Capture) -> Vec<Event> {
    let mut decoder = CaptureDecoder::new(capture);
    let mut events = Vec::new();
    for (_, bytes) in capture.response.as_ref().unwrap().pieces() {
        events.extend(decoder.push(bytes));
    }
    events.extend(decoder.end());
    events
}

#[test]
fn every_fixture_comes_back_from_both_formats() {
    let schema: Value = serde_json::from_str(HAR_SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut tried = 0;
    for dialect in DIALECTS {
        for fixture in fixtures(dialect) {
            for size in [1, 7, 100_000] {
                let capture = of_body(dialect.id, fixture.head.status, &fixture.body, size);
                let name = format!("{} by {size}", fixture.name);
                let lines = tscap::write(&capture);
                assert_eq!(tscap::read(&lines).as_ref(), Ok(&capture), "{name}");
                let har = har::write(&capture);
                assert_eq!(har::read(&har).as_ref(), Ok(&capture), "{name}");
                let har: Value = serde_json::from_str(&har).unwrap();
                let wrong: Vec<String> = schema.iter_errors(&har).map(|e| e.to_string()).collect();
                assert!(wrong.is_empty(), "{name}: {wrong:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn the_schema_refuses_what_is_no_har() {
    let schema: Value = serde_json::from_str(HAR_SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let har = har::write(&of_body(DIALECTS[0].id, 200, b"data: x\n\n", 4));
    let whole: Value = serde_json::from_str(&har).unwrap();
    assert!(schema.is_valid(&whole));
    let entry = "/log/entries/0";
    for (path, value) in [
        (format!("{entry}/timings/wait"), Value::Null),
        (format!("{entry}/time"), Value::from(-1)),
        (format!("{entry}/startedDateTime"), Value::from("today")),
        (format!("{entry}/request/headers/0"), Value::from("x")),
        (format!("{entry}/response/content/mimeType"), Value::Null),
        ("/log/version".to_owned(), Value::from(1.2)),
    ] {
        let mut broken = whole.clone();
        match broken.pointer_mut(&path) {
            Some(place) => *place = value,
            None => broken["log"]["entries"][0]["request"]["headers"] = Value::Array(vec![value]),
        }
        assert!(!schema.is_valid(&broken), "{path}");
    }
}

#[test]
fn the_events_of_a_capture_are_those_of_its_decoder() {
    for dialect in DIALECTS {
        for fixture in fixtures(dialect) {
            let capture = of_body(dialect.id, fixture.head.status, &fixture.body, 11);
            let head = tokenscope::body::ResponseHead {
                content_type: Some(String::new()),
                choices: Some(1),
                ..fixture.head.clone()
            };
            let name = &fixture.name;
            let plain = decode(dialect, &head, [fixture.body.as_slice()]);
            // Without trailers, a message of gRPC is cut; that is said in both.
            let told = |events: &[Event]| -> Vec<Value> {
                let events = events.iter().filter(|event| is_told(event));
                events
                    .map(|event| serde_json::to_value(event).unwrap())
                    .collect()
            };
            let by_reads = decoded(&capture);
            if matches!(dialect.wire, WireFormat::Json) {
                assert_eq!(told(&by_reads), told(&plain), "{name}");
            }
            let frames = WireFrames::of(&capture);
            let by_frames = frames.all().iter().flat_map(|frame| frames.events(frame));
            let by_frames: Vec<Event> = by_frames.chain(frames.end_events()).cloned().collect();
            assert_eq!(told(&by_frames), told(&by_reads), "{name}");
        }
    }
}

/// Keep-alives, and what is left out, are added up by read.
fn is_told(event: &Event) -> bool {
    let is_empty =
        matches!(event, Event::Text { text } | Event::Reasoning { text } if text.is_empty());
    !is_empty && !matches!(event, Event::KeepAlive { .. } | Event::LeftOut { .. })
}
