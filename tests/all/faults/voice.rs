//! What a server says in a dialect: pieces of an answer, its end, keep-alives, errors.

use serde_json::{Value, json};
use tokenscope::dialect::{Dialect, DialectId, WireFormat};

use crate::as_sent::everywhere;

/// A dialect, as its servers write it.
#[derive(Clone, Copy)]
pub struct Voice {
    pub dialect: &'static Dialect,
}

impl Voice {
    pub fn name(self) -> &'static str {
        self.dialect.id.as_str()
    }

    pub fn is_grpc(self) -> bool {
        !matches!(self.dialect.wire, WireFormat::Json)
    }

    /// Whether its streams are server-sent events.
    pub fn has_events(self) -> bool {
        !self.is_grpc() && self.dialect.id != DialectId::Ollama
    }

    /// The content type of its streams.
    pub fn content_type(self) -> &'static str {
        match self.name() {
            "ollama" => "application/x-ndjson",
            _ if self.is_grpc() => "application/grpc",
            _ => "text/event-stream",
        }
    }

    /// The begin of an answer, and pieces of it.
    pub fn pieces(self, texts: &[&str]) -> Vec<u8> {
        let begin = everywhere::begin(self.name()).into_bytes();
        let pieces = texts.iter().flat_map(|text| self.piece(text));
        begin.into_iter().chain(pieces).collect()
    }

    /// The piece of an answer that says this.
    pub fn piece(self, text: &str) -> Vec<u8> {
        if self.is_grpc() {
            return grpc(&everywhere::piece("gemini", text));
        }
        let piece = everywhere::piece(self.name(), text);
        everywhere::lines(self.name(), &[piece]).into_bytes()
    }

    /// What ends an answer well, without the end of its body.
    pub fn finish(self) -> Vec<u8> {
        if self.is_grpc() {
            let last = json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}]});
            return grpc(&last);
        }
        everywhere::end(self.name()).into_bytes()
    }

    /// A whole answer.
    pub fn answer(self, texts: &[&str]) -> Vec<u8> {
        [self.pieces(texts), self.finish()].concat()
    }

    /// What keeps a connection open and says nothing.
    pub fn keep_alive(self) -> Vec<u8> {
        match self.name() {
            "anthropic" => b"event: ping\ndata: {\"type\":\"ping\"}\n\n".to_vec(),
            "ollama" => b": ping\n".to_vec(),
            _ if self.is_grpc() => frame(b""),
            _ => b": ping\n\n".to_vec(),
        }
    }

    /// One event whose data is this text.
    pub fn event(self, data: &str) -> Vec<u8> {
        if self.is_grpc() {
            return frame(data.as_bytes());
        }
        everywhere::line(self.name(), data).into_bytes()
    }

    /// An error as its servers write it.
    pub fn error(self, message: &str) -> String {
        match self.name() {
            "ollama" => json!({ "error": message }).to_string(),
            _ => json!({"error": {"message": message}}).to_string(),
        }
    }
}

/// A gRPC message of these bytes, with its length in front.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat()
}

#[cfg(feature = "grpc")]
fn grpc(message: &Value) -> Vec<u8> {
    crate::grpc_messages::body(std::slice::from_ref(message))
}

#[cfg(not(feature = "grpc"))]
fn grpc(_: &Value) -> Vec<u8> {
    unreachable!("no dialect goes as gRPC")
}
