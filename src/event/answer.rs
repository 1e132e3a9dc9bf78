//! Everything a stream has said, folded; and what of it goes back into the next request.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    About, Citation, Event, Fault, Finish, Note, Surplus, ToolCallDelta, Usage,
    budget::{MAX_CALLS, MAX_RAW_BYTES},
};
use crate::chat::{Media, Message, Part, Role, ToolCall};

/// Everything a stream has said so far, folded.
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
    /// What the provider says it took the request's parameters for, by their names in the request's body.
    pub echoed: Map<String, Value>,
    /// Whether the stream's own end mark came.
    pub done: bool,
    /// Number of keep-alive comments and pings.
    pub keep_alives: u64,
    /// Oddities, each with how often it was seen.
    pub notes: Vec<(Note, u64)>,
    /// Unknown things: kind and raw text (the first 64 are kept).
    pub unknown: Vec<(String, String)>,
    /// What it was made of, in order, so that it can be sent back as it came.
    pub pieces: Vec<Piece>,
    /// Files that the model made, in order.
    pub media: Vec<Media>,
    /// The sources it rests on, in order.
    pub citations: Vec<Citation>,
    /// How long things took by the server's own clock: its word and nanoseconds.
    pub timings: Vec<(String, u64)>,
}

/// A stretch of an answer that the provider sent as one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// What it is.
    #[serde(flatten)]
    pub kind: PieceKind,
    /// The provider's signature of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Piece {
    fn is_empty(&self) -> bool {
        let (PieceKind::Text { bytes } | PieceKind::Reasoning { bytes }) = self.kind else {
            return false;
        };
        bytes == 0 && self.signature.is_none()
    }
}

/// What a piece is; the lengths are those of its bytes in the answer's text or reasoning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PieceKind {
    /// The next bytes of [`Answer::text`].
    Text {
        /// How many.
        bytes: usize,
    },
    /// The next bytes of [`Answer::reasoning`].
    Reasoning {
        /// How many.
        bytes: usize,
    },
    /// One of [`Answer::tool_calls`].
    ToolCall {
        /// Which.
        index: usize,
    },
    /// One of [`Answer::media`].
    Media {
        /// Which.
        index: usize,
    },
    /// An item that only its dialect understands.
    Opaque {
        /// Its type, in the provider's own word.
        name: String,
        /// Its JSON, word for word.
        raw: String,
    },
}

