//! The server's half of a dialect: request bytes → [`ChatRequest`], [`Event`]s → the bytes of an answer.
//!
//! The client's half the other way round, and sans-IO like it. Who serves (the simulator, a gateway) gives
//! what is its own: names, ids, words, signatures.

pub(super) mod in_turn;
pub(super) mod open_call;
pub(super) mod read;
mod rest;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};

use crate::{
    body::ModelInfo,
    chat::{ChatRequest, Media, ToolCall},
    event::{Answer, Event, Fault, FaultClass, Finish, FinishReason, Phase, PieceKind, Usage},
};

/// A wire protocol as a server sees it: a part of its [row](super::Dialect).
#[derive(Debug)]
pub struct Serve {
    /// The path of the base URL that clients of a server are given; `{name}` stands for the server's name.
    pub base_path: &'static str,
    /// What a path with its query asks of this protocol, if anything.
    pub route: fn(path: &str, &HeaderMap) -> Option<Route>,
    /// The key of a request, if it carries one.
    pub key: fn(&HeaderMap) -> Option<&str>,
    /// Reads the body of a chat request; the fault is what the client is told.
    pub read: fn(&[u8], &Way) -> Result<Asked, Fault>,
    /// A list of models.
    pub models: fn(&ModelList) -> Value,
    /// A request that gets no answer: status, headers and the error as this protocol writes it.
    pub refuse: fn(&Fault) -> Response<Bytes>,
    /// A writer for one answer.
    pub writer: fn(&Asked, &AnswerHead) -> Box<dyn Writer>,
    /// What its answers tell of how long they took, where they do: the [`Event::Timing`]s of these times.
    pub timings: Option<fn(&Times) -> Vec<Event>>,
}

/// What is asked of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The list of models.
    Models,
    /// An answer.
    Chat(Way),
}

/// What of a chat request stands in its path and query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The model, where the path names it.
    pub model: String,
    /// Whether the answer is streamed, where the path says so.
    pub stream: bool,
    /// Whether it is streamed as server-sent events, where the query says so.
    pub events: bool,
}

/// A chat request and how its answer is to be sent. What differs in form only is written as we write it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What is asked.
    pub request: ChatRequest,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream is one JSON array.
    pub array: bool,
    /// Whether a stream ends with its usage.
    pub usage: bool,
    /// The parameters that the answer says back, by their names in the body, where the protocol does so.
    pub echo: Map<String, Value>,
    /// Where something stands in the body that the request has no field for, as JSON pointers. It is kept in
    /// the request's `extra`, in the words of this dialect, so that the request written again is the body. `/` alone is a gRPC message with
    /// fields that its JSON has no place for here: they are not kept.
    pub unread: Vec<String>,
}

/// Who gives an answer, and what tells it from others.
#[derive(Clone, Debug, Default)]
pub struct AnswerHead {
    /// The server's short name, which the ids of its answers hold.
    pub server: &'static str,
    /// The number of the answer.
    pub number: u64,
    /// When it was asked, in seconds since 1970.
    pub created: u64,
    /// Tokens of the prompt, as far as they are known beforehand.
    pub input_tokens: u64,
    /// What a comment says that keeps a stream open.
    pub comment: &'static str,
    /// The word for the set-up that answers, where the protocol has a field for it.
    pub fingerprint: Option<&'static str>,
    /// Signs a part of an answer that came unsigned, given the answer's and the part's number, where this
    /// protocol's clients wait for a signature.
    pub sign: Option<fn(u64, usize) -> String>,
}

impl AnswerHead {
    /// The answer's id between this word and its number.
    pub(super) fn id(&self, prefix: &str, separator: char) -> String {
        let Self { server, number, .. } = self;
        format!("{prefix}{separator}{server}{separator}{number}")
    }

    pub(super) fn signature(&self, part: usize) -> Option<String> {
        self.sign.map(|sign| sign(self.number, part))
    }

    /// A comment that keeps a stream of events open.
    pub(super) fn comment_line(&self) -> String {
        format!(": {}\n\n", self.comment)
    }
}

/// When an answer came, since its request was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
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
    /// Whose they are.
    pub owner: &'a str,
    /// When they were made, in seconds since 1970.
    pub created: u64,
}

