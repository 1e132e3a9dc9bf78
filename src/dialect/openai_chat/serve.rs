//! The server's half of `openai-chat`.
//!
//! Wire facts: the `OpenAI` API reference, "Create chat completion" and "chat.completion.chunk"; `reasoning_content` is
//! `DeepSeek`'s field, which most compatible servers have adopted.

mod parts;
mod read;
mod write;

use serde_json::{Value, json};

pub(in crate::dialect) use self::read::{audio_part, must_call, named_file};
use self::{read::parse, write::ChatWriter};
use crate::{
    dialect::serve::{
        ModelList, Serve, ServedRoute, add_details, bearer, json_refusal, route_below,
    },
    event::{Fault, FaultClass},
};

/// How a server reads and writes it.
pub(super) static SERVE: Serve = Serve {
    base_path: "/v1",
    route: |path, _| match path.split('?').next() {
        Some("/v1/models") => Some(ServedRoute::Models),
        _ => route_below(path, "/v1/", "chat/completions", OTHERS),
    },
    key: bearer,
    signs_calls: false,
    timings: None,
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, head| Box::new(ChatWriter::new(asked, head)),
};

/// The operations besides, as the API reference has them.
const OTHERS: &[&str] = &[
    "audio/",
    "batches/",
    "completions",
    "embeddings",
    "files/",
    "images/",
    "moderations",
    "uploads/",
];

pub(in crate::dialect) fn models(list: &ModelList) -> Value {
    let data: Vec<Value> = (list.models.iter())
        .map(|m| {
            json!({
                "id": m.id, "object": "model", "created": list.created,
                "owned_by": list.owner, "description": m.label,
            })
        })
        .collect();
    json!({ "object": "list", "data": data })
}

/// The JSON of a fault, with the provider's other fields of the error.
pub(in crate::dialect) fn error(fault: &Fault) -> Value {
    let kind = match fault.class {
        FaultClass::Auth => "authentication_error",
        FaultClass::RateLimited => "rate_limit_error",
        FaultClass::NotFound | FaultClass::BadRequest => "invalid_request_error",
        _ => "server_error",
    };
    let mut error = json!({
        "message": fault.message, "type": kind, "param": null, "code": fault.code,
    });
    add_details(&mut error, fault);
    json!({ "error": error })
}
