//! What a schedule is drawn from: numbers that the same question gives in every protocol and every version.

use std::io;

use serde_json::{Value, json};

use crate::chat::{ChatRequest, Message, Part};

/// What an answer's schedule is drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) struct Seeds {
    /// Of the delay before the first token.
    pub question: u64,
    /// Of all else.
    pub conversation: u64,
}

/// The seeds of an answer: the same for the same model, conversation, `seed` parameter and base seed, in
/// whatever protocol it was asked. So only what every protocol says counts: no ids, no signatures.
///
/// How long the first token takes is drawn from the question alone, not from what was said before it: asked
/// again, the model takes as long, and what is saved by a warm connection is seen.
pub(in crate::simulator) fn seeds(request: &ChatRequest, base: u64) -> Seeds {
    let system = request.system.as_deref().unwrap_or_default();
    let of = |messages: &[Message]| {
        let said = messages.iter().flat_map(|message| &message.parts);
        let said: Vec<Value> = said.filter_map(said_everywhere).collect();
        let what = (&request.model, system, said, request.params.seed);
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325 ^ base);
        // Neither the types nor the hash can fail; if they could, the seed would only be a poorer one.
        let _ = serde_json::to_writer(&mut hash, &what);
        hash.0
    };
    let before = request.messages.len().saturating_sub(1);
    Seeds {
        question: of(&request.messages[before..]),
        conversation: of(&request.messages),
    }
}

fn said_everywhere(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(json!({ "text": text })),
        Part::Media(media) => Some(json!({ "file": media.mime, "bytes": media.data.len() })),
        Part::ToolCall(call) => {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            Some(json!({ "call": call.name, "with": arguments }))
        }
        Part::ToolResult { content, .. } => Some(json!({ "result": content })),
        Part::Reasoning { .. } | Part::Signature { .. } | Part::Opaque { .. } => None,
    }
}

/// FNV-1a, 64 bits: unlike the standard library's hash it is the same in every version.
struct Fnv(u64);

impl io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
