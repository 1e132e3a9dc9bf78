//! What goes on the wire to an endpoint: URL, headers and body of a call.
//!
//! In: an [`Endpoint`], its key, a request. Out: an [`HttpCall`] for the transport.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::{
    chat::{BodyPiece, ChatRequest, Files},
    dialect::{Dialect, GrpcMessage, WireFormat},
    endpoint::{
        Auth, Endpoint,
        base_url::BadUrl,
        headers::{self, request_headers},
    },
    event::{About, Fault, FaultClass, Note, Phase},
    hints::{self, Hint},
    transport::{HttpCall, HttpVersion, Upload},
};

const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const ROUTING: HeaderName = HeaderName::from_static("x-goog-request-params");

/// The call of a chat request, and notes on it from before it is sent.
#[derive(Clone, Debug)]
pub struct ChatCall {
    /// The call.
    pub http: HttpCall,
    /// What was left out of the request or changed: one sentence each, without a period.
    pub notes: Vec<Note>,
}

/// Makes the call of a chat request, without the settings that its model is known to refuse.
///
/// # Errors
/// As [`request_headers`]; or if the dialect can't carry the request, or not over the endpoint's HTTP version.
pub fn chat_call(
    dialect: &Dialect,
    endpoint: &Endpoint,
    request: &ChatRequest,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<ChatCall, Fault> {
    let bad_request = |why| Fault::new(FaultClass::BadRequest, Phase::Prepare, why);
    if let Some(why) = hints::refusal(dialect.id, request) {
        return Err(bad_request(why));
    }
    let url = (dialect.chat_url)(&endpoint.base_url, &request.model);
    let ChatBody { json, files, hints } = ChatBody::of(dialect, endpoint, request);
    let http = call(Method::POST, url, endpoint, key, proxy_password)?;
    let notes = hints.iter().filter_map(Hint::note);
    let notes = notes.chain(key.and_then(headers::key_note)).collect();
    let mut call = ChatCall { http, notes };
    match dialect.wire {
        WireFormat::Json => put_json(&mut call, &json, &files),
        WireFormat::Grpc(_) if endpoint.auth == Auth::Query => {
            let why = "gRPC has no query that could carry the key: set its auth to bearer or to x-goog-api-key, or \
                       its dialect to gemini";
            return Err(bad_request(why.to_owned()));
        }
        WireFormat::Grpc(grpc) => {
            let message = (grpc.message)(json, &files, &endpoint.base_url, &request.model);
            message
                .and_then(|message| put_message(&mut call, message))
                .map_err(bad_request)?;
        }
    }
    Ok(call)
}

/// The JSON of a request, with marks for its files.
struct ChatBody {
    json: Value,
    files: Files,
    hints: Vec<Hint>,
}

impl ChatBody {
    fn of(dialect: &Dialect, endpoint: &Endpoint, request: &ChatRequest) -> Self {
        let files = Files::of(request);
        if let Some(raw) = &request.raw_body {
            return Self {
                json: files.from_people(raw.clone()),
                files,
                hints: Vec::new(),
            };
        }
        let marked = files.marked(request.clone());
        let (fitted, hints) = hints::fit(dialect.id, &marked);
        let mut json = (dialect.encode)(&fitted);
        if let Some(fit) = dialect.fit {
            fit(&mut json, &endpoint.base_url);
        }
        Self { json, files, hints }
    }
}

/// The JSON body of a request, for people to read and edit: `{{file 1}}` stands for the base64 of its first file.
/// [`ChatRequest::raw_body`] accepts the edited body.
#[must_use]
pub fn raw_body(endpoint: &Endpoint, request: &ChatRequest) -> Value {
    let ChatBody { json, files, .. } = ChatBody::of(endpoint.dialect.dialect(), endpoint, request);
    files.for_people(json)
}

/// The JSON body that a dialect writes for a request, without what depends on the endpoint.
#[must_use]
pub fn fitted_body(dialect: &Dialect, request: &ChatRequest) -> Value {
    (dialect.encode)(&hints::fit(dialect.id, request).0)
}

/// The parts of a request that its model or this dialect does not take: one sentence each, without a period.
#[must_use]
pub fn left_out(dialect: &Dialect, request: &ChatRequest) -> Vec<String> {
    if request.raw_body.is_some() {
        return Vec::new();
    }
    let notes = hints::fit(dialect.id, request).1;
    let notes = notes.iter().filter_map(Hint::note);
    notes.map(|note| note.text).collect()
}

/// The JSON body of a request, with its files inlined as base64.
pub(crate) fn body_with_files(
    dialect: &Dialect,
    endpoint: &Endpoint,
    request: &ChatRequest,
) -> Value {
    let ChatBody { json, files, .. } = ChatBody::of(dialect, endpoint, request);
    files.inlined(json)
}

fn put_json(call: &mut ChatCall, body: &Value, files: &Files) {
    let defaults = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT, "text/event-stream"),
    ];
    for (name, value) in defaults {
        let value = HeaderValue::from_static(value);
        call.http.headers.entry(name).or_insert(value);
    }
    for piece in files.split(body.to_string()) {
        match piece {
            BodyPiece::Text(text) => call.http.body.push(text),
            BodyPiece::Base64(file) => call.http.body.push_base64(file),
        }
    }
}

