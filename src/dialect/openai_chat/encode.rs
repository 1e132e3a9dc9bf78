//! Writes a [`ChatRequest`] as the JSON body of a streamed chat completion.

use serde_json::{Map, Value, json};
use url::Url;

use super::turns;
use crate::chat::{
    ChatRequest, MustCall, Params, ResponseFormat, Tool, merge_patch, with_call_ids,
};

/// The body. Parameters that are not set are not sent. `extra` is applied last, as a JSON merge patch (RFC 7386):
/// objects are merged recursively, anything else replaces, and `null` removes a field: `{"max_tokens": null,
/// "max_completion_tokens": 100}` renames one.
pub(super) fn body(request: &ChatRequest) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), request.model.as_str().into());
    body.insert("messages".into(), messages(request).into());
    insert_params(&mut body, &request.params);
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    body.insert("stream".into(), true.into());
    body.insert("stream_options".into(), json!({"include_usage": true}));
    merge_patch(&mut body, &request.params.extra);
    body.into()
}

/// `OpenAI` refuses fields that it does not know: `extra_content` has signatures of Google's, of answers before the model
/// was changed.
pub(super) fn fit(body: &mut Value, base: &Url) {
    let host = base.host_str().unwrap_or_default();
    if host != "api.openai.com" && !host.ends_with(".openai.azure.com") {
        return;
    }
    let messages = body.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let forget = |of: &mut Value| of.as_object_mut()?.shift_remove("extra_content");
        forget(message);
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            forget(call);
        }
    }
}

fn messages(request: &ChatRequest) -> Vec<Value> {
    let system = request.system.as_deref().filter(|text| !text.is_empty());
    let system = system.map(|text| json!({"role": "system", "content": text}));
    let messages = with_call_ids(&request.messages);
    let turns = messages.iter().flat_map(turns::messages);
    system.into_iter().chain(turns).collect()
}

fn insert_params(body: &mut Map<String, Value>, params: &Params) {
    let stop = (!params.stop.is_empty()).then(|| json!(params.stop));
    let fields = [
        ("temperature", params.temperature.map(Value::from)),
        ("top_p", params.top_p.map(Value::from)),
        ("max_tokens", params.max_tokens.map(Value::from)),
        ("seed", params.seed.map(Value::from)),
        ("stop", stop),
        (
            "reasoning_effort",
            params
                .reasoning_effort
                .as_deref()
                .and_then(effort_word)
                .map(Value::from),
        ),
        (
            "response_format",
            params.response_format.as_ref().map(response_format),
        ),
        (
            "tool_choice",
            params.must_call.as_ref().map(|choice| match choice {
                MustCall::Nothing => "none".into(),
                MustCall::Any => "required".into(),
                MustCall::Function(name) => {
                    json!({"type": "function", "function": {"name": name}})
                }
            }),
        ),
        (
            "parallel_tool_calls",
            params.parallel_calls.map(Value::from),
        ),
    ];
    for (name, value) in fields {
        body.extend(value.map(|value| (name.to_owned(), value)));
    }
}

/// The protocol's word for an effort: it has no budgets of tokens, and says nothing to let the model decide. Others are
/// sent as they are.
pub(in crate::dialect) fn effort_word(effort: &str) -> Option<&str> {
    let effort = effort.trim();
    let budget = effort.parse::<i64>().ok();
    match (effort.to_ascii_lowercase().as_str(), budget) {
        ("" | "auto" | "adaptive" | "on" | "true", _) | (_, Some(..0)) => None,
        ("off" | "disabled" | "false", _) | (_, Some(0)) => Some("none"),
        // The budgets of Google's compatible endpoint, between which these stand.
        (_, Some(..=4_096)) => Some("low"),
        (_, Some(..=16_384)) => Some("medium"),
        ("max", _) | (_, Some(_)) => Some("high"),
        _ => Some(effort),
    }
}

fn response_format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema {
            name,
            schema,
            strict,
        } => json!({
            "type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": strict},
        }),
    }
}

