//! Parses requests.

use super::schema::json_schema;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    chat::{ChatRequest, Media, Message, MustCall, Params, Part, ResponseFormat, Role, ToolCall},
    dialect::{
        DialectId,
        gemini::{encode, part::base64_bytes, turns::NO_SIGNATURE},
        serve::{
            PathParams, ServedRequest,
            read::{self, bad, join, text_of},
            unread::{ReadFields, ReadTable},
        },
    },
    event::Fault,
};

const OURS: DialectId = DialectId::Gemini;

/// What is read of a body.
static READ: ReadTable = ReadTable::new(|| {
    let read = ReadFields {
        fields: &[
            "/model",
            "/toolConfig/functionCallingConfig/mode",
            "/toolConfig/functionCallingConfig/allowedFunctionNames",
            "/systemInstruction/role",
            "/systemInstruction/parts/*/text",
            "/contents/*/role",
            "/contents/*/parts/*/text",
            "/contents/*/parts/*/thought",
            "/contents/*/parts/*/thoughtSignature",
            "/contents/*/parts/*/inlineData/mimeType",
            "/contents/*/parts/*/inlineData/data",
            "/contents/*/parts/*/inlineData/displayName",
            "/contents/*/parts/*/fileData/mimeType",
            "/contents/*/parts/*/fileData/fileUri",
            "/contents/*/parts/*/functionCall/id",
            "/contents/*/parts/*/functionCall/name",
            "/contents/*/parts/*/functionCall/args",
            "/contents/*/parts/*/functionResponse/id",
            "/contents/*/parts/*/functionResponse/name",
            "/contents/*/parts/*/functionResponse/response",
            "/tools/*/functionDeclarations/*/name",
            "/tools/*/functionDeclarations/*/description",
            "/tools/*/functionDeclarations/*/parameters",
            "/tools/*/functionDeclarations/*/parametersJsonSchema",
            "/generationConfig/temperature",
            "/generationConfig/topP",
            "/generationConfig/maxOutputTokens",
            "/generationConfig/stopSequences",
            "/generationConfig/seed",
            "/generationConfig/responseMimeType",
            "/generationConfig/responseJsonSchema",
            "/generationConfig/responseSchema",
            "/generationConfig/thinkingConfig/thinkingBudget",
            "/generationConfig/thinkingConfig/thinkingLevel",
            "/generationConfig/thinkingConfig/includeThoughts",
        ],
        usual: &[],
        types: &[],
    };
    read.tree()
});

/// Parses the JSON of a request.
pub(in crate::dialect) fn parse(
    mut body: Value,
    path: &PathParams,
) -> Result<ServedRequest, Fault> {
    normalize(&mut body);
    let config = &body["generationConfig"];
    let mut request = ChatRequest {
        model: path.model.clone(),
        system: system(&body["systemInstruction"]),
        params: Params {
            temperature: read::number(&config["temperature"], "temperature")?,
            top_p: read::number(&config["topP"], "topP")?,
            max_tokens: read::limit(&config["maxOutputTokens"], "maxOutputTokens")?,
            stop: read::stops(&config["stopSequences"], "stopSequences")?,
            seed: config["seed"].as_i64(),
            reasoning_effort: effort(&config["thinkingConfig"]),
            response_format: response_format(config),
            must_call: must_call(&body["toolConfig"]["functionCallingConfig"]),
            ..Params::default()
        },
        tools: read::tools(functions(&body).into_iter(), "parametersJsonSchema")?,
        ..ChatRequest::default()
    };
    for (tool, function) in request.tools.iter_mut().zip(functions(&body)) {
        if tool.parameters.is_null() {
            tool.parameters = json_schema(&function["parameters"]);
        }
    }
    let contents = read::list(&body["contents"], "contents")?;
    for (index, content) in contents.iter().enumerate() {
        let read = read_content(content, &mut request.messages);
        read.map_err(|what| bad(format!("contents[{index}]: {what}")))?;
    }
    let written = encode::body(&request);
    let names = &body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"];
    let is_choice = names.as_array().is_some_and(|names| names.len() > 1);
    let mut served = read::whole(request, written, body, &READ);
    if is_choice {
        let place = "/toolConfig/functionCallingConfig/allowedFunctionNames";
        served.unread.push(place.to_owned());
    }
    Ok(ServedRequest {
        stream: path.stream,
        array: !path.events,
        ..served
    })
}

