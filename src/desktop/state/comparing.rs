//! What the engine tells of the comparison that runs.

use std::sync::Arc;

use super::State;
use crate::engine::CompareNews;

impl State {
    pub(super) fn apply_compare(&mut self, news: CompareNews) {
        match news {
            CompareNews::Refused(why) => {
                let before = self.comparison_refused.take();
                let times = before.map_or(0, |(times, _)| times);
                self.comparison_refused = Some((times + 1, why));
            }
            CompareNews::Is(state) | CompareNews::Ended(state) => {
                self.comparison = Some(Arc::new(*state));
            }
            // How it stands follows, with this round in it.
            CompareNews::Round { .. } => {}
        }
    }
}
