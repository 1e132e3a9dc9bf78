//! A gateway between a client that sends JSON and a target that answers as a script says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::HeaderMap;
use serde_json::{Value, json};
use tokenscope::{
    dialect::DialectId,
    endpoint::Endpoint,
    gateway::{self, Gateway},
};

use crate::{
    deadline::soon,
    fault_server::{Server, chunk, read_request, send, serve},
    gateway::{TOKEN, options},
    simulator::client::reqwest_client,
};

/// How long a target waits before what it sends late.
const LATER: Duration = Duration::from_millis(100);

/// What a target answers.
#[derive(Clone)]
pub struct Reply {
    pub status: &'static str,
    /// Lines of its head, each with its end.
    pub head: String,
    pub body: Vec<u8>,
    /// Bytes that are sent at a time.
    pub piece: usize,
    /// What is sent a while after the body.
    pub late: Vec<u8>,
    /// Whether the connection breaks off behind the body.
    pub cut: bool,
}

impl Reply {
    pub fn text(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: "200 OK",
            head: format!("content-type: {kind}\r\n"),
            body: body.into(),
            piece: usize::MAX,
            late: Vec::new(),
            cut: false,
        }
    }

    /// Server-sent events, each with its type as its name if it has one.
    pub fn events(events: &[Value]) -> Self {
        let lines = events.iter().map(|event| match event["type"].as_str() {
            Some(name) => format!("event: {name}\ndata: {event}\n\n"),
            None => format!("data: {event}\n\n"),
        });
        Self::text("text/event-stream", lines.collect::<String>())
    }

    /// The same with the end mark of OpenAI's chat completions.
    pub fn chunks(events: &[Value]) -> Self {
        let mut reply = Self::events(events);
        reply.body.extend_from_slice(b"data: [DONE]\n\n");
        reply
    }

    pub fn refusal(status: &'static str, body: &Value) -> Self {
        Self {
            status,
            ..Self::text("application/json", body.to_string())
        }
    }

    pub fn in_pieces(self, piece: usize) -> Self {
        Self { piece, ..self }
    }

    pub fn cut(self) -> Self {
        Self { cut: true, ..self }
    }
}

/// A request as it came to a target.
#[derive(Clone, Debug)]
pub struct Came {
    pub path: String,
    pub body: Value,
}

/// A target that gives its replies in turn, the last one again and again.
pub struct Target {
    pub endpoint: Endpoint,
    pub came: Arc<Mutex<Vec<Came>>>,
    _server: Server,
}

impl Target {
    pub async fn of(dialect: DialectId, replies: Vec<Reply>) -> Self {
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let all = came.clone();
        let server = serve(move |mut stream, _| {
            let (all, replies) = (all.clone(), replies.clone());
            async move {
                while let Some((head, body)) = read_request(&mut stream).await {
                    let body = serde_json::from_slice(&body).unwrap();
                    let number = {
                        let mut all = all.lock().unwrap();
                        let path = head.split(' ').nth(1).unwrap().to_owned();
                        all.push(Came { path, body });
                        all.len() - 1
                    };
                    let reply = replies.get(number).or(replies.last()).unwrap();
                    let Reply { status, head, .. } = reply;
                    let head =
                        format!("HTTP/1.1 {status}\r\n{head}transfer-encoding: chunked\r\n\r\n");
                    send(&mut stream, head).await;
                    for piece in reply.body.chunks(reply.piece) {
                        send(&mut stream, chunk(piece)).await;
                    }
                    if !reply.late.is_empty() {
                        tokio::time::sleep(LATER).await;
                        send(&mut stream, chunk(&reply.late)).await;
                    }
                    if reply.cut {
                        return;
                    }
                    send(&mut stream, "0\r\n\r\n").await;
                }
            }
        })
        .await;
        let base = format!("http://{}{}", server.addr, dialect.dialect().base_path);
        Self {
            endpoint: Endpoint::custom("up", base.parse().unwrap(), dialect),
            came,
            _server: server,
        }
    }

    pub fn last(&self) -> Came {
        self.came.lock().unwrap().last().unwrap().clone()
    }
}

/// A gateway that sends every model to this endpoint.
pub async fn before(endpoint: &Endpoint) -> Gateway {
    let routes = vec!["*=up/*".parse().unwrap()];
    let options = options(routes, vec![endpoint.clone()]);
    gateway::serve(options).await.unwrap()
}

/// What a client was answered.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub head: HeaderMap,
    pub text: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The JSON of its events or lines, without an end mark.
    pub fn events(&self) -> Vec<Value> {
        let lines = self.text.lines();
        let data = lines.filter_map(|line| match line.strip_prefix("data:") {
            Some(data) => Some(data.trim()),
            None => line.starts_with('{').then_some(line),
        });
        let json = data.filter(|data| *data != "[DONE]");
        json.map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.get(name)?.to_str().ok()
    }
}

fn path(inbound: DialectId, model: &str, stream: bool) -> String {
    match inbound {
        DialectId::OpenaiChat => "/v1/chat/completions".into(),
        DialectId::OpenaiResponses => "/v1/responses".into(),
        DialectId::Anthropic => "/v1/messages".into(),
        DialectId::Ollama => "/api/chat".into(),
        _ if stream => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        _ => format!("/v1beta/models/{model}:generateContent"),
    }
}

