//! Requests: what a dialect writes of one, its server's half reads again; and what a body says is in what is read.

mod lost;

use std::{fs, path::Path};

use http::HeaderMap;
use lost::LOST;
use serde_json::{Value, json};
use tokenscope::{
    chat::{
        CacheLife, ChatRequest, Files, Media, Message, MustCall, Params, Part, ResponseFormat,
        Role, Tool, ToolCall,
    },
    dialect::{
        Dialect,
        DialectId::{self, Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses},
        WireFormat,
        serve::{PathParams, Serve, ServedRequest, ServedRoute},
    },
    event::Event,
    hints::fit,
};
use url::Url;

use super::{apart, cases, lost::assert_each_is_needed, served};
use crate::dialects::answer;

/// The base URL of a server of this protocol.
fn base(serve: &Serve) -> Url {
    let path = serve.base_path.replace("{name}", "test");
    format!("http://h{path}").parse().unwrap()
}

/// What is read of a body that was sent for this model.
fn read(dialect: &Dialect, serve: &Serve, model: &str, body: &[u8]) -> ServedRequest {
    let url = (dialect.chat_url)(&base(serve), model);
    let path = &url.as_str()["http://h".len()..];
    let Some(ServedRoute::Chat(way)) = (serve.route)(path, &HeaderMap::new()) else {
        panic!("{path} is no chat");
    };
    (serve.read)(body, &way)
        .unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(body)))
}

fn encoded(dialect: &Dialect, serve: &Serve, request: &ChatRequest) -> Vec<u8> {
    let json = (dialect.encode)(request);
    match dialect.wire {
        WireFormat::Json => json.to_string().into(),
        WireFormat::Grpc(grpc) => {
            let message = (grpc.message)(json, &Files::of(request), &base(serve), &request.model);
            message.unwrap().framed.into()
        }
    }
}

fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts }
}

fn result(call: &ToolCall) -> Part {
    Part::ToolResult {
        id: call.id.clone(),
        name: call.name.clone(),
        content: "sunny".into(),
    }
}

/// The request after an answer: what it said goes back.
fn next_turn(dialect: &Dialect, events: &[Event]) -> Option<ChatRequest> {
    let answer = answer(events);
    let said = answer.message(dialect.id.as_str())?;
    let mut request = ChatRequest::of_text("model", "What is it?");
    request.messages.push(said);
    let results: Vec<Part> = answer.tool_calls.iter().map(result).collect();
    if !results.is_empty() {
        request.messages.push(message(Role::Tool, results));
    }
    request.messages.push(Message::user("Go on"));
    Some(request)
}

fn media(mime: &str, data: &[u8]) -> Part {
    Part::Media(Media {
        mime: mime.into(),
        data: data.into(),
        name: "a name".into(),
        ..Media::default()
    })
}

/// Everything that can be asked.
fn full(model: &str) -> ChatRequest {
    let call = |id: &str| ToolCall {
        id: id.into(),
        name: "get_weather".into(),
        arguments: r#"{"city": "Bern", "days": 3}"#.into(),
    };
    let calls = [call("call_1"), call("call_2")];
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    ChatRequest {
        model: model.into(),
        system: Some("Be brief".into()),
        messages: vec![
            message(
                Role::User,
                vec![
                    media("image/png", b"\x89PNG\r\n\x1a\n and so on"),
                    text("And this?"),
                ],
            ),
            message(
                Role::Assistant,
                [text("Let me see.")]
                    .into_iter()
                    .chain(calls.clone().map(Part::ToolCall))
                    .collect(),
            ),
            message(Role::Tool, calls.iter().map(result).collect()),
            Message::assistant("Rain, sun"),
            Message::user("中文?"),
        ],
        params: Params {
            temperature: Some(0.5),
            top_p: Some(1.0),
            max_tokens: Some(90_000),
            seed: Some(-7),
            stop: vec!["END".into()],
            reasoning_effort: Some("2048".into()),
            cache_prompt: Some(CacheLife::Hour),
            response_format: Some(ResponseFormat::JsonSchema {
                name: "place".into(),
                schema: schema.clone(),
                strict: true,
            }),
            must_call: Some(MustCall::Function("get_weather".into())),
            parallel_calls: Some(false),
            ..Params::default()
        },
        tools: vec![Tool {
            name: "get_weather".into(),
            description: "The weather of a city".into(),
            parameters: schema,
        }],
        ..ChatRequest::default()
    }
}

