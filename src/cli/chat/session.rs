//! A conversation in a file, for the terminal: `--session`, and `--result` for its tool calls.

use std::path::Path;

use anyhow::bail;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    chat::{Contents, Message, Part, Role, Tool, ToolCall},
    cli::{UsageError, input::MAX_BODY, note},
    input, private,
    run::{Run, RunState},
};

/// The earlier turns, and the settings for all turns.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ChatSession {
    /// The system prompt.
    pub system: Option<String>,
    /// Functions the model may call.
    pub tools: Vec<Tool>,
    /// The turns, oldest first, with all signatures.
    pub messages: Vec<Message>,
    /// The file as it was read, including unknown fields.
    #[serde(skip)]
    written: Map<String, Value>,
}

impl ChatSession {
    /// Reads the session of a file; a new one if the file is missing or empty.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match input::text(path, MAX_BODY) {
            Err(why) if why.is_missing() => String::new(),
            text => text.map_err(UsageError::from)?,
        };
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let session = Self::of(&text).map_err(|why| {
            UsageError::new(format!("{} is not a session: {why}", path.display()))
        })?;
        Ok(session)
    }

    fn of(text: &str) -> Result<Self, String> {
        let written: Map<String, Value> =
            serde_json::from_str(text).map_err(|why| why.to_string())?;
        if !written.get("messages").is_some_and(Value::is_array) {
            return Err("it has no list of “messages”".into());
        }
        let session: Self = serde_json::from_str(text).map_err(|why| why.to_string())?;
        Ok(Self { written, ..session })
    }

    /// The calls of the last answer, which need results.
    fn open_calls(&self) -> Vec<&ToolCall> {
        let last = self.messages.last();
        let last = last.filter(|message| message.role == Role::Assistant);
        let parts = last.into_iter().flat_map(|message| &message.parts);
        let calls = parts.filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        });
        calls.collect()
    }

    /// Fails if calls need results: providers refuse a turn that leaves a call without one.
    pub fn check_takes_prompt(&self) -> Result<(), UsageError> {
        match self.open_calls().as_slice() {
            [] => Ok(()),
            calls => Err(results_needed(calls)),
        }
    }

    /// The turn with the results of the last answer's calls, in their order.
    pub fn results(
        &self,
        given: impl ExactSizeIterator<Item = Result<String, UsageError>>,
    ) -> Result<Message, UsageError> {
        let calls = self.open_calls();
        if calls.is_empty() {
            return Err(UsageError::new(
                "no tool call of this session needs a result",
            ));
        }
        if given.len() != calls.len() {
            return Err(results_needed(&calls));
        }
        let pairs = calls.into_iter().zip(given);
        let parts = pairs.map(|(call, content)| {
            Ok(Part::ToolResult {
                id: call.id.clone(),
                name: call.name.clone(),
                content: content?,
            })
        });
        Ok(Message {
            role: Role::Tool,
            parts: parts.collect::<Result<_, UsageError>>()?,
        })
    }

    /// Adds a turn with its answer to the file, after turns that other processes added meanwhile.
    pub fn add(self, path: &Path, locks: &Path, turn: [Message; 2]) -> anyhow::Result<Self> {
        let lock = locks.join(id_of(path));
        private::folder(locks)?;
        private::locked(&lock, || Ok(self.added(path, turn)))?
    }

    fn added(mut self, path: &Path, turn: [Message; 2]) -> anyhow::Result<Self> {
        let mut now = Self::read(path)?;
        if now.messages.len() > self.messages.len() {
            let waits = now.check_takes_prompt().is_err();
            if waits || turn[0].role == Role::Tool {
                bail!(
                    "other turns were added to the session meanwhile, and this one does not fit after them"
                );
            }
            note("other turns were added to the session meanwhile: this one was added after them");
            (now.system, now.tools) = (self.system, self.tools);
            self = now;
        }
        self.messages.extend(turn);
        let mut text = serde_json::to_vec_pretty(&self.to_json())?;
        text.push(b'\n');
        private::replace(path, &text)?;
        Ok(self)
    }

    /// The file as it was read, with the new turns; unknown fields are kept.
    fn to_json(&self) -> Value {
        let mut whole = self.written.clone();
        put(&mut whole, "system", &self.system);
        put(&mut whole, "tools", &self.tools);
        let messages = whole.entry("messages").or_insert_with(|| json!([]));
        if let Value::Array(messages) = messages {
            let new = self.messages.iter().skip(messages.len());
            messages.extend(new.map(|message| json!(message)));
        }
        Value::Object(whole)
    }

    /// How to continue, if calls need results.
    pub fn advice(&self) -> Option<String> {
        let calls = self.open_calls();
        (!calls.is_empty()).then(|| results_needed(&calls).to_string())
    }
}

