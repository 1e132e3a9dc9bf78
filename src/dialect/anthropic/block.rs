//! The content blocks of a message: each has a start event, deltas and a stop event, matched by its index.
//!
//! Blocks come one after the other. If a server interleaves them, each piece is still shown at once as a part of its
//! own, and thinking is still sent back with its signature.

use std::{borrow::Cow, collections::BTreeMap};

use super::item::{OpaqueBlock, citation, fallback_model, object, quoted};
use crate::{
    body::{
        json::{self, Fields, Raw},
        text::{JoinedText, SurrogateJoiner},
    },
    event::{About, Event, Note, ToolCallDelta},
};

/// Fields of a `tool_use` block besides its name and input that must be sent back: who made the call (the model, or its
/// code in a container), and the tool's toolset.
pub(super) const EXTRA_CALL_FIELDS: &[&str] = &["caller", "toolset_name"];

/// The blocks of an answer.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: BTreeMap<u64, ContentBlock>,
    /// The index of the block that had the last start, delta or content.
    last: Option<u64>,
    calls: usize,
}

#[derive(Debug)]
struct ContentBlock {
    body: BlockContent,
    joiner: SurrogateJoiner,
}

#[derive(Debug)]
enum BlockContent {
    /// With the JSON of its citations, which the next request must hold.
    Text(Vec<String>),
    ThinkingBlock(ThinkingBlock),
    ToolUseBlock(ToolUseBlock),
    OpaqueBlock(OpaqueBlock),
}

#[derive(Debug, Default)]
struct ThinkingBlock {
    text: String,
    signature: Option<String>,
    /// Whether a piece of another block came in between.
    interrupted: bool,
}

#[derive(Debug)]
struct ToolUseBlock {
    /// The call's number in the answer, counted from 0.
    number: usize,
    /// The input in the block's start event.
    input: String,
    /// Whether deltas brought arguments.
    has_argument_deltas: bool,
}

impl Blocks {
    /// Starts a block. An open block of the same index is stopped first.
    pub(super) fn start(
        &mut self,
        index: Option<u64>,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let fields = Fields::of(raw)?;
        let index = index.unwrap_or_else(|| self.last.map_or(0, |last| last.saturating_add(1)));
        if self.open.contains_key(&index) {
            Note::emit(
                About::Form,
                "a content block started before the last one of its index stopped",
                out,
            );
            self.stop(Some(index), out);
        }
        let text = |name| fields.stated(name).and_then(json::bytes);
        let kind = fields.stated("type").and_then(json::string);
        self.last = Some(index);
        let body = match kind.unwrap_or_default().as_str() {
            "text" => BlockContent::Text(Vec::new()),
            "thinking" => BlockContent::ThinkingBlock(ThinkingBlock {
                signature: fields.stated("signature").and_then(json::string),
                ..ThinkingBlock::default()
            }),
            "tool_use" => BlockContent::ToolUseBlock(self.start_call(&fields, out)),
            kind => {
                out.extend((kind == "fallback").then(|| fallback_model(&fields)));
                BlockContent::OpaqueBlock(OpaqueBlock::new(kind.to_owned(), raw))
            }
        };
        let block = self.insert(index, body, out);
        match block.body {
            BlockContent::Text(_) => {
                block.push_text(text("text").unwrap_or_default(), false, out);
                let citations = fields.stated("citations").and_then(json::elements);
                for raw in citations.into_iter().flatten() {
                    block.cite(raw, out);
                }
            }
            BlockContent::ThinkingBlock(_) => {
                block.push_text(text("thinking").unwrap_or_default(), false, out);
            }
            BlockContent::ToolUseBlock(_) | BlockContent::OpaqueBlock(_) => {}
        }
        Ok(())
    }

