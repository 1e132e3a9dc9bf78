//! All integration tests, in one binary: one file a concern.

mod decode;
mod openai_chat;
mod sse;
mod history;
mod kill;
#[cfg(feature = "gui")]
mod playground;
mod fault_server;
mod faults;
mod run;
mod toy;
mod transport;
