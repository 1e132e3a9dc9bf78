//! The content blocks of a message: each begins, gets its deltas and ends, by its index.
//!
//! Blocks come one after the other. Were they ever to interleave, each piece would still be shown at
//! once and as a part of its own, and thoughts would still go back with their signature.

use std::{borrow::Cow, collections::BTreeMap};

use super::item::{OpaqueBlock, citation, goes_on, object, quoted};
use crate::{
    body::{
        json::{self, Fields, Raw},
        text::{JoinedText, SurrogateJoiner},
    },
    event::{About, Event, Note, ToolCallDelta},
};

/// What a call says beside its name and input, which must go back with it: who made it (the model, or its
/// code in a container), and of which set the tool is.
pub(super) const CALL_BESIDE: &[&str] = &["caller", "toolset_name"];

/// The blocks of an answer.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: BTreeMap<u64, ContentBlock>,
    /// The block that spoke last.
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
    /// Whether another block spoke in between.
    interrupted: bool,
}

#[derive(Debug)]
struct ToolUseBlock {
    /// Which call of the answer.
    number: usize,
    /// The input that stood in the block's start.
    input: String,
    /// Whether deltas gave arguments.
    argued: bool,
}

impl Blocks {
    /// Begins a block. One of the same index that never ended is ended first.
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
                "a content block began where another had not ended",
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
            "tool_use" => BlockContent::ToolUseBlock(self.call(&fields, out)),
            kind => {
                out.extend((kind == "fallback").then(|| goes_on(&fields)));
                BlockContent::OpaqueBlock(OpaqueBlock::new(kind.to_owned(), raw))
            }
        };
        let block = self.insert(index, body, out);
        match block.body {
            BlockContent::Text(_) => {
                block.say(text("text").unwrap_or_default(), false, out);
                let citations = fields.stated("citations").and_then(json::elements);
                for raw in citations.into_iter().flatten() {
                    block.cite(raw, out);
                }
            }
            BlockContent::ThinkingBlock(_) => {
                block.say(text("thinking").unwrap_or_default(), false, out);
            }
            BlockContent::ToolUseBlock(_) | BlockContent::OpaqueBlock(_) => {}
        }
        Ok(())
    }

    /// Takes the next piece of a block.
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
                "a delta came for a content block that had not begun",
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
        let spoke = |event: &Event| !matches!(event, Event::Note(_) | Event::Unknown { .. });
        if out[before..].iter().any(spoke) {
            self.last = Some(index);
        }
        Ok(())
    }

    /// Ends a block, and tells what only a whole one can say.
    pub(super) fn stop(&mut self, index: Option<u64>, out: &mut Vec<Event>) {
        let index = index.or(self.last).unwrap_or(0);
        let Some(mut block) = self.open.remove(&index) else {
            return Note::emit(About::Form, "a content block ended that had not begun", out);
        };
        let apart = self.last != Some(index);
        let rest = block.joiner.end();
        block.tell(rest, apart, out);
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
            BlockContent::ToolUseBlock(call) if call.argued => return,
            BlockContent::ToolUseBlock(call) => out.push(Event::ToolCall(ToolCallDelta {
                index: call.number,
                arguments: call.input,
                ..ToolCallDelta::default()
            })),
            BlockContent::OpaqueBlock(item) => out.push(item.event()),
        }
        self.last = Some(index);
    }

    /// Ends what the message's own end left open.
    pub(super) fn stop_all(&mut self, out: &mut Vec<Event>) {
        while let Some(index) = self.open.keys().next().copied() {
            Note::emit(About::Form, "a content block had no end of its own", out);
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
        // An empty piece begins a part of its own.
        out.extend(block.piece(String::new()));
        self.open.entry(index).or_insert(block)
    }

    fn call(&mut self, fields: &Fields<'_>, out: &mut Vec<Event>) -> ToolUseBlock {
        let number = self.calls;
        self.calls += 1;
        out.push(Event::ToolCall(ToolCallDelta {
            index: number,
            id: fields.stated("id").and_then(json::string),
            name: fields.stated("name").and_then(json::string),
            arguments: String::new(),
        }));
        let beside = CALL_BESIDE
            .iter()
            .filter_map(|name| Some((*name, fields.stated(name)?.get())));
        let value = object(beside);
        out.extend((value != "{}").then_some(Event::Signature { value }));
        // Some gateways write the object as text.
        let input = fields.stated("input").map(|raw| {
            let text = raw.get().starts_with('"').then(|| json::string(raw));
            text.unwrap_or_else(|| Some(raw.get().to_owned()))
        });
        ToolUseBlock {
            number,
            input: input.flatten().unwrap_or_else(|| "{}".into()),
            argued: false,
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
            return self.say(text, apart, out);
        }
        Note::emit(About::Form, format!("a {name} delta says nothing"), out);
    }

    /// Tells a citation, and keeps it for the next request; gives whether it is one.
    fn cite(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> bool {
        let event = citation(raw);
        let known = event.is_some();
        if let (true, BlockContent::Text(citations)) = (known, &mut self.body) {
            citations.push(raw.get().to_owned());
        }
        out.extend(event);
        known
    }

    fn say(&mut self, wtf8: Cow<'_, [u8]>, apart: bool, out: &mut Vec<Event>) {
        let piece = self.joiner.push(wtf8);
        self.tell(piece, apart, out);
    }

    /// Appends a piece of text, as a part of its own if another block spoke last.
    fn tell(&mut self, mut piece: JoinedText, apart: bool, out: &mut Vec<Event>) {
        if !piece.text.is_empty() {
            match &mut self.body {
                BlockContent::ThinkingBlock(thinking) => {
                    thinking.text.push_str(&piece.text);
                    thinking.interrupted |= apart;
                }
                BlockContent::ToolUseBlock(call) => call.argued = true,
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
    /// The signature of what was just said. If something else was said in between, the thoughts go back
    /// as one block, since the signature is of them all.
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
