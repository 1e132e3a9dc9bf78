//! A run that is over, with its findings: computed once, by whoever asks first.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use super::{Finding, findings};
use crate::run::Run;

/// A run that is over, and its findings. Cheap to clone: all clones share both, so that the history and the engine
/// have the same findings from one computation.
#[derive(Clone, Debug)]
pub struct CheckedRun(Arc<Checked>);

#[derive(Debug)]
struct Checked {
    run: Arc<Run>,
    findings: OnceLock<Arc<[Finding]>>,
}

impl CheckedRun {
    /// Its [`findings`]. The first call computes them, which may take a while; a call beside it waits for the same.
    #[must_use]
    pub fn findings(&self) -> Arc<[Finding]> {
        let found = || findings(&self.0.run).into();
        Arc::clone(self.0.findings.get_or_init(found))
    }
}

impl Deref for CheckedRun {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.0.run
    }
}

impl From<Arc<Run>> for CheckedRun {
    fn from(run: Arc<Run>) -> Self {
        Self(Arc::new(Checked {
            run,
            findings: OnceLock::new(),
        }))
    }
}

impl From<Run> for CheckedRun {
    fn from(run: Run) -> Self {
        Arc::new(run).into()
    }
}
