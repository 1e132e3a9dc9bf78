//! Prompts of a comparison, as a file gives them: a line each, or a JSON value a line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{Message, Role};

/// What one round asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparePrompt {
    /// The system instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The conversation; the last message is the question.
    pub messages: Vec<Message>,
    /// Most output tokens, instead of the plan's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

impl ComparePrompt {
    /// A question in plain text.
    #[must_use]
    pub fn of_text(text: impl Into<String>) -> Self {
        Self {
            messages: vec![Message::user(text)],
            ..Self::default()
        }
    }

    /// The text of its question.
    #[must_use]
    pub fn text(&self) -> String {
        self.messages.last().map(Message::text).unwrap_or_default()
    }
}

/// A line that is no prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadPrompts {
    /// Its number, counted from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// The prompts of a file: each line is one, empty lines are skipped. With `is_json` each line is JSON: a string, or an
/// object with `prompt` or with `messages` (each with `role` and `content`), and `system` and `max_tokens` where wanted.
///
/// # Errors
/// The first line that is none, and why; line 0 if there is none at all.
pub fn prompts_of(text: &str, is_json: bool) -> Result<Vec<ComparePrompt>, BadPrompts> {
    let mut prompts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        prompts.push(if is_json {
            of_json(line).map_err(|why| BadPrompts {
                line: index + 1,
                why,
            })?
        } else {
            ComparePrompt::of_text(line)
        });
    }
    if prompts.is_empty() {
        return Err(BadPrompts {
            line: 0,
            why: "there is no prompt in it".into(),
        });
    }
    Ok(prompts)
}

/// The fields of a line of JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromptLine {
    prompt: Option<String>,
    messages: Option<Vec<PromptMessage>>,
    system: Option<String>,
    max_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct PromptMessage {
    role: String,
    content: String,
}

fn of_json(line: &str) -> Result<ComparePrompt, String> {
    let value: Value = serde_json::from_str(line).map_err(|why| why.to_string())?;
    if let Value::String(text) = value {
        return Ok(ComparePrompt::of_text(text));
    }
    let line: PromptLine = serde_json::from_value(value).map_err(|why| why.to_string())?;
    let mut prompt = ComparePrompt {
        system: line.system,
        max_tokens: line.max_tokens,
        ..ComparePrompt::default()
    };
    match (line.prompt, line.messages) {
        (Some(text), None) => prompt.messages = vec![Message::user(text)],
        (None, Some(messages)) => take_messages(&mut prompt, messages)?,
        _ => return Err("it needs either prompt or messages".into()),
    }
    Ok(prompt)
}

fn take_messages(prompt: &mut ComparePrompt, messages: Vec<PromptMessage>) -> Result<(), String> {
    for PromptMessage { role, content } in messages {
        match role.as_str() {
            "system" | "developer" if prompt.messages.is_empty() => prompt.system = Some(content),
            "user" => prompt.messages.push(Message::user(content)),
            "assistant" => prompt.messages.push(Message::assistant(content)),
            _ => return Err(format!("“{role}” is not system, user or assistant")),
        }
    }
    match prompt.messages.last() {
        Some(last) if last.role == Role::User => Ok(()),
        _ => Err("its last message must be the user's".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_prompts() {
        let prompts = prompts_of("one\n\n  \n{\"not\": \"json\"}\n", false).unwrap();
        let texts: Vec<_> = prompts.iter().map(ComparePrompt::text).collect();
        assert_eq!(texts, ["one", "{\"not\": \"json\"}"]);
    }

    #[test]
    fn lines_of_json_are_prompts_with_their_settings() {
        let file = "\"one\"\n{\"prompt\":\"two\",\"max_tokens\":9,\"system\":\"s\"}\n\
            {\"messages\":[{\"role\":\"system\",\"content\":\"t\"},{\"role\":\"user\",\"content\":\"a\"},\
            {\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"three\"}]}\n";
        let prompts = prompts_of(file, true).unwrap();
        let texts: Vec<_> = prompts.iter().map(ComparePrompt::text).collect();
        assert_eq!(texts, ["one", "two", "three"]);
        assert_eq!(
            (prompts[1].max_tokens, prompts[1].system.as_deref()),
            (Some(9), Some("s"))
        );
        assert_eq!(
            (prompts[2].messages.len(), prompts[2].system.as_deref()),
            (3, Some("t"))
        );
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for (file, line) in [
            ("\"one\"\n{", 2),
            ("{\"prompt\":\"a\",\"messages\":[]}", 1),
            ("{\"promt\":\"a\"}", 1),
            (
                "{\"messages\":[{\"role\":\"assistant\",\"content\":\"b\"}]}",
                1,
            ),
            ("{\"messages\":[{\"role\":\"tool\",\"content\":\"b\"}]}", 1),
            ("\n", 0),
        ] {
            let bad = prompts_of(file, true).unwrap_err();
            assert_eq!(bad.line, line, "{file}: {bad}");
        }
    }
}
