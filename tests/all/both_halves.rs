//! What one half of a dialect writes, the other reads back: events as a stream and as a whole answer, and requests.
//!
//! In: every fixture, and every recording that `TOKENSCOPE_WIRE` names. What can't come back is listed in a table
//! with its reason; a row that nothing needs any more fails.

mod lost;
mod pairs;
mod requests;

use std::fs;

use lost::{LOST, assert_each_is_needed};
use serde_json::{Value, json};
use tokenscope::{
    body::ResponseHead,
    chat::ToolCall,
    dialect::{
        DIALECTS, Dialect, DialectId, WireFormat,
        serve::{AnswerHead, AnswerWriter, Serve, ServedRequest},
    },
    event::{Answer, Event, FaultClass},
};

use crate::{
    dialects::{answer, decode, fixtures, head, protocols, recordings},
    sse::wire_folder,
};

/// A body that somebody wrote, and what each of its bytes told that told anything.
pub struct Case {
    name: String,
    batches: Vec<Vec<Event>>,
}

impl Case {
    fn of(dialect: &Dialect, name: String, head: &ResponseHead, body: &[u8]) -> Self {
        let mut decoder = (dialect.decoder)(head);
        let mut batches = Vec::new();
        for byte in body.chunks(1) {
            let mut batch = Vec::new();
            decoder.push(byte, &mut batch);
            batches.extend((!batch.is_empty()).then_some(batch));
        }
        let mut batch = Vec::new();
        decoder.end(&mut batch);
        batches.push(batch);
        Self { name, batches }
    }
}

/// The cases of a dialect whose status is 200, and how many of them are fixtures.
fn cases(dialect: &Dialect) -> (Vec<Case>, usize) {
    let mut cases: Vec<Case> = fixtures(dialect)
        .into_iter()
        .filter(|fixture| fixture.head.status == 200)
        .map(|fixture| Case::of(dialect, fixture.name, &fixture.head, &fixture.body))
        .collect();
    let ours = cases.len();
    let wire = wire_folder();
    let protocols = protocols(dialect.id).iter();
    let recorded = protocols.flat_map(|p| wire.iter().flat_map(|w| recordings(w, p)));
    for (path, head) in recorded.filter(|(_, head)| head.status == 200) {
        let body = fs::read(&path).unwrap();
        cases.push(Case::of(dialect, path.display().to_string(), &head, &body));
    }
    (cases, ours)
}

/// The dialects that this build serves.
fn served() -> impl Iterator<Item = (&'static Dialect, &'static Serve)> {
    let all = DIALECTS.iter();
    all.filter_map(|dialect| Some((*dialect, dialect.serve?)))
}

/// What writes an answer.
fn writer(serve: &Serve, carry_signatures: bool) -> Box<dyn AnswerWriter> {
    let mut asked = ServedRequest {
        usage: true,
        ..ServedRequest::default()
    };
    asked.request.model = "asked".into();
    let head = AnswerHead {
        server: "test",
        number: 7,
        comment: "still here",
        carry_signatures,
        ..AnswerHead::default()
    };
    (serve.writer)(&asked, &head)
}

/// Whether a fault is what the decoder made of a stream that breaks off or is none.
fn is_made(event: &Event) -> bool {
    matches!(event, Event::Fault(fault)
        if matches!(fault.class, FaultClass::Interrupted | FaultClass::Protocol))
}

/// The body and trailers that are written of a case, and their head. A stream that ended well has its end mark; one
/// that broke off breaks off again.
fn written(
    mut writer: Box<dyn AnswerWriter>,
    case: &Case,
) -> (ResponseHead, Vec<u8>, Option<http::HeaderMap>) {
    let mut body = Vec::new();
    let (mut done, mut failed) = (false, false);
    for batch in &case.batches {
        let until = batch.iter().position(is_made);
        let batch = &batch[..until.unwrap_or(batch.len())];
        writer.write(batch, &mut body);
        done |= batch.contains(&Event::Done);
        failed |= until.is_some() || batch.iter().any(|event| matches!(event, Event::Fault(_)));
    }
    if !done && !failed {
        writer.write(&[Event::Done], &mut body);
    }
    let head = ResponseHead {
        content_type: Some(writer.content_type().to_owned()),
        ..head(200)
    };
    (head, body, writer.trailers())
}

