//! Everything a stream has said, folded.

mod parts;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::parts::{AnswerPiece, AnswerPieceKind, BodyPart};
use super::{
    About, Citation, Event, Fault, Finish, Note, Surplus, ToolCallDelta, Usage,
    budget::{MAX_CALLS, MAX_RAW_BYTES},
};
use crate::chat::{Media, ToolCall};

/// The fold of all events of a stream so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The visible text.
    pub text: String,
    /// The reasoning.
    pub reasoning: String,
    /// The refusal, where marked apart.
    pub refusal: String,
    /// Function calls, in order of their index.
    pub tool_calls: Vec<ToolCall>,
    /// Token counts, merged.
    pub usage: Option<Usage>,
    /// Why it ended; `None` if it never said so.
    pub finish: Option<Finish>,
    /// The first fault, if any.
    pub fault: Option<Fault>,
    /// The provider's response id.
    pub response_id: Option<String>,
    /// The model that the provider says answered.
    pub model: Option<String>,
    /// The request's parameters as the provider echoed them, by their names in the request's body.
    pub echoed: Map<String, Value>,
    /// Whether the stream's own end mark came.
    pub done: bool,
    /// Number of keep-alive comments and pings.
    pub keep_alives: u64,
    /// Oddities, each with how often it was seen.
    pub notes: Vec<(Note, u64)>,
    /// Unknown events: kind and raw text (the first 64 are kept).
    pub unknown: Vec<(String, String)>,
    /// Its pieces, in order, so that it can be sent back as it came.
    pub pieces: Vec<AnswerPiece>,
    /// Files that the model made, in order.
    pub media: Vec<Media>,
    /// The sources it cites, in order.
    pub citations: Vec<Citation>,
    /// How long things took by the server's own clock: its word and nanoseconds.
    pub timings: Vec<(String, u64)>,
}

/// Most unknown events and distinct notes kept per answer, so that no stream can fill memory.
const MAX_KEPT: usize = 64;
/// Sources kept per answer.
const MAX_CITATIONS: usize = 1_000;
/// Beyond this number, alternating text and reasoning begin no further piece: they are added to the last piece of
/// their kind. Calls, files and items have limits of their own.
const MAX_PIECES: usize = 10_000;

