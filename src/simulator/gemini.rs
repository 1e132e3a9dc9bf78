//! `gemini`, from the server's side: the Gemini API's paths and Vertex AI's.
//!
//! Wire facts: <https://ai.google.dev/api/generate-content>; signatures go by
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>.

mod request;
mod writer;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

pub(super) use self::{
    request::parse,
    writer::{Form, GeminiWriter},
};
use super::{
    dialect::{Dialect, Route, Way},
    model::Model,
    openai_chat::bearer,
    read,
    reply::json_refusal,
};
use crate::{dialect::DialectId, event::Fault};

pub(super) static DIALECT: Dialect = Dialect {
    id: DialectId::Gemini,
    base_path: "/v1beta",
    route,
    key,
    times: false,
    parse: |body, way| parse(&read::body(body)?, way),
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, id| Box::new(GeminiWriter::new(asked, id, Form::of(asked))),
};

/// `…/models/{model}:{method}` below any version, project and publisher.
fn route(path: &str, _: &HeaderMap) -> Option<Route> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path == "/v1beta/models" || path.ends_with("/publishers/google/models") {
        return Some(Route::Models);
    }
    let (_, method) = path.split_once("/models/")?;
    let (model, method) = method.rsplit_once(':')?;
    let stream = match method {
        "streamGenerateContent" => true,
        "generateContent" => false,
        _ => return None,
    };
    Some(Route::Chat(Way {
        model: model.to_owned(),
        stream,
        events: query
            .split('&')
            .any(|pair| pair == "alt=sse" || pair == "%24alt=sse"),
    }))
}

pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get("x-goog-api-key");
    own.and_then(|key| key.to_str().ok())
        .or_else(|| bearer(headers))
}

pub(super) fn models(models: &[Model], _: u64) -> Value {
    let list: Vec<Value> = (models.iter())
        .map(|m| {
            json!({
                "name": format!("models/{}", m.name), "displayName": m.description, "version": "simulated",
                "supportedGenerationMethods": ["generateContent"],
            })
        })
        .collect();
    json!({ "models": list })
}

/// The word for a fault, which is the name of its gRPC status as well.
pub(super) fn status_name(fault: &Fault) -> &'static str {
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

fn http_status(fault: &Fault) -> u16 {
    fault.status.unwrap_or(500)
}

fn error(fault: &Fault) -> Value {
    let (code, status) = (http_status(fault), status_name(fault));
    json!({ "error": { "code": code, "message": fault.message, "status": status } })
}
