//! All integration tests, in one binary: one file a concern.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, reads clocks, and says what it skipped and counted"
)]

#[cfg(unix)]
mod agents;
mod anthropic;
mod as_sent;
mod bench;
mod both_halves;
mod browser;
mod buffering;
mod canary;
mod canary_echo;
#[cfg(feature = "grpc")]
mod canary_grpc;
mod capture;
mod chat;
#[cfg(all(unix, feature = "otlp"))]
mod collector;
mod compare;
mod compatibility;
mod compute;
mod conversation_files;
mod credentials;
mod deadline;
mod decode;
mod delete;
#[cfg(feature = "gui")]
mod desktop;
mod dialects;
mod docs;
mod endpoints;
mod engine;
mod evidence;
mod export;
mod fault_server;
mod faults;
mod findings;
mod floods;
mod floors;
mod gateway;
mod gemini;
mod given;
#[cfg(feature = "google")]
mod google;
#[cfg(feature = "grpc")]
mod grpc_messages;
#[cfg(feature = "grpc")]
mod grpc_server;
mod history;
mod home;
#[cfg(feature = "gui")]
mod input_order;
mod keyring;
mod kill;
mod listeners;
mod models;
mod mounted;
mod names;
mod ollama;
mod openai_chat;
mod openai_responses;
#[cfg(feature = "gui")]
mod outside;
mod packaging;
#[cfg(feature = "gui")]
mod painted;
#[cfg(feature = "gui")]
mod playground;
mod price;
#[cfg(unix)]
mod probe;
mod proxies;
mod report;
mod run;
mod sdk;
#[cfg(unix)]
mod served;
mod settings;
mod simulator;
mod snippets;
mod sse;
#[cfg(unix)]
mod storing;
mod terminal;
mod toy;
mod transport;
mod two_windows;
mod ui_thread;
mod upload;
#[cfg(feature = "grpc")]
mod vertex_grpc;
#[cfg(feature = "grpc")]
mod vertex_grpc_messages;
#[cfg(all(feature = "gui", target_os = "linux"))]
mod window;
mod wire_faults;