/// What must be called. Several names are more than a request has: they are left, and told.
fn must_call(calling: &Value) -> Option<MustCall> {
    let names = calling["allowedFunctionNames"].as_array();
    match (calling["mode"].as_str()?, names.map(Vec::as_slice)) {
        ("NONE", _) => Some(MustCall::Nothing),
        ("ANY", Some([one])) => Some(MustCall::Function(text_of(one))),
        ("ANY", _) => Some(MustCall::Any),
        _ => None,
    }
}

fn functions(body: &Value) -> Vec<&Value> {
    let tools = body["tools"].as_array().into_iter().flatten();
    let functions = tools.filter_map(|tool| tool["functionDeclarations"].as_array());
    functions.flatten().collect()
}

/// Fields whose contents have field names of the protocol; names below any other field are the user's.
const PROTOCOL_OBJECTS: &[&str] = &[
    "generationConfig",
    "thinkingConfig",
    "systemInstruction",
    "contents",
    "parts",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "tools",
    "functionDeclarations",
    "toolConfig",
    "functionCallingConfig",
];

/// Normalizes a body: field names in camel case (the protocol accepts snake case, too), default roles, standard base64.
fn normalize(body: &mut Value) {
    rename(body);
    if let Some(system) = body["systemInstruction"].as_object_mut() {
        // The system instruction has no role.
        system.shift_remove("role");
    }
    let contents = body["contents"].as_array_mut().into_iter().flatten();
    for content in contents.filter_map(Value::as_object_mut) {
        content.entry("role").or_insert_with(|| "user".into());
        let parts = content.get_mut("parts").and_then(Value::as_array_mut);
        let parts = parts.into_iter().flatten();
        for data in parts.filter_map(|part| part.pointer_mut("/inlineData/data")) {
            // The SDK writes URL-safe base64.
            let bytes = data.as_str().and_then(base64_bytes);
            if let Some(bytes) = bytes {
                *data = STANDARD.encode(bytes).into();
            }
        }
    }
}

fn rename(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let renamed = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                let name = camel(&name);
                if PROTOCOL_OBJECTS.contains(&name.as_str()) {
                    rename(&mut value);
                }
                (name, value)
            });
            *fields = renamed.collect();
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        _ => {}
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    let rest = words.map(|word| {
        let (start, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        start.to_ascii_uppercase() + rest
    });
    first + &rest.collect::<String>()
}

fn system(system: &Value) -> Option<String> {
    let parts = system["parts"].as_array()?;
    Some(parts.iter().map(|part| text_of(&part["text"])).collect())
}

/// The budget as a number, or the level's own word.
fn effort(config: &Value) -> Option<String> {
    let budget = config["thinkingBudget"].as_i64();
    let level = config["thinkingLevel"].as_str();
    budget
        .map(|tokens| tokens.to_string())
        .or_else(|| level.map(str::to_ascii_lowercase))
}

fn response_format(config: &Value) -> Option<ResponseFormat> {
    let schemas = ["responseJsonSchema", "responseSchema"].map(|name| &config[name]);
    if let Some(schema) = schemas.into_iter().find(|schema| !schema.is_null()) {
        return Some(ResponseFormat::JsonSchema {
            name: String::new(),
            schema: json_schema(schema),
            strict: true,
        });
    }
    let json = config["responseMimeType"] == "application/json";
    json.then_some(ResponseFormat::JsonObject)
}

