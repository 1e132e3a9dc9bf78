//! What a request asks.

use serde_json::{Map, Value};

use crate::{
    chat::{ChatRequest, Message, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::serve::{
        Asked, Way,
        read::{self, bad, text_of},
    },
    event::Fault,
};

/// Reads the JSON of a request.
pub(super) fn parse(body: &[u8], _: &Way) -> Result<Asked, Fault> {
    let body = read::body(body)?;
    let functions = body["tools"].as_array().into_iter().flatten();
    let mut request = ChatRequest {
        model: read::model(&body)?,
        system: body["instructions"].as_str().map(str::to_owned),
        params: Params {
            max_tokens: read::limit(&body["max_output_tokens"], "max_output_tokens")?,
            response_format: format(&body["text"]["format"])?,
            ..Params::default()
        },
        tools: read::tools(
            functions.filter(|tool| tool["type"] == "function"),
            "parameters",
        )?,
        ..ChatRequest::default()
    };
    match &body["input"] {
        Value::String(text) => request.messages.push(Message::user(text.clone())),
        items => {
            for (index, item) in (read::list(items, "input")?).iter().enumerate() {
                let read = read_item(item, &mut request);
                read.map_err(|what| bad(format!("input[{index}]: {what}")))?;
            }
        }
    }
    Ok(Asked {
        request,
        stream: body["stream"].as_bool().unwrap_or(false),
        array: false,
        usage: true,
        echo: said_back(&body),
    })
}

/// The parameters that this protocol's responses say back.
fn said_back(body: &Value) -> Map<String, Value> {
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
    let (role, parts) = match item["type"].as_str() {
        None | Some("message") => return read_message(item, into),
        Some("function_call") => {
            let call = Part::ToolCall(ToolCall {
                id: text_of(&item["call_id"]),
                name: text_of(&item["name"]),
                arguments: text_of(&item["arguments"]),
            });
            (Role::Assistant, vec![call])
        }
        Some("function_call_output") => {
            let result = Part::ToolResult {
                id: text_of(&item["call_id"]),
                name: String::new(),
                content: text_of(&item["output"]),
            };
            (Role::Tool, vec![result])
        }
        // The model's own earlier thoughts and work.
        Some(_) => return Ok(()),
    };
    into.messages.push(Message { role, parts });
    Ok(())
}

fn read_message(item: &Value, into: &mut ChatRequest) -> Result<(), String> {
    let mut parts = Vec::new();
    match &item["content"] {
        Value::String(text) => parts.push(Part::Text { text: text.clone() }),
        Value::Array(list) => {
            for part in list {
                parts.push(content_part(part)?);
            }
        }
        _ => return Err("“content” must be a string or a list of parts".into()),
    }
    let role = match item["role"].as_str() {
        Some("system" | "developer") => {
            let text = Message {
                role: Role::User,
                parts,
            }
            .text();
            into.system.get_or_insert_default().push_str(&text);
            return Ok(());
        }
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err("“role” must be user, assistant, system or developer".into()),
    };
    into.messages.push(Message { role, parts });
    Ok(())
}

fn content_part(part: &Value) -> Result<Part, String> {
    match part["type"].as_str() {
        Some("input_text" | "output_text" | "text") => Ok(read::text(&part["text"])),
        Some("input_image") => read::file_url(part["image_url"].as_str().unwrap_or_default()),
        Some("input_file") => read::file_url(part["file_data"].as_str().unwrap_or_default()),
        Some("input_audio") => {
            let audio = &part["input_audio"];
            let mime = format!("audio/{}", text_of(&audio["format"]));
            read::file(&mime, audio["data"].as_str().unwrap_or_default())
        }
        Some("refusal") => Ok(read::text(&part["refusal"])),
        other => Err(format!(
            "a part of type “{}” is not taken",
            other.unwrap_or_default()
        )),
    }
}
