//! The server's half of a dialect: request bytes → [`ChatRequest`], [`Event`]s → the bytes of an answer.
//!
//! The counterpart of the client's half, and sans-IO like it. The server (the simulator, a gateway) supplies its own
//! names, ids, words and signatures.

pub(super) mod in_turn;
pub(super) mod open_call;
pub(super) mod read;
mod remainder;
pub(super) mod signed_id;
pub(super) mod unread;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};
use url::Url;

use super::gemini::turns::GENERATED_ID_PREFIX;
use crate::{
    body::ModelInfo,
    chat::{ChatRequest, Media, ToolCall},
    event::{
        Answer, AnswerPieceKind, Event, Fault, FaultClass, Finish, FinishReason, Phase, Usage,
    },
};

/// A wire protocol as a server sees it: a part of its [row](super::Dialect).
#[derive(Debug)]
pub struct Serve {
    /// The path of the base URL that clients of a server are given; `{name}` stands for the server's name.
    pub base_path: &'static str,
    /// The route that a path with its query names in this protocol, if any.
    pub route: fn(path: &str, &HeaderMap) -> Option<ServedRoute>,
    /// The key of a request, if it carries one.
    pub key: fn(&HeaderMap) -> Option<&str>,
    /// Reads the body of a chat request; a fault is sent to the client.
    pub read: fn(&[u8], &PathParams) -> Result<ServedRequest, Fault>,
    /// A list of models.
    pub models: fn(&ModelList) -> Value,
    /// The response to a refused request: status, headers and the error as this protocol writes it.
    pub refuse: fn(&Fault) -> Response<Bytes>,
    /// A writer for one answer.
    pub writer: fn(&ServedRequest, &AnswerHead) -> Box<dyn AnswerWriter>,
    /// Whether its answers sign calls, and a model may refuse a call that comes back without its signature.
    pub signs_calls: bool,
    /// The [`Event::Timing`]s that its answers report, if the protocol has them.
    pub timings: Option<fn(&AnswerTimes) -> Vec<Event>>,
}

impl Serve {
    /// The base URL that clients of the server at this URL are given.
    #[must_use]
    pub fn base_url(&self, server: &Url, name: &str) -> Url {
        let mut url = server.clone();
        url.set_path(&self.base_path.replace("{name}", name));
        url
    }
}

/// A route of a served protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServedRoute {
    /// The list of models.
    Models,
    /// An answer.
    Chat(PathParams),
    /// Another operation, which is only passed on to servers of the same protocol.
    Other(PathParams),
}

/// The parameters of a chat request in its path and query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathParams {
    /// The model, if the path names it.
    pub model: String,
    /// Whether the path asks for a streamed answer.
    pub stream: bool,
    /// Whether the query asks for server-sent events.
    pub events: bool,
    /// The operation of which [`Dialect::operation_url`](super::Dialect::operation_url) makes a URL.
    pub operation: String,
}

/// Which request a path with its query is, in a protocol whose paths name no models: below `prefix`, the operation
/// `chat`, or one of `others` (with a slash at its end: all that begin so).
pub(super) fn route_below(
    path: &str,
    prefix: &str,
    chat: &str,
    others: &[&str],
) -> Option<ServedRoute> {
    let operation = path.strip_prefix(prefix)?;
    let params = PathParams {
        operation: operation.to_owned(),
        ..PathParams::default()
    };
    let path = operation.split('?').next().unwrap_or_default();
    let is_other = |other: &&str| match other.strip_suffix('/') {
        Some(folder) => path == folder || path.starts_with(*other),
        None => path == *other,
    };
    if path == chat {
        Some(ServedRoute::Chat(params))
    } else if others.iter().any(is_other) {
        Some(ServedRoute::Other(params))
    } else {
        None
    }
}

/// A chat request that a server received, and how its answer is to be sent. Differences of mere form are not kept.
#[derive(Clone, Debug, Default)]
pub struct ServedRequest {
    /// The request.
    pub request: ChatRequest,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream is one JSON array.
    pub array: bool,
    /// Whether a stream ends with its usage.
    pub usage: bool,
    /// The parameters that the answer echoes, by their names in the body, if the protocol does so.
    pub echo: Map<String, Value>,
    /// Places in the body for which the request has no field, or that only this dialect understands, as JSON pointers.
    /// They are kept in the request (most of them in its `extra`), so that the request encoded again in this dialect is
    /// the body. `/` alone means a gRPC message with fields that have no JSON form here: they are lost.
    pub unread: Vec<String>,
}

