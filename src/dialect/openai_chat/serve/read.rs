//! Parses requests.

use serde_json::{Value, json};

use crate::{
    chat::{ChatRequest, Message, MustCall, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::{
        DialectId,
        openai_chat::{delta::REASONING_FIELD_SENT_BACK, encode},
        serve::{
            PathParams, ServedRequest,
            read::{self, bad, join, text_of},
            signed_id,
            unread::{ReadFields, ReadTable},
        },
    },
    event::Fault,
};

const OURS: DialectId = DialectId::OpenaiChat;

/// What is read of a body.
static READ: ReadTable = ReadTable::new(|| {
    let read = ReadFields {
        fields: &[
            "/model",
            "/stream",
            "/stream_options/include_usage",
            "/temperature",
            "/top_p",
            "/max_tokens",
            "/max_completion_tokens",
            "/seed",
            "/stop",
            "/reasoning_effort",
            "/tool_choice/type",
            "/tool_choice/function/name",
            "/parallel_tool_calls",
            "/response_format/type",
            "/response_format/json_schema/name",
            "/response_format/json_schema/schema",
            "/response_format/json_schema/strict",
            "/tools/*/type",
            "/tools/*/function/name",
            "/tools/*/function/description",
            "/tools/*/function/parameters",
            "/messages/*/role",
            "/messages/*/refusal",
            "/messages/*/tool_call_id",
            "/messages/*/extra_content",
            "/messages/*/reasoning_content",
            "/messages/*/reasoning_details",
            "/messages/*/content/*/type",
            "/messages/*/content/*/text",
            "/messages/*/content/*/refusal",
            "/messages/*/content/*/image_url/url",
            "/messages/*/content/*/audio_url/url",
            "/messages/*/content/*/video_url/url",
            "/messages/*/content/*/input_audio",
            "/messages/*/content/*/file/filename",
            "/messages/*/content/*/file/file_data",
            "/messages/*/tool_calls/*/id",
            "/messages/*/tool_calls/*/type",
            "/messages/*/tool_calls/*/index",
            "/messages/*/tool_calls/*/extra_content",
            "/messages/*/tool_calls/*/function/name",
            "/messages/*/tool_calls/*/function/arguments",
        ],
        usual: &[],
        types: &[
            ("/tools/*", &["function"]),
            ("/tool_choice", &["function"]),
            ("/messages/*/tool_calls/*", &["function"]),
            (
                "/messages/*/content/*",
                &[
                    "text",
                    "refusal",
                    "image_url",
                    "audio_url",
                    "video_url",
                    "input_audio",
                    "file",
                ],
            ),
        ],
    };
    read.tree()
});

/// Parses the JSON of a request.
pub(super) fn parse(body: &[u8], _: &PathParams) -> Result<ServedRequest, Fault> {
    let mut body = read::body(body)?;
    unwrap_single_texts(&mut body);
    split_ids(&mut body);
    let tools = body["tools"].as_array().into_iter().flatten();
    // The others are the provider's built-in tools.
    let functions = tools.filter(|tool| matches!(tool["type"].as_str(), None | Some("function")));
    let mut request = ChatRequest {
        model: read::model(&body)?,
        params: params(&body)?,
        tools: read::tools(functions.map(|tool| &tool["function"]), "parameters")?,
        ..ChatRequest::default()
    };
    let messages = read::list(&body["messages"], "messages")?;
    for (index, message) in messages.iter().enumerate() {
        read_message(message, &mut request)
            .map_err(|what| bad(format!("messages[{index}]: {what}")))?;
    }
    read::name_results(&mut request.messages);
    let mut written = encode::body(&request);
    let usage = include_usage(&mut body);
    include_usage(&mut written);
    Ok(ServedRequest {
        usage: usage.unwrap_or(false),
        ..read::whole(request, written, body, &READ)
    })
}

/// Puts the signatures that ids carry where Google has them, unless the client kept those.
fn split_ids(body: &mut Value) {
    let messages = body["messages"].as_array_mut().into_iter().flatten();
    for message in messages {
        if let Some(id) = message.get_mut("tool_call_id") {
            signed_id::strip(id);
        }
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            let Some(signature) = call.get_mut("id").and_then(signed_id::strip) else {
                continue;
            };
            if call["extra_content"]["google"]["thought_signature"].is_null() {
                if !call["extra_content"].is_object() {
                    call["extra_content"] = json!({});
                }
                call["extra_content"]["google"] = json!({ "thought_signature": signature });
            }
        }
    }
}

