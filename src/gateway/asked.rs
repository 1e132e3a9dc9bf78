//! A client's request, and how it is put to a target.

use std::{ptr, sync::OnceLock, time::Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use super::{fields, found_route::RoutedTarget, headers, model_place::ModelPlace};
use crate::{
    chat::ChatRequest,
    dialect::{
        WireFormat,
        serve::{self, AnswerHead, AnswerWriter, PathParams, Serve, ServedRequest, refusal},
    },
    endpoint::Endpoint,
    event::Fault,
    exchange::call::{PassedRequest, left_out},
    transport::{Upload, unpacked},
};

/// A request, as it came.
pub(super) struct ClientRequest {
    pub inbound: &'static Serve,
    pub params: PathParams,
    pub method: Method,
    /// The headers that go on to a target of the same protocol.
    pub headers: HeaderMap,
    /// The compressions that the client takes.
    pub accept_encoding: Option<HeaderValue>,
    /// The body, without compression.
    pub body: Bytes,
    place: Option<ModelPlace>,
    /// The model that it asks for; empty if it names none.
    pub model: String,
    /// When all of it was there.
    pub received: Instant,
    /// What it says, once that was needed.
    served: OnceLock<Result<ServedRequest, Fault>>,
}

/// A request as a target of another protocol is asked.
pub(super) struct Translated {
    pub request: ChatRequest,
    /// What is not sent, and changes nothing in the answer: places and sentences.
    pub dropped: Vec<String>,
    /// Writes the answer in the client's protocol.
    pub writer: Box<dyn AnswerWriter>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with its usage.
    pub usage: bool,
}

impl ClientRequest {
    /// Reads who is asked: no more of the body than its model's name.
    ///
    /// # Errors
    /// The refusal: its body can't be unpacked, or is not what it says.
    pub(super) fn read(
        inbound: &'static Serve,
        params: PathParams,
        head: &http::request::Parts,
        body: Bytes,
        most: usize,
        received: Instant,
    ) -> Result<Self, Fault> {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let coding = text(header::CONTENT_ENCODING).filter(|coding| *coding != "identity");
        let body = match coding {
            None => body,
            Some(coding) => {
                let whole = unpacked(coding, &body, most);
                whole
                    .map_err(|why| refusal(415, "unsupported_encoding", why))?
                    .into()
            }
        };
        let place = ModelPlace::find(text(header::CONTENT_TYPE).unwrap_or_default(), &body)?;
        let named = place.as_ref().map(|place| place.name.clone());
        Ok(Self {
            inbound,
            model: if params.model.is_empty() {
                named.unwrap_or_default()
            } else {
                params.model.clone()
            },
            params,
            method: head.method.clone(),
            headers: headers::of_request(&head.headers),
            accept_encoding: head.headers.get(header::ACCEPT_ENCODING).cloned(),
            body,
            place,
            received,
            served: OnceLock::new(),
        })
    }

    /// The trace that it says it is part of.
    pub(super) fn trace_parent(&self) -> Option<String> {
        let parent = self.headers.get("traceparent")?.to_str().ok()?;
        Some(parent.to_owned())
    }

    /// Whether an endpoint speaks the client's protocol: then bytes are passed on.
    pub(super) fn is_as_is(&self, endpoint: &Endpoint) -> bool {
        let dialect = endpoint.dialect.dialect();
        let is_same = dialect
            .serve
            .is_some_and(|serve| ptr::eq(serve, self.inbound));
        is_same && matches!(dialect.wire, WireFormat::Json)
    }

    /// The request as it is passed on to a target of the same protocol.
    pub(super) fn passed(&self, model: &str) -> PassedRequest {
        let (mut whole, mut place) = (self.body.clone(), self.place.clone());
        if let Some(stripped) = serve::without_signatures(&whole) {
            whole = stripped.into();
            place = ModelPlace::find("", &whole).ok().flatten();
        }
        let body = match &place {
            Some(place) if self.params.model.is_empty() => place.replaced(&whole, model),
            _ => {
                let mut upload = Upload::default();
                upload.push(whole);
                upload
            }
        };
        PassedRequest {
            method: self.method.clone(),
            operation: self.params.operation.clone(),
            model: model.to_owned(),
            headers: self.headers.clone(),
            body,
        }
    }

    /// The request as a target of another protocol is asked.
    ///
    /// # Errors
    /// The refusal: it can't be read, or a field would change the answer and has no place in the target's protocol.
    pub(super) fn translated(
        &self,
        target: &RoutedTarget,
        own: &AnswerHead,
    ) -> Result<Translated, Fault> {
        let served = self
            .served
            .get_or_init(|| (self.inbound.read)(&self.body, &self.params));
        let served = served.as_ref().map_err(Clone::clone)?;
        let dialect = target.endpoint.dialect.dialect();
        let mut dropped = Vec::new();
        if !served.unread.is_empty() {
            dropped = unsent(&self.body, &served.unread, dialect.label)?;
        }
        let mut request = served.request.clone();
        request.model.clone_from(&target.model);
        // They are fields of the client's protocol.
        request.params.extra.clear();
        dropped.extend(left_out(dialect, &request));
        Ok(Translated {
            request,
            dropped,
            writer: (self.inbound.writer)(served, own),
            stream: served.stream,
            usage: served.usage,
        })
    }

    /// What the history says was asked; a body that can't be read is kept as it is.
    pub(super) fn request_of(
        inbound: &'static Serve,
        body: &[u8],
        params: &PathParams,
        model: &str,
    ) -> ChatRequest {
        let read = (inbound.read)(body, params).map(|served| served.request);
        let unread = |_| ChatRequest {
            raw_body: serde_json::from_slice(body).ok(),
            ..ChatRequest::default()
        };
        ChatRequest {
            model: model.to_owned(),
            ..read.unwrap_or_else(unread)
        }
    }
}

/// Which of the places without a field are not sent; refuses those that would change the answer.
fn unsent(body: &[u8], places: &[String], target: &str) -> Result<Vec<String>, Fault> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let untranslated = fields::sort(&body, places);
    if untranslated.refused.is_empty() {
        return Ok(untranslated.dropped);
    }
    let places = untranslated.refused.join(", ");
    let message = format!(
        "This model is reached by {target}, which has no place for {places}. Leave it out, or ask a model whose \
         route keeps the protocol"
    );
    Err(refusal(400, "unsupported_parameter", message))
}