/// The server of an answer, and the answer's identity.
#[derive(Clone, Debug, Default)]
pub struct AnswerHead {
    /// The server's short name, which the ids of its answers hold.
    pub server: &'static str,
    /// The number of the answer.
    pub number: u64,
    /// When the request came, in seconds since 1970.
    pub created: u64,
    /// Tokens of the prompt, if known beforehand.
    pub input_tokens: u64,
    /// The text of comments that keep a stream open.
    pub comment: &'static str,
    /// The system fingerprint, if the protocol has a field for it.
    pub fingerprint: Option<&'static str>,
    /// Makes a signature for a part that came without one, given the answer's and the part's number, if this
    /// protocol's clients expect one.
    pub sign: Option<fn(u64, usize) -> String>,
    /// Whether signatures of another protocol's model are to come back through a client that drops unknown fields: each
    /// call then has an id of its own, which carries its signature.
    pub carry_signatures: bool,
}

impl AnswerHead {
    /// The answer's id: this prefix, the server's name and the answer's number.
    pub(super) fn id(&self, prefix: &str, separator: char) -> String {
        let Self { server, number, .. } = self;
        format!("{prefix}{separator}{server}{separator}{number}")
    }

    pub(super) fn signature(&self, part: usize) -> Option<String> {
        self.sign.map(|sign| sign(self.number, part))
    }

    /// The id of a call as the client gets it, given the provider's own and the call's signature. A call without an id
    /// gets one that no other answer has, and that is not sent to a server without ids.
    pub(super) fn call_id(
        &self,
        own: Option<&str>,
        index: usize,
        signature: Option<&str>,
    ) -> Option<String> {
        let own = own.filter(|id| !id.is_empty());
        if !self.carry_signatures {
            return own.map(str::to_owned);
        }
        let Self {
            created, number, ..
        } = self;
        let made = || format!("{GENERATED_ID_PREFIX}{created:x}-{number}-{index}");
        let id = own.map_or_else(made, str::to_owned);
        let signature = signature.and_then(signed_id::google_signature);
        Some(match signature {
            Some(signature) => signed_id::signed_id(&id, &signature),
            None => id,
        })
    }

    /// A comment that keeps a stream of events open.
    pub(super) fn comment_line(&self) -> String {
        format!(": {}\n\n", self.comment)
    }
}

/// The times of an answer, since its request was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerTimes {
    /// The response's head.
    pub head: Duration,
    /// Its first token; `None` if there was none.
    pub first_token: Option<Duration>,
    /// Its end.
    pub end: Duration,
}

/// The models of a server.
#[derive(Clone, Copy, Debug)]
pub struct ModelList<'a> {
    /// The models, in order; their labels describe them.
    pub models: &'a [ModelInfo],
    /// Their owner.
    pub owner: &'a str,
    /// When they were made, in seconds since 1970.
    pub created: u64,
}

/// Writes one answer.
pub trait AnswerWriter: Send {
    /// The content type of a streamed answer.
    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// Appends an event in the form of this protocol's stream; appends nothing if the protocol can't express it, or
    /// expresses it later. `next` are the following events of the same batch, which may belong into the same frame.
    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>);

    /// Appends events that came together.
    fn write(&mut self, events: &[Event], out: &mut Vec<u8>) {
        for (at, event) in events.iter().enumerate() {
            self.event(event, &events[at + 1..], out);
        }
    }

    /// The whole answer as one JSON document.
    fn whole(&self, answer: &Answer) -> Value;

    /// The trailers of a stream, if the protocol has them.
    fn trailers(&mut self) -> Option<HeaderMap> {
        None
    }
}

/// An event of a stream, with its name.
pub(super) fn named_event(name: &str, data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}

/// The word for why an answer ended: the original one, if the protocol has it in the same sense, else that of its
/// class, if there is one. (Ollama's “stop” after a call is not `OpenAI`'s, which would mean that nothing is called.)
pub(super) fn finish_word<'a>(words: &[(FinishReason, &'a str)], finish: &'a Finish) -> &'a str {
    let mut words = words.iter();
    let own =
        (words.clone()).find(|(reason, word)| *word == finish.raw && *reason == finish.reason);
    let of_class = || words.find(|(reason, _)| *reason == finish.reason);
    own.or_else(of_class).map_or(&finish.raw, |(_, word)| word)
}

