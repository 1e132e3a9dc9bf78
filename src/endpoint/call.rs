//! What goes on the wire to an endpoint: URL, headers and body of a call.
//!
//! In: an [`Endpoint`], its key, a request. Out: an [`HttpCall`] for the transport.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{Endpoint, HttpVersion, headers::request_headers};
use crate::{
    chat::ChatRequest,
    dialect::{Dialect, GrpcMessage, Wire},
    event::{Fault, FaultClass, Phase},
    hints::{self, Hint},
    transport::HttpCall,
};

const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const ROUTING: HeaderName = HeaderName::from_static("x-goog-request-params");

/// The call of a chat request, and what is known of it before it is sent.
#[derive(Clone, Debug)]
pub struct ChatCall {
    /// The call.
    pub http: HttpCall,
    /// What of the request it does not carry as it was: one sentence each, without a period.
    pub notes: Vec<String>,
}

/// The call of a chat request, without the settings that its model is known to refuse.
///
/// # Errors
/// As [`request_headers`]; and where the dialect can't carry the request, or the endpoint is set to an HTTP
/// version that it can't go over.
pub fn chat_call(
    dialect: &Dialect,
    endpoint: &Endpoint,
    request: &ChatRequest,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<ChatCall, Fault> {
    let url = (dialect.chat_url)(&endpoint.base_url, &request.model);
    let (request, hints) = hints::fit(dialect.id, request);
    let body = (dialect.encode)(&request);
    let http = call(Method::POST, url, endpoint, key, proxy_password)?;
    let notes = hints.iter().filter_map(Hint::note).collect();
    let mut call = ChatCall { http, notes };
    match dialect.wire {
        Wire::Json => put_json(&mut call, &body),
        Wire::Grpc(grpc) => {
            let message = (grpc.message)(body, &endpoint.base_url, &request.model);
            message.and_then(|message| put_message(&mut call, message))
        }
    }
    .map_err(|why| Fault::new(FaultClass::BadRequest, Phase::Prepare, why))?;
    Ok(call)
}

fn put_json(call: &mut ChatCall, body: &Value) -> Result<(), String> {
    let defaults = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT, "text/event-stream"),
    ];
    for (name, value) in defaults {
        let value = HeaderValue::from_static(value);
        call.http.headers.entry(name).or_insert(value);
    }
    let body = serde_json::to_vec(body);
    let body = body.map_err(|error| format!("the request can't be written as JSON: {error}"))?;
    call.http.body = Bytes::from(body);
    Ok(())
}

/// gRPC's own headers, whatever the endpoint says, and HTTP/2.
fn put_message(call: &mut ChatCall, message: GrpcMessage) -> Result<(), String> {
    if call.http.connect.http == HttpVersion::Http1 {
        let why = "gRPC needs HTTP/2, and this endpoint is set to HTTP/1.1: set its HTTP version to auto, or \
                   its dialect to gemini";
        return Err(why.into());
    }
    call.http.connect.http = HttpVersion::Http2;
    for (name, value) in [
        (header::CONTENT_TYPE, "application/grpc"),
        (header::TE, "trailers"),
        (header::ACCEPT_ENCODING, "identity"),
        (GRPC_ACCEPT_ENCODING, "identity"),
    ] {
        call.http
            .headers
            .insert(name, HeaderValue::from_static(value));
    }
    let routing = HeaderValue::from_str(&message.routing).map_err(|error| error.to_string())?;
    call.http.headers.insert(ROUTING, routing);
    call.http.body = message.framed;
    call.notes.extend(message.notes);
    Ok(())
}

/// The call that lists an endpoint's models.
///
/// # Errors
/// As [`request_headers`].
pub fn models_call(
    endpoint: &Endpoint,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    let url = (endpoint.dialect.dialect().models_url)(&endpoint.base_url);
    let mut call = call(Method::GET, url, endpoint, key, proxy_password)?;
    let json = HeaderValue::from_static("application/json");
    call.headers.entry(header::ACCEPT).or_insert(json);
    Ok(call)
}

fn call(
    method: Method,
    url: Url,
    endpoint: &Endpoint,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    let mut headers = request_headers(endpoint, key)?;
    for (name, value) in endpoint.dialect.dialect().headers {
        headers
            .entry(*name)
            .or_insert(HeaderValue::from_static(value));
    }
    Ok(HttpCall {
        method,
        url,
        headers,
        body: Bytes::new(),
        connect: endpoint.connect.clone(),
        proxy_password,
    })
}
