//! Writes a [`ChatRequest`] as the JSON body of a streamed message.

use serde_json::{Map, Value, json};

use super::{thinking::ThinkingSettings, turns::messages};
use crate::chat::{
    CacheLife, ChatRequest, MustCall, Params, ResponseFormat, Tool, merge_patch, with_call_ids,
};

/// The protocol requires `max_tokens`; this is sent if the request has none.
const MAX_TOKENS: u32 = 8_192;

/// The body. Parameters that are not set are not sent, except `max_tokens` (8192). `extra` is applied last, as a JSON
/// merge patch (RFC 7386): `{"top_k": 5}` adds, `{"max_tokens": 100}` replaces, `null` removes.
/// [`hints::fit`](crate::hints::fit) has removed and reported what the protocol refuses or does not know.
pub(super) fn body(request: &ChatRequest) -> Value {
    let request = &*request.with_question();
    let params = &request.params;
    let thinking = params.reasoning_effort.as_deref();
    let thinking = thinking.map(|effort| ThinkingSettings::of(&request.model, effort));
    let thinking = thinking.unwrap_or_default();
    let max_tokens = params.max_tokens.unwrap_or(MAX_TOKENS);
    let mut body = Map::new();
    body.insert("model".into(), request.model.as_str().into());
    let max_tokens = thinking.max_tokens(max_tokens, params.max_tokens.is_some());
    body.insert("max_tokens".into(), max_tokens.into());
    if let Some(system) = request.system.as_deref().filter(|text| !text.is_empty()) {
        body.insert("system".into(), system.into());
    }
    body.insert(
        "messages".into(),
        messages(&with_call_ids(&request.messages)).into(),
    );
    let output = output_config(params, &thinking);
    let tools: Vec<Value> = request.tools.iter().map(tool).collect();
    let fields = [
        // At the top level: the server places the cache mark at the end of the prompt.
        ("cache_control", params.cache_prompt.map(cache_control)),
        (
            "stop_sequences",
            (!params.stop.is_empty()).then(|| json!(params.stop)),
        ),
        ("thinking", thinking.config),
        ("output_config", (!output.is_empty()).then(|| output.into())),
        ("tools", (!tools.is_empty()).then(|| tools.into())),
        ("tool_choice", tool_choice(params)),
        ("stream", Some(true.into())),
    ];
    let sampling = [
        ("temperature", params.temperature.map(Value::from)),
        ("top_p", params.top_p.map(Value::from)),
    ];
    for (name, value) in sampling.into_iter().chain(fields) {
        body.extend(value.map(|value| (name.to_owned(), value)));
    }
    merge_patch(&mut body, &params.extra);
    body.into()
}

/// Five minutes are the protocol's default (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>).
fn cache_control(life: CacheLife) -> Value {
    match life {
        CacheLife::Minutes => json!({"type": "ephemeral"}),
        CacheLife::Hour => json!({"type": "ephemeral", "ttl": life.as_str()}),
    }
}

fn output_config(params: &Params, thinking: &ThinkingSettings) -> Map<String, Value> {
    let mut config = Map::new();
    if let Some(effort) = &thinking.effort {
        config.insert("effort".into(), effort.as_str().into());
    }
    if let Some(ResponseFormat::JsonSchema { schema, .. }) = &params.response_format {
        let format = json!({"type": "json_schema", "schema": schema});
        config.insert("format".into(), format);
    }
    config
}

/// What must be called, and whether only one function at once.
fn tool_choice(params: &Params) -> Option<Value> {
    let is_single = params.parallel_calls == Some(false);
    let mut choice = match &params.must_call {
        Some(MustCall::Nothing) => return Some(json!({"type": "none"})),
        Some(MustCall::Any) => json!({"type": "any"}),
        Some(MustCall::Function(name)) => json!({"type": "tool", "name": name}),
        None if is_single => json!({"type": "auto"}),
        None => return None,
    };
    if is_single {
        choice["disable_parallel_tool_use"] = true.into();
    }
    Some(choice)
}

fn tool(tool: &Tool) -> Value {
    let mut written = Map::new();
    written.insert("name".into(), tool.name.as_str().into());
    if !tool.description.is_empty() {
        written.insert("description".into(), tool.description.as_str().into());
    }
    written.insert("input_schema".into(), input_schema(&tool.parameters));
    written.into()
}

/// The schema, with the type `object`, the only one that the protocol accepts.
fn input_schema(parameters: &Value) -> Value {
    let mut schema = parameters.as_object().cloned().unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    schema.into()
}
