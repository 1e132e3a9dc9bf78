//! The prompts that a driver sent: what the benches ask that it orders.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::refused;
use crate::{
    bench::{AskedPrompts, BenchPlan, BenchPrompts},
    dialect::serve::refusal,
    event::Fault,
};

/// The prompts that came last; those before are dropped. They are held in memory alone.
#[derive(Default)]
pub(super) struct HeldPrompts(Mutex<Option<(AskedPrompts, Arc<BenchPrompts>)>>);

impl HeldPrompts {
    /// Reads what a driver sent. Gives what is told of it, by which orders name it.
    pub(super) async fn take(&self, json: Bytes) -> Result<AskedPrompts, Fault> {
        // Large ones take a moment.
        let read = tokio::task::spawn_blocking(move || {
            let prompts: BenchPrompts = serde_json::from_slice(&json)?;
            Ok::<_, serde_json::Error>((prompts.asked(), prompts))
        });
        let read = read.await;
        let read = read.map_err(|why| refused(format!("They can't be read: {why}")))?;
        let (asked, prompts) =
            read.map_err(|why| refused(format!("Those are no prompts: {why}")))?;
        *self.held() = Some((asked.clone(), Arc::new(prompts)));
        Ok(asked)
    }

    /// What a plan asks.
    pub(super) fn of(&self, plan: &BenchPlan) -> Result<Arc<BenchPrompts>, Fault> {
        let held = self.held();
        let held = held
            .as_ref()
            .filter(|(asked, _)| plan.asked.as_ref() == Some(asked));
        let prompts = held.map(|(_, prompts)| Arc::clone(prompts));
        prompts.ok_or_else(|| {
            let why = "The prompts of this order are not here: another driver may have sent others meanwhile";
            refusal(409, "unknown_prompts", why)
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<(AskedPrompts, Arc<BenchPrompts>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
