//! A conversation in a file, so that the terminal can hold one: `--session`, and `--result` for its tool calls.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    chat::{Message, Part, Role, Tool, ToolCall},
    cli::UsageError,
    run::{Run, State},
    settings::file,
};

/// What was said so far, and what holds for all turns.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Session {
    /// The system prompt.
    pub system: Option<String>,
    /// Functions the model may call.
    pub tools: Vec<Tool>,
    /// The turns, oldest first, with all signatures.
    pub messages: Vec<Message>,
}

impl Session {
    /// The session of a file; a new one where there is none yet.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let wrong = |why: String| UsageError::new(format!("{}: {why}", path.display()));
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(why) => return Err(wrong(why.to_string()).into()),
        };
        let session = serde_json::from_slice(&text);
        Ok(session.map_err(|why| wrong(format!("this is no session of ours: {why}")))?)
    }

    /// The calls that wait for their results.
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

    /// Providers refuse a turn that leaves a call without its result.
    pub fn takes_prompt(&self) -> Result<(), UsageError> {
        match self.open_calls().as_slice() {
            [] => Ok(()),
            calls => Err(wanted(calls)),
        }
    }

    /// The turn that gives the results of the last answer's calls, in their order.
    pub fn results(
        &self,
        given: impl ExactSizeIterator<Item = Result<String, UsageError>>,
    ) -> Result<Message, UsageError> {
        let calls = self.open_calls();
        if calls.is_empty() {
            return Err(UsageError::new(
                "no call of this session waits for a result",
            ));
        }
        if given.len() != calls.len() {
            return Err(wanted(&calls));
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

    /// The session with a turn and its answer, if that came whole.
    pub fn with(mut self, asked: Message, run: &Run) -> Option<Self> {
        let whole = run.state == State::Ok;
        let answer = run.answer.message(run.head.dialect.as_str());
        self.messages.extend([asked, answer.filter(|_| whole)?]);
        Some(self)
    }

    /// Writes it, in place of what was there.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        file::replace(path, &text)
    }

    /// How to go on, where calls wait.
    pub fn advice(&self) -> Option<String> {
        let calls = self.open_calls();
        (!calls.is_empty()).then(|| wanted(&calls).to_string())
    }
}

fn wanted(calls: &[&ToolCall]) -> UsageError {
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    let many = if calls.len() == 1 {
        "it"
    } else {
        "each, in this order,"
    };
    UsageError::new(format!(
        "the session waits for what {} gave: answer {many} with --result TEXT (or @FILE)",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calling(names: &[&str]) -> Session {
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
        Session {
            messages: vec![Message::user("Hi"), answer],
            ..Session::default()
        }
    }

    fn given(session: &Session, results: &[&str]) -> Result<Message, String> {
        let results = results.iter().map(|text| Ok((*text).to_owned()));
        session.results(results).map_err(|why| why.to_string())
    }

    #[test]
    fn results_go_to_the_calls_in_their_order() {
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
            session.takes_prompt().unwrap_err().to_string(),
            session.advice().unwrap(),
        ] {
            assert!(why.contains("what a, b gave: answer each"), "{why}");
        }
        let plain = Session::default();
        assert!(plain.takes_prompt().is_ok() && plain.advice().is_none());
        assert!(given(&plain, &["1"]).unwrap_err().starts_with("no call"));
    }
}
