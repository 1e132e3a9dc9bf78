//! All integration tests, in one binary: one file a concern.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, and says what it skipped and counted"
)]

mod decode;
mod openai_chat;
mod sse;
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod history;
mod kill;
#[cfg(feature = "gui")]
mod playground;
#![expect(clippy::unwrap_used, reason = "a test that can't go on should panic")]

mod fault_server;
mod faults;
mod run;
mod toy;
mod transport;