/// A single text part means the same as the bare string.
fn unwrap_single_texts(body: &mut Value) {
    let messages = body["messages"].as_array_mut().into_iter().flatten();
    for content in messages.filter_map(|message| message.get_mut("content")) {
        let only = content.as_array().filter(|parts| parts.len() == 1);
        let plain = only.and_then(|parts| {
            let text = parts[0].get("text")?;
            (parts[0] == json!({ "type": "text", "text": text })).then(|| text.clone())
        });
        if let Some(text) = plain.filter(Value::is_string) {
            *content = text;
        }
    }
}

/// Removes `include_usage`, which is about the stream and not part of the request, and returns it.
fn include_usage(body: &mut Value) -> Option<bool> {
    let options = body.get_mut("stream_options")?.as_object_mut()?;
    let usage = options.shift_remove("include_usage");
    if options.is_empty() {
        body.as_object_mut()?.shift_remove("stream_options");
    }
    usage?.as_bool()
}

fn params(body: &Value) -> Result<Params, Fault> {
    let limits = [&body["max_completion_tokens"], &body["max_tokens"]];
    let limit = limits.into_iter().find(|v| !v.is_null());
    Ok(Params {
        temperature: read::number(&body["temperature"], "temperature")?,
        top_p: read::number(&body["top_p"], "top_p")?,
        max_tokens: read::limit(limit.unwrap_or(&Value::Null), "max_tokens")?,
        seed: body["seed"].as_i64(),
        stop: read::stops(&body["stop"], "stop")?,
        reasoning_effort: body["reasoning_effort"].as_str().map(str::to_owned),
        response_format: response_format(&body["response_format"])?,
        must_call: must_call(&body["tool_choice"], "/function/name"),
        parallel_calls: body["parallel_tool_calls"].as_bool(),
        ..Params::default()
    })
}

/// What must be called, as `OpenAI`'s protocols say it; `name` is the place of a function's name.
pub(in crate::dialect) fn must_call(choice: &Value, name: &str) -> Option<MustCall> {
    match choice.as_str() {
        Some("none") => Some(MustCall::Nothing),
        Some("required") => Some(MustCall::Any),
        Some(_) => None,
        None => choice
            .pointer(name)?
            .as_str()
            .map(|name| MustCall::Function(name.to_owned())),
    }
}

fn response_format(format: &Value) -> Result<Option<ResponseFormat>, Fault> {
    match format["type"].as_str() {
        None | Some("text") => Ok(None),
        Some("json_object") => Ok(Some(ResponseFormat::JsonObject)),
        Some("json_schema") => Ok(Some(ResponseFormat::JsonSchema {
            name: text_of(&format["json_schema"]["name"]),
            schema: format["json_schema"]["schema"].clone(),
            strict: format["json_schema"]["strict"].as_bool().unwrap_or(false),
        })),
        Some(other) => Err(bad(format!("response_format: no such type “{other}”"))),
    }
}

fn read_message(message: &Value, into: &mut ChatRequest) -> Result<(), String> {
    let parts = parts(&message["content"])?;
    match message["role"].as_str() {
        Some("system" | "developer") => {
            let text = text(parts);
            match &mut into.system {
                Some(system) => system.extend(["\n", &text]),
                None => into.system = Some(text),
            }
        }
        Some("user") => join(&mut into.messages, Role::User, parts),
        Some("assistant") => into.messages.push(answer(message, parts)),
        Some("tool") => {
            let result = Part::ToolResult {
                id: text_of(&message["tool_call_id"]),
                name: String::new(),
                content: text(parts),
            };
            join(&mut into.messages, Role::Tool, vec![result]);
        }
        Some(other) => return Err(format!("no such role “{other}”")),
        None => return Err("“role” is missing".into()),
    }
    Ok(())
}

