//! The parts that an answer is made of, in order: what it shows, and what of it goes back into the next request.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::chat::{Media, Message, Part, Role};

/// A piece of an answer that the provider sent as one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerPiece {
    /// What it is.
    #[serde(flatten)]
    pub kind: AnswerPieceKind,
    /// The provider's signature of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl AnswerPiece {
    pub(super) fn is_empty(&self) -> bool {
        let (AnswerPieceKind::Text { bytes } | AnswerPieceKind::Reasoning { bytes }) = self.kind
        else {
            return false;
        };
        bytes == 0 && self.signature.is_none()
    }
}

/// What a piece is; the lengths are those of its bytes in the answer's text or reasoning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnswerPieceKind {
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

/// A part of the visible answer; reasoning, refusals and calls are shown separately.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyPart<'a> {
    /// Text up to the next file or item.
    Text(&'a str),
    /// One of [`Answer::media`], and which.
    Media(usize, &'a Media),
    /// An item that only its dialect understands: its type and its JSON.
    Item(&'a str, &'a str),
}

impl Answer {
    /// The assistant message that this answer becomes in the next request in the same dialect; `None` if it is empty.
    /// Reasoning without a signature is not sent back.
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
                AnswerPieceKind::Text { bytes } => {
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
                AnswerPieceKind::Reasoning { bytes } => {
                    let text = cut(&mut reasoning, *bytes).to_owned();
                    signed.then_some(Part::Reasoning { text })
                }
                AnswerPieceKind::ToolCall { index } => {
                    self.tool_calls.get(*index).cloned().map(Part::ToolCall)
                }
                AnswerPieceKind::Media { index } => {
                    self.media.get(*index).cloned().map(Part::Media)
                }
                AnswerPieceKind::Opaque { name, raw } => Some(Part::Opaque {
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

    /// The pieces of an answer with reasoning, then text, then calls, which most answers have.
    #[must_use]
    pub fn plain_pieces(&self) -> Vec<AnswerPiece> {
        let bytes = self.reasoning.len();
        let reasoning = (bytes > 0).then_some(AnswerPieceKind::Reasoning { bytes });
        let bytes = self.text.len();
        let text = (bytes > 0).then_some(AnswerPieceKind::Text { bytes });
        let calls = (0..self.tool_calls.len()).map(|index| AnswerPieceKind::ToolCall { index });
        let kinds = reasoning.into_iter().chain(text).chain(calls);
        kinds
            .map(|kind| AnswerPiece {
                kind,
                signature: None,
            })
            .collect()
    }

    /// Text, files and items in the order in which they came. Texts that are separated only by reasoning, calls or
    /// signatures are joined.
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
                AnswerPieceKind::Text { bytes } => {
                    end += bytes;
                    continue;
                }
                AnswerPieceKind::Media { index } => {
                    self.media.get(*index).map(|m| BodyPart::Media(*index, m))
                }
                AnswerPieceKind::Opaque { name, raw } => Some(BodyPart::Item(name, raw)),
                AnswerPieceKind::Reasoning { .. } | AnswerPieceKind::ToolCall { .. } => None,
            };
            if let Some(part) = part {
                body.extend(text(start, end));
                body.push(part);
                start = end;
            }
        }
        // Text that no piece counts (in an answer of an older history).
        body.extend(text(start, self.text.len()));
        body
    }
}

/// Splits off the next bytes; all of the rest if the length does not fit the text.
fn cut<'a>(rest: &mut &'a str, bytes: usize) -> &'a str {
    let (piece, after) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
    *rest = after;
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::ToolCall,
        event::{Event, ToolCallDelta},
    };

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
}
