//! Tokenscope: an oscilloscope for LLM APIs.
//!
//! One way, no way back:
//!
//! ```text
//! ChatRequest ─ dialect.encode ─► HTTP request ─ transport ─► (Instant, bytes) ─ sse ─► frames ─ decode ─► Event
//!    ▲                                │ phases: dns, tcp, tls, request sent, headers                        │
//!    │                                ▼                                                                     ▼
//!  Command ◄── views ◄── state ◄── Update ◄── engine (own thread, tokio) ◄── Recorder: stamps ─► Run ─► history
//! ```
//!
//! The modules, in the order of that flow:

pub mod chat;
pub mod event;
pub mod input;
pub mod visible;

mod clock;
mod private;
mod seeded;

pub mod schema;

pub mod body;
pub mod dialect;
pub mod mask;

pub mod endpoint;
pub mod hints;
pub mod price;
pub mod settings;

pub mod credential;

pub mod transport;

pub mod exchange;

pub mod measure;
pub mod record;
pub mod run;

pub mod conformance;

pub mod snippet;

pub mod bench;
pub mod capture;
pub mod compare;
pub mod conversation;
pub mod history;

pub mod alert;
pub mod conversation_file;
pub mod gateway;
pub mod metrics;
pub mod monitor;
pub mod replay;
pub mod report;
pub mod server;
pub mod simulator;

pub mod engine;

pub mod cli;

#[cfg(feature = "gui")]
pub mod desktop;
