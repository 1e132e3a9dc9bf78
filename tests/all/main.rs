//! All integration tests, in one binary: one file a concern.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod history;
mod kill;
