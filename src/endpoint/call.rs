//! What goes on the wire to an endpoint: URL, headers and body of a call.
//!
//! In: an [`Endpoint`], its key, a request. Out: an [`HttpCall`] for the transport.

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use secrecy::SecretString;
use url::Url;

use super::{Endpoint, headers::request_headers};
use crate::{
    chat::ChatRequest,
    dialect::Dialect,
    event::{Fault, FaultClass, Phase},
    hints,
    transport::HttpCall,
};

/// The call of a chat request, without the settings that its model is known to refuse.
///
/// # Errors
/// As [`request_headers`].
pub fn chat_call(
    dialect: &Dialect,
    endpoint: &Endpoint,
    request: &ChatRequest,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    let url = (dialect.chat_url)(&endpoint.base_url, &request.model);
    let (request, _) = hints::fit(dialect.id, request);
    let body = serde_json::to_vec(&(dialect.encode)(&request)).map_err(|error| {
        let message = format!("the request can't be written as JSON: {error}");
        Fault::new(FaultClass::BadRequest, Phase::Prepare, message)
    })?;
    let mut call = call(Method::POST, url, endpoint, key, proxy_password)?;
    let defaults = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT, "text/event-stream"),
    ];
    for (name, value) in defaults {
        let value = HeaderValue::from_static(value);
        call.headers.entry(name).or_insert(value);
    }
    call.body = Bytes::from(body);
    Ok(call)
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
