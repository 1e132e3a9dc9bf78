//! Parses requests.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::{
    chat::{
        CacheLife, ChatRequest, Media, Message, MustCall, Params, Part, ResponseFormat, Role,
        ToolCall,
    },
    dialect::{
        DialectId,
        anthropic::{block::EXTRA_CALL_FIELDS, encode},
        serve::{
            PathParams, ServedRequest,
            read::{self, bad, join, text_of},
            signed_id,
            unread::{ReadFields, ReadTable},
        },
    },
    event::Fault,
};

const OURS: DialectId = DialectId::Anthropic;

/// What is read of a body.
static READ: ReadTable = ReadTable::new(|| {
    let read = ReadFields {
        fields: &[
            "/model",
            "/max_tokens",
            "/stream",
            "/system/*/type",
            "/system/*/text",
            "/temperature",
            "/top_p",
            "/stop_sequences",
            "/cache_control",
            "/tool_choice/type",
            "/tool_choice/name",
            "/tool_choice/disable_parallel_tool_use",
            "/thinking/type",
            "/thinking/budget_tokens",
            "/thinking/display",
            "/output_config/effort",
            "/output_config/format",
            "/output_format",
            "/tools/*/type",
            "/tools/*/name",
            "/tools/*/description",
            "/tools/*/input_schema",
            "/messages/*/role",
            "/messages/*/content/*/type",
            "/messages/*/content/*/text",
            "/messages/*/content/*/citations",
            "/messages/*/content/*/id",
            "/messages/*/content/*/name",
            "/messages/*/content/*/input",
            "/messages/*/content/*/caller",
            "/messages/*/content/*/toolset_name",
            "/messages/*/content/*/tool_use_id",
            "/messages/*/content/*/thinking",
            "/messages/*/content/*/signature",
            "/messages/*/content/*/data",
            "/messages/*/content/*/source/type",
            "/messages/*/content/*/source/media_type",
            "/messages/*/content/*/source/data",
            "/messages/*/content/*/source/url",
            "/messages/*/content/*/content/*/type",
            "/messages/*/content/*/content/*/text",
        ],
        usual: &[],
        types: &[
            ("/system/*", &["text"]),
            ("/tool_choice", &["auto", "any", "tool", "none"]),
            ("/tools/*", &["custom"]),
            (
                "/messages/*/content/*",
                &[
                    "text",
                    "image",
                    "document",
                    "tool_use",
                    "tool_result",
                    "thinking",
                    "redacted_thinking",
                ],
            ),
            ("/messages/*/content/*/content/*", &["text"]),
            ("/messages/*/content/*/source", &["base64", "text", "url"]),
        ],
    };
    read.tree()
});

