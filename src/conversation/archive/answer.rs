//! An answer in a file: its parts in order, and what was said about it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    chat::Part,
    dialect::DialectId,
    event::{
        Answer, AnswerPiece, AnswerPieceKind, Citation, Event, Fault, Finish, Note, ToolCallDelta,
        Usage,
    },
};

/// An answer in a file. What its decoder did not know is not in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchivedAnswer {
    /// Reasoning, text, calls, files, and what goes back to the provider with them, in order.
    pub parts: Vec<Part>,
    /// The refusal, where marked apart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub refusal: String,
    /// Token counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why it ended, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// Its fault, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The provider's response id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// The model that the provider says answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The request's parameters as the provider echoed them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub echoed: Map<String, Value>,
    /// Whether the stream's own end mark came.
    pub done: bool,
    /// Number of keep-alive comments and pings.
    pub keep_alives: u64,
    /// Oddities, each with how often it was seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<(Note, u64)>,
    /// The sources it cites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// How long things took by the server's own clock: its word and nanoseconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timings: Vec<(String, u64)>,
}

impl ArchivedAnswer {
    /// An answer of which only its reasoning and its text are known.
    #[must_use]
    pub fn of_text(reasoning: String, text: String) -> Self {
        let reasoning = (!reasoning.is_empty()).then_some(Part::Reasoning { text: reasoning });
        let text = (!text.is_empty()).then_some(Part::Text { text });
        Self {
            parts: reasoning.into_iter().chain(text).collect(),
            ..Self::default()
        }
    }

    pub(super) fn of(answer: &Answer, dialect: DialectId) -> Self {
        Self {
            parts: parts_of(answer, dialect),
            refusal: answer.refusal.clone(),
            usage: answer.usage,
            finish: answer.finish.clone(),
            fault: answer.fault.clone(),
            response_id: answer.response_id.clone(),
            model: answer.model.clone(),
            echoed: answer.echoed.clone(),
            done: answer.done,
            keep_alives: answer.keep_alives,
            notes: answer.notes.clone(),
            citations: answer.citations.clone(),
            timings: answer.timings.clone(),
        }
    }

    /// The answer. Its parts are folded as events are, so that no file can contradict itself or exceed what is kept of a
    /// stream.
    pub(super) fn into_answer(self) -> Answer {
        let mut answer = Answer::default();
        for part in self.parts {
            if let Some(event) = event_of(part, answer.tool_calls.len()) {
                answer.apply(&event);
            }
        }
        for citation in self.citations {
            answer.apply(&Event::Citation(citation));
        }
        for (name, ns) in self.timings {
            answer.apply(&Event::Timing { name, ns });
        }
        Answer {
            refusal: self.refusal,
            usage: self.usage,
            finish: self.finish,
            fault: self.fault,
            response_id: self.response_id,
            model: self.model,
            echoed: self.echoed,
            done: self.done,
            keep_alives: self.keep_alives,
            notes: self.notes,
            ..answer
        }
    }
}

/// All pieces of an answer, unsigned reasoning among them, each followed by its signature.
fn parts_of(answer: &Answer, dialect: DialectId) -> Vec<Part> {
    let plain;
    let pieces: &[AnswerPiece] = if answer.pieces.is_empty() {
        plain = answer.plain_pieces();
        &plain
    } else {
        &answer.pieces
    };
    let (mut text, mut reasoning) = (answer.text.as_str(), answer.reasoning.as_str());
    let mut parts = Vec::new();
    for piece in pieces {
        parts.extend(match &piece.kind {
            AnswerPieceKind::Text { bytes } => Some(Part::Text {
                text: next(&mut text, *bytes),
            }),
            AnswerPieceKind::Reasoning { bytes } => Some(Part::Reasoning {
                text: next(&mut reasoning, *bytes),
            }),
            AnswerPieceKind::ToolCall { index } => {
                answer.tool_calls.get(*index).cloned().map(Part::ToolCall)
            }
            AnswerPieceKind::Media { index } => answer.media.get(*index).cloned().map(Part::Media),
            AnswerPieceKind::Opaque { name, raw } => Some(Part::Opaque {
                dialect: dialect.as_str().to_owned(),
                kind: name.clone(),
                raw: raw.clone(),
            }),
        });
        parts.extend(piece.signature.clone().map(|value| Part::Signature {
            dialect: dialect.as_str().to_owned(),
            value,
        }));
    }
    parts
}

/// Splits off the next bytes; all of the rest if the length does not fit the text.
fn next(rest: &mut &str, bytes: usize) -> String {
    let (piece, after) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
    *rest = after;
    piece.to_owned()
}

/// The event that a part came by; an answer has no results of calls.
fn event_of(part: Part, calls: usize) -> Option<Event> {
    Some(match part {
        Part::Text { text } => Event::Text { text },
        Part::Reasoning { text } => Event::Reasoning { text },
        Part::Media(media) => Event::Media(media),
        Part::Signature { value, .. } => Event::Signature { value },
        Part::Opaque { kind, raw, .. } => Event::Opaque { kind, raw },
        Part::ToolCall(call) => Event::ToolCall(ToolCallDelta {
            index: calls,
            id: Some(call.id),
            name: Some(call.name),
            arguments: call.arguments,
        }),
        Part::ToolResult { .. } => return None,
    })
}
