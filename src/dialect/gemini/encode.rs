//! Writes a [`ChatRequest`] as the JSON body of `streamGenerateContent`. The model is in the URL, not in the body.

use ::url::Url;
use serde_json::{Map, Value, json};

use super::{thinking, turns, url};
use crate::chat::{ChatRequest, MustCall, Params, ResponseFormat, Tool, merge_patch};

/// The body. Parameters that are not set are not sent. `extra` is applied last, as a JSON merge patch (RFC 7386):
/// `{"generationConfig": {"topK": 40}}` adds a setting.
pub(in crate::dialect) fn body(request: &ChatRequest) -> Value {
    let request = &*request.with_question();
    let mut body = Map::new();
    if let Some(text) = request.system.as_deref().filter(|text| !text.is_empty()) {
        let system = json!({"parts": [{"text": text}]});
        body.insert("systemInstruction".into(), system);
    }
    body.insert("contents".into(), turns::contents(request).into());
    if !request.tools.is_empty() {
        let functions: Vec<Value> = request.tools.iter().map(function).collect();
        body.insert("tools".into(), json!([{"functionDeclarations": functions}]));
    }
    if let Some(choice) = &request.params.must_call {
        let calling = match choice {
            MustCall::Nothing => json!({"mode": "NONE"}),
            MustCall::Any => json!({"mode": "ANY"}),
            MustCall::Function(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
        };
        body.insert(
            "toolConfig".into(),
            json!({"functionCallingConfig": calling}),
        );
    }
    let config = generation_config(&request.model, &request.params);
    if !config.is_empty() {
        body.insert("generationConfig".into(), config.into());
    }
    merge_patch(&mut body, &request.params.extra);
    body.into()
}

/// Vertex AI has no call ids, and refuses a request with one (<https://github.com/pydantic/pydantic-ai/issues/5081>):
/// it matches calls and results by their order.
pub(in crate::dialect) fn fit(body: &mut Value, base: &Url) {
    if url::is_vertex(base) {
        let contents = body.get_mut("contents").and_then(Value::as_array_mut);
        let parts = contents.into_iter().flatten().filter_map(|content| {
            let parts = content.get_mut("parts")?;
            parts.as_array_mut()
        });
        for part in parts.flatten() {
            turns::remove_id(part, |_| true);
        }
    }
}

/// `parametersJsonSchema` accepts any JSON schema, the older `parameters` only a subset of `OpenAPI` schemas.
fn function(tool: &Tool) -> Value {
    let mut function = Map::new();
    function.insert("name".into(), tool.name.as_str().into());
    if !tool.description.is_empty() {
        function.insert("description".into(), tool.description.as_str().into());
    }
    function.insert("parametersJsonSchema".into(), tool.parameters.clone());
    function.into()
}

fn generation_config(model: &str, params: &Params) -> Map<String, Value> {
    let stop = (!params.stop.is_empty()).then(|| json!(params.stop));
    let format = params.response_format.as_ref();
    let schema = match format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => Some(schema.clone()),
        _ => None,
    };
    let effort = params.reasoning_effort.as_deref();
    let fields = [
        ("temperature", params.temperature.map(Value::from)),
        ("topP", params.top_p.map(Value::from)),
        ("maxOutputTokens", params.max_tokens.map(Value::from)),
        ("seed", params.seed.map(Value::from)),
        ("stopSequences", stop),
        (
            "responseMimeType",
            format.map(|_| "application/json".into()),
        ),
        ("responseJsonSchema", schema),
        (
            "thinkingConfig",
            effort
                .filter(|word| !word.is_empty())
                .map(|word| thinking::config(model, word)),
        ),
    ];
    let set = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    set.collect()
}
