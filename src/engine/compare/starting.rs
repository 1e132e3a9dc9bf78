//! Begins a comparison, or goes on with one of the history, unless there is a reason not to.

use std::sync::Arc;

use super::CompareTask;
use crate::{
    clock::wall_clock_ns,
    compare::{
        Arm, ComparePlan, CompareState, ComparisonHead, ComparisonId, SavedComparison, forecast,
    },
    endpoint::TargetPlace,
};

impl CompareTask {
    /// A comparison that begins now.
    ///
    /// # Errors
    /// Why it can't, and what to do.
    pub(super) fn begun(&self, plan: ComparePlan) -> Result<CompareState, String> {
        self.check(&plan)?;
        let head = ComparisonHead {
            id: ComparisonId::new(),
            places: plan.arms.iter().map(|arm| self.place(arm)).collect(),
            plan,
            began_unix_ns: wall_clock_ns(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(CompareState {
            head: Arc::new(head),
            is_running: true,
            ..CompareState::default()
        })
    }

    /// A comparison of the history that goes on now.
    ///
    /// # Errors
    /// Why it can't, and what to do.
    pub(super) async fn resumed(&self, id: ComparisonId) -> Result<CompareState, String> {
        let Some(history) = &self.context.history else {
            return Err("without a history there is no comparison to resume".into());
        };
        let saved = history.comparison(id).await;
        let saved = saved.map_err(|why| format!("the comparison can't be read: {why}"))?;
        let Some(saved) = saved else {
            return Err(format!(
                "there is no comparison {id}: `tokenscope compare --list` names those that there are"
            ));
        };
        if saved.is_running_elsewhere {
            return Err("another process runs it: wait for its end, or end that process".into());
        }
        self.check(&saved.head.plan)?;
        let opened = tokio::task::spawn_blocking(move || {
            CompareState::of_saved(SavedComparison { end: None, ..saved })
        });
        let state = opened.await.map_err(|why| why.to_string())?;
        Ok(CompareState {
            is_running: true,
            ..state
        })
    }

    /// Whether this plan can be followed now.
    fn check(&self, plan: &ComparePlan) -> Result<(), String> {
        if self.running.is_some() {
            return Err("another comparison runs: stop it first, or wait for its end".into());
        }
        plan.check().map_err(|why| why.to_string())?;
        for arm in &plan.arms {
            self.context.endpoint(&arm.target.endpoint)?;
        }
        let settings = &self.context.settings;
        let endpoint = |id: &str| settings.endpoint_or_preset(id);
        let told = forecast(plan, endpoint, &settings.prices, wall_clock_ns());
        if plan.stop.usd.is_some() && !plan.allow_unpriced && !told.unpriced.is_empty() {
            let unpriced: Vec<String> = told.unpriced.iter().map(ToString::to_string).collect();
            return Err(format!(
                "what a request costs is not known of {}, so that a limit of cost can't hold for it: give it a price in \
                 the settings, as [price.\"endpoint/model\"], or allow targets without a known price",
                unpriced.join(", ")
            ));
        }
        Ok(())
    }

    fn place(&self, arm: &Arm) -> TargetPlace {
        let endpoint = self.context.endpoint(&arm.target.endpoint);
        endpoint.map_or_else(
            |_| TargetPlace::default(),
            |endpoint| TargetPlace::of(&endpoint, &arm.target.model),
        )
    }
}