/// The requests that we ask by ourselves.
fn written() -> Vec<(String, ChatRequest)> {
    let mut all = vec![("full".to_owned(), full("model"))];
    for effort in ["none", "low", "medium", "high"] {
        let mut request = ChatRequest::of_text("model", "Hi");
        request.params.reasoning_effort = Some(effort.into());
        request.params.max_tokens = Some(50_000);
        all.push((format!("effort {effort}"), request));
    }
    for format in ["object", "schema"] {
        let mut request = ChatRequest::of_text("model", "Hi");
        request.params.response_format = Some(match format {
            "object" => ResponseFormat::JsonObject,
            _ => ResponseFormat::JsonSchema {
                name: String::new(),
                schema: json!({"type": "object"}),
                strict: true,
            },
        });
        all.push((format!("format {format}"), request));
    }
    for part in [
        media("application/pdf", b"%PDF-1.7"),
        media("audio/mpeg", b"ID3"),
        Part::Media(Media::at("https://a.example/cat.png").unwrap()),
        Part::Media(Media::at("https://a.example/paper.pdf").unwrap()),
    ] {
        let mut request = ChatRequest::of_text("model", "What is this?");
        let name = format!("{part:?}");
        request.messages[0].parts.push(part);
        all.push((name, request));
    }
    all.push(("small".into(), ChatRequest::of_text("model", "Hi")));
    all
}

fn kept(dialect: &Dialect, request: &ChatRequest, but: Option<usize>) -> ChatRequest {
    let mut request = request.clone();
    for (row, lost) in LOST.iter().enumerate() {
        if Some(row) != but && lost.holds(dialect) {
            (lost.change)(&mut request);
        }
    }
    request
}

/// The unread places that are not of an item, which only its own dialect understands.
fn not_items(dialect: &Dialect, asked: &ServedRequest) -> Vec<String> {
    let body = (dialect.encode)(&asked.request);
    let parts = asked.request.messages.iter().flat_map(|m| &m.parts);
    let items = parts.filter_map(|part| match part {
        Part::Opaque { raw, .. } => serde_json::from_str(raw).ok(),
        _ => None,
    });
    let items: Vec<Value> = items.collect();
    let is_of_item = |place: &String| {
        let ends = place.match_indices('/').map(|(at, _)| at).skip(1);
        let mut ends = ends.chain([place.len()]);
        ends.any(|end| {
            body.pointer(&place[..end])
                .is_some_and(|v| items.contains(v))
        })
    };
    let unread = asked.unread.iter();
    unread.filter(|place| !is_of_item(place)).cloned().collect()
}

#[test]
fn requests_come_back() {
    let mut needed = vec![false; LOST.len()];
    let mut wrong = Vec::new();
    for (dialect, serve) in served() {
        let mut requests = written();
        let (cases, _) = cases(dialect);
        requests.extend(cases.iter().filter_map(|case| {
            let request = next_turn(dialect, &case.batches.concat())?;
            Some((case.name.clone(), request))
        }));
        let mut exact = 0;
        for (name, request) in &requests {
            // What the protocol is known not to take is left out and told before.
            let request = &fit(dialect.id, request).0;
            let body = encoded(dialect, serve, request);
            let asked = read(dialect, serve, &request.model, &body);
            let unread = not_items(dialect, &asked);
            let back = asked.request;
            exact += usize::from(*request == back);
            let same = |but| kept(dialect, request, but) == kept(dialect, &back, but);
            if !same(None) || !unread.is_empty() {
                let text = |request| format!("{:?}", kept(dialect, request, None));
                let name = format!("{} {name} {unread:?}", dialect.id);
                wrong.push(apart(&name, &text(request), &text(&back)));
            } else if *request != back {
                for (row, lost) in LOST.iter().enumerate() {
                    needed[row] |= lost.holds(dialect) && !same(Some(row));
                }
            }
        }
        println!(
            "{}: {} requests come back, {exact} of them exactly",
            dialect.id,
            requests.len()
        );
    }
    let n = wrong.len();
    wrong.truncate(14);
    assert!(wrong.is_empty(), "{}\n{n} wrong", wrong.join("\n"));
    assert_each_is_needed(LOST, needed);
}