    /// Reads a delta of a block.
    pub(super) fn delta(
        &mut self,
        index: Option<u64>,
        raw: Raw<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let fields = Fields::of(raw)?;
        let kind = fields.stated("type").and_then(json::string);
        let kind = kind.unwrap_or_default();
        let index = index.or(self.last).unwrap_or(0);
        if !self.open.contains_key(&index) {
            let body = match kind.as_str() {
                "text_delta" => BlockContent::Text(Vec::new()),
                "thinking_delta" => BlockContent::ThinkingBlock(ThinkingBlock::default()),
                _ => {
                    out.push(unknown(&kind, raw));
                    return Ok(());
                }
            };
            Note::emit(
                About::Form,
                "a delta came for a content block that had not started",
                out,
            );
            self.last = Some(index);
            self.insert(index, body, out);
        }
        let apart = self.last != Some(index);
        let before = out.len();
        if let Some(block) = self.open.get_mut(&index) {
            block.take(&kind, &fields, raw, apart, out);
        }
        let is_content = |event: &Event| !matches!(event, Event::Note(_) | Event::Unknown { .. });
        if out[before..].iter().any(is_content) {
            self.last = Some(index);
        }
        Ok(())
    }

    /// Stops a block, and emits the events that only a whole block makes: its signature, its input, its raw item.
    pub(super) fn stop(&mut self, index: Option<u64>, out: &mut Vec<Event>) {
        let index = index.or(self.last).unwrap_or(0);
        let Some(mut block) = self.open.remove(&index) else {
            return Note::emit(
                About::Form,
                "a content block stopped that had not started",
                out,
            );
        };
        let apart = self.last != Some(index);
        let rest = block.joiner.end();
        block.emit(rest, apart, out);
        match block.body {
            BlockContent::Text(citations) if citations.is_empty() || apart => return,
            BlockContent::Text(citations) => {
                let citations = format!("[{}]", citations.join(","));
                let value = object([("citations", citations.as_str())]);
                out.push(Event::Signature { value });
            }
            BlockContent::ThinkingBlock(thinking) => match thinking.signed(apart) {
                Some(event) => out.push(event),
                None => return,
            },
            BlockContent::ToolUseBlock(call) if call.has_argument_deltas => return,
            BlockContent::ToolUseBlock(call) => out.push(Event::ToolCall(ToolCallDelta {
                index: call.number,
                arguments: call.input,
                ..ToolCallDelta::default()
            })),
            BlockContent::OpaqueBlock(item) => out.push(item.event()),
        }
        self.last = Some(index);
    }

    /// Stops the blocks that are still open when the message ends.
    pub(super) fn stop_all(&mut self, out: &mut Vec<Event>) {
        while let Some(index) = self.open.keys().next().copied() {
            Note::emit(
                About::Form,
                "a content block had no content_block_stop",
                out,
            );
            self.stop(Some(index), out);
        }
    }

    fn insert(
        &mut self,
        index: u64,
        body: BlockContent,
        out: &mut Vec<Event>,
    ) -> &mut ContentBlock {
        let block = ContentBlock {
            body,
            joiner: SurrogateJoiner::default(),
        };
        // An empty piece starts a new part.
        out.extend(block.piece(String::new()));
        self.open.entry(index).or_insert(block)
    }

    fn start_call(&mut self, fields: &Fields<'_>, out: &mut Vec<Event>) -> ToolUseBlock {
        let number = self.calls;
        self.calls += 1;
        out.push(Event::ToolCall(ToolCallDelta {
            index: number,
            id: fields.stated("id").and_then(json::string),
            name: fields.stated("name").and_then(json::string),
            arguments: String::new(),
        }));
        let extra = EXTRA_CALL_FIELDS
            .iter()
            .filter_map(|name| Some((*name, fields.stated(name)?.get())));
        let value = object(extra);
        out.extend((value != "{}").then_some(Event::Signature { value }));
        // Some gateways encode the object as a string.
        let input = fields.stated("input").map(|raw| {
            let text = raw.get().starts_with('"').then(|| json::string(raw));
            text.unwrap_or_else(|| Some(raw.get().to_owned()))
        });
        ToolUseBlock {
            number,
            input: input.flatten().unwrap_or_else(|| "{}".into()),
            has_argument_deltas: false,
        }
    }
}