/// The answer of a run, if it is complete.
pub(super) fn answer(run: &Run) -> Option<Message> {
    let whole = run.state == RunState::Ok;
    let answer = run.answer.message(run.head.dialect.as_str());
    answer.filter(|_| whole)
}

/// The name of a file's lock, derived from its path.
fn id_of(path: &Path) -> String {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    let whole = path.canonicalize().ok().or_else(|| {
        let name = path.file_name()?;
        Some(folder.ok()?.join(name))
    });
    let whole = whole.unwrap_or_else(|| path.to_owned());
    let hash = Contents::from(whole.as_os_str().as_encoded_bytes()).sha256();
    let number = hash
        .iter()
        .take(8)
        .fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    format!("{number:016x}")
}

/// Sets a field, unless its value is equal already: it may have unknown fields.
fn put<T: PartialEq + Serialize + DeserializeOwned>(
    whole: &mut Map<String, Value>,
    name: &str,
    value: &T,
) {
    let old = whole.get(name).and_then(|old| T::deserialize(old).ok());
    if old.as_ref() != Some(value) {
        whole.insert(name.to_owned(), json!(value));
    }
}

fn results_needed(calls: &[&ToolCall]) -> UsageError {
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    let many = if calls.len() == 1 {
        "it"
    } else {
        "each, in this order,"
    };
    UsageError::new(format!(
        "the session needs the result of {}: answer {many} with --result TEXT (or @FILE)",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calling(names: &[&str]) -> ChatSession {
        let call = |name: &&str| {
            Part::ToolCall(ToolCall {
                id: format!("id-{name}"),
                name: (*name).to_owned(),
                arguments: "{}".into(),
            })
        };
        let answer = Message {
            role: Role::Assistant,
            parts: names.iter().map(call).collect(),
        };
        ChatSession {
            messages: vec![Message::user("Hi"), answer],
            ..ChatSession::default()
        }
    }

    fn given(session: &ChatSession, results: &[&str]) -> Result<Message, String> {
        let results = results.iter().map(|text| Ok((*text).to_owned()));
        session.results(results).map_err(|why| why.to_string())
    }

    #[test]
    fn results_are_matched_to_calls_in_order() {
        let session = calling(&["a", "b"]);
        let message = given(&session, &["1", "2"]).unwrap();
        assert_eq!(message.role, Role::Tool);
        let of = |part: &Part| match part {
            Part::ToolResult { id, content, .. } => format!("{id} {content}"),
            other => panic!("{other:?}"),
        };
        let parts: Vec<String> = message.parts.iter().map(of).collect();
        assert_eq!(parts, ["id-a 1", "id-b 2"]);
    }

    #[test]
    fn a_call_without_its_result_and_a_result_without_its_call_are_refused() {
        let session = calling(&["a", "b"]);
        for why in [
            given(&session, &["1"]).unwrap_err(),
            session.check_takes_prompt().unwrap_err().to_string(),
            session.advice().unwrap(),
        ] {
            assert!(why.contains("the result of a, b: answer each"), "{why}");
        }
        let plain = ChatSession::default();
        assert!(plain.check_takes_prompt().is_ok() && plain.advice().is_none());
        assert!(
            given(&plain, &["1"])
                .unwrap_err()
                .starts_with("no tool call")
        );
    }

    #[test]
    fn unknown_fields_are_kept() {
        let text = r#"{"title": "mine", "tools": [{"name": "t", "parameters": {}, "strict": true}],
            "messages": [{"role": "user", "parts": [{"type": "text", "text": "Hi", "mark": 1}], "at": 7}]}"#;
        let mut session = ChatSession::of(text).unwrap();
        session.messages.push(Message::assistant("Oh"));
        session.system = Some("Be brief".into());
        let kept = session.to_json();
        let mut expected: Value = serde_json::from_str(text).unwrap();
        expected["system"] = "Be brief".into();
        expected["messages"]
            .as_array_mut()
            .unwrap()
            .push(json!(Message::assistant("Oh")));
        assert_eq!(kept, expected);
        let again = ChatSession::of(&kept.to_string()).unwrap();
        assert_eq!(again.messages, session.messages);
    }

    #[test]
    fn a_file_that_is_not_a_session_is_an_error() {
        for text in [
            "{}",
            "[]",
            "{\"messages\": 1}",
            "{\"name\": \"x\"}",
            "{\"messages\": [{\"role\": \"god\"}]}",
            "{",
        ] {
            assert!(ChatSession::of(text).is_err(), "{text}");
        }
    }
}
