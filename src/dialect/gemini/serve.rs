//! The server's half of `gemini`: the paths of the Gemini API and of Vertex AI.
//!
//! Wire facts: <https://ai.google.dev/api/generate-content>; signatures follow
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>.

mod parts;
mod read;
mod schema;
mod write;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

pub(in crate::dialect) use self::{
    read::parse,
    write::{GeminiWriter, StreamForm},
};
use crate::{
    dialect::serve::{
        ModelList, PathParams, Serve, ServedRoute, add_details, bearer, in_turn::InTurn,
        json_refusal, read::body,
    },
    event::{Fault, FaultClass},
};

/// How a server reads and writes it.
pub(super) static SERVE: Serve = Serve {
    base_path: "/v1beta",
    route,
    key,
    signs_calls: true,
    timings: None,
    read: |bytes, path| parse(body(bytes)?, path),
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, head| {
        Box::new(InTurn::new(GeminiWriter::new(
            asked,
            head,
            StreamForm::of(asked),
        )))
    },
};

/// Matches `…/models/{model}:{method}` after any version, project and publisher.
fn route(path: &str, _: &HeaderMap) -> Option<ServedRoute> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path == "/v1beta/models" || path.ends_with("/publishers/google/models") {
        return Some(ServedRoute::Models);
    }
    let (_, method) = path.split_once("/models/")?;
    let (model, method) = method.rsplit_once(':')?;
    let params = PathParams {
        model: model.to_owned(),
        stream: method == "streamGenerateContent",
        events: query
            .split('&')
            .any(|pair| pair == "alt=sse" || pair == "%24alt=sse"),
        operation: if query.is_empty() {
            method.to_owned()
        } else {
            format!("{method}?{query}")
        },
    };
    match method {
        "streamGenerateContent" | "generateContent" => Some(ServedRoute::Chat(params)),
        method if OTHERS.contains(&method) => Some(ServedRoute::Other(params)),
        _ => None,
    }
}

/// The methods of models besides, of the Gemini API and of Vertex AI.
const OTHERS: &[&str] = &[
    "asyncBatchEmbedContent",
    "batchEmbedContents",
    "batchGenerateContent",
    "computeTokens",
    "countTokens",
    "embedContent",
    "predict",
    "predictLongRunning",
];

pub(in crate::dialect) fn key(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get("x-goog-api-key");
    own.and_then(|key| key.to_str().ok())
        .or_else(|| bearer(headers))
}

pub(in crate::dialect) fn models(list: &ModelList) -> Value {
    let list: Vec<Value> = (list.models.iter())
        .map(|m| {
            json!({
                "name": format!("models/{}", m.id), "displayName": m.label, "version": list.owner,
                "supportedGenerationMethods": ["generateContent"],
            })
        })
        .collect();
    json!({ "models": list })
}

/// The `status` of a fault, which is also the name of its gRPC status.
pub(in crate::dialect) fn status_name(fault: &Fault) -> &'static str {
    let own = fault.code.as_deref();
    if let Some(own) = STATUS_NAMES.iter().find(|name| Some(**name) == own) {
        return own;
    }
    match StatusCode::from_u16(http_status(fault)) {
        Ok(StatusCode::UNAUTHORIZED) => "UNAUTHENTICATED",
        Ok(StatusCode::FORBIDDEN) => "PERMISSION_DENIED",
        Ok(StatusCode::NOT_FOUND) => "NOT_FOUND",
        Ok(StatusCode::TOO_MANY_REQUESTS) => "RESOURCE_EXHAUSTED",
        Ok(StatusCode::SERVICE_UNAVAILABLE) => "UNAVAILABLE",
        Ok(status) if status.is_client_error() => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

/// The names of gRPC statuses, which are used as `status`.
const STATUS_NAMES: &[&str] = &[
    "ABORTED",
    "ALREADY_EXISTS",
    "CANCELLED",
    "DATA_LOSS",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
    "UNKNOWN",
];

/// The HTTP status of a fault. Within a stream, where the response's status was 200, it follows from the fault's class.
fn http_status(fault: &Fault) -> u16 {
    let of_class = || match fault.class {
        FaultClass::Auth => 401,
        FaultClass::NotFound => 404,
        FaultClass::RateLimited => 429,
        FaultClass::BadRequest => 400,
        FaultClass::Overloaded => 503,
        _ => 500,
    };
    let stated = fault.status.filter(|status| *status >= 400);
    stated.unwrap_or_else(of_class)
}

fn error(fault: &Fault) -> Value {
    let (code, status) = (http_status(fault), status_name(fault));
    let mut error = json!({ "code": code, "message": fault.message, "status": status });
    add_details(&mut error, fault);
    json!({ "error": error })
}