/// Function results are parts of a user turn; [`ChatRequest`] has them as messages of their own.
fn read_content(content: &Value, into: &mut Vec<Message>) -> Result<(), String> {
    let role = match content["role"].as_str() {
        Some("user" | "function") => Role::User,
        Some("model") => Role::Assistant,
        other => return Err(format!("no such role “{}”", other.unwrap_or_default())),
    };
    let mut parts = Vec::new();
    for part in content["parts"].as_array().into_iter().flatten() {
        let result = &part["functionResponse"];
        if result.is_object() {
            join(into, Role::Tool, vec![result_part(result)]);
        } else {
            parts.push(content_part(part)?);
            let signature = part["thoughtSignature"].as_str();
            // A placeholder, not a signature.
            let signature = signature.filter(|signature| *signature != NO_SIGNATURE);
            let opaque = matches!(parts.last(), Some(Part::Opaque { .. }));
            parts.extend(
                signature
                    .filter(|_| !opaque)
                    .map(|s| read::signature(OURS, s)),
            );
        }
    }
    if !parts.is_empty() {
        into.push(Message { role, parts });
    }
    Ok(())
}

fn content_part(part: &Value) -> Result<Part, String> {
    let (inline, at, call) = (
        &part["inlineData"],
        &part["fileData"],
        &part["functionCall"],
    );
    let mime = |file: &Value| text_of(&file["mimeType"]);
    Ok(match (&part["text"], part["thought"] == true) {
        (Value::String(text), true) => Part::Reasoning { text: text.clone() },
        (text @ Value::String(_), false) => read::text(text),
        (_, false) if inline.is_object() => {
            read::file(&mime(inline), inline["data"].as_str().unwrap_or_default())?
        }
        (_, false) if at.is_object() => Part::Media(Media {
            mime: mime(at),
            uri: Some(text_of(&at["fileUri"])),
            ..Media::default()
        }),
        (_, false) if call.is_object() => Part::ToolCall(ToolCall {
            id: text_of(&call["id"]),
            name: text_of(&call["name"]),
            arguments: call.get("args").map_or("{}".to_owned(), Value::to_string),
        }),
        _ => read::opaque(OURS, kind_of(part)?, part),
    })
}

/// The field that defines what a part is.
fn kind_of(part: &Value) -> Result<&str, String> {
    let mut names = part.as_object().into_iter().flat_map(Map::keys);
    let kind = names.find(|name| !name.starts_with("thought"));
    kind.map(String::as_str)
        .ok_or_else(|| "a part is empty".to_owned())
}

fn result_part(result: &Value) -> Part {
    Part::ToolResult {
        id: text_of(&result["id"]),
        name: text_of(&result["name"]),
        content: response_text(&result["name"], &result["response"]),
    }
}

/// A function's response is an object; clients wrap plain text in one, some together with the function's name.
fn response_text(name: &Value, response: &Value) -> String {
    let fields = response.as_object().map_or(0, Map::len);
    let is_named = fields == 2 && response["name"].is_string() && response["name"] == *name;
    let wrappers: &[&str] = match fields {
        1 => &["result", "output", "content"],
        _ if is_named => &["content"],
        _ => &[],
    };
    let mut wrapped = wrappers.iter().filter_map(|key| response[*key].as_str());
    wrapped
        .next()
        .map_or_else(|| response.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_taken_out_of_what_clients_wrap_it_in() {
        for (response, content) in [
            (json!({ "result": "18 °C" }), "18 °C"),
            (json!({ "output": "18 °C" }), "18 °C"),
            // The Vercel AI SDK's.
            (json!({ "name": "f", "content": "18 °C" }), "18 °C"),
            (
                json!({ "name": "Ann", "content": "x" }),
                r#"{"name":"Ann","content":"x"}"#,
            ),
            (json!({ "name": "f", "age": 3 }), r#"{"name":"f","age":3}"#),
            (json!({ "result": 18 }), r#"{"result":18}"#),
        ] {
            assert_eq!(response_text(&json!("f"), &response), content);
        }
    }
}
