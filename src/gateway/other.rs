//! Requests that are not for an answer of a model (embeddings, audio, images, files, batches, counts of tokens): they
//! are passed on untranslated to a target of the same protocol.

use std::io;

use futures_util::stream;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

use super::{
    GatewayConfig, GatewayShared, asked::ClientRequest, attempt::MOST_HELD,
    found_route::RoutedTarget, headers, keys::LocalKey, refusals::refusal_of,
};
use crate::{
    clock::now,
    credential::explained,
    dialect::serve::refusal,
    event::Fault,
    exchange::{Exchange, ExchangeStep, PreparedExchange, call::passed_call},
    server::{ReplyBody, full},
    transport::Transport,
};

/// The client's header that names an endpoint, for requests that name no model.
const ENDPOINT: &str = "x-tokenscope-endpoint";

/// The target of a request: that of its model's route, else the one its header names, else the only one that speaks
/// its protocol.
///
/// # Errors
/// The refusal: there is none, there are several, or it is not allowed.
pub(super) fn target(
    config: &GatewayConfig,
    shared: &GatewayShared,
    asked: &ClientRequest,
    headers: &HeaderMap,
    key: &LocalKey,
) -> Result<RoutedTarget, Fault> {
    if !asked.model.is_empty()
        && let Some(found) = config.routes.find(&asked.model, &shared.health)
    {
        let mut targets = found.for_key(key, &config.prices)?.targets.into_iter();
        let same = targets.find(|target| asked.is_as_is(&target.endpoint));
        return same.ok_or_else(|| {
            let message = format!(
                "“{}” is reached by another protocol, to which this request can't be translated: give it a route to a \
                 target of this one",
                asked.model
            );
            refusal(400, "untranslatable_request", message)
        });
    }
    let named = headers.get(ENDPOINT).and_then(|name| name.to_str().ok());
    let mut all = config.routes.routed_endpoints();
    all.retain(|endpoint| asked.is_as_is(endpoint) && named.is_none_or(|name| endpoint.id == name));
    match all.as_slice() {
        [one] => RoutedTarget::of((*one).clone(), asked.model.clone(), &shared.health)
            .allowed(&key.settings.regions),
        [] => {
            let message = "No route leads to an endpoint of this protocol, and this request can't be translated";
            Err(refusal(404, "model_not_found", message))
        }
        several => {
            let ids: Vec<&str> = several
                .iter()
                .map(|endpoint| endpoint.id.as_str())
                .collect();
            let message = format!(
                "This request names no model, and several endpoints speak its protocol: name one of {} in the header \
                 {ENDPOINT}",
                ids.join(", ")
            );
            Err(refusal(400, "endpoint_needed", message))
        }
    }
}

/// Passes a request on, and its response back, as they are.
///
/// # Errors
/// The fault, if there was no response.
pub(super) async fn pass_on(
    shared: &GatewayShared,
    transport: &Transport,
    target: &RoutedTarget,
    asked: &ClientRequest,
) -> Result<Response<ReplyBody>, Fault> {
    let keys = shared.keys.of(&target.endpoint).await.map_err(refusal_of)?;
    let endpoint = keys.place.fitted(&target.endpoint);
    let passed = asked.passed(&target.model);
    let call = passed_call(
        &endpoint,
        passed,
        keys.key.as_ref(),
        keys.proxy_password.clone(),
    );
    let mut call =
        call.map_err(|fault| refusal_of(explained(fault, keys.no_key_reason.as_deref())))?;
    call.as_is = true;
    if let Some(accepts) = &asked.accept_encoding {
        call.headers
            .insert(header::ACCEPT_ENCODING, accepts.clone());
    }
    let prepared = PreparedExchange::call(transport, call, None).await;
    let prepared = prepared.map_err(refusal_of)?;
    let observer = prepared.observer(endpoint.dialect.dialect().decoder);
    let mut exchange = prepared.begin(now());
    loop {
        match exchange.next().await {
            ExchangeStep::Connected(_) | ExchangeStep::ExchangeChunk(_) => {}
            ExchangeStep::Head(head) => {
                let is_refusal = head.status >= 400;
                let mut response = Response::new(if is_refusal {
                    let body = whole(exchange).await;
                    // A server that refuses a key may repeat it.
                    full(observer.covered(body))
                } else {
                    let frames = stream::unfold(Some(exchange), next);
                    StreamBody::new(frames).boxed_unsync()
                });
                *response.status_mut() = StatusCode::from_u16(head.status).unwrap_or_default();
                *response.headers_mut() = headers::of_response(&head.headers, false);
                if is_refusal {
                    response.headers_mut().remove(header::CONTENT_LENGTH);
                }
                return Ok(response);
            }
            ExchangeStep::ExchangeEnd(end) => {
                let fault = end.fault().cloned();
                let ended = || {
                    refusal(
                        502,
                        "provider_error",
                        "The exchange ended without a response",
                    )
                };
                return Err(refusal_of(fault.unwrap_or_else(ended)));
            }
        }
    }
}

/// The body of a refusal, as far as it comes.
async fn whole(mut exchange: Exchange) -> Vec<u8> {
    let mut body = Vec::new();
    while let ExchangeStep::ExchangeChunk(chunk) = exchange.next().await {
        body.extend_from_slice(&chunk.bytes);
        if body.len() > MOST_HELD {
            break;
        }
    }
    body
}

/// The next frame of a response's body.
async fn next(
    exchange: Option<Exchange>,
) -> Option<(io::Result<Frame<bytes::Bytes>>, Option<Exchange>)> {
    let mut exchange = exchange?;
    loop {
        match exchange.next().await {
            ExchangeStep::Connected(_) | ExchangeStep::Head(_) => {}
            ExchangeStep::ExchangeChunk(chunk) if chunk.bytes.is_empty() => {}
            ExchangeStep::ExchangeChunk(chunk) => {
                return Some((Ok(Frame::data(chunk.bytes)), Some(exchange)));
            }
            ExchangeStep::ExchangeEnd(end) => {
                let fault = end.fault()?;
                return Some((Err(io::Error::other(fault.to_string())), None));
            }
        }
    }
}
