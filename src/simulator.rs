//! The built-in simulator: real HTTP on loopback, seeded latency profiles, every answer labelled.
//!
//! In: requests of any dialect. Out: streams on an absolute schedule that each answer can state.

use std::net::SocketAddr;

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    /// Where it listens, on loopback.
    pub address: SocketAddr,
}

/// Starts the simulator on `127.0.0.1:port` (0 picks a free one), on the current tokio runtime.
///
/// # Errors
/// If the port can't be had.
pub async fn start(_port: u16) -> std::io::Result<Simulator> {
    todo!("simulator helper")
}

/// Names of the simulated models, the best first impression first.
#[must_use]
pub fn models() -> Vec<String> {
    vec!["steady".into()]
}
