//! What each simulated model says to a request.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::text;
use crate::chat::{ChatRequest, MustCall, Part, ResponseFormat, Role, Tool, ToolCall};

/// An answer before it is cut into tokens and paced.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    /// Said first, as reasoning.
    pub reasoning: Cow<'static, str>,
    /// The visible text.
    pub text: Cow<'static, str>,
    /// Said in the field for refusals.
    pub refusal: Cow<'static, str>,
    /// Function calls, after the text.
    pub calls: Vec<ToolCall>,
}

fn says(text: impl Into<Cow<'static, str>>) -> Script {
    Script {
        text: text.into(),
        ..Script::default()
    }
}

pub(super) fn tour(_: &ChatRequest) -> Script {
    says(text::TOUR)
}

pub(super) fn ttft(_: &ChatRequest) -> Script {
    says(text::TTFT)
}

pub(super) fn markdown(_: &ChatRequest) -> Script {
    says(text::MARKDOWN)
}

pub(super) fn chinese(_: &ChatRequest) -> Script {
    says(text::CHINESE)
}

pub(super) fn long(_: &ChatRequest) -> Script {
    says(text::LONG.as_str())
}

pub(super) fn bench(_: &ChatRequest) -> Script {
    let cut: usize = text::tokens(&text::LONG).take(64).map(str::len).sum();
    says(&text::LONG[..cut])
}

pub(super) fn reasoning(_: &ChatRequest) -> Script {
    Script {
        reasoning: text::REASONING.into(),
        ..says(text::REASONED)
    }
}

pub(super) fn refusal(_: &ChatRequest) -> Script {
    Script {
        refusal: "Simulated: I can't help with that.".into(),
        ..Script::default()
    }
}

/// Repeats the system instruction and the last message.
pub(super) fn echo(request: &ChatRequest) -> Script {
    let mut said = String::from("*Simulated: an echo.*\n\n");
    if let Some(system) = request.system.as_deref().filter(|s| !s.is_empty()) {
        said.extend(["System: ", system, "\n\n"]);
    }
    for part in request.messages.last().into_iter().flat_map(|m| &m.parts) {
        said.push_str(&repeat(part));
        said.push_str("\n\n");
    }
    says(said)
}

fn repeat(part: &Part) -> String {
    match part {
        Part::Text { text } | Part::Reasoning { text } => text.clone(),
        Part::Media(image) => format!("[{}, {} bytes]", image.mime, image.data.len()),
        Part::ToolCall(call) => format!("{}({})", call.name, call.arguments),
        Part::ToolResult { content, .. } => content.clone(),
        Part::Signature { .. } | Part::Opaque { .. } => String::new(),
    }
}

/// Calls two functions; once their results are there, repeats them.
pub(super) fn tools(request: &ChatRequest) -> Script {
    let results = results(request);
    if results.is_empty() {
        calls(request)
    } else {
        repeats(&results)
    }
}

/// Calls two functions, and two more once their results are there; then repeats the last ones.
pub(super) fn signed(request: &ChatRequest) -> Script {
    let turn = request
        .messages
        .rsplit(|message| message.role == Role::User);
    let steps = turn.take(1).flatten().filter(|message| {
        let mut parts = message.parts.iter();
        parts.any(|part| matches!(part, Part::ToolCall(_)))
    });
    if steps.count() < 2 {
        calls(request)
    } else {
        repeats(&results(request))
    }
}

/// The results that came since the last message of another role.
fn results(request: &ChatRequest) -> Vec<&str> {
    let turns = &mut request
        .messages
        .rsplit(|message| message.role != Role::Tool);
    (turns.next().into_iter().flatten())
        .flat_map(|message| &message.parts)
        .filter_map(|part| match part {
            Part::ToolResult { content, .. } => Some(content.as_str()),
            _ => None,
        })
        .collect()
}

fn repeats(results: &[&str]) -> Script {
    let mut said = String::from("Simulated: the functions gave\n\n");
    for result in results {
        said.extend(["- ", result, "\n"]);
    }
    says(said)
}

/// Two calls at once. No earlier call of the conversation has their ids.
fn calls(request: &ChatRequest) -> Script {
    let call = |city: &'static str, index: usize| {
        let own = request.tools.get(index).or(request.tools.first());
        own.map_or_else(
            || {
                let weather = json!({ "city": city, "unit": "celsius" });
                ("get_weather".to_owned(), weather)
            },
            |tool| {
                let parameters = &tool.parameters;
                (tool.name.clone(), example(parameters, parameters, 0))
            },
        )
    };
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let earlier = parts.filter(|part| matches!(part, Part::ToolCall(_)));
    let numbers = earlier.count() + 1..;
    let calls = [call("Lisbon", 0), call("成都", 1)]
        .into_iter()
        .zip(numbers);
    Script {
        calls: calls
            .map(|((name, arguments), number)| ToolCall {
                id: format!("call_sim_{number}"),
                name,
                arguments: arguments.to_string(),
            })
            .collect(),
        ..says("Simulated: two calls at once.")
    }
}

