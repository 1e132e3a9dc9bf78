//! A gRPC server that says the key back, in every field of its messages, its status, its details and its metadata:
//! it is found nowhere.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use googleapis_tonic_google_cloud_aiplatform_v1::google::rpc::{
    self, BadRequest, DebugInfo, ErrorInfo, Help, LocalizedMessage, RetryInfo,
    bad_request::FieldViolation, help::Link,
};
use prost::Message;
use serde_json::{Value, json};
use tokenscope::{
    body::ResponseHead,
    dialect::DialectId,
    event::Event,
    history::{ExportFormat, History, RunQuery},
    mask::Mask,
    price::PriceTable,
};
use tonic::{
    Code, Status,
    metadata::{MetadataMap, MetadataValue},
};

use crate::{
    canary::{assert_no_canary, assert_no_canary_in},
    canary_echo::{assert_no_capture_has, covered, key, mask_of},
    dialects::{answer, fixtures, head},
    grpc_messages::response,
    grpc_server::{Script, plain},
    home::Home,
};

/// A field of a message on the wire: its key, and its value with the length where it has one.
enum Field<'a> {
    Plain(&'a [u8]),
    Long(&'a [u8], &'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The fields of a message; `None` where these bytes are none.
fn fields(message: &[u8]) -> Option<Vec<Field<'_>>> {
    let (mut rest, mut fields) = (message, Vec::new());
    while !rest.is_empty() {
        let begin = rest;
        let tag = varint(&mut rest)?;
        let key = &begin[..begin.len() - rest.len()];
        match (tag >> 3, tag & 7) {
            (0, _) => return None,
            (_, 0) => drop(varint(&mut rest)?),
            (_, 1) => rest = rest.get(8..)?,
            (_, 5) => rest = rest.get(4..)?,
            (_, 2) => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                fields.push(Field::Long(key, rest.get(..length)?));
                rest = &rest[length..];
                continue;
            }
            _ => return None,
        }
        fields.push(Field::Plain(&begin[..begin.len() - rest.len()]));
    }
    Some(fields)
}

fn encoded(fields: &[Field<'_>], changed: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        match field {
            Field::Plain(raw) => bytes.extend(*raw),
            Field::Long(key, own) => {
                let value = if at == changed { value } else { own };
                bytes.extend(*key);
                prost::encode_length_delimiter(value.len(), &mut bytes).unwrap();
                bytes.extend(value);
            }
        }
    }
    bytes
}

/// The message once for each text, name and message in it, with the key in that place.
fn echoes(message: &[u8], key: &str) -> Vec<Vec<u8>> {
    let Some(fields) = fields(message) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let Field::Long(_, value) = *field else {
            continue;
        };
        let among = [value, b" ".as_slice(), key.as_bytes(), b" ", value].concat();
        let values = [key.as_bytes().to_vec(), among].into_iter();
        let values = values.chain(echoes(value, key));
        all.extend(values.map(|value| encoded(&fields, at, &value)));
    }
    all
}

/// The messages of a body, each with its length in front.
fn frames(body: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut frames) = (body, Vec::new());
    while let [_, a, b, c, d, ..] = rest {
        let end = 5 + u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        frames.push(&rest[5..end]);
        rest = &rest[end..];
    }
    frames
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat()
}

fn decoded(
    mask: &Mask,
    head: &ResponseHead,
    body: &[u8],
    trailers: &http::HeaderMap,
) -> Vec<Event> {
    let dialect = DialectId::VertexGrpc.dialect();
    covered(dialect, mask, head, (body, Some(trailers)))
}

fn assert_not_in(events: &[Event], key: &str, place: &str) {
    assert_no_canary_in(&serde_json::to_vec(events).unwrap(), key, place);
    assert_no_canary_in(&serde_json::to_vec(&answer(events)).unwrap(), key, place);
}