/// Writes one answer.
pub trait Writer: Send {
    /// The content type of a streamed answer.
    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// Appends an event as a stream shows it; appends nothing for one that this protocol can't say, or says
    /// later. `next` came with it: what follows may belong into the same piece of the stream.
    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>);

    /// Appends events that came together.
    fn write(&mut self, events: &[Event], out: &mut Vec<u8>) {
        for (at, event) in events.iter().enumerate() {
            self.event(event, &events[at + 1..], out);
        }
    }

    /// The whole answer as one JSON document.
    fn whole(&self, answer: &Answer) -> Value;

    /// What stands behind the body of a stream, where the protocol ends it so.
    fn trailers(&mut self) -> Option<HeaderMap> {
        None
    }
}

/// An event of a stream, with its name.
pub(super) fn named_event(name: &str, data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}

/// The word for why an answer ended: the server's own, if it is one of the protocol's, else that of its class,
/// if that has one.
pub(super) fn finish_word<'a>(words: &[(FinishReason, &'a str)], finish: &'a Finish) -> &'a str {
    let mut words = words.iter();
    let own = words.clone().find(|(_, word)| *word == finish.raw);
    let of_class = || words.find(|(reason, _)| *reason == finish.reason);
    own.or_else(of_class).map_or(&finish.raw, |(_, word)| word)
}

/// Token counts in the form of OpenAI's protocols, given what each calls the counts of the prompt and of the answer. The
/// sums that were not stated are made, since clients ask for them.
pub(super) fn counted_json(usage: &Usage, [input, output]: [&str; 2]) -> Value {
    let [input_tokens, output_tokens] = [usage.input, usage.output].map(Option::unwrap_or_default);
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

/// Adds what the provider said beside its message.
pub(super) fn add_details(error: &mut Value, fault: &Fault) {
    let details = fault.details.as_deref();
    let details = details.map(serde_json::from_str::<Map<String, Value>>);
    for (name, value) in details.and_then(Result::ok).into_iter().flatten() {
        error[name] = value;
    }
}

/// A piece of a whole answer.
pub(super) struct Said<'a> {
    pub kind: &'a PieceKind,
    /// What it says, if it is text or reasoning.
    pub text: &'a str,
    /// The call, if it is one.
    pub call: Option<&'a ToolCall>,
    /// The file, if it is one.
    pub media: Option<&'a Media>,
    pub signature: Option<&'a str>,
}

/// What an answer is made of, in order; empty pieces that nothing signed say nothing.
pub(super) fn said(answer: &Answer) -> Vec<Said<'_>> {
    let (mut text, mut reasoning) = (0, 0);
    let pieces = answer.pieces.iter().map(|piece| Said {
        kind: &piece.kind,
        text: match piece.kind {
            PieceKind::Text { bytes } => cut(&answer.text, &mut text, bytes),
            PieceKind::Reasoning { bytes } => cut(&answer.reasoning, &mut reasoning, bytes),
            _ => "",
        },
        call: match piece.kind {
            PieceKind::ToolCall { index } => answer.tool_calls.get(index),
            _ => None,
        },
        media: match piece.kind {
            PieceKind::Media { index } => answer.media.get(index),
            _ => None,
        },
        signature: piece.signature.as_deref(),
    });
    let says = |piece: &Said<'_>| {
        let is_text = matches!(
            piece.kind,
            PieceKind::Text { .. } | PieceKind::Reasoning { .. }
        );
        !is_text || !piece.text.is_empty() || piece.signature.is_some()
    };
    pieces.filter(says).collect()
}

fn cut<'a>(of: &'a str, from: &mut usize, bytes: usize) -> &'a str {
    let piece = of.get(*from..*from + bytes).unwrap_or_default();
    *from += bytes;
    piece
}

/// The signature of a piece of an answer.
pub(super) fn signature_of<'a>(answer: &'a Answer, of: &PieceKind) -> Option<&'a str> {
    let piece = answer.pieces.iter().find(|piece| piece.kind == *of)?;
    piece.signature.as_deref()
}

/// The key of a request that carries it as a bearer token.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

/// A refusal as the client is told it: HTTP status, the provider's code, a message.
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

/// What serves a path: the dialect that takes it, if any. Some have a path in common and tell each other apart by
/// headers: the most particular ones are asked first.
#[must_use]
pub fn route(path: &str, headers: &HeaderMap) -> Option<(&'static Serve, Route)> {
    let mut served = super::DIALECTS.iter().rev().filter_map(|dialect| {
        let serve = dialect.serve?;
        Some((serve, (serve.route)(path, headers)?))
    });
    served.next()
}