/// Parses the JSON of a request.
pub(super) fn parse(body: &[u8], _: &PathParams) -> Result<ServedRequest, Fault> {
    let mut body = read::body(body)?;
    unwrap_single_texts(&mut body);
    if body["max_tokens"].is_null() {
        return Err(bad("max_tokens: Field required"));
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    // The others are the provider's built-in tools, which have no schema.
    let functions = tools.filter(|tool| matches!(tool["type"].as_str(), None | Some("custom")));
    let mut request = ChatRequest {
        model: read::model(&body)?,
        system: system(&body["system"]),
        params: params(&body)?,
        tools: read::tools(functions, "input_schema")?,
        ..ChatRequest::default()
    };
    let messages = read::list(&body["messages"], "messages")?;
    for (index, message) in messages.iter().enumerate() {
        let read = read_message(message, &mut request.messages);
        read.map_err(|what| bad(format!("messages.{index}: {what}")))?;
    }
    read::name_results(&mut request.messages);
    let written = encode::body(&request);
    strip_signatures(&mut body);
    Ok(read::whole(request, written, body, &READ))
}

/// Leaves calls and results their own ids, and leaves out the thinking of models of other protocols: both were read.
fn strip_signatures(body: &mut Value) {
    let messages = body["messages"].as_array_mut().into_iter().flatten();
    for message in messages {
        let Some(blocks) = message.get_mut("content").and_then(Value::as_array_mut) else {
            continue;
        };
        blocks.retain(|block| {
            let signature = block["signature"].as_str();
            !signature.is_some_and(signed_id::is_foreign)
        });
        for block in blocks {
            for name in ["id", "tool_use_id"] {
                block.get_mut(name).and_then(signed_id::strip);
            }
        }
    }
}

/// A single text block means the same as the bare string.
fn unwrap_single_texts(body: &mut Value) {
    let messages = body["messages"].as_array_mut().into_iter().flatten();
    let mut contents: Vec<&mut Value> = messages
        .filter_map(|message| message.get_mut("content"))
        .collect();
    for content in &mut contents {
        unwrap_single_text(content);
    }
    if let Some(system) = body.get_mut("system") {
        unwrap_single_text(system);
    }
}

fn unwrap_single_text(content: &mut Value) {
    let only = content.as_array().filter(|blocks| blocks.len() == 1);
    let plain = only.and_then(|blocks| {
        let text = blocks[0].get("text")?;
        (blocks[0] == json!({ "type": "text", "text": text })).then(|| text.clone())
    });
    if let Some(text) = plain.filter(Value::is_string) {
        *content = text;
    }
}

fn params(body: &Value) -> Result<Params, Fault> {
    let format = [&body["output_config"]["format"], &body["output_format"]];
    let schema = format.into_iter().find_map(|format| format.get("schema"));
    Ok(Params {
        temperature: read::number(&body["temperature"], "temperature")?,
        top_p: read::number(&body["top_p"], "top_p")?,
        max_tokens: read::limit(&body["max_tokens"], "max_tokens")?,
        stop: read::stops(&body["stop_sequences"], "stop_sequences")?,
        reasoning_effort: effort(body),
        cache_prompt: cache_life(&body["cache_control"]),
        response_format: schema.map(|schema| ResponseFormat::JsonSchema {
            name: String::new(),
            schema: schema.clone(),
            strict: true,
        }),
        must_call: match body["tool_choice"]["type"].as_str() {
            Some("none") => Some(MustCall::Nothing),
            Some("any") => Some(MustCall::Any),
            Some("tool") => Some(MustCall::Function(text_of(&body["tool_choice"]["name"]))),
            _ => None,
        },
        parallel_calls: (body["tool_choice"]["disable_parallel_tool_use"] == true).then_some(false),
        ..Params::default()
    })
}

/// The budget as a number, or the effort's own word.
fn effort(body: &Value) -> Option<String> {
    let thinking = &body["thinking"];
    let word = body["output_config"]["effort"].as_str();
    match thinking["type"].as_str() {
        Some("disabled") => Some("none".to_owned()),
        Some("enabled") => thinking["budget_tokens"].as_u64().map(|n| n.to_string()),
        Some("adaptive") => Some(word.unwrap_or("auto").to_owned()),
        _ => word.map(str::to_owned),
    }
}

fn cache_life(control: &Value) -> Option<CacheLife> {
    match control["ttl"].as_str() {
        _ if control["type"] != "ephemeral" => None,
        Some("1h") => Some(CacheLife::Hour),
        _ => Some(CacheLife::Minutes),
    }
}

fn system(system: &Value) -> Option<String> {
    match system {
        Value::Array(blocks) => {
            let texts: Vec<String> = blocks.iter().map(|block| text_of(&block["text"])).collect();
            Some(texts.join("\n"))
        }
        text => text.as_str().map(str::to_owned),
    }
}

/// Tool results are blocks of a user message; [`ChatRequest`] has them as messages of their own.
fn read_message(message: &Value, into: &mut Vec<Message>) -> Result<(), String> {
    let role = match message["role"].as_str() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err("role: must be “user” or “assistant”".into()),
    };
    let mut parts = Vec::new();
    match &message["content"] {
        Value::String(text) => parts.push(Part::Text { text: text.clone() }),
        Value::Array(blocks) => {
            for block in blocks {
                if block["type"] == "tool_result" {
                    join(into, Role::Tool, vec![result(block)]);
                } else {
                    block_parts(block, &mut parts)?;
                }
            }
        }
        _ => return Err("content: must be a string or a list of blocks".into()),
    }
    if !parts.is_empty() {
        into.push(Message { role, parts });
    }
    Ok(())
}

fn result(block: &Value) -> Part {
    Part::ToolResult {
        id: split_id(&block["tool_use_id"]).0.into_owned(),
        name: String::new(),
        content: match &block["content"] {
            Value::Array(blocks) => blocks.iter().map(|b| text_of(&b["text"])).collect(),
            text => text_of(text),
        },
    }
}

/// The id of a call, and the signature that it carries.
fn split_id(id: &Value) -> (Cow<'_, str>, Option<String>) {
    signed_id::split(id.as_str().unwrap_or_default())
}

/// Appends a block's part, and the part with its extra fields that must be sent back.
fn block_parts(block: &Value, into: &mut Vec<Part>) -> Result<(), String> {
    match block["type"].as_str() {
        Some("text") => {
            into.push(read::text(&block["text"]));
            into.extend(read::signature_fields(OURS, block, &["citations"]));
        }
        Some(kind @ ("image" | "document")) => into.push(match source(&block["source"], kind)? {
            Some(file) => file,
            None => read::opaque(OURS, kind, block),
        }),
        Some("tool_use") => {
            let (id, signature) = split_id(&block["id"]);
            into.push(Part::ToolCall(ToolCall {
                id: id.into_owned(),
                name: text_of(&block["name"]),
                arguments: block["input"].to_string(),
            }));
            into.extend(read::signature_fields(OURS, block, EXTRA_CALL_FIELDS));
            into.extend(signature.map(signed_id::google_part));
        }
        Some("thinking") => {
            let text = text_of(&block["thinking"]);
            into.push(Part::Reasoning { text });
            let signature = block["signature"].as_str();
            into.extend(signature.and_then(|signature| {
                if signed_id::is_foreign(signature) {
                    signed_id::foreign_part(signature)
                } else {
                    Some(read::signature(OURS, signature))
                }
            }));
        }
        // Blocks of built-in tools, redacted thinking, and unknown types.
        Some(kind) => into.push(read::opaque(OURS, kind, block)),
        None => return Err("a block of “content” has no type".into()),
    }
    Ok(())
}

/// The file of a source; `None` if the provider stores it.
fn source(source: &Value, kind: &str) -> Result<Option<Part>, String> {
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    Ok(match source["type"].as_str() {
        Some("base64") => Some(read::file(text("media_type"), text("data"))?),
        Some("text") => Some(Part::Media(Media {
            mime: text("media_type").to_owned(),
            data: text("data").as_bytes().into(),
            ..Media::default()
        })),
        Some("url") if kind == "image" => Some(read::file_url(text("url"), "image")?),
        Some("url") => Some(read::file_url(text("url"), "application")?),
        _ => None,
    })
}