impl ContentBlock {
    fn take(
        &mut self,
        kind: &str,
        delta: &Fields<'_>,
        raw: Raw<'_>,
        apart: bool,
        out: &mut Vec<Event>,
    ) {
        let mut name = match (kind, &mut self.body) {
            ("text_delta", BlockContent::Text(_)) => "text",
            ("thinking_delta", BlockContent::ThinkingBlock(_)) => "thinking",
            ("input_json_delta", BlockContent::ToolUseBlock(_)) => "partial_json",
            ("signature_delta", BlockContent::ThinkingBlock(thinking)) => {
                if let Some(signature) = delta.stated("signature").and_then(json::string) {
                    thinking.signature = Some(signature);
                }
                return;
            }
            ("citations_delta", _) => "citation",
            (_, BlockContent::OpaqueBlock(item)) => return item.add(delta),
            _ => return out.push(unknown(kind, raw)),
        };
        let value = delta.stated(name);
        if name == "citation" {
            match value {
                Some(raw) if self.cite(raw, out) => return,
                _ => name = "citations",
            }
        } else if let Some(text) = value.and_then(json::bytes) {
            return self.push_text(text, apart, out);
        }
        Note::emit(About::Form, format!("a {name} delta is empty"), out);
    }

    /// Emits a citation and keeps it for the next request. `false` if it is not a citation.
    fn cite(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> bool {
        let event = citation(raw);
        let known = event.is_some();
        if let (true, BlockContent::Text(citations)) = (known, &mut self.body) {
            citations.push(raw.get().to_owned());
        }
        out.extend(event);
        known
    }

    fn push_text(&mut self, wtf8: Cow<'_, [u8]>, apart: bool, out: &mut Vec<Event>) {
        let piece = self.joiner.push(wtf8);
        self.emit(piece, apart, out);
    }

    /// Emits a piece of text, as a new part if the last piece was of another block.
    fn emit(&mut self, mut piece: JoinedText, apart: bool, out: &mut Vec<Event>) {
        if !piece.text.is_empty() {
            match &mut self.body {
                BlockContent::ThinkingBlock(thinking) => {
                    thinking.text.push_str(&piece.text);
                    thinking.interrupted |= apart;
                }
                BlockContent::ToolUseBlock(call) => call.has_argument_deltas = true,
                BlockContent::Text(_) | BlockContent::OpaqueBlock(_) => {}
            }
            if apart {
                out.extend(self.piece(String::new()));
            }
            out.extend(self.piece(std::mem::take(&mut piece.text)));
        }
        piece.note_repairs(out);
    }

    fn piece(&self, text: String) -> Option<Event> {
        match &self.body {
            BlockContent::Text(_) => Some(Event::Text { text }),
            BlockContent::ThinkingBlock(_) => Some(Event::Reasoning { text }),
            BlockContent::ToolUseBlock(call) => (!text.is_empty()).then(|| {
                Event::ToolCall(ToolCallDelta {
                    index: call.number,
                    arguments: text,
                    ..ToolCallDelta::default()
                })
            }),
            BlockContent::OpaqueBlock(_) => None,
        }
    }
}

impl ThinkingBlock {
    /// The event of the block's signature. If another block's piece came in between, the whole thinking block is kept
    /// as one item, since the signature covers all of it.
    fn signed(self, apart: bool) -> Option<Event> {
        let value = self.signature?;
        if !self.interrupted && !apart {
            return Some(Event::Signature { value });
        }
        let (text, value) = (quoted(&self.text), quoted(&value));
        let raw = format!(r#"{{"type":"thinking","thinking":{text},"signature":{value}}}"#);
        let kind = "thinking".into();
        Some(Event::Opaque { kind, raw })
    }
}

fn unknown(kind: &str, raw: Raw<'_>) -> Event {
    Event::Unknown {
        kind: format!("content_block_delta.{kind}"),
        raw: raw.get().to_owned(),
    }
}
