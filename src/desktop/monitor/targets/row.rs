//! A row of the table of targets.

use crate::history::{Availability, Distribution, TargetFacts};

/// A row: what is known of a target.
#[derive(Clone, Copy, Debug)]
pub struct TargetRow<'a> {
    /// Its TTFT and outcomes.
    pub runs: &'a Distribution,
    /// Whether something buffers, and what it cost today; `None` until that is known, or if there is nothing to tell.
    pub facts: Option<&'a TargetFacts>,
    /// What free checks found of its endpoint, if there were any.
    pub endpoint: Option<&'a Availability>,
}