impl Answer {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Meta { id, model } => {
                self.response_id = self.response_id.take().or_else(|| id.clone());
                self.model = model.clone().or_else(|| self.model.take());
            }
            Event::Echo { parameters } => self.echoed.extend(parameters.clone()),
            Event::Text { text } => self.apply_text(text),
            Event::Reasoning { text } => self.apply_reasoning(text),
            Event::Refusal { text } => self.refusal.push_str(text),
            Event::ToolCall(delta) => self.apply_tool_call(delta),
            Event::Usage(usage) => self.usage.get_or_insert_default().merge(*usage),
            Event::Finish(finish) => self.finish = Some(finish.clone()),
            Event::Done => self.done = true,
            Event::KeepAlive { count } => self.keep_alives += count,
            Event::LeftOut { what, count } => self.apply_surplus(*what, *count),
            Event::Fault(fault) => {
                self.fault.get_or_insert_with(|| fault.clone());
            }
            Event::Note(note) => self.apply_note(note),
            Event::Media(media) => {
                let index = self.media.len();
                self.begin(AnswerPieceKind::Media { index });
                self.media.push(media.clone());
            }
            Event::Signature { value } => {
                if let Some(last) = self.pieces.last_mut() {
                    last.signature.get_or_insert_default().push_str(value);
                }
            }
            Event::Citation(citation) if self.citations.len() < MAX_CITATIONS => {
                self.citations.push(citation.clone());
            }
            Event::Opaque { kind, raw } => self.begin(AnswerPieceKind::Opaque {
                name: kind.clone(),
                raw: raw.clone(),
            }),
            Event::Timing { name, ns } if self.timings.len() < MAX_KEPT => {
                self.timings.push((name.clone(), *ns));
            }
            Event::Timing { .. } => self.apply_surplus(Surplus::Timings, 1),
            Event::Unknown { kind, raw } if self.unknown.len() < MAX_KEPT => {
                let kept = raw.floor_char_boundary(MAX_RAW_BYTES);
                self.unknown.push((kind.clone(), raw[..kept].to_owned()));
            }
            Event::Citation(_) => self.apply_surplus(Surplus::Citations, 1),
            Event::Unknown { .. } => self.apply_surplus(Surplus::Unknown, 1),
        }
    }

    fn begin(&mut self, kind: AnswerPieceKind) {
        // An empty piece without a signature is dropped.
        if self.pieces.last().is_some_and(AnswerPiece::is_empty) {
            self.pieces.pop();
        }
        if self.pieces.len() >= MAX_PIECES && self.merge_into_last(&kind) {
            return self.apply_surplus(Surplus::Turns, 1);
        }
        self.pieces.push(AnswerPiece {
            kind,
            signature: None,
        });
    }

    /// Adds text or reasoning to one of the last two pieces if it has the same kind; returns whether it did.
    fn merge_into_last(&mut self, kind: &AnswerPieceKind) -> bool {
        let mut last_two = self.pieces.iter_mut().rev().take(2);
        last_two.any(|piece| match (&mut piece.kind, kind) {
            (AnswerPieceKind::Text { bytes }, AnswerPieceKind::Text { bytes: more })
            | (AnswerPieceKind::Reasoning { bytes }, AnswerPieceKind::Reasoning { bytes: more }) => {
                *bytes += more;
                true
            }
            _ => false,
        })
    }

    fn apply_text(&mut self, text: &str) {
        self.text.push_str(text);
        match self.pieces.last_mut() {
            Some(AnswerPiece {
                kind: AnswerPieceKind::Text { bytes },
                signature: None,
            }) if !text.is_empty() || *bytes == 0 => {
                *bytes += text.len();
            }
            _ => self.begin(AnswerPieceKind::Text { bytes: text.len() }),
        }
    }

    fn apply_reasoning(&mut self, text: &str) {
        self.reasoning.push_str(text);
        match self.pieces.last_mut() {
            Some(AnswerPiece {
                kind: AnswerPieceKind::Reasoning { bytes },
                signature: None,
            }) if !text.is_empty() || *bytes == 0 => {
                *bytes += text.len();
            }
            _ => self.begin(AnswerPieceKind::Reasoning { bytes: text.len() }),
        }
    }

    fn apply_tool_call(&mut self, delta: &ToolCallDelta) {
        // A huge index must not allocate memory: decoders number calls densely.
        let index = delta.index.min(self.tool_calls.len());
        if index >= MAX_CALLS {
            return self.apply_surplus(Surplus::ToolCalls, 1);
        }
        if index == self.tool_calls.len() {
            self.tool_calls.push(ToolCall::default());
            self.begin(AnswerPieceKind::ToolCall { index });
        }
        let call = &mut self.tool_calls[index];
        if let Some(id) = &delta.id {
            call.id.clone_from(id);
        }
        if let Some(name) = &delta.name {
            call.name.push_str(name);
        }
        call.arguments.push_str(&delta.arguments);
    }

    fn apply_note(&mut self, note: &Note) {
        if let Some((_, count)) = self.notes.iter_mut().find(|(known, _)| known == note) {
            *count += 1;
        } else if self.notes.len() < MAX_KEPT {
            self.notes.push((note.clone(), 1));
        } else {
            self.apply_surplus(Surplus::Notes, 1);
        }
    }

    /// Events that are not kept are counted in a note of their own.
    fn apply_surplus(&mut self, what: Surplus, count: u64) {
        let note = Note::new(About::Aside, format!("more {what} than are kept"));
        match self.notes.iter_mut().find(|(known, _)| *known == note) {
            Some((_, known)) => *known += count,
            None => self.notes.push((note, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::Part,
        event::{FaultClass, FinishReason, Phase},
    };

    #[test]
    fn what_a_strange_stream_says_is_bounded() {
        let mut answer = Answer::default();
        for n in 0..1_000 {
            let note = Note::new(About::Form, format!("note {n}"));
            answer.apply(&Event::Note(note));
            answer.apply(&Event::Unknown {
                kind: "x".into(),
                raw: "é".repeat(40_000),
            });
            answer.apply(&Event::ToolCall(ToolCallDelta {
                index: usize::MAX,
                ..ToolCallDelta::default()
            }));
        }
        assert_eq!(answer.notes.len(), MAX_KEPT + 2);
        let more = |what: Surplus| {
            let mut notes = answer.notes.iter();
            notes.find_map(|(note, n)| note.text.contains(what.as_str()).then_some(*n))
        };
        let expected = Some(1_000 - MAX_KEPT as u64);
        assert_eq!(more(Surplus::Notes), expected);
        assert_eq!(more(Surplus::Unknown), expected);
        assert_eq!(answer.unknown.len(), MAX_KEPT);
        assert!(
            answer
                .unknown
                .iter()
                .all(|(_, raw)| raw.len() == MAX_RAW_BYTES)
        );
        assert_eq!(answer.tool_calls.len(), 1_000);
    }

    fn text(text: &str) -> Event {
        Event::Text { text: text.into() }
    }

    fn call(index: usize, arguments: &str) -> Event {
        Event::ToolCall(ToolCallDelta {
            index,
            arguments: arguments.into(),
            ..ToolCallDelta::default()
        })
    }

    #[test]
    fn turns_beyond_those_that_are_kept_lose_no_text() {
        let thought = || Event::Reasoning { text: "b".into() };
        let mut answer = Answer::default();
        for _ in 0..MAX_PIECES {
            answer.apply(&text("a"));
            answer.apply(&thought());
        }
        answer.apply(&call(0, "{}"));
        answer.apply(&text("c"));
        assert_eq!(answer.pieces.len(), MAX_PIECES + 2);
        let counted = answer.pieces.iter().map(|piece| match piece.kind {
            AnswerPieceKind::Text { bytes } | AnswerPieceKind::Reasoning { bytes } => bytes,
            _ => 0,
        });
        assert_eq!(counted.sum::<usize>(), 2 * MAX_PIECES + 1);
        let message = answer.message("any").unwrap();
        let texts = message.parts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(texts.collect::<String>(), answer.text);
        let (note, count) = &answer.notes[0];
        assert!(note.text.contains("turns of text and reasoning"));
        assert_eq!(*count, MAX_PIECES as u64 / 2, "each that begins a turn");
    }

    #[test]
    fn the_first_fault_and_the_last_finish_count() {
        let mut answer = Answer::default();
        for raw in ["length", "stop"] {
            answer.apply(&Event::Finish(Finish {
                reason: FinishReason::Stop,
                raw: raw.into(),
            }));
            answer.apply(&Event::Fault(Fault::new(
                FaultClass::Provider,
                Phase::Stream,
                raw,
            )));
        }
        assert_eq!(answer.finish.unwrap().raw, "stop");
        assert_eq!(answer.fault.unwrap().message, "length");
    }
}