/// Token counts in the form of OpenAI's protocols, which differ in the names of the counts of prompt and answer. The
/// answer's include its reasoning. Sums that were not stated are computed, since clients require them.
pub(super) fn counted_json(usage: &Usage, [input, output]: [&str; 2]) -> Value {
    let counts = [usage.input, usage.generated()];
    let [input_tokens, output_tokens] = counts.map(Option::unwrap_or_default);
    let mut counts = Map::new();
    counts.insert(format!("{input}_tokens"), input_tokens.into());
    counts.insert(format!("{output}_tokens"), output_tokens.into());
    let total = usage
        .total
        .unwrap_or(input_tokens.saturating_add(output_tokens));
    counts.insert("total_tokens".into(), total.into());
    let mut counts = Value::Object(counts);
    for (of, name, count) in [
        (input, "cached_tokens", usage.cached),
        (input, "cache_write_tokens", usage.cache_written),
        (output, "reasoning_tokens", usage.reasoning),
    ] {
        if let Some(count) = count {
            counts[format!("{of}_tokens_details")][name] = count.into();
        }
    }
    counts
}

/// Adds the other fields of the provider's error.
pub(super) fn add_details(error: &mut Value, fault: &Fault) {
    let details = fault.details.as_deref();
    let details = details.map(serde_json::from_str::<Map<String, Value>>);
    for (name, value) in details.and_then(Result::ok).into_iter().flatten() {
        error[name] = value;
    }
}

/// One piece of a whole answer, with its content.
pub(super) struct AnswerSegment<'a> {
    pub kind: &'a AnswerPieceKind,
    /// Its text, if it is text or reasoning.
    pub text: &'a str,
    /// The call, if it is one.
    pub call: Option<&'a ToolCall>,
    /// The file, if it is one.
    pub media: Option<&'a Media>,
    pub signature: Option<&'a str>,
}

/// The pieces of an answer, in order, without empty ones that have no signature.
pub(super) fn segments(answer: &Answer) -> Vec<AnswerSegment<'_>> {
    let (mut text, mut reasoning) = (0, 0);
    let pieces = answer.pieces.iter().map(|piece| AnswerSegment {
        kind: &piece.kind,
        text: match piece.kind {
            AnswerPieceKind::Text { bytes } => cut(&answer.text, &mut text, bytes),
            AnswerPieceKind::Reasoning { bytes } => cut(&answer.reasoning, &mut reasoning, bytes),
            _ => "",
        },
        call: match piece.kind {
            AnswerPieceKind::ToolCall { index } => answer.tool_calls.get(index),
            _ => None,
        },
        media: match piece.kind {
            AnswerPieceKind::Media { index } => answer.media.get(index),
            _ => None,
        },
        signature: piece.signature.as_deref(),
    });
    let is_kept = |piece: &AnswerSegment<'_>| {
        let is_text = matches!(
            piece.kind,
            AnswerPieceKind::Text { .. } | AnswerPieceKind::Reasoning { .. }
        );
        !is_text || !piece.text.is_empty() || piece.signature.is_some()
    };
    pieces.filter(is_kept).collect()
}

fn cut<'a>(of: &'a str, from: &mut usize, bytes: usize) -> &'a str {
    let piece = of.get(*from..*from + bytes).unwrap_or_default();
    *from += bytes;
    piece
}

/// The signature of a piece of an answer.
pub(super) fn signature_of<'a>(answer: &'a Answer, of: &AnswerPieceKind) -> Option<&'a str> {
    let piece = answer.pieces.iter().find(|piece| piece.kind == *of)?;
    piece.signature.as_deref()
}

/// The key of a request that carries it as a bearer token.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

/// The fault of a refused request: HTTP status, the provider's code, a message.
pub fn refusal(status: u16, code: &str, message: impl Into<String>) -> Fault {
    let class = match status {
        401 | 403 => FaultClass::Auth,
        404 => FaultClass::NotFound,
        429 => FaultClass::RateLimited,
        503 | 529 => FaultClass::Overloaded,
        400..500 => FaultClass::BadRequest,
        _ => FaultClass::Provider,
    };
    Fault {
        status: Some(status),
        code: Some(code.to_owned()),
        ..Fault::new(class, Phase::Headers, message)
    }
}

/// A refusal with a JSON body.
pub(super) fn json_refusal(fault: &Fault, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    let status = fault.status.and_then(|s| StatusCode::from_u16(s).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    if let Some(wait) = fault.retry_after_ms {
        let seconds = HeaderValue::from(wait.div_ceil(1000));
        headers.insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// A request's body without the signatures that a client's ids carry, for a target that gets it as it came; `None` if it
/// has none.
#[must_use]
pub fn without_signatures(body: &[u8]) -> Option<Vec<u8>> {
    signed_id::without(body)
}

/// The dialect that serves a path, if any, and the route. Some dialects share a path and are distinguished by
/// headers: the most specific ones are asked first.
#[must_use]
pub fn route(path: &str, headers: &HeaderMap) -> Option<(&'static Serve, ServedRoute)> {
    let mut served = super::DIALECTS.iter().rev().filter_map(|dialect| {
        let serve = dialect.serve?;
        Some((serve, (serve.route)(path, headers)?))
    });
    served.next()
}
