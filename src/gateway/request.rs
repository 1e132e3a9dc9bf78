//! From a client's request to that of its target.

use std::ptr;

use serde_json::Value;

use super::{fields, routes::RouteTable};
use crate::{
    chat::ChatRequest,
    dialect::serve::{AnswerHead, AnswerWriter, PathParams, Serve, refusal},
    endpoint::Endpoint,
    event::Fault,
    exchange::call::left_out,
};

/// A client's request, as its target is asked, and how it is answered.
pub(super) struct RoutedRequest<'a> {
    /// As the target is asked.
    pub request: ChatRequest,
    /// Where it goes.
    pub endpoint: &'a Endpoint,
    /// What is not sent, and changes nothing in the answer: places and sentences.
    pub dropped: Vec<String>,
    /// Writes the answer in the client's protocol.
    pub writer: Box<dyn AnswerWriter>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with its usage.
    pub usage: bool,
}

/// Reads a request and finds its route.
///
/// # Errors
/// The refusal: it can't be read, no route has its model, or a field would change the answer and has no place in the
/// target's protocol.
pub(super) fn routed<'a>(
    inbound: &'static Serve,
    body: &[u8],
    params: &PathParams,
    routes: &'a RouteTable,
    own: &AnswerHead,
) -> Result<RoutedRequest<'a>, Fault> {
    let served = (inbound.read)(body, params)?;
    let asked = &served.request.model;
    let Some((endpoint, model)) = routes.find(asked) else {
        return Err(no_route(asked, routes));
    };
    let writer = (inbound.writer)(&served, own);
    let mut request = served.request;
    request.model = model;
    let target = endpoint.dialect.dialect();
    let mut dropped = Vec::new();
    if !target.serve.is_some_and(|serve| ptr::eq(serve, inbound)) {
        if !served.unread.is_empty() {
            dropped = unsent(body, &served.unread, target.label)?;
        }
        // They are fields of the client's protocol.
        request.params.extra.clear();
    }
    dropped.extend(left_out(target, &request));
    Ok(RoutedRequest {
        request,
        endpoint,
        dropped,
        writer,
        stream: served.stream,
        usage: served.usage,
    })
}

/// Which of the places without a field are not sent; refuses those that would change the answer.
fn unsent(body: &[u8], places: &[String], target: &str) -> Result<Vec<String>, Fault> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let untranslated = fields::sort(&body, places);
    if untranslated.refused.is_empty() {
        return Ok(untranslated.dropped);
    }
    Err(untranslatable(&untranslated.refused, target))
}

fn no_route(asked: &str, routes: &RouteTable) -> Fault {
    let names = routes.names();
    let known = match names.len() {
        0 => "none yet".to_owned(),
        1..=12 => names.join(", "),
        more => format!("{}, and {} more", names[..12].join(", "), more - 12),
    };
    let message = format!("No route leads to a model “{asked}”. Known are: {known}");
    refusal(404, "model_not_found", message)
}

fn untranslatable(places: &[String], target: &str) -> Fault {
    let places = places.join(", ");
    let message = format!(
        "This model is reached by {target}, which has no place for {places}. Leave it out, or ask a model whose \
         route keeps the protocol"
    );
    refusal(400, "unsupported_parameter", message)
}
