//! The tokens of a script, one after the other, as events.

use std::{borrow::Cow, collections::VecDeque};

use super::{script::Script, text};
use crate::{
    chat::{ChatRequest, Part},
    event::{Event, ToolCallDelta},
};

/// The tokens of a script, as events.
#[derive(Clone, Debug)]
pub(super) struct ScriptTokens {
    segments: VecDeque<ScriptSegment>,
    /// Whether the script calls functions.
    pub called: bool,
    /// Whether the stream will end with its end mark.
    pub end_mark: bool,
}

#[derive(Clone, Debug)]
struct ScriptSegment {
    kind: TokenKind,
    text: Cow<'static, str>,
    /// Bytes said already.
    said: usize,
}

#[derive(Clone, Debug)]
enum TokenKind {
    Reasoning,
    Text,
    Refusal,
    /// The id and name of a call: one token.
    Call {
        index: usize,
        id: String,
    },
    Arguments {
        index: usize,
    },
}

impl ScriptTokens {
    pub fn new(script: Script, stop: &[String]) -> Self {
        let text = cut_at(script.text, stop);
        let mut parts = vec![
            (TokenKind::Reasoning, script.reasoning),
            (TokenKind::Text, text),
            (TokenKind::Refusal, script.refusal),
        ];
        let called = !script.calls.is_empty();
        for (index, call) in script.calls.into_iter().enumerate() {
            parts.push((TokenKind::Call { index, id: call.id }, call.name.into()));
            parts.push((TokenKind::Arguments { index }, call.arguments.into()));
        }
        let segments = (parts.into_iter())
            .filter(|(_, text)| !text.is_empty())
            .map(|(kind, text)| ScriptSegment {
                kind,
                text,
                said: 0,
            });
        Self {
            segments: segments.collect(),
            called,
            end_mark: true,
        }
    }

    pub fn is_over(&self) -> bool {
        self.segments.is_empty()
    }

    pub fn next(&mut self) -> Option<Event> {
        let segment = self.segments.front_mut()?;
        let rest = &segment.text[segment.said..];
        let len = match segment.kind {
            TokenKind::Call { .. } => rest.len(),
            _ => text::token_len(rest),
        };
        let piece = rest[..len].to_owned();
        segment.said += len;
        let event = match &segment.kind {
            TokenKind::Reasoning => Event::Reasoning { text: piece },
            TokenKind::Text => Event::Text { text: piece },
            TokenKind::Refusal => Event::Refusal { text: piece },
            TokenKind::Call { index, id } => Event::ToolCall(ToolCallDelta {
                index: *index,
                id: Some(id.clone()),
                name: Some(piece),
                arguments: String::new(),
            }),
            TokenKind::Arguments { index } => Event::ToolCall(ToolCallDelta {
                index: *index,
                arguments: piece,
                ..ToolCallDelta::default()
            }),
        };
        if segment.said == segment.text.len() {
            self.segments.pop_front();
        }
        Some(event)
    }
}

/// The text up to the first of the stop strings.
fn cut_at(text: Cow<'static, str>, stop: &[String]) -> Cow<'static, str> {
    let first = (stop.iter())
        .filter(|s| !s.is_empty())
        .filter_map(|s| text.find(s.as_str()))
        .min();
    match (first, text) {
        (Some(at), Cow::Borrowed(text)) => Cow::Borrowed(&text[..at]),
        (Some(at), Cow::Owned(mut text)) => {
            text.truncate(at);
            Cow::Owned(text)
        }
        (None, text) => text,
    }
}

/// Tokens of an image, whatever its size.
const IMAGE_TOKENS: u64 = 85;

/// Tokens of a request, counted as those of an answer are.
pub(super) fn prompt_tokens(request: &ChatRequest) -> u64 {
    let count = |text: &str| text::tokens(text).count() as u64;
    let parts = request.messages.iter().flat_map(|m| &m.parts);
    let messages = parts.map(|part| match part {
        Part::Text { text } | Part::Reasoning { text } => count(text),
        Part::Media(_) => IMAGE_TOKENS,
        Part::ToolCall(call) => count(&call.name) + count(&call.arguments),
        Part::ToolResult { content, .. } => count(content),
        Part::Signature { .. } | Part::Opaque { .. } => 0,
    });
    count(request.system.as_deref().unwrap_or_default()) + messages.sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_string_ends_the_text_before_it() {
        let stop = ["zwei".to_owned(), String::new(), "drei".to_owned()];
        for text in [
            Cow::Borrowed("eins, zwei, drei"),
            Cow::Owned("eins, zwei, drei".to_owned()),
        ] {
            assert_eq!(cut_at(text, &stop), "eins, ");
        }
        assert_eq!(cut_at("vier".into(), &stop), "vier");
    }
}