fn streamed(dialect: &Dialect, serve: &Serve, case: &Case, size: usize) -> Vec<Event> {
    streamed_by(dialect, writer(serve, false), case, size)
}

/// What is read of a case that this writer wrote, in pieces of a size.
fn streamed_by(
    dialect: &Dialect,
    writer: Box<dyn AnswerWriter>,
    case: &Case,
    size: usize,
) -> Vec<Event> {
    let (head, body, trailers) = written(writer, case);
    let mut decoder = (dialect.decoder)(&head);
    let mut events = Vec::new();
    for piece in body.chunks(size) {
        decoder.push(piece, &mut events);
    }
    if let Some(trailers) = trailers {
        decoder.trailers(&trailers, &mut events);
    }
    decoder.end(&mut events);
    events
}

/// The events without what the rows of the table say, but for one row.
fn kept(dialect: &Dialect, events: &[Event], but: Option<usize>) -> Vec<Event> {
    let mut events = events.to_vec();
    for (row, lost) in LOST.iter().enumerate() {
        if Some(row) != but && lost.holds(dialect) {
            (lost.change)(&mut events);
        }
    }
    events
}

#[test]
fn streams_come_back_as_events() {
    let mut needed = vec![false; LOST.len()];
    let mut wrong = Vec::new();
    for (dialect, serve) in served() {
        let (cases, ours) = cases(dialect);
        let mut exact = 0;
        for case in &cases {
            let events: Vec<Event> = case.batches.concat();
            let back = streamed(dialect, serve, case, usize::MAX);
            assert_eq!(
                streamed(dialect, serve, case, 1),
                back,
                "{}, byte by byte",
                case.name
            );
            exact += usize::from(events == back);
            let same = |but| kept(dialect, &events, but) == kept(dialect, &back, but);
            if !same(None) {
                wrong.push(difference(
                    case,
                    &kept(dialect, &events, None),
                    &kept(dialect, &back, None),
                ));
                continue;
            }
            if events != back {
                for row in 0..LOST.len() {
                    needed[row] |= LOST[row].holds(dialect) && !same(Some(row));
                }
            }
        }
        println!(
            "{}: {} streams, {ours} of them our fixtures; {exact} come back event for event",
            dialect.id,
            cases.len()
        );
    }
    let n = wrong.len();
    wrong.truncate(30);
    assert!(wrong.is_empty(), "{}\n{n} wrong", wrong.join("\n"));
    assert_each_is_needed(LOST, needed);
}

/// What of an answer comes back of a whole one: what came meanwhile is no part of it.
fn whole(dialect: &Dialect, events: &[Event]) -> Answer {
    let mut whole = answer(&kept(dialect, events, None));
    (whole.done, whole.keep_alives) = (false, 0);
    // They are known in time, however late they came.
    let stated = answer(events);
    whole.response_id = stated.response_id.filter(|id| !id.contains("test"));
    whole.model = stated.model.filter(|model| model != "asked");
    whole.tool_calls = stated.tool_calls;
    if ![DialectId::OpenaiChat, DialectId::OpenaiResponses].contains(&dialect.id) {
        // They are an object there.
        for call in &mut whole.tool_calls {
            call.arguments = as_object(&call.arguments).to_string();
        }
    }
    if [DialectId::OpenaiChat, DialectId::Ollama].contains(&dialect.id) {
        // The order of texts and calls: the protocol has a field for each.
        whole.pieces.clear();
    }
    whole
}

