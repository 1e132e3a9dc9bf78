//! What a request asks.

use serde_json::Value;

use crate::{
    chat::{ChatRequest, Message, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::serve::{
        Asked, Way,
        read::{self, bad, text_of},
    },
    event::Fault,
};

/// A field by its name, or by the alias in snake case that the protocol takes as well.
fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    value.get(name).unwrap_or(&value[snake.as_str()])
}

/// Reads the JSON of a request.
pub(in crate::dialect) fn parse(body: &Value, way: &Way) -> Result<Asked, Fault> {
    let config = get(body, "generationConfig");
    let tools = body["tools"].as_array().into_iter().flatten();
    let functions: Vec<&Value> = tools
        .flat_map(|tool| {
            get(tool, "functionDeclarations")
                .as_array()
                .into_iter()
                .flatten()
        })
        .collect();
    let mut tools = read::tools(functions.iter().copied(), "parametersJsonSchema")?;
    for (tool, function) in tools.iter_mut().zip(functions) {
        if tool.parameters.is_null() {
            let schemas = [&function["parameters_json_schema"], &function["parameters"]];
            let schema = schemas.into_iter().find(|schema| !schema.is_null());
            tool.parameters = schema.cloned().unwrap_or_default();
        }
    }
    let system = get(body, "systemInstruction")["parts"].as_array();
    let system: Option<String> =
        system.map(|parts| parts.iter().map(|part| text_of(&part["text"])).collect());
    let mut request = ChatRequest {
        model: way.model.clone(),
        system,
        params: Params {
            max_tokens: read::limit(get(config, "maxOutputTokens"), "maxOutputTokens")?,
            stop: read::stops(get(config, "stopSequences"), "stopSequences")?,
            seed: config["seed"].as_i64(),
            response_format: response_format(config),
            ..Params::default()
        },
        tools,
        ..ChatRequest::default()
    };
    for (index, content) in (read::list(&body["contents"], "contents")?)
        .iter()
        .enumerate()
    {
        let read = read_content(content, &mut request.messages);
        read.map_err(|what| bad(format!("contents[{index}]: {what}")))?;
    }
    Ok(Asked {
        request,
        stream: way.stream,
        array: !way.events,
        usage: true,
        ..Asked::default()
    })
}

fn response_format(config: &Value) -> Option<ResponseFormat> {
    let schemas = ["responseJsonSchema", "responseSchema"].map(|name| get(config, name));
    if let Some(schema) = schemas.into_iter().find(|schema| !schema.is_null()) {
        return Some(ResponseFormat::JsonSchema {
            name: String::new(),
            schema: schema.clone(),
            strict: true,
        });
    }
    let json = get(config, "responseMimeType") == "application/json";
    json.then_some(ResponseFormat::JsonObject)
}

/// Results of functions stand in a user's turn; here they are messages of their own.
fn read_content(content: &Value, into: &mut Vec<Message>) -> Result<(), String> {
    let role = match content["role"].as_str() {
        None | Some("user" | "function") => Role::User,
        Some("model") => Role::Assistant,
        Some(other) => return Err(format!("no such role “{other}”")),
    };
    let mut parts = Vec::new();
    for part in content["parts"].as_array().into_iter().flatten() {
        match content_part(part)? {
            Some(result @ Part::ToolResult { .. }) => into.push(Message {
                role: Role::Tool,
                parts: vec![result],
            }),
            part => parts.extend(part),
        }
    }
    if !parts.is_empty() {
        into.push(Message { role, parts });
    }
    Ok(())
}

fn content_part(part: &Value) -> Result<Option<Part>, String> {
    let (file, call, result) = (
        get(part, "inlineData"),
        get(part, "functionCall"),
        get(part, "functionResponse"),
    );
    Ok(Some(if part["thought"] == true {
        return Ok(None);
    } else if part["text"].is_string() {
        read::text(&part["text"])
    } else if file.is_object() {
        let mime = get(file, "mimeType").as_str().unwrap_or_default();
        // The SDK writes base64 in the URL's alphabet.
        let data = file["data"].as_str().unwrap_or_default();
        read::file(mime, &data.replace('-', "+").replace('_', "/"))?
    } else if get(part, "fileData").is_object() {
        read::file_url("")?
    } else if call.is_object() {
        Part::ToolCall(ToolCall {
            id: text_of(&call["id"]),
            name: text_of(&call["name"]),
            arguments: call["args"].to_string(),
        })
    } else if result.is_object() {
        Part::ToolResult {
            id: text_of(&result["id"]),
            name: text_of(&result["name"]),
            content: response_text(&result["response"]),
        }
    } else {
        return Err("a part of a kind that is not taken".into());
    }))
}

/// A function's response is an object; clients wrap a plain text in one.
fn response_text(response: &Value) -> String {
    let wrapped = ["result", "output", "content"].map(|name| response[name].as_str());
    match wrapped.into_iter().flatten().next() {
        Some(text) if response.as_object().is_some_and(|o| o.len() == 1) => text.to_owned(),
        _ => response.to_string(),
    }
}