/// Bodies of foreign clients, with fields that we never write.
#[expect(clippy::too_many_lines, reason = "a table")]
fn foreign() -> Vec<(DialectId, Value)> {
    vec![
        (
            OpenaiChat,
            json!({
                "model": "m", "n": 1, "max_completion_tokens": 9, "user": "u", "logit_bias": {"5": 1},
                "messages": [
                    {"role": "developer", "content": [{"type": "text", "text": "Be brief"}]},
                    {"role": "user", "name": "Ann", "content": [
                        {"type": "text", "text": "a"}, {"type": "text", "text": "b"},
                        {"type": "image_url", "image_url": {"url": "https://h/x", "detail": "low"}},
                        {"type": "of_tomorrow", "x": 1},
                    ]},
                    {"role": "assistant", "content": null, "refusal": "No.", "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}},
                    ]},
                    {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}]},
                ],
                "tools": [
                    {"type": "function", "function": {"name": "f", "strict": true, "parameters": {"type": "object"}}},
                    {"type": "custom", "custom": {"name": "c"}},
                ],
                "tool_choice": "required", "stream_options": {"include_usage": true, "x": 1},
            }),
        ),
        (
            OpenaiResponses,
            json!({
                "model": "m", "input": "Hi", "previous_response_id": "resp_1", "temperature": 1,
                "reasoning": {"effort": "low", "summary": "detailed"}, "tools": [{"type": "web_search"}],
                "text": {"verbosity": "low"},
            }),
        ),
        (
            OpenaiResponses,
            json!({
                "model": "m", "store": true, "input": [
                    {"role": "developer", "content": "Be brief"},
                    {"role": "user", "content": [{"type": "input_image", "file_id": "f", "detail": "high"}]},
                    {"type": "item_reference", "id": "i"},
                    {"id": "m1", "type": "message", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": "x", "annotations": []}]},
                    {"type": "function_call_output", "call_id": "c", "output": "r"},
                ],
            }),
        ),
        (
            Anthropic,
            json!({
                "model": "m", "max_tokens": 9, "top_k": 5, "metadata": {"user_id": "u"}, "system": [
                    {"type": "text", "text": "Be brief", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "And kind"},
                ],
                "messages": [
                    {"role": "user", "content": [
                        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                        {"type": "document", "source": {"type": "file", "file_id": "f"}, "title": "t"},
                    ]},
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "c", "is_error": true, "content": [
                            {"type": "text", "text": "r"}, {"type": "image", "source": {"type": "url", "url": "https://h/x"}},
                        ]},
                    ]},
                ],
                "thinking": {"type": "enabled", "budget_tokens": 2000},
                "tools": [{"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "any"},
            }),
        ),
        (
            Gemini,
            json!({
                "contents": [
                    {"parts": [{"text": "a"}, {"inline_data": {"mime_type": "image/png", "data": "_-8"}}]},
                    {"role": "model", "parts": [{"functionCall": {"name": "f"}}, {"thought": true, "text": "?"}]},
                    {"role": "user", "parts": [
                        {"functionResponse": {"name": "f", "response": {"output": "r"}}},
                        {"videoMetadata": {"fps": 2}, "fileData": {"fileUri": "gs://b/v.mp4", "mimeType": "video/mp4"}},
                    ]},
                ],
                "system_instruction": {"role": "user", "parts": [{"text": "Be brief"}]},
                "generation_config": {"top_k": 4, "max_output_tokens": 9, "response_schema": {"type": "STRING"}},
                "safetySettings": [{"category": "c", "threshold": "t"}],
                "tools": [{"googleSearch": {}}, {"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
            }),
        ),
        (
            Ollama,
            json!({
                "model": "m", "keep_alive": "5m", "options": {"num_ctx": 9, "num_predict": -1, "seed": 3}, "think": true,
                "messages": [
                    {"role": "system", "content": "Be brief"}, {"role": "user", "content": "a", "x": 1},
                    {"role": "assistant", "content": "", "tool_calls": [{"function": {"index": 0, "name": "f", "arguments": {}}}]},
                ],
            }),
        ),
    ]
}

