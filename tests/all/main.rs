//! All integration tests, in one binary: one file a concern.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should panic")]

mod fault_server;
mod faults;
mod proxies;
mod run;
mod toy;
mod transport;
