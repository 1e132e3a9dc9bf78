//! Writes a [`ChatRequest`] as the JSON body of a streamed response that is not stored.

use serde_json::{Map, Value, json};

use super::turns;
use crate::{
    chat::{ChatRequest, MustCall, Params, ResponseFormat, Tool, merge_patch, with_call_ids},
    dialect::openai_chat::encode::effort_word,
};

/// The body. Parameters that are not set are not sent. Nothing is stored at the provider (`store`), so reasoning comes
/// encrypted and is sent back unchanged. `extra` is applied last, as a JSON merge patch (RFC 7386). The protocol has no
/// stop strings and no seed.
pub(super) fn body(request: &ChatRequest) -> Value {
    let request = &*request.with_question();
    let mut body = Map::new();
    let params = &request.params;
    let tools: Vec<Value> = request.tools.iter().map(tool).collect();
    let text = |text: &Option<String>| {
        let text = text.as_deref().filter(|text| !text.is_empty());
        text.map(Value::from)
    };
    let fields = [
        ("model", Some(request.model.as_str().into())),
        ("instructions", text(&request.system)),
        (
            "input",
            Some(turns::input(&with_call_ids(&request.messages)).into()),
        ),
        ("temperature", params.temperature.map(Value::from)),
        ("top_p", params.top_p.map(Value::from)),
        ("max_output_tokens", params.max_tokens.map(Value::from)),
        ("reasoning", reasoning(params)),
        ("text", params.response_format.as_ref().map(format)),
        ("tools", (!tools.is_empty()).then(|| tools.into())),
        ("tool_choice", params.must_call.as_ref().map(tool_choice)),
        (
            "parallel_tool_calls",
            params.parallel_calls.map(Value::from),
        ),
        (
            "include",
            can_reason(request).then(|| json!(["reasoning.encrypted_content"])),
        ),
        ("store", Some(false.into())),
        ("stream", Some(true.into())),
    ];
    for (name, value) in fields {
        body.extend(value.map(|value| (name.to_owned(), value)));
    }
    merge_patch(&mut body, &params.extra);
    body.into()
}

/// Whether the model reasons: others refuse to `include` reasoning.
fn can_reason(request: &ChatRequest) -> bool {
    let model = request.model.rsplit('/').next().unwrap_or_default();
    let generation = model.strip_prefix("gpt-").and_then(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    });
    let named = ["o1", "o3", "o4", "codex", "gpt-oss"];
    let is_reasoning_model = generation.is_some_and(|generation| generation >= 5)
        || named.iter().any(|start| model.starts_with(start));
    let effort = request.params.reasoning_effort.as_deref();
    effort.is_some_and(|effort| !effort.is_empty())
        || (is_reasoning_model && !model.contains("-chat"))
}

/// Requests a summary with the effort, since the reasoning itself is not shown.
fn reasoning(params: &Params) -> Option<Value> {
    match effort_word(params.reasoning_effort.as_deref()?)? {
        "none" => Some(json!({"effort": "none"})),
        effort => Some(json!({"effort": effort, "summary": "auto"})),
    }
}

fn tool_choice(choice: &MustCall) -> Value {
    match choice {
        MustCall::Nothing => "none".into(),
        MustCall::Any => "required".into(),
        MustCall::Function(name) => json!({"type": "function", "name": name}),
    }
}

fn format(format: &ResponseFormat) -> Value {
    let format = match format {
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema {
            name,
            schema,
            strict,
        } => json!({"type": "json_schema", "name": name, "schema": schema, "strict": strict}),
    };
    json!({"format": format})
}

/// `strict` is on by default and refuses many schemas, so it is sent as false.
fn tool(tool: &Tool) -> Value {
    let mut written = Map::new();
    written.insert("type".into(), "function".into());
    written.insert("name".into(), tool.name.as_str().into());
    if !tool.description.is_empty() {
        written.insert("description".into(), tool.description.as_str().into());
    }
    written.insert("parameters".into(), tool.parameters.clone());
    written.insert("strict".into(), false.into());
    written.into()
}
