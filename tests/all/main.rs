//! All integration tests, in one binary: one file a concern.

mod history;
mod kill;