/// The JSON of a function that the model may call; `ollama` has the same form.
pub(in crate::dialect) fn tool(tool: &Tool) -> Value {
    let mut function = Map::new();
    function.insert("name".into(), tool.name.as_str().into());
    if !tool.description.is_empty() {
        function.insert("description".into(), tool.description.as_str().into());
    }
    function.insert("parameters".into(), tool.parameters.clone());
    json!({"type": "function", "function": function})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Media, Message, Part, Role, ToolCall};

    fn image() -> Part {
        Part::Media(Media {
            uri: None,
            mime: "image/png".into(),
            data: [1_u8, 2, 3].as_slice().into(),
            name: "secret-name.png".into(),
        })
    }

    fn text(text: &str) -> Part {
        Part::Text { text: text.into() }
    }

    #[test]
    fn parameters_that_are_not_set_are_not_sent() {
        let written = body(&ChatRequest::of_text("m", "hi"));
        let expected = json!({
            "model": "m",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        assert_eq!(written.to_string(), expected.to_string());
    }

    #[test]
    fn a_full_request_is_written_as_openai_documents_it() {
        let mut request = ChatRequest::of_text("m", "look");
        request.system = Some("be brief".into());
        request.messages[0].parts = vec![text("look"), image()];
        let call = ToolCall {
            id: "c1".into(),
            name: "f".into(),
            arguments: r#"{"a":1}"#.into(),
        };
        request.messages.push(Message {
            role: Role::Assistant,
            parts: vec![Part::ToolCall(call)],
        });
        let result = |id: &str| Part::ToolResult {
            id: id.into(),
            name: "f".into(),
            content: "42".into(),
        };
        request.messages.push(Message {
            role: Role::Tool,
            parts: vec![result("c1"), result("c2")],
        });
        request.messages.push(Message::assistant("done"));
        request.tools = vec![Tool {
            name: "f".into(),
            description: "does f".into(),
            parameters: json!({"type": "object"}),
        }];
        request.params.temperature = Some(0.5);
        request.params.top_p = Some(0.9);
        request.params.max_tokens = Some(7);
        request.params.seed = Some(-1);
        request.params.stop = vec!["END".into()];
        request.params.reasoning_effort = Some("low".into());
        request.params.response_format = Some(ResponseFormat::JsonSchema {
            name: "s".into(),
            schema: json!({"type": "string"}),
            strict: true,
        });
        let written = body(&request);
        let expected = json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}},
                ]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                ]},
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
                {"role": "tool", "tool_call_id": "c2", "content": "42"},
                {"role": "assistant", "content": "done"},
            ],
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 7,
            "seed": -1,
            "stop": ["END"],
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "string"}, "strict": true}},
            "tools": [{"type": "function", "function": {"name": "f", "description": "does f", "parameters": {"type": "object"}}}],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        assert_eq!(written.to_string(), expected.to_string());
        request.params.response_format = Some(ResponseFormat::JsonObject);
        let written = body(&request);
        assert_eq!(written["response_format"], json!({"type": "json_object"}));
    }

    #[test]
    fn extra_json_is_merged_last_and_null_removes() {
        let mut request = ChatRequest::of_text("m", "hi");
        request.params.max_tokens = Some(7);
        let extra = json!({
            "max_tokens": null,
            "max_completion_tokens": 9,
            "stream_options": {"include_usage": null, "include_obfuscation": false},
            "model": "other",
            "provider": {"order": ["a"], "gone": null},
        });
        request.params.extra = extra.as_object().unwrap().clone();
        let written = body(&request);
        let expected = json!({
            "model": "other",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": true,
            "stream_options": {"include_obfuscation": false},
            "max_completion_tokens": 9,
            "provider": {"order": ["a"]},
        });
        assert_eq!(written.to_string(), expected.to_string());
    }

    #[test]
    fn empty_texts_mixed_results_and_calls_are_written() {
        let mut request = ChatRequest::of_text("m", "");
        request.system = Some(String::new());
        let mut parts = vec![text("see: ")];
        parts.push(Part::ToolResult {
            id: "c".into(),
            name: String::new(),
            content: "r".into(),
        });
        parts.push(text("what now?"));
        request.messages.push(Message {
            role: Role::User,
            parts,
        });
        let call = Part::ToolCall(ToolCall::default());
        request.messages.push(Message {
            role: Role::Assistant,
            parts: vec![call, text("calling")],
        });
        let written = body(&request);
        let expected = json!([
            {"role": "user", "content": ""},
            {"role": "tool", "tool_call_id": "c", "content": "r"},
            {"role": "user", "content": "see: what now?"},
            {"role": "assistant", "content": "calling", "tool_calls": [
                {"id": "call_0", "type": "function", "function": {"name": "", "arguments": "{}"}},
            ]},
        ]);
        assert_eq!(written["messages"].to_string(), expected.to_string());
    }
}
