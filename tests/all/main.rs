//! All integration tests, in one binary: one file a concern.

mod fault_server;
mod faults;
mod run;
mod toy;
mod transport;
