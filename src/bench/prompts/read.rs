//! Reads entries of a file of prompts.
//!
//! In: text. Out: conversations, or what is wrong on which line. The forms are those of other tools, too, so that their
//! files can be used as they are: a prompt with a length (`prompt`, `max_tokens`; `output_tokens` as in `vllm bench` and
//! GuideLLM), a chat request (`messages`, `max_tokens`), and ShareGPT's (`conversations` of `from` and `value`).

use serde_json::{Map, Value, value::RawValue};

use super::RecordedConversation;
use crate::{
    chat::{Message, Part, Role},
    input::InputError,
};

/// Why a set of prompts can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError {
    /// The file can't be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An entry is no prompt.
    #[error("{name}, line {line}: {why}")]
    Entry {
        /// The input's name.
        name: String,
        /// The line on which the entry begins, or on which its JSON is wrong, from 1.
        line: usize,
        /// What is wrong.
        why: EntryError,
    },
    /// There is no prompt.
    #[error("{0} holds no prompt")]
    Empty(String),
    /// There are more prompts than can be numbered.
    #[error("{0} holds more than 4,294,967,295 prompts")]
    TooMany(String),
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EntryError {
    /// It is not JSON.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// It is neither text nor an object.
    #[error("an entry is a text or an object, not {0}")]
    Kind(&'static str),
    /// It has none of the fields that hold a prompt.
    #[error("there is no \"prompt\", \"messages\" or \"conversations\"")]
    NoPrompt,
    /// A field is not what it must be.
    #[error("\"{field}\" must be {must}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A message is said by nobody that is known.
    #[error(
        "{0:?} is no role: it must be system, user or assistant (in ShareGPT's form: system, human or gpt)"
    )]
    Role(String),
}

const A_TEXT: &str = "a text";

/// The conversations of a JSON text: an array of entries, or an entry a line.
pub(super) fn conversations(
    name: &str,
    text: &str,
) -> Result<Vec<RecordedConversation>, PromptsError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let failed = |line, why| PromptsError::Entry {
        name: name.to_owned(),
        line,
        why,
    };
    if text.trim_start().starts_with('[') {
        let entries: Vec<&RawValue> = serde_json::from_str(text)
            .map_err(|error| failed(error.line(), EntryError::Json(bare(&error))))?;
        let mut lines = LineNumbers::of(text);
        let entries = entries.into_iter().map(|entry| {
            let line = lines.of_part(entry.get());
            of_text(entry.get()).map_err(|why| failed(line, why))
        });
        entries.collect()
    } else {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let entries =
            lines.map(|(index, line)| of_text(line).map_err(|why| failed(index + 1, why)));
        entries.collect()
    }
}

/// Line numbers of parts of a text that are asked for in order.
struct LineNumbers<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> LineNumbers<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The line on which a part of the text begins.
    fn of_part(&mut self, part: &str) -> usize {
        let at = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let between = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', between).count();
        self.at = at.max(self.at);
        self.line
    }
}

/// What serde says without the position: it is of the entry, not of the file.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

fn of_text(text: &str) -> Result<RecordedConversation, EntryError> {
    let entry = serde_json::from_str(text).map_err(|error| EntryError::Json(bare(&error)))?;
    match entry {
        Value::String(prompt) => Ok(RecordedConversation {
            system: None,
            messages: vec![Message::user(prompt)],
            max_tokens: None,
        }),
        Value::Object(entry) => of_entry(&entry),
        other => Err(EntryError::Kind(kind(&other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => A_TEXT,
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn of_entry(entry: &Map<String, Value>) -> Result<RecordedConversation, EntryError> {
    let mut conversation = RecordedConversation {
        system: optional_text(entry, "system")?,
        messages: Vec::new(),
        max_tokens: max_tokens(entry)?,
    };
    if let Some(messages) = entry.get("messages") {
        add_all(&mut conversation, messages, "messages", ["role", "content"])?;
    } else if let Some(turns) = entry.get("conversations") {
        add_all(&mut conversation, turns, "conversations", ["from", "value"])?;
    } else {
        let prompt = ["prompt", "text"]
            .into_iter()
            .find(|name| entry.contains_key(*name));
        let prompt = optional_text(entry, prompt.ok_or(EntryError::NoPrompt)?)?;
        let prompt = prompt.ok_or(EntryError::NoPrompt)?;
        conversation.messages.push(Message::user(prompt));
    }
    // Some conversations of ShareGPT begin in the middle.
    let first = (conversation.messages.iter()).position(|message| message.role == Role::User);
    conversation
        .messages
        .drain(..first.unwrap_or(conversation.messages.len()));
    Ok(conversation)
}

fn optional_text(
    entry: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<String>, EntryError> {
    match entry.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(EntryError::Field {
            field,
            must: A_TEXT,
        }),
    }
}

fn max_tokens(entry: &Map<String, Value>) -> Result<Option<u32>, EntryError> {
    const NAMES: [&str; 5] = [
        "max_tokens",
        "max_completion_tokens",
        "output_tokens",
        "output_tokens_count",
        "output_length",
    ];
    let stated = |field: &'static str| Some((field, entry.get(field)?));
    let Some((field, stated)) = NAMES.into_iter().find_map(stated) else {
        return Ok(None);
    };
    let number = stated
        .as_u64()
        .and_then(|number| u32::try_from(number).ok());
    match number {
        _ if stated.is_null() => Ok(None),
        Some(number) if number > 0 => Ok(Some(number)),
        _ => Err(EntryError::Field {
            field,
            must: "a whole number from 1 to 4,294,967,295",
        }),
    }
}

/// Adds the messages of an array, which have these two fields.
fn add_all(
    conversation: &mut RecordedConversation,
    messages: &Value,
    field: &'static str,
    [who, what]: [&'static str; 2],
) -> Result<(), EntryError> {
    let array = messages.as_array().ok_or(EntryError::Field {
        field,
        must: "an array",
    })?;
    for message in array {
        let said_by = message.get(who).and_then(Value::as_str);
        let said_by = said_by.ok_or(EntryError::Field {
            field: who,
            must: "a text in each message",
        })?;
        let text = content(message.get(what)).ok_or(EntryError::Field {
            field: what,
            must: "a text, or text parts, in each message",
        })?;
        let role = match said_by {
            "system" | "developer" => {
                let system = conversation.system.get_or_insert_default();
                if !system.is_empty() {
                    system.push_str("\n\n");
                }
                system.push_str(&text);
                continue;
            }
            "user" | "human" => Role::User,
            "assistant" | "gpt" | "chatgpt" | "bard" | "bing" | "model" => Role::Assistant,
            other => return Err(EntryError::Role(other.to_owned())),
        };
        conversation.messages.push(Message {
            role,
            parts: vec![Part::Text { text }],
        });
    }
    Ok(())
}

/// The text of a message: a text, or parts of which each is one.
fn content(content: Option<&Value>) -> Option<String> {
    match content? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| part.get("text")?.as_str());
            texts.collect()
        }
        _ => None,
    }
}