/// The bodies that the official SDKs sent.
fn recorded() -> Vec<(DialectId, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let bodies = files.filter(|path| path.extension().is_some_and(|ext| ext == "json"));
    bodies
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (
                DialectId::parse(name.split('.').next().unwrap()).unwrap(),
                record["body"].clone(),
            )
        })
        .collect()
}

/// Whatever a body says is in the request that is read of it, and the places that have no field of their own are told.
#[test]
fn bodies_are_read_without_loss() {
    let mut told = 0;
    let bodies = recorded().into_iter().chain(foreign());
    for (id, body) in bodies {
        let dialect = id.dialect();
        let Some(serve) = dialect.serve else { continue };
        let asked = read(dialect, serve, "m", body.to_string().as_bytes());
        let again = (dialect.encode)(&asked.request);
        let mut second = read(dialect, serve, "m", again.to_string().as_bytes());
        second
            .request
            .params
            .extra
            .clone_from(&asked.request.params.extra);
        assert_eq!(asked.request, second.request, "{id}: {again}");
        for place in &asked.unread {
            assert!(again.pointer(place).is_some(), "{id} {place}: {again}");
        }
        told += asked.unread.len();
        let words = |body: &Value| {
            let mut words = Vec::new();
            leaves(body, &mut words);
            words
        };
        let again = words(&again);
        for word in words(&body) {
            assert!(again.contains(&word), "{id}: {word} is lost");
        }
    }
    assert!(told > 30, "{told} places");
}

/// The texts and numbers of a body, but for what only says its form.
fn leaves(body: &Value, out: &mut Vec<String>) {
    match body {
        Value::Object(fields) => fields.values().for_each(|value| leaves(value, out)),
        Value::Array(items) => items.iter().for_each(|value| leaves(value, out)),
        Value::Number(number) => out.push(number.as_f64().unwrap().to_string()),
        // The SDK's base64 is in the URL's alphabet; a system instruction has no role.
        Value::String(text) => out.push(
            text.replace('_', "/")
                .replace('-', "+")
                .trim_end_matches('=')
                .to_owned(),
        ),
        Value::Bool(_) | Value::Null => {}
    }
}

/// Every place of a body, with what stands there replaced.
fn spoilt(body: &Value, with: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    walk(body, String::new(), &mut places);
    let replaced = places.iter().map(|place| {
        let mut body = body.clone();
        *body.pointer_mut(place).unwrap() = with.clone();
        body
    });
    replaced.collect()
}

fn walk(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter();
            fields.for_each(|(name, value)| walk(value, format!("{at}/{name}"), places));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| walk(value, format!("{at}/{index}"), places));
        }
        _ => {}
    }
    places.push(at);
}

#[test]
fn a_body_with_anything_anywhere_is_read_or_refused() {
    let (mut read, mut refused) = (0, 0);
    for (id, body) in recorded().into_iter().chain(foreign()) {
        let Some(serve) = id.dialect().serve else {
            continue;
        };
        for with in [
            json!(null),
            json!("x"),
            json!(-7),
            json!([[]]),
            json!({"x": [1]}),
        ] {
            for body in spoilt(&body, &with) {
                match (serve.read)(body.to_string().as_bytes(), &PathParams::default()) {
                    Ok(_) => read += 1,
                    Err(fault) => {
                        assert_eq!(fault.status, Some(400), "{id}: {body}");
                        refused += 1;
                    }
                }
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(read > 500 && refused > 500, "{read} {refused}");
}
