//! A server that says the key back, in every field of every dialect and in each way to fail: it is found nowhere.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    io::Write as _,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value};
use tokenscope::{
    body::ResponseHead,
    capture::{har, tscap},
    dialect::{DIALECTS, Dialect, WireFormat},
    event::Event,
    history::{ExportFormat, History, KeptCapture, RunQuery},
    mask::{Mask, Secrets},
    price::PriceTable,
};

use crate::{
    canary::{assert_no_canary, assert_no_canary_in},
    dialects::{answer, fixtures},
    fault_server::{Server, chunk, gone, read_request, serve, whole},
    home::Home,
};

/// A key that no other text holds, and that a header can carry.
pub fn key() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("sk-canary-{random:016x}/+?&=\\end")
}

/// What covers this key.
pub fn mask_of(key: &str) -> Mask {
    let mut value: http::HeaderValue = format!("Bearer {key}").parse().unwrap();
    value.set_sensitive(true);
    let mut secrets = Secrets::default();
    secrets.of_headers(&[(http::header::AUTHORIZATION, value)].into_iter().collect());
    secrets.mask()
}

/// The value once for each text and each name in it, with the key in that place.
fn echoes(value: &Value, key: &str) -> Vec<Value> {
    match value {
        Value::String(text) => vec![key.into(), format!("{text} {key} {text}").into()],
        Value::Array(items) => within(
            items.len(),
            |at| echoes(&items[at], key),
            |at, echo| {
                let mut items = items.clone();
                items[at] = echo;
                items.into()
            },
        ),
        Value::Object(fields) => {
            let names: Vec<&String> = fields.keys().collect();
            let replaced = |at: usize, name: &str, value: &Value| -> Map<String, Value> {
                let kept = fields.iter().enumerate();
                let with = |(i, (n, v)): (usize, (&String, &Value))| {
                    if i == at {
                        (name.to_owned(), value.clone())
                    } else {
                        (n.clone(), v.clone())
                    }
                };
                kept.map(with).collect()
            };
            let values = within(
                names.len(),
                |at| echoes(&fields[names[at]], key),
                |at, echo| replaced(at, names[at], &echo).into(),
            );
            let renamed = (0..names.len()).map(|at| replaced(at, key, &fields[names[at]]).into());
            let mut added = fields.clone();
            added.insert(key.to_owned(), key.into());
            values
                .into_iter()
                .chain(renamed)
                .chain([added.into()])
                .collect()
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => vec![key.into()],
    }
}

fn within(
    count: usize,
    of: impl Fn(usize) -> Vec<Value>,
    put: impl Fn(usize, Value) -> Value,
) -> Vec<Value> {
    (0..count)
        .flat_map(|at| {
            of(at)
                .into_iter()
                .map(|echo| put(at, echo))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The bodies that a fixture becomes with the key in each field of each of its lines.
fn mutated(body: &[u8], key: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        return echoes(&value, key).iter().map(Value::to_string).collect();
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut bodies = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let (before, json) = line.split_at(line.find('{').unwrap_or(line.len()));
        let changed: Vec<String> = match serde_json::from_str::<Value>(json) {
            Ok(value) => echoes(&value, key)
                .iter()
                .map(|echo| format!("{before}{echo}"))
                .collect(),
            Err(_) => vec![format!("{line}{key}"), key.to_owned()],
        };
        for line in changed {
            let mut lines: Vec<&str> = lines.clone();
            lines[at] = &line;
            bodies.push(lines.join("\n") + "\n\n");
        }
    }
    bodies
}

fn decoded(dialect: &Dialect, mask: &Mask, head: &ResponseHead, body: &str) -> Vec<Event> {
    covered(dialect, mask, head, (body.as_bytes(), None))
}

/// The events of a body, and of the trailers behind it, with their secrets covered.
pub fn covered(
    dialect: &Dialect,
    mask: &Mask,
    head: &ResponseHead,
    (body, trailers): (&[u8], Option<&http::HeaderMap>),
) -> Vec<Event> {
    let (mut decoder, mut masked) = ((dialect.decoder)(head), mask.stream());
    let (mut said, mut events) = (Vec::new(), Vec::new());
    for piece in body.chunks(1 << 14) {
        decoder.push(piece, &mut said);
    }
    if let Some(trailers) = trailers {
        decoder.trailers(trailers, &mut said);
    }
    decoder.end(&mut said);
    for event in said {
        masked.take(event, &mut events);
    }
    masked.end(&mut events);
    events
}

#[test]
fn no_field_of_any_dialect_shows_a_key_that_is_said_back() {
    let key = key();
    let mask = mask_of(&key);
    let mut tried = 0;
    for dialect in DIALECTS
        .iter()
        .filter(|d| matches!(d.wire, WireFormat::Json))
    {
        // One of each shape is enough: the longest bodies repeat their lines.
        for fixture in fixtures(dialect)
            .into_iter()
            .filter(|f| f.body.len() < 1_500)
        {
            let place = format!("an answer in {}", fixture.name);
            for body in mutated(&fixture.body, &key) {
                tried += 1;
                let events = decoded(dialect, &mask, &fixture.head, &body);
                let told = serde_json::to_vec(&events).unwrap();
                assert_no_canary_in(&told, &key, &place);
                let whole = serde_json::to_vec(&answer(&events)).unwrap();
                assert_no_canary_in(&whole, &key, &place);
            }
        }
    }
    assert!(tried > 2_000, "{tried}");
}

/// What a server answers, by the word for it that stands in the model's name: each way to say the key back.
fn said(case: &str, key: &str) -> Vec<u8> {
    let escaped: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let page = key.replace('&', "&amp;");
    let json = serde_json::to_string(key).unwrap();
    let long = "x".repeat(3_990);
    let text =
        |text: &str| whole("200 OK", "content-type: text/event-stream\r\n", text).into_bytes();
    let piece = |piece: &str| {
        let piece = serde_json::to_string(piece).unwrap();
        let (all, half) = (
            format!("{{\"content\":{piece}}}"),
            format!("{{\"reasoning\":{piece}}}"),
        );
        let chunk =
            |delta: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
        // In Ollama's and Anthropic's form these are unknown events, which are kept.
        chunk(&all) + &chunk(&half)
    };
    match case {
        "status-json" => whole("401 No", "content-type: application/json\r\n", &format!("{{\"error\":{{\"message\":{json},\"code\":{json},{json}:{json}}}}}")),
        "status-text" => whole("403 No", "content-type: text/plain\r\n", key),
        "status-long" => whole("500 No", "content-type: text/plain\r\n", &format!("{long}{key}{long}")),
        "status-page" => whole("502 No", "content-type: text/html\r\n", &format!("<html>{}{page} {key} {escaped}", "x ".repeat(90))),
        "status-escaped" => whole("404 No", "", &format!("no such page: /v1?key={escaped}")),
        "status-reason" => return format!("HTTP/1.1 400 {key}\r\ncontent-length: 0\r\n\r\n").into_bytes(),
        "status-empty" => whole("401 No", &format!("www-authenticate: Bearer error={key}\r\nx-{escaped}: 1\r\n"), ""),
        "retry" => whole("429 Slow", &format!("retry-after: {key}\r\nx-ratelimit-reset-{}: {key}\r\n", "tokens"), key),
        "page" => whole("200 OK", "content-type: text/html\r\n", &format!("<html>{key}</html>")),
        "type" => whole("200 OK", &format!("content-type: {key}\r\n"), "data: {}\n\n"),
        "coding" => whole("200 OK", &format!("content-encoding: br, {key}\r\n"), "\u{b}\u{2}junk and more of it"),
        "coding-text" => whole("200 OK", &format!("content-encoding: {key}\r\n"), "data: {}\n\n"),
        "redirect-path" => whole("302 Go", &format!("location: https://evil.example/{key}\r\n"), ""),
        "redirect-query" => whole("307 Go", &format!("location: /v1?to={escaped}#{escaped}\r\n"), ""),
        "redirect-user" => whole("308 Go", &format!("location: https://u:{escaped}@evil.example/\r\n"), ""),
        "error-event" => return text(&format!("event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":{json},\"message\":{json}}}}}\n\n")),
        "error-bare" => return text(&format!("error: {{\"message\":{json}}}\n\n")),
        "event-name" => return text(&format!("event: {key}\nid: {key}\ndata: {{\"type\":{json}}}\n\n: {key}\n\n")),
        "bad-json" => return text(&format!("data: {{\"a\":{}{key}\n\n", "1".repeat(180))),
        "split" => {
            let letters: String = format!("The key is {key}, you know").split_inclusive(|_| true).map(piece).collect();
            return text(&format!("{letters}data: [DONE]\n\n"));
        }
        "cut" => return text(&piece(&key[..22])),
        "gzip" => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            gzip.write_all(format!("{{\"error\":{json}}}").as_bytes()).unwrap();
            let body = gzip.finish().unwrap();
            let head = format!("HTTP/1.1 401 No\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
            return [head.into_bytes(), body].concat();
        }
        "trailers" => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-said\r\n\r\n";
            let end = format!("0\r\nx-said: {key}\r\n\r\n");
            return [head.as_bytes(), &chunk(": ping\n\n"), end.as_bytes()].concat();
        }
        "cut-off" => return format!("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\ndata: {{\"a\":\"{key}").into_bytes(),
        "no-http" => return format!("{key}\r\n\r\n").into_bytes(),
        "half-head" => return format!("HTTP/1.1 200 OK\r\nx: {key}\r\n").into_bytes(),
        other => unreachable!("{other}"),
    }
    .into_bytes()
}

const CASES: &[&str] = &[
    "status-json",
    "status-text",
    "status-long",
    "status-page",
    "status-escaped",
    "status-reason",
    "status-empty",
    "retry",
    "page",
    "type",
    "coding",
    "coding-text",
    "redirect-path",
    "redirect-query",
    "redirect-user",
    "error-event",
    "error-bare",
    "event-name",
    "bad-json",
    "split",
    "cut",
    "gzip",
    "trailers",
    "cut-off",
    "no-http",
    "half-head",
];

async fn echoing(key: &str) -> Server {
    let key = key.to_owned();
    serve(move |mut stream, _| {
        let key = key.clone();
        async move {
            let (head, body) = read_request(&mut stream).await.unwrap();
            let asked = head + &String::from_utf8_lossy(&body);
            let mut named = CASES
                .iter()
                .filter(|case| asked.contains(&format!("case-{case}.")));
            let answer = if let Some(case) = named.next() {
                said(case, &key)
            } else {
                let listed =
                    serde_json::json!({ "data": [{ "id": format!("m {key}"), "name": key }] });
                whole(
                    "200 OK",
                    "content-type: application/json\r\n",
                    &listed.to_string(),
                )
                .into_bytes()
            };
            // A client that has seen enough leaves in the middle.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &answer).await;
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
            gone(&mut stream).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_to_fail_shows_a_key_that_is_said_back() {
    let key = key();
    let server = echoing(&key).await;
    let home = Home::new()
        .with("LLM_API_KEY", &key)
        .with("TOKENSCOPE_LOG", "trace")
        .with("RUST_LOG", "trace");
    let escaped: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let models: Vec<String> = CASES.iter().map(|case| format!("case-{case}.")).collect();
    for dialect in DIALECTS
        .iter()
        .filter(|d| matches!(d.wire, WireFormat::Json))
    {
        // The key as it goes by itself, and once in the query.
        let query = if dialect.id.as_str() == "openai-chat" {
            format!("?api_key={escaped}")
        } else {
            String::new()
        };
        let base = format!("http://{}/v1{query}", server.addr);
        for json in [true, false] {
            let mut arguments = vec![
                "chat",
                "--base-url",
                &base,
                "--dialect",
                dialect.id.as_str(),
                "Hello",
            ];
            // And once as Google's servers take it.
            if dialect.id.as_str() == "gemini" {
                arguments.extend(["--auth", "query"]);
            }
            arguments.extend(json.then_some("--json"));
            arguments.extend(models.iter().flat_map(|model| ["-m", model]));
            let ran = home.run(&arguments, "");
            assert_eq!(ran.code, Some(1), "{}", ran.err);
            assert_no_canary_in(
                ran.out.as_bytes(),
                &key,
                &format!("the output in {}", dialect.id),
            );
            assert_no_canary_in(
                ran.err.as_bytes(),
                &key,
                &format!("the errors in {}", dialect.id),
            );
            if json {
                assert!(ran.out.contains("•••"), "it was said back: {}", ran.out);
            }
        }
        let ran = home.run(
            &[
                "models",
                "--base-url",
                &base,
                "--dialect",
                dialect.id.as_str(),
                "--json",
            ],
            "",
        );
        assert!(ran.out.contains("•••"), "{ran:?}");
        assert_no_canary_in(ran.out.as_bytes(), &key, "the list of models");
    }
    let history = History::open(&home.paths().data);
    for (format, name) in [
        (ExportFormat::Json, "runs.json"),
        (ExportFormat::Csv, "runs.csv"),
    ] {
        let export = history.export(
            RunQuery::default(),
            format,
            PriceTable::default(),
            home.path().join(name),
            |_, _| {},
        );
        assert!(export.await.unwrap() >= CASES.len());
    }
    assert_no_capture_has(&home, &history, &key).await;
    history.flush().await;
    assert_no_canary(&[home.path()], &key);
}

/// Saves the capture of each run in both formats, for the search of the folder, and shows each: the history itself holds
/// them compressed.
pub async fn assert_no_capture_has(home: &Home, history: &History, key: &str) {
    let all = RunQuery {
        limit: 1_000,
        ..RunQuery::default()
    };
    let (mut sent, mut came) = (0, 0);
    for row in history.runs(all).await.unwrap().rows {
        let KeptCapture::Kept(capture) = history.capture(row.id).await.unwrap() else {
            panic!("no capture of {}", row.target);
        };
        sent += usize::from(capture.request.is_some());
        came += usize::from(capture.response.is_some());
        assert_no_canary_in(
            format!("{capture:?}").as_bytes(),
            key,
            &row.target.to_string(),
        );
        let name = home.path().join(row.id.0.to_string());
        std::fs::write(name.with_extension("tscap"), tscap::write(&capture)).unwrap();
        std::fs::write(name.with_extension("har"), har::write(&capture)).unwrap();
    }
    assert!(
        sent > 0 && came > sent / 2,
        "{sent} requests, {came} responses"
    );
    for arguments in [&["inspect", "last"][..], &["inspect", "last", "--json"]] {
        let shown = home.run(arguments, "");
        assert_eq!(shown.code, Some(0), "{}", shown.err);
        assert!(
            shown.out.contains("•••"),
            "its key was covered: {}",
            shown.out
        );
        assert_no_canary_in(shown.out.as_bytes(), key, "what inspect shows");
    }
}

#[test]
fn other_header_values_than_secrets_are_left_in_what_a_provider_says() {
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("x-goog-user-project", "my-project"),
        ("x-model", "mistral-large"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let mut endpoint = tokenscope::endpoint::Endpoint::custom(
        "x",
        "http://127.0.0.1/v1".parse().unwrap(),
        DIALECTS[0].id,
    );
    endpoint.headers = headers
        .iter()
        .map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()))
        .collect();
    let call = tokenscope::exchange::call::models_call(
        &endpoint,
        Some(&"sk-hunter2".to_owned().into()),
        None,
    )
    .unwrap();
    let body = r#"{"error":{"message":"my-project may not use mistral-large with sk-hunter2","status":"PERMISSION_DENIED"}}"#;
    let events = decoded(
        DIALECTS[0],
        &call.mask(None),
        &crate::dialects::head(403),
        body,
    );
    let [Event::Fault(fault)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        fault.message,
        "my-project may not use mistral-large with •••"
    );
}