/// JSON, after the request's schema if it has one. Where a function must be called, its arguments are the answer.
pub(super) fn json(request: &ChatRequest) -> Script {
    let function = match &request.params.must_call {
        Some(MustCall::Function(name)) => request.tools.iter().find(|tool| tool.name == *name),
        Some(MustCall::Any) => request.tools.first(),
        Some(MustCall::Nothing) | None => None,
    };
    if let Some(Tool {
        name, parameters, ..
    }) = function
    {
        return Script {
            calls: vec![ToolCall {
                id: "call_sim_1".to_owned(),
                name: name.clone(),
                arguments: example(parameters, parameters, 0).to_string(),
            }],
            ..Script::default()
        };
    }
    let value = match &request.params.response_format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => example(schema, schema, 0),
        _ => json!({ "simulated": true, "answer": "JSON, as asked", "figures": [1, 2.5, null] }),
    };
    says(format!("{value:#}"))
}

/// Deepest level of an example, so that a schema which holds itself comes to an end.
const DEEPEST: usize = 8;

/// A value that fits a JSON schema, a part of `whole`: its type, properties, items, enums, choices and references are
/// honoured, limits and patterns are not.
fn example(schema: &Value, whole: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let referred = schema["$ref"].as_str().map(|at| at.trim_start_matches('#'));
    let chosen = ["anyOf", "oneOf", "allOf"];
    let chosen = chosen.iter().find_map(|name| schema[name].get(0));
    if let Some(other) = referred.and_then(|at| whole.pointer(at)).or(chosen) {
        return example(other, whole, depth + 1);
    }
    if let Some(value) = schema["enum"].get(0).or(schema.get("const")) {
        return value.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("string") => "simulated".into(),
        Some("integer") => 42.into(),
        Some("number") => json!(4.2),
        Some("boolean") => true.into(),
        Some("array") if depth < DEEPEST => json!([example(&schema["items"], whole, depth + 1)]),
        Some("array") => json!([]),
        Some("object") if depth < DEEPEST => {
            let properties = schema["properties"].as_object();
            let fields = properties.into_iter().flatten();
            let fields: Map<String, Value> = fields
                .map(|(name, schema)| (name.clone(), example(schema, whole, depth + 1)))
                .collect();
            fields.into()
        }
        Some("object") => json!({}),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Message;

    #[test]
    fn an_example_fits_its_schema_and_a_bottomless_one_ends() {
        let schema = json!({ "type": "object", "properties": {
            "name": { "type": "string" }, "size": { "$ref": "#/$defs/Size" },
            "tags": { "type": "array", "items": { "type": ["integer", "null"] } },
            "age": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
        }, "$defs": { "Size": { "enum": ["S", "M"] } } });
        let expected = json!({ "name": "simulated", "size": "S", "tags": [42], "age": 42 });
        assert_eq!(example(&schema, &schema, 0), expected);
        let endless = json!({ "$ref": "#" });
        assert_eq!(example(&endless, &endless, 0), Value::Null);
        let deep = (0..50).fold(
            json!({}),
            |inner, _| json!({ "type": "array", "items": inner }),
        );
        assert!(example(&deep, &deep, 0).to_string().len() < 50);
    }

    #[test]
    fn tools_are_the_requests_own_and_their_results_are_repeated() {
        let mut request = ChatRequest::of_text("sim-tools", "?");
        assert_eq!(
            tools(&request).calls[1].arguments,
            r#"{"city":"成都","unit":"celsius"}"#
        );
        request.tools = vec![Tool {
            name: "mine".into(),
            description: String::new(),
            parameters: json!({ "type": "object", "properties": { "q": { "type": "string" } } }),
        }];
        let calls = tools(&request).calls;
        assert_eq!(calls.len(), 2);
        assert!(
            calls
                .iter()
                .all(|c| c.name == "mine" && c.arguments == r#"{"q":"simulated"}"#)
        );
        for content in ["sunny", "rainy"] {
            let (id, name, content) = (String::new(), String::new(), content.into());
            let parts = vec![Part::ToolResult { id, name, content }];
            request.messages.push(Message {
                role: Role::Tool,
                parts,
            });
        }
        assert!(tools(&request).text.ends_with("- sunny\n- rainy\n"));
    }
}
