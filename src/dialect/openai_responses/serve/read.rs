//! Parses requests.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::{
    chat::{ChatRequest, Message, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::{
        DialectId,
        openai_chat::serve::{audio_part, must_call, named_file},
        openai_responses::{
            client_call::ClientCall,
            encode,
            open_call::{CALL_SIGNATURE_FIELDS, OTHER_CALL_SIGNATURE_FIELDS},
        },
        serve::{
            PathParams, ServedRequest,
            read::{self, bad, join, text_of},
            signed_id,
            unread::{ReadFields, ReadTable},
        },
    },
    event::Fault,
};

const OURS: DialectId = DialectId::OpenaiResponses;

/// What is read of a body.
static READ: ReadTable = ReadTable::new(|| {
    let read = ReadFields {
        fields: &[
            "/model",
            "/stream",
            "/instructions",
            "/include",
            "/temperature",
            "/top_p",
            "/max_output_tokens",
            "/reasoning/effort",
            "/tool_choice/type",
            "/tool_choice/name",
            "/parallel_tool_calls",
            "/text/format/type",
            "/text/format/name",
            "/text/format/schema",
            "/text/format/strict",
            "/tools/*/type",
            "/tools/*/name",
            "/tools/*/description",
            "/tools/*/parameters",
            "/input/*/type",
            "/input/*/role",
            "/input/*/id",
            "/input/*/status",
            "/input/*/phase",
            "/input/*/call_id",
            "/input/*/name",
            "/input/*/namespace",
            "/input/*/caller",
            "/input/*/arguments",
            "/input/*/input",
            "/input/*/action",
            "/input/*/operation",
            "/input/*/output",
            "/input/*/summary",
            "/input/*/encrypted_content",
            "/input/*/content/*/type",
            "/input/*/content/*/text",
            "/input/*/content/*/refusal",
            "/input/*/content/*/annotations",
            "/input/*/content/*/logprobs",
            "/input/*/content/*/image_url",
            "/input/*/content/*/file_data",
            "/input/*/content/*/file_url",
            "/input/*/content/*/filename",
            "/input/*/content/*/input_audio",
        ],
        usual: &[
            ("/store", "false"),
            ("/reasoning/summary", "\"auto\""),
            ("/tools/*/strict", "false"),
            ("/input/*/content/*/detail", "\"auto\""),
        ],
        types: &[
            ("/tools/*", &["function"]),
            ("/tool_choice", &["function"]),
            (
                "/input/*",
                &[
                    "message",
                    "reasoning",
                    "function_call",
                    "function_call_output",
                    "custom_tool_call",
                    "custom_tool_call_output",
                    "local_shell_call",
                    "local_shell_call_output",
                    "shell_call",
                    "shell_call_output",
                    "apply_patch_call",
                    "apply_patch_call_output",
                    "computer_call",
                    "computer_call_output",
                ],
            ),
            (
                "/input/*/content/*",
                &[
                    "input_text",
                    "output_text",
                    "text",
                    "refusal",
                    "input_image",
                    "input_file",
                    "input_audio",
                    "reasoning_text",
                ],
            ),
        ],
    };
    read.tree()
});

/// Parses the JSON of a request.
pub(super) fn parse(body: &[u8], _: &PathParams) -> Result<ServedRequest, Fault> {
    let mut body = read::body(body)?;
    let echo = echoed_params(&body);
    normalize(&mut body);
    let functions = body["tools"].as_array().into_iter().flatten();
    let functions = functions.filter(|tool| tool["type"] == "function");
    let mut request = ChatRequest {
        model: read::model(&body)?,
        system: body["instructions"].as_str().map(str::to_owned),
        params: params(&body)?,
        tools: read::tools(functions, "parameters")?,
        ..ChatRequest::default()
    };
    for (index, item) in read::list(&body["input"], "input")?.iter().enumerate() {
        let read = read_item(item, &mut request);
        read.map_err(|what| bad(format!("input[{index}]: {what}")))?;
    }
    read::name_results(&mut request.messages);
    let mut written = encode::body(&request);
    normalize(&mut written);
    strip_ids(&mut body);
    Ok(ServedRequest {
        echo,
        ..read::whole(request, written, body, &READ)
    })
}

/// Leaves calls and results their own ids: the signatures in the others were read.
fn strip_ids(body: &mut Value) {
    let items = body["input"].as_array_mut().into_iter().flatten();
    for id in items.filter_map(|item| item.get_mut("call_id")) {
        signed_id::strip(id);
    }
}

/// Expands the protocol's short forms: a bare text, a message without its type, an image without its detail.
fn normalize(body: &mut Value) {
    if body["input"].is_string() {
        body["input"] = json!([{ "role": "user", "content": body["input"] }]);
    }
    let items = body["input"].as_array_mut().into_iter().flatten();
    for item in items.filter(|item| item["role"].is_string()) {
        if item["type"].is_null() {
            item["type"] = "message".into();
        }
        let kind = if item["role"] == "assistant" {
            "output_text"
        } else {
            "input_text"
        };
        if item["content"].is_string() {
            item["content"] = json!([{ "type": kind, "text": item["content"] }]);
        }
        let parts = item["content"].as_array_mut().into_iter().flatten();
        for part in parts.filter(|part| part["type"] == "input_image") {
            if part["detail"].is_null() {
                part["detail"] = "auto".into();
            }
        }
    }
}

