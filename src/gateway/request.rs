//! From a client's request to that of its target.

use std::ptr;

use serde_json::Value;

use super::{fields, routes::RouteTable};
use crate::{
    chat::ChatRequest,
    dialect::serve::{PathParams, Serve, ServedRequest, refusal},
    endpoint::Endpoint,
    event::Fault,
    exchange::call::left_out,
};

/// A client's request, and where it goes.
pub(super) struct RoutedRequest {
    /// As the client asked it: how its answer is written.
    pub served: ServedRequest,
    /// As the target is asked.
    pub request: ChatRequest,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// What is not sent, and changes nothing in the answer: places and sentences.
    pub dropped: Vec<String>,
}

/// Reads a request and finds its route.
///
/// # Errors
/// The refusal: it can't be read, no route has its model, or a field would change the answer and has no place in the
/// target's protocol.
pub(super) fn routed(
    inbound: &'static Serve,
    body: &[u8],
    params: &PathParams,
    routes: &RouteTable,
) -> Result<RoutedRequest, Fault> {
    let served = (inbound.read)(body, params)?;
    let asked = &served.request.model;
    let Some((endpoint, model)) = routes.find(asked) else {
        return Err(no_route(asked, routes));
    };
    let target = endpoint.dialect.dialect();
    let mut request = ChatRequest {
        model,
        ..served.request.clone()
    };
    let mut dropped = Vec::new();
    if !target.serve.is_some_and(|serve| ptr::eq(serve, inbound)) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let untranslated = fields::sort(&body, &served.unread);
        if !untranslated.refused.is_empty() {
            return Err(untranslatable(&untranslated.refused, target.label));
        }
        dropped = untranslated.dropped;
        // They are fields of the client's protocol.
        request.params.extra.clear();
    }
    dropped.extend(left_out(target, &request));
    Ok(RoutedRequest {
        request,
        endpoint: endpoint.clone(),
        dropped,
        served,
    })
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
