//! The server's half of `anthropic`.
//!
//! Wire facts: <https://platform.claude.com/docs/en/api/messages-streaming>.

mod blocks;
mod read;
mod write;

use http::HeaderMap;
use serde_json::{Value, json};

use self::{read::parse, write::MessageWriter};
use crate::{
    dialect::serve::{
        ModelList, Serve, ServedRoute, add_details, bearer, in_turn::InTurn, json_refusal,
        route_below,
    },
    event::{Fault, FaultClass},
};

/// How a server reads and writes it.
pub(super) static SERVE: Serve = Serve {
    base_path: "",
    route: |path, headers| match path.split('?').next().unwrap_or_default() {
        // OpenAI's list has the same path.
        "/v1/models" if headers.contains_key("anthropic-version") => Some(ServedRoute::Models),
        // So have its files.
        file if file.starts_with("/v1/files") && !headers.contains_key("anthropic-version") => None,
        _ => route_below(path, "/v1/", "messages", &["messages/", "files/"]),
    },
    key,
    signs_calls: false,
    timings: None,
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, head| Box::new(InTurn::new(MessageWriter::new(asked, head))),
};

fn key(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get("x-api-key").and_then(|key| key.to_str().ok());
    own.or_else(|| bearer(headers))
}

fn models(list: &ModelList) -> Value {
    let data: Vec<Value> = (list.models.iter())
        .map(|m| {
            json!({
                "type": "model", "id": m.id, "display_name": m.label,
                "created_at": "1970-01-01T00:00:00Z",
            })
        })
        .collect();
    json!({ "data": data, "has_more": false, "first_id": null, "last_id": null })
}

fn error(fault: &Fault) -> Value {
    let kind = match (fault.class, fault.status) {
        (FaultClass::Auth, _) => "authentication_error",
        (FaultClass::RateLimited, _) => "rate_limit_error",
        (FaultClass::Overloaded, _) => "overloaded_error",
        (FaultClass::NotFound, _) => "not_found_error",
        (_, Some(400..500)) => "invalid_request_error",
        _ => "api_error",
    };
    let own = fault
        .code
        .as_deref()
        .filter(|code| ERROR_TYPES.contains(code));
    let mut error = json!({ "type": kind, "message": fault.message });
    add_details(&mut error, fault);
    // Of another protocol, the word beside the message may be another class's.
    error["type"] = own.unwrap_or(kind).into();
    json!({ "type": "error", "error": error })
}

/// The protocol's types of errors (<https://platform.claude.com/docs/en/api/errors>).
const ERROR_TYPES: &[&str] = &[
    "api_error",
    "authentication_error",
    "billing_error",
    "invalid_request_error",
    "not_found_error",
    "overloaded_error",
    "permission_error",
    "rate_limit_error",
    "request_too_large",
    "timeout_error",
];
