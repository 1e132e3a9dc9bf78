//! What was tried with endpoints.

use super::{probe::Tests, trial::Trials};

/// The tests of endpoints, and the trial requests to them.
#[derive(Debug, Default)]
pub struct Tried {
    pub tests: Tests,
    pub trials: Trials,
}
