//! Follows the plan of the settings.

use super::{FollowedPlan, MonitorTask};
use crate::monitor::ProbePlan;

impl MonitorTask {
    /// Does what the settings say, once that is wanted: starts, stops, or follows another plan.
    pub(super) fn follow_settings(&mut self) {
        if !self.follows {
            return;
        }
        let is_followed = |followed: &FollowedPlan, plan: &ProbePlan| {
            followed.plan == *plan && !followed.is_stopping
        };
        match (ProbePlan::of_settings(&self.settings.monitor), &self.plan) {
            (Some(plan), Some(followed)) if is_followed(followed, &plan) => {}
            (Some(plan), _) => self.start(plan),
            (None, _) => self.stop(),
        }
    }
}