#[test]
fn no_field_of_a_message_shows_a_key_that_is_said_back() {
    let key = key();
    let mask = mask_of(&key);
    let head = ResponseHead {
        content_type: Some("application/grpc".to_owned()),
        ..head(200)
    };
    let ended: http::HeaderMap = [("grpc-status", "0")]
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .into_iter()
        .collect();
    let mut tried = 0;
    for fixture in fixtures(DialectId::VertexGrpc.dialect()) {
        let frames = frames(&fixture.body);
        for at in 0..frames.len() {
            for echo in echoes(frames[at], &key) {
                let bodies = frames.iter().enumerate();
                let bodies = bodies.map(|(i, own)| framed(if i == at { &echo } else { own }));
                let body: Vec<u8> = bodies.flatten().collect();
                tried += 1;
                assert_not_in(&decoded(&mask, &head, &body, &ended), &key, &fixture.name);
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

/// A status with the key in each of the details that Google's servers send.
fn detailed(code: Code, key: &str) -> Status {
    let text = || key.to_owned();
    let info = ErrorInfo {
        reason: text(),
        domain: text(),
        metadata: [(text(), text())].into_iter().collect(),
    };
    let debug = DebugInfo {
        stack_entries: vec![text()],
        detail: text(),
    };
    let help = Help {
        links: vec![Link {
            description: text(),
            url: format!("https://h.example/?key={key}"),
        }],
    };
    let local = LocalizedMessage {
        locale: text(),
        message: text(),
    };
    let bad = BadRequest {
        field_violations: vec![FieldViolation {
            field: text(),
            description: text(),
            ..FieldViolation::default()
        }],
    };
    let details = rpc::Status {
        code: code as i32,
        message: text(),
        details: vec![
            any("ErrorInfo", &info),
            any("DebugInfo", &debug),
            any("Help", &help),
            any("LocalizedMessage", &local),
            any("BadRequest", &bad),
            any("RetryInfo", &RetryInfo::default()),
            prost_types::Any {
                type_url: text(),
                value: key.as_bytes().to_vec(),
            },
        ],
    };
    let details = Bytes::from(details.encode_to_vec());
    Status::with_details_and_metadata(code, format!("no: {key}"), details, metadata(key))
}

fn any(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value: message.encode_to_vec(),
    }
}

fn metadata(key: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-said", key.parse().unwrap());
    metadata.insert_bin("x-said-bin", MetadataValue::from_bytes(key.as_bytes()));
    metadata
}

const CASES: &[&str] = &[
    "status",
    "status-long",
    "status-not-a-message",
    "status-behind-words",
    "ok-with-metadata",
    "words",
    "call",
    "spelled",
    "cut",
    "blocked",
];

/// What the server answers, by the word for it that stands in the model's name.
fn script(key: &str) -> Script {
    let key = key.to_owned();
    let part = |part: Value| json!({"candidates": [{"content": {"parts": [part]}}]});
    Arc::new(move |request| {
        let case = CASES
            .iter()
            .find(|case| request.model.contains(&format!("case-{case}.")));
        let long = "x".repeat(3_990);
        let (messages, end) = match *case.unwrap() {
            "status" => return Err(detailed(Code::PermissionDenied, &key)),
            "status-long" => return Err(Status::new(Code::Internal, format!("{long}{key}{long}"))),
            "status-not-a-message" => {
                let details = Bytes::from(key.clone().into_bytes());
                return Err(Status::with_details(
                    Code::Unavailable,
                    key.clone(),
                    details,
                ));
            }
            "status-behind-words" => (
                vec![part(json!({"text": "Hi"}))],
                Some(detailed(Code::ResourceExhausted, &key)),
            ),
            "ok-with-metadata" => {
                let ok = Status::with_metadata(Code::Ok, key.clone(), metadata(&key));
                (vec![part(json!({"text": key}))], Some(ok))
            }
            "words" => (
                vec![
                    part(json!({"text": format!("It is {key}, yes."), "thought": true})),
                    json!({"responseId": key, "modelVersion": key, "candidates": [{
                        "content": {"parts": [{"text": key}]}, "finishReason": "STOP", "finishMessage": key,
                        "citationMetadata": {"citations": [{"uri": key, "title": key}]},
                        "groundingMetadata": {"webSearchQueries": [key], "groundingChunks": [{"web": {"uri": key, "title": key}}]},
                    }]}),
                ],
                None,
            ),
            "call" => (
                vec![
                    part(
                        json!({"functionCall": {"name": key, "args": {key.clone(): {"a": [key]}}}}),
                    ),
                    part(json!({"executableCode": {"language": "PYTHON", "code": key}})),
                ],
                None,
            ),
            "spelled" => {
                let letters = key.split_inclusive(|_| true);
                (
                    letters
                        .map(|letter| part(json!({"text": letter})))
                        .collect(),
                    None,
                )
            }
            "cut" => (vec![part(json!({"text": key[..22]}))], None),
            "blocked" => (
                vec![
                    json!({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": key}}),
                ],
                None,
            ),
            other => unreachable!("{other}"),
        };
        let messages: Vec<_> = messages.iter().map(|json| Ok(response(json))).collect();
        Ok(stream::iter(messages.into_iter().chain(end.map(Err))).boxed())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_to_end_a_call_shows_a_key_that_is_said_back() {
    let key = key();
    let (server, _came) = plain(script(&key)).await;
    let home = Home::new()
        .with("LLM_API_KEY", &key)
        .with("TOKENSCOPE_LOG", "trace")
        .with("RUST_LOG", "trace");
    let base = format!("{}v1/projects/p/locations/l", server.url());
    let models: Vec<String> = CASES.iter().map(|case| format!("case-{case}.")).collect();
    for json in [true, false] {
        let mut arguments = vec![
            "chat",
            "--base-url",
            &base,
            "--dialect",
            "vertex-grpc",
            "Hello",
        ];
        arguments.extend(json.then_some("--json"));
        arguments.extend(models.iter().flat_map(|model| ["-m", model]));
        let ran = home.run(&arguments, "");
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert_no_canary_in(ran.out.as_bytes(), &key, "the output");
        assert_no_canary_in(ran.err.as_bytes(), &key, "the errors");
        if json {
            let covered = ran.out.matches("•••").count();
            assert!(covered > CASES.len(), "it was said back: {}", ran.out);
        }
    }
    let history = History::open(&home.paths().data);
    for (format, name) in [
        (ExportFormat::Json, "runs.json"),
        (ExportFormat::Csv, "runs.csv"),
    ] {
        let file = home.path().join(name);
        let export = history.export(
            RunQuery::default(),
            format,
            PriceTable::default(),
            file,
            |_, _| {},
        );
        assert!(export.await.unwrap() >= CASES.len());
    }
    assert_no_capture_has(&home, &history, &key).await;
    history.flush().await;
    assert_no_canary(&[home.path()], &key);
}