fn params(body: &Value) -> Result<Params, Fault> {
    Ok(Params {
        temperature: read::number(&body["temperature"], "temperature")?,
        top_p: read::number(&body["top_p"], "top_p")?,
        max_tokens: read::limit(&body["max_output_tokens"], "max_output_tokens")?,
        reasoning_effort: body["reasoning"]["effort"].as_str().map(str::to_owned),
        response_format: format(&body["text"]["format"])?,
        must_call: must_call(&body["tool_choice"], "/name"),
        parallel_calls: body["parallel_tool_calls"].as_bool(),
        ..Params::default()
    })
}

/// The parameters that this protocol's responses echo.
fn echoed_params(body: &Value) -> Map<String, Value> {
    let names = [
        "temperature",
        "top_p",
        "max_output_tokens",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "tool_choice",
    ];
    let asked = names.map(|name| (name.to_owned(), body[name].clone()));
    asked
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}

fn format(format: &Value) -> Result<Option<ResponseFormat>, Fault> {
    match format["type"].as_str() {
        None | Some("text") => Ok(None),
        Some("json_object") => Ok(Some(ResponseFormat::JsonObject)),
        Some("json_schema") => Ok(Some(ResponseFormat::JsonSchema {
            name: text_of(&format["name"]),
            schema: format["schema"].clone(),
            strict: format["strict"].as_bool().unwrap_or(false),
        })),
        Some(other) => Err(bad(format!("text.format: no such type “{other}”"))),
    }
}

fn read_item(item: &Value, into: &mut ChatRequest) -> Result<(), String> {
    let kind = item["type"].as_str().unwrap_or_default();
    if kind == "message" {
        return read_message(item, into);
    }
    let messages = &mut into.messages;
    if kind.is_empty() {
        return Err("an item has neither type nor role".into());
    } else if let Some(of) = ClientCall::of_kind(kind).filter(|_| !is_hosted(item)) {
        join(messages, Role::Assistant, call(of, item));
    } else if kind == "function_call_output"
        || (kind.ends_with("_call_output") && has_call(messages, &split_id(item).0))
    {
        let result = Part::ToolResult {
            id: split_id(item).0.into_owned(),
            name: String::new(),
            content: output_text(&item["output"]),
        };
        join(messages, Role::Tool, vec![result]);
    } else {
        // Earlier reasoning and items of built-in tools.
        let part = read::opaque(OURS, kind, item);
        join(messages, Role::Assistant, vec![part]);
    }
    Ok(())
}

/// Whether the provider runs the call's tool itself.
fn is_hosted(item: &Value) -> bool {
    let place = item["environment"]["type"].as_str();
    place.is_some_and(|place| place != "local")
}

/// Whether the client was asked by a call of this id.
fn has_call(messages: &[Message], id: &str) -> bool {
    let mut parts = messages.iter().flat_map(|message| &message.parts);
    parts.any(|part| matches!(part, Part::ToolCall(call) if *id == call.id))
}

/// The id that a call and its result share, and the signature that it carries.
fn split_id(item: &Value) -> (Cow<'_, str>, Option<String>) {
    let id = item.get("call_id").unwrap_or(&item["id"]);
    signed_id::split(id.as_str().unwrap_or_default())
}

/// The output of a call: its texts if it is a list of them.
fn output_text(output: &Value) -> String {
    let parts = output.as_array().filter(|parts| !parts.is_empty());
    let texts = parts.and_then(|parts| {
        let text = |part: &Value| Some(part["text"].as_str()?.to_owned());
        parts.iter().map(text).collect::<Option<String>>()
    });
    texts.unwrap_or_else(|| text_or_json(output))
}

fn text_or_json(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A call, and its fields that must be sent back.
fn call(of: &ClientCall, item: &Value) -> Vec<Part> {
    let (id, signature) = split_id(item);
    let call = Part::ToolCall(ToolCall {
        id: id.into_owned(),
        name: text_of(item.get("name").unwrap_or(&of.name.into())),
        arguments: text_or_json(&item[of.arguments_field]),
    });
    let names = if of.is_function() {
        CALL_SIGNATURE_FIELDS
    } else {
        OTHER_CALL_SIGNATURE_FIELDS
    };
    let kept = read::signature_fields(OURS, item, names);
    let google = signature.map(signed_id::google_part);
    std::iter::once(call).chain(kept).chain(google).collect()
}

fn read_message(item: &Value, into: &mut ChatRequest) -> Result<(), String> {
    let mut parts = Vec::new();
    match &item["content"] {
        Value::Array(list) => {
            for part in list {
                parts.push(content_part(part)?);
            }
        }
        _ => return Err("“content” must be a string or a list of parts".into()),
    }
    let role = match item["role"].as_str() {
        Some("system" | "developer") => {
            let role = Role::User;
            let text = Message { role, parts }.text();
            into.system.get_or_insert_default().push_str(&text);
            return Ok(());
        }
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err("“role” must be user, assistant, system or developer".into()),
    };
    parts.extend(read::signature_fields(OURS, item, &["phase"]));
    join(&mut into.messages, role, parts);
    Ok(())
}

fn content_part(part: &Value) -> Result<Part, String> {
    match part["type"].as_str() {
        Some("input_text" | "output_text" | "text") => Ok(read::text(&part["text"])),
        Some("refusal") => Ok(read::text(&part["refusal"])),
        Some("input_image") if part["image_url"].is_string() => {
            read::file_url(&text_of(&part["image_url"]), "image")
        }
        Some("input_file") if part["file_data"].is_string() || part["file_url"].is_string() => {
            named_file(part)
        }
        Some("input_audio") => audio_part(&part["input_audio"]),
        Some(other) => Ok(read::opaque(OURS, other, part)),
        None => Err("a part of “content” has no type".into()),
    }
}
