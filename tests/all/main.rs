//! All integration tests, in one binary: one file a concern.

#[cfg(feature = "gui")]
mod playground;
mod fault_server;
mod faults;
mod run;
mod toy;
mod transport;