/// A stretch of what an answer shows, in order; reasoning, refusals and calls stand apart.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyPart<'a> {
    /// Text up to the next file or item.
    Text(&'a str),
    /// One of [`Answer::media`], and which.
    Media(usize, &'a Media),
    /// An item that only its dialect understands: its type and its JSON.
    Item(&'a str, &'a str),
}

/// Unknown items and distinct notes kept per answer: a strange stream can't fill memory.
const MAX_KEPT: usize = 64;
/// Sources kept per answer.
const MAX_CITATIONS: usize = 1_000;
/// From so many pieces on, text and reasoning that take turns begin no further one: what is said then is counted
/// to the last of its kind. Calls, files and items have budgets of their own.
const MAX_PIECES: usize = 10_000;

impl Answer {
    /// The assistant message that this answer becomes in the next request to the dialect that it came
    /// by; `None` if it said nothing. Thoughts that no one signed are not sent back.
    #[must_use]
    pub fn message(&self, dialect: &str) -> Option<Message> {
        let plain;
        let pieces = if self.pieces.is_empty() {
            plain = self.plain_pieces();
            &plain
        } else {
            &self.pieces
        };
        let mut parts = Vec::new();
        let (mut text, mut reasoning) = (self.text.as_str(), self.reasoning.as_str());
        for piece in pieces {
            let signed = piece.signature.is_some();
            let part = match &piece.kind {
                PieceKind::Text { bytes } => {
                    let text = cut(&mut text, *bytes);
                    if let Some(Part::Text { text: before }) = parts.last_mut()
                        && !signed
                    {
                        before.push_str(text);
                        continue;
                    }
                    let text = text.to_owned();
                    (signed || !text.is_empty()).then_some(Part::Text { text })
                }
                PieceKind::Reasoning { bytes } => {
                    let text = cut(&mut reasoning, *bytes).to_owned();
                    signed.then_some(Part::Reasoning { text })
                }
                PieceKind::ToolCall { index } => {
                    self.tool_calls.get(*index).cloned().map(Part::ToolCall)
                }
                PieceKind::Media { index } => self.media.get(*index).cloned().map(Part::Media),
                PieceKind::Opaque { name, raw } => Some(Part::Opaque {
                    dialect: dialect.to_owned(),
                    kind: name.clone(),
                    raw: raw.clone(),
                }),
            };
            let Some(part) = part else { continue };
            parts.push(part);
            parts.extend(piece.signature.clone().map(|value| Part::Signature {
                dialect: dialect.to_owned(),
                value,
            }));
        }
        (!parts.is_empty()).then_some(Message {
            role: Role::Assistant,
            parts,
        })
    }

    /// The pieces of an answer that thought, spoke and then called: those of most answers.
    #[must_use]
    pub fn plain_pieces(&self) -> Vec<Piece> {
        let bytes = self.reasoning.len();
        let reasoning = (bytes > 0).then_some(PieceKind::Reasoning { bytes });
        let bytes = self.text.len();
        let text = (bytes > 0).then_some(PieceKind::Text { bytes });
        let calls = (0..self.tool_calls.len()).map(|index| PieceKind::ToolCall { index });
        let kinds = reasoning.into_iter().chain(text).chain(calls);
        kinds
            .map(|kind| Piece {
                kind,
                signature: None,
            })
            .collect()
    }

    /// Text, files and items in the order in which they came. Texts that are apart only by reasoning, calls or
    /// signatures are one.
    #[must_use]
    pub fn body(&self) -> Vec<BodyPart<'_>> {
        let mut body = Vec::new();
        let (mut start, mut end) = (0, 0);
        let text = |start: usize, end: usize| {
            let text = self.text.get(start..end).filter(|text| !text.is_empty());
            text.map(BodyPart::Text)
        };
        for piece in &self.pieces {
            let part = match &piece.kind {
                PieceKind::Text { bytes } => {
                    end += bytes;
                    continue;
                }
                PieceKind::Media { index } => {
                    self.media.get(*index).map(|m| BodyPart::Media(*index, m))
                }
                PieceKind::Opaque { name, raw } => Some(BodyPart::Item(name, raw)),
                PieceKind::Reasoning { .. } | PieceKind::ToolCall { .. } => None,
            };
            if let Some(part) = part {
                body.extend(text(start, end));
                body.push(part);
                start = end;
            }
        }
        // What no piece counts (an answer of an older history) is text, too.
        body.extend(text(start, self.text.len()));
        body
    }

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
                self.begin(PieceKind::Media { index });
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
            Event::Opaque { kind, raw } => self.begin(PieceKind::Opaque {
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

    fn begin(&mut self, kind: PieceKind) {
        // An empty part that nothing signed says nothing.
        if self.pieces.last().is_some_and(Piece::is_empty) {
            self.pieces.pop();
        }
        if self.pieces.len() >= MAX_PIECES && self.joins_another(&kind) {
            return self.apply_surplus(Surplus::Turns, 1);
        }
        self.pieces.push(Piece {
            kind,
            signature: None,
        });
    }

    /// Counts text or reasoning to the last piece of its kind, where they took turns; says whether they did.
    fn joins_another(&mut self, kind: &PieceKind) -> bool {
        let mut last_two = self.pieces.iter_mut().rev().take(2);
        last_two.any(|piece| match (&mut piece.kind, kind) {
            (PieceKind::Text { bytes }, PieceKind::Text { bytes: more })
            | (PieceKind::Reasoning { bytes }, PieceKind::Reasoning { bytes: more }) => {
                *bytes += more;
                true
            }
            _ => false,
        })
    }

    fn apply_text(&mut self, text: &str) {
        self.text.push_str(text);
        match self.pieces.last_mut() {
            Some(Piece {
                kind: PieceKind::Text { bytes },
                signature: None,
            }) if !text.is_empty() || *bytes == 0 => {
                *bytes += text.len();
            }
            _ => self.begin(PieceKind::Text { bytes: text.len() }),
        }
    }

    fn apply_reasoning(&mut self, text: &str) {
        self.reasoning.push_str(text);
        match self.pieces.last_mut() {
            Some(Piece {
                kind: PieceKind::Reasoning { bytes },
                signature: None,
            }) if !text.is_empty() || *bytes == 0 => {
                *bytes += text.len();
            }
            _ => self.begin(PieceKind::Reasoning { bytes: text.len() }),
        }
    }

    fn apply_tool_call(&mut self, delta: &ToolCallDelta) {
        // A hostile index must not allocate: decoders number calls densely.
        let index = delta.index.min(self.tool_calls.len());
        if index >= MAX_CALLS {
            return self.apply_surplus(Surplus::ToolCalls, 1);
        }
        if index == self.tool_calls.len() {
            self.tool_calls.push(ToolCall::default());
            self.begin(PieceKind::ToolCall { index });
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

    /// A number stands for what is not kept: a note of its own, with how many there were.
    fn apply_surplus(&mut self, what: Surplus, count: u64) {
        let note = Note::new(About::Aside, format!("more {what} than are kept"));
        match self.notes.iter_mut().find(|(known, _)| *known == note) {
            Some((_, known)) => *known += count,
            None => self.notes.push((note, count)),
        }
    }
}

/// Cuts the next bytes off; all that is left if the length does not fit the text.
fn cut<'a>(rest: &mut &'a str, bytes: usize) -> &'a str {
    let (piece, after) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
    *rest = after;
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{About, FaultClass, FinishReason, Phase};

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

    fn fold(events: &[Event]) -> Answer {
        let mut answer = Answer::default();
        for event in events {
            answer.apply(event);
        }
        answer
    }

    fn text(text: &str) -> Event {
        Event::Text { text: text.into() }
    }

    fn signature(value: &str) -> Event {
        Event::Signature {
            value: value.into(),
        }
    }

    fn call(index: usize, arguments: &str) -> Event {
        Event::ToolCall(ToolCallDelta {
            index,
            arguments: arguments.into(),
            ..ToolCallDelta::default()
        })
    }

    #[test]
    fn an_answer_goes_back_as_it_came() {
        let answer = fold(&[
            Event::Reasoning {
                text: "I th".into(),
            },
            Event::Reasoning { text: "ink".into() },
            signature("s1"),
            Event::Opaque {
                kind: "redacted_thinking".into(),
                raw: "{}".into(),
            },
            text("Hel"),
            text("lo"),
            call(0, "{\"a\""),
            call(0, ":1}"),
            signature("s2"),
            call(1, "{}"),
            text(""),
            signature("s3"),
        ]);
        let by = "gemini";
        let signed = |value: &str| Part::Signature {
            dialect: by.into(),
            value: value.into(),
        };
        let called = |arguments: &str| {
            Part::ToolCall(ToolCall {
                arguments: arguments.into(),
                ..ToolCall::default()
            })
        };
        let expected = [
            Part::Reasoning {
                text: "I think".into(),
            },
            signed("s1"),
            Part::Opaque {
                dialect: by.into(),
                kind: "redacted_thinking".into(),
                raw: "{}".into(),
            },
            Part::Text {
                text: "Hello".into(),
            },
            called("{\"a\":1}"),
            signed("s2"),
            called("{}"),
            Part::Text {
                text: String::new(),
            },
            signed("s3"),
        ];
        assert_eq!(answer.message(by).unwrap().parts, expected);
    }

    #[test]
    fn the_body_is_in_the_order_in_which_it_came() {
        let picture = Media {
            mime: "image/png".into(),
            ..Media::default()
        };
        let item = Event::Opaque {
            kind: "web_search_call".into(),
            raw: "{}".into(),
        };
        let thought = Event::Reasoning { text: "Hm".into() };
        let answer = fold(&[
            item,
            text("Here"),
            thought,
            text(" it is"),
            Event::Media(picture.clone()),
            text("Done"),
        ]);
        let expected = [
            BodyPart::Item("web_search_call", "{}"),
            BodyPart::Text("Here it is"),
            BodyPart::Media(0, &picture),
            BodyPart::Text("Done"),
        ];
        assert_eq!(answer.body(), expected);
        let mut old = answer.clone();
        old.pieces.clear();
        assert_eq!(old.body(), [BodyPart::Text("Here it isDone")]);
    }

    #[test]
    fn plain_answers_have_plain_pieces() {
        let reasoning = Event::Reasoning { text: "Hm".into() };
        let answer = fold(&[text(""), reasoning, text("Hé"), text("llo"), call(0, "{}")]);
        assert_eq!(answer.pieces, answer.plain_pieces());
        let mut old = answer.clone();
        old.pieces.clear();
        assert_eq!(old.message("any"), answer.message("any"));
        let parts = answer.message("any").unwrap().parts;
        assert_eq!(parts.len(), 2, "thoughts that no one signed stay here");
        assert_eq!(Answer::default().message("any"), None);
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
            PieceKind::Text { bytes } | PieceKind::Reasoning { bytes } => bytes,
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
