//! Wire protocols, sans-IO: [`ChatRequest`](crate::chat::ChatRequest) → request bytes, response bytes → [`Event`](crate::event::Event)s.
//!
//! A dialect is one file and its line in [`DIALECTS`]. It opens no socket, reads no clock and needs no runtime. Its
//! decoder gives the same events however the bytes are split; text deltas follow the provider's frames.

pub mod anthropic;
pub mod gemini;
pub mod ollama;
pub mod openai_chat;
pub mod openai_responses;
pub mod protocol;
pub mod serve;
pub mod vertex_grpc;

pub use protocol::{Dialect, DialectId, Grpc, GrpcMessage, WireFormat};

impl Dialect {
    /// The dialect that sends the same request as JSON: this one, unless it is gRPC.
    #[must_use]
    pub fn as_json(&self) -> &Self {
        match self.wire {
            WireFormat::Json => self,
            WireFormat::Grpc(grpc) => grpc.fallback.dialect(),
        }
    }
}

/// All dialects. A new one needs its file, its `mod` line, its name in [`DialectId`] and its line here.
pub static DIALECTS: &[&Dialect] = &[
    &openai_chat::DIALECT,
    &openai_responses::DIALECT,
    &anthropic::DIALECT,
    &gemini::DIALECT,
    &ollama::DIALECT,
    &vertex_grpc::DIALECT,
];

impl DialectId {
    /// The dialect of this name.
    #[must_use]
    pub fn dialect(self) -> &'static Dialect {
        match self {
            Self::OpenaiChat => &openai_chat::DIALECT,
            Self::OpenaiResponses => &openai_responses::DIALECT,
            Self::Anthropic => &anthropic::DIALECT,
            Self::Ollama => &ollama::DIALECT,
            Self::Gemini => &gemini::DIALECT,
            Self::VertexGrpc => &vertex_grpc::DIALECT,
        }
    }
}