/// Sets gRPC's headers, which override the endpoint's, and HTTP/2.
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
    call.http.body = message.framed.into();
    let notes = message.notes.into_iter();
    call.notes
        .extend(notes.map(|text| Note::new(About::NotSent, text)));
    Ok(())
}

/// A request that is passed on as it is: its method, where it goes, and the client's own headers and body.
#[derive(Debug)]
pub struct PassedRequest {
    /// Its method.
    pub method: Method,
    /// The operation, as [`Dialect::operation_url`] reads it.
    pub operation: String,
    /// The model of its path, if paths name models.
    pub model: String,
    /// The client's headers that go on. The endpoint's own take precedence.
    pub headers: HeaderMap,
    /// The body.
    pub body: Upload,
}

/// The call of a request that is passed on.
///
/// # Errors
/// As [`request_headers`].
pub fn passed_call(
    endpoint: &Endpoint,
    request: PassedRequest,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    let dialect = endpoint.dialect.dialect();
    let url = (dialect.operation_url)(&endpoint.base_url, &request.model, &request.operation);
    let mut call = call(request.method, url, endpoint, key, proxy_password)?;
    let mut headers = request.headers;
    for (name, value) in &call.headers {
        // What the dialect adds is a default; the endpoint's own headers replace the client's.
        let is_default = dialect.headers.iter().any(|(own, _)| own == name)
            && !endpoint
                .headers
                .keys()
                .any(|own| name.as_str().eq_ignore_ascii_case(own));
        if !(is_default && headers.contains_key(name)) {
            headers.insert(name, value.clone());
        }
    }
    call.headers = headers;
    call.body = request.body;
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
    mut url: Url,
    endpoint: &Endpoint,
    key: Option<&SecretString>,
    proxy_password: Option<SecretString>,
) -> Result<HttpCall, Fault> {
    if endpoint.base_url.scheme() == "http" && !endpoint.allow_http && !endpoint.is_local() {
        let host = endpoint.base_url.host_str().unwrap_or_default();
        let why = BadUrl::PlainHttp(host.to_owned()).to_string();
        return Err(Fault::new(FaultClass::BadRequest, Phase::Prepare, why));
    }
    let mut headers = request_headers(endpoint, key)?;
    headers::put_into_query(&mut url, endpoint, key);
    for (name, value) in endpoint.dialect.dialect().headers {
        headers
            .entry(*name)
            .or_insert(HeaderValue::from_static(value));
    }
    Ok(HttpCall {
        method,
        url,
        headers,
        body: Upload::default(),
        connect: endpoint.connect.clone(),
        proxy_password,
        cold: false,
        as_is: false,
    })
}