fn text(parts: Vec<Part>) -> String {
    let role = Role::User;
    Message { role, parts }.text()
}

/// An earlier answer: reasoning, then content, then calls.
fn answer(message: &Value, content: Vec<Part>) -> Message {
    let mut parts = Vec::new();
    if let Some(thoughts) = message[REASONING_FIELD_SENT_BACK]
        .as_str()
        .filter(|text| !text.is_empty())
    {
        let text = thoughts.to_owned();
        parts.extend([
            Part::Reasoning { text },
            read::signature(OURS, REASONING_FIELD_SENT_BACK),
        ]);
    }
    parts.extend(content);
    if let Some(text) = message["refusal"].as_str().filter(|text| !text.is_empty()) {
        let text = text.to_owned();
        parts.push(Part::Text { text });
    }
    if parts.iter().any(|part| matches!(part, Part::Text { .. })) {
        parts.extend(extra_content(message));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        parts.push(Part::ToolCall(ToolCall {
            id: text_of(&call["id"]),
            name: text_of(&call["function"]["name"]),
            arguments: text_of(&call["function"]["arguments"]),
        }));
        parts.extend(extra_content(call));
    }
    let details = message["reasoning_details"].as_array();
    parts.extend(details.into_iter().flatten().map(|detail| {
        let kind = detail["type"].as_str().unwrap_or("reasoning");
        read::opaque(OURS, kind, detail)
    }));
    let role = Role::Assistant;
    Message { role, parts }
}

fn extra_content(of: &Value) -> Option<Part> {
    let extra = &of["extra_content"];
    (!extra.is_null()).then(|| read::signature(OURS, extra.to_string()))
}

fn parts(content: &Value) -> Result<Vec<Part>, String> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Part::Text { text: text.clone() }]),
        Value::Array(list) => list.iter().map(part).collect(),
        _ => Err("“content” must be a string or a list of parts".into()),
    }
}

fn part(part: &Value) -> Result<Part, String> {
    let url = |kind: &str| part[kind]["url"].as_str().unwrap_or_default();
    match part["type"].as_str() {
        Some("text") => Ok(read::text(&part["text"])),
        Some("refusal") => Ok(read::text(&part["refusal"])),
        Some(kind @ "image_url") => read::file_url(url(kind), "image"),
        Some(kind @ "audio_url") => read::file_url(url(kind), "audio"),
        Some(kind @ "video_url") => read::file_url(url(kind), "video"),
        Some("file") if part["file"]["file_data"].is_string() => named_file(&part["file"]),
        Some("input_audio") => audio_part(&part["input_audio"]),
        Some(other) => Ok(read::opaque(OURS, other, part)),
        None => Err("a part of “content” has no type".into()),
    }
}

/// A file with its name; `file` stands for no name.
pub(in crate::dialect) fn named_file(file: &Value) -> Result<Part, String> {
    let url = file["file_data"].as_str().or(file["file_url"].as_str());
    let mut part = read::file_url(url.unwrap_or_default(), "application")?;
    if let (Part::Media(media), Some(name)) = (&mut part, file["filename"].as_str())
        && name != "file"
    {
        name.clone_into(&mut media.name);
    }
    Ok(part)
}

/// An audio file; its format determines the type.
pub(in crate::dialect) fn audio_part(audio: &Value) -> Result<Part, String> {
    let kind = match audio["format"].as_str().unwrap_or_default() {
        "mp3" => "mpeg",
        kind => kind,
    };
    let data = audio["data"].as_str().unwrap_or_default();
    read::file(&format!("audio/{kind}"), data)
}
