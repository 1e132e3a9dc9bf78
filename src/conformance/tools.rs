//! Whether functions were called as the request's tool choice required.

use serde_json::Value;

use super::is_whole;
use crate::{event::FinishReason, run::Run};

/// What a request says of calls, in the words of any protocol.
enum ToolChoice<'a> {
    /// None may be made.
    None,
    /// At least one must be made.
    Any,
    /// This one must be made.
    Named(&'a str),
}

pub(super) fn not_offered(run: &Run) -> Option<String> {
    let request = &run.head.request;
    if request.tools.is_empty() || request.params.extra.contains_key("tools") {
        return None;
    }
    let offered = |name: &str| request.tools.iter().any(|tool| tool.name == name);
    let mut calls = run.answer.tool_calls.iter();
    let call = calls.find(|call| !offered(&call.name))?;
    Some(format!("tools: “{}” was called but not offered", call.name))
}

pub(super) fn not_as_chosen(run: &Run) -> Option<String> {
    let extra = &run.head.request.params.extra;
    let choice = extra
        .get("tool_choice")
        .or_else(|| extra.get("toolConfig"))?;
    let mut calls = run.answer.tool_calls.iter();
    // An answer that was cut or blocked had no time to call.
    let finish = run.answer.finish.as_ref().map(|finish| finish.reason);
    let ended = matches!(finish, Some(FinishReason::Stop | FinishReason::ToolCalls));
    let is_over = is_whole(run) && ended;
    match self::choice(choice)? {
        ToolChoice::None => calls.next().map(|call| {
            format!(
                "tool_choice: “{}” was called though nothing was to be",
                call.name
            )
        }),
        ToolChoice::Any => (is_over && calls.next().is_none())
            .then(|| "tool_choice: nothing was called though something had to be".to_owned()),
        ToolChoice::Named(name) => (is_over && !calls.any(|call| call.name == name))
            .then(|| format!("tool_choice: “{name}” was not called though it had to be")),
    }
}

/// OpenAI's word or object, Anthropic's object, Gemini's `toolConfig`.
fn choice(choice: &Value) -> Option<ToolChoice<'_>> {
    let gemini = &choice["functionCallingConfig"];
    let word = [choice, &choice["type"], &gemini["mode"]]
        .into_iter()
        .find_map(Value::as_str)?;
    let names = [&choice["name"], &choice["function"]["name"]];
    let only = gemini["allowedFunctionNames"].as_array();
    let only = only.filter(|names| names.len() == 1).map(|names| &names[0]);
    let name = names.into_iter().chain(only).find_map(Value::as_str);
    match (word, name) {
        ("none" | "NONE", _) => Some(ToolChoice::None),
        ("function" | "tool" | "ANY", Some(name)) => Some(ToolChoice::Named(name)),
        ("required" | "any" | "ANY", _) => Some(ToolChoice::Any),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_protocols_choice_is_understood() {
        for (said, word) in [
            (json!("none"), "none"),
            (json!({"type": "none"}), "none"),
            (json!({"functionCallingConfig": {"mode": "NONE"}}), "none"),
            (json!("required"), "any"),
            (json!({"type": "any"}), "any"),
            (json!({"functionCallingConfig": {"mode": "ANY"}}), "any"),
            (json!({"type": "function", "name": "f"}), "f"),
            (json!({"type": "function", "function": {"name": "f"}}), "f"),
            (json!({"type": "tool", "name": "f"}), "f"),
            (
                json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}),
                "f",
            ),
            (json!("auto"), ""),
            (json!({"type": "auto"}), ""),
            (json!({"functionCallingConfig": {"mode": "AUTO"}}), ""),
            (json!({"type": "allowed_tools", "mode": "auto"}), ""),
        ] {
            let understood = match choice(&said) {
                Some(ToolChoice::None) => "none",
                Some(ToolChoice::Any) => "any",
                Some(ToolChoice::Named(name)) => name,
                None => "",
            };
            assert_eq!(understood, word, "{said}");
        }
    }
}