/// Starts a request; its answer may still be coming.
pub async fn begin(
    gateway: &Gateway,
    inbound: DialectId,
    stream: bool,
    mut body: Value,
) -> reqwest::Response {
    let model = body["model"].as_str().unwrap().to_owned();
    if inbound == DialectId::Gemini {
        body.as_object_mut().unwrap().remove("model");
    } else {
        body["stream"] = stream.into();
    }
    let url = format!(
        "http://{}{}",
        gateway.address,
        path(inbound, &model, stream)
    );
    let client = reqwest_client().build().unwrap();
    let request = client.post(url).bearer_auth(TOKEN).json(&body).send();
    soon("the gateway's answer", request).await.unwrap()
}

pub async fn post(gateway: &Gateway, inbound: DialectId, stream: bool, body: Value) -> Said {
    let response = begin(gateway, inbound, stream, body).await;
    let (status, head) = (response.status().as_u16(), response.headers().clone());
    let text = soon("the answer's end", response.text()).await;
    // A body that breaks off is no error here: what came is looked at.
    let text = text.unwrap_or_default();
    Said { status, head, text }
}

/// A question in a protocol, to a model.
pub fn question(inbound: DialectId, model: &str) -> Value {
    let messages = json!([{ "role": "user", "content": "Hello" }]);
    match inbound {
        DialectId::OpenaiChat | DialectId::Ollama => {
            json!({ "model": model, "messages": messages })
        }
        DialectId::OpenaiResponses => json!({ "model": model, "input": "Hello" }),
        DialectId::Anthropic => {
            json!({ "model": model, "max_tokens": 1000, "messages": messages })
        }
        _ => json!({ "model": model,
            "contents": [{ "role": "user", "parts": [{ "text": "Hello" }] }] }),
    }
}

/// A question with more fields.
pub fn question_with(inbound: DialectId, model: &str, more: Value) -> Value {
    let mut body = question(inbound, model);
    if let Value::Object(more) = more {
        body.as_object_mut().unwrap().extend(more);
    }
    body
}

/// What comes of one request: what the client was told, and what the target was asked.
pub async fn through(
    inbound: DialectId,
    stream: bool,
    body: Value,
    target: DialectId,
    reply: Reply,
) -> (Said, Option<Came>) {
    let target = Target::of(target, vec![reply]).await;
    let gateway = before(&target.endpoint).await;
    let said = post(&gateway, inbound, stream, body).await;
    let came = target.came.lock().unwrap().last().cloned();
    (said, came)
}

/// What the target is asked when this is asked, whatever it answers.
pub async fn asked(inbound: DialectId, body: Value, target: DialectId) -> Came {
    let (said, came) = through(inbound, false, body, target, answer(target)).await;
    assert_eq!(said.status, 200, "{inbound} to {target}: {}", said.text);
    came.unwrap()
}

/// A short answer in a protocol.
pub fn answer(target: DialectId) -> Reply {
    match target {
        DialectId::OpenaiChat => Reply::chunks(&[
            json!({ "id": "x", "model": "m", "choices": [{ "index": 0,
                "delta": { "role": "assistant", "content": "Hi" } }] }),
            json!({ "id": "x", "model": "m", "choices": [{ "index": 0, "delta": {},
                "finish_reason": "stop" }] }),
        ]),
        DialectId::Anthropic => anthropic(&[json!({ "type": "text", "text": "Hi" })], "end_turn"),
        DialectId::OpenaiResponses => Reply::events(&[json!({ "type": "response.completed",
            "response": { "id": "x", "status": "completed", "model": "m", "output": [
                { "id": "i", "type": "message", "role": "assistant", "status": "completed",
                  "content": [{ "type": "output_text", "text": "Hi", "annotations": [] }] }] } })]),
        DialectId::Ollama => Reply::text(
            "application/x-ndjson",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":true,\"done_reason\":\"stop\"}\n",
        ),
        _ => gemini(&[json!([{ "text": "Hi" }])]),
    }
}

/// An answer of Gemini's: the parts of each chunk, and `STOP` in the last.
pub fn gemini(chunks: &[Value]) -> Reply {
    let last = chunks.len().saturating_sub(1);
    let events = chunks.iter().enumerate().map(|(at, parts)| {
        let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts } });
        if at == last {
            candidate["finishReason"] = "STOP".into();
        }
        json!({ "candidates": [candidate], "modelVersion": "gemini-3-pro-preview",
            "responseId": "r1", "usageMetadata": { "promptTokenCount": 7, "totalTokenCount": 7 } })
    });
    Reply::events(&events.collect::<Vec<_>>())
}

/// An answer of Anthropic's, of whole blocks.
pub fn anthropic(blocks: &[Value], stop: &str) -> Reply {
    let mut events = vec![json!({ "type": "message_start", "message": { "id": "msg_1",
        "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": [],
        "usage": { "input_tokens": 10, "output_tokens": 1 } } })];
    for (index, block) in blocks.iter().enumerate() {
        events.push(json!({ "type": "content_block_start", "index": index,
            "content_block": block }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    events.push(
        json!({ "type": "message_delta", "delta": { "stop_reason": stop },
        "usage": { "output_tokens": 20 } }),
    );
    events.push(json!({ "type": "message_stop" }));
    Reply::events(&events)
}