#[test]
fn whole_answers_come_back() {
    let mut wrong = Vec::new();
    // gRPC serves streams only.
    for (dialect, serve) in served().filter(|(dialect, _)| matches!(dialect.wire, WireFormat::Json))
    {
        let (cases, _) = cases(dialect);
        let mut count = 0;
        for case in &cases {
            let events: Vec<Event> = case.batches.concat();
            // An error is a refusal, not an answer.
            if events.iter().any(|event| matches!(event, Event::Fault(_))) {
                continue;
            }
            count += 1;
            let body = writer(serve, false).whole(&answer(&events)).to_string();
            let head = ResponseHead {
                content_type: Some("application/json".into()),
                ..head(200)
            };
            let back = decode(dialect, &head, [body.as_bytes()]);
            assert_eq!(decode(dialect, &head, body.as_bytes().chunks(1)), back);
            let (told, back) = (whole(dialect, &events), whole(dialect, &back));
            if told != back {
                wrong.push(apart(
                    &case.name,
                    &format!("{told:?}"),
                    &format!("{back:?}"),
                ));
            }
        }
        println!("{}: {count} whole answers come back", dialect.id);
    }
    let n = wrong.len();
    wrong.truncate(12);
    assert!(wrong.is_empty(), "{}\n{n} wrong", wrong.join("\n"));
}

/// What every protocol has words for.
fn said_everywhere(answer: &Answer) -> (String, String, Vec<(String, Value)>, bool) {
    let calls = answer.tool_calls.iter();
    // gRPC has numbers of 64 bits only.
    let arguments = |call: &ToolCall| in_doubles(as_object(&call.arguments));
    let calls = calls.map(|call| (call.name.clone(), arguments(call)));
    let (text, reasoning) = (answer.text.clone(), answer.reasoning.clone());
    (text, reasoning, calls.collect(), answer.fault.is_some())
}

fn in_doubles(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(in_doubles).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(name, value)| (name, in_doubles(value)))
                    .collect(),
            )
        }
        value => value,
    }
}

/// Whether each call begins with a name, without which no protocol can tell it.
fn names_calls(events: &[Event]) -> bool {
    let mut begun = Vec::new();
    events.iter().all(|event| match event {
        Event::ToolCall(delta) if !begun.contains(&delta.index) => {
            begun.push(delta.index);
            delta.name.is_some()
        }
        _ => true,
    })
}

/// An answer of one protocol, written in another, says the same.
#[test]
fn what_one_protocol_says_another_says_again() {
    let (mut count, mut wrong) = (0, Vec::new());
    for dialect in DIALECTS {
        let (mut cases, _) = cases(dialect);
        for case in &mut cases {
            // What goes back word for word goes back to its own protocol alone.
            let own =
                |event: &Event| matches!(event, Event::Signature { .. } | Event::Opaque { .. });
            for batch in &mut case.batches {
                batch.retain(|event| !own(event));
            }
            let events = case.batches.concat();
            let told = answer(&events);
            // Some have no field for a refusal, and say it as text.
            if told.fault.is_some() || !told.refusal.is_empty() || !names_calls(&events) {
                continue;
            }
            for (other, serve) in served().filter(|(other, _)| other.id != dialect.id) {
                count += 1;
                let back = answer(&streamed(other, serve, case, usize::MAX));
                let (told, back) = (said_everywhere(&told), said_everywhere(&back));
                if told != back {
                    let name = format!("{} by {}", case.name, other.id);
                    wrong.push(apart(&name, &format!("{told:?}"), &format!("{back:?}")));
                }
            }
        }
    }
    println!("{count} answers written in another protocol");
    let n = wrong.len();
    wrong.truncate(20);
    assert!(
        wrong.is_empty(),
        "{}\n{n} of {count} wrong",
        wrong.join("\n")
    );
}

pub fn as_object(arguments: &str) -> Value {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(object)) => object.into(),
        _ if arguments.is_empty() => json!({}),
        _ => json!({ "arguments": arguments }),
    }
}

fn difference(case: &Case, events: &[Event], back: &[Event]) -> String {
    let same = events.iter().zip(back).take_while(|(a, b)| a == b).count();
    let text = |events: &[Event]| format!("{:?}", events.get(same));
    let name = format!("{} at {same} of {}/{}", case.name, events.len(), back.len());
    apart(&name, &text(events), &text(back))
}

/// Two texts around the place where they begin to differ.
pub fn apart(name: &str, one: &str, other: &str) -> String {
    let same = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let around = |text: &str| {
        let from = text.floor_char_boundary(same.saturating_sub(120));
        let to = text.floor_char_boundary(text.len().min(same + 280));
        text.get(from..to).unwrap_or_default().to_owned()
    };
    format!("{name}:\n   {}\n   {}", around(one), around(other))
}
