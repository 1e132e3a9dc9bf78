//! Asks the targets that are due, unless there is a reason not to.

use std::{borrow::Cow, sync::Arc};

use futures_util::future::FutureExt as _;

use super::{super::SendRun, MonitorTask};
use crate::{
    clock::timer_now,
    conformance::CheckedRun,
    endpoint::{Endpoint, TargetId},
    history::{GapReason, ProbeUsage},
    monitor::{DueProbe, day_begin, most_cost, probe_cost, question},
    price::Usd,
    run::{Origin, Run, RunId},
};

/// A probe that is over.
pub(super) struct EndedProbe {
    target: TargetId,
    /// What it could have cost.
    most: Usd,
    /// `None` after a defect, which was told as the run's end.
    run: Option<CheckedRun>,
}

impl MonitorTask {
    /// Sends the probes that are due.
    pub(super) async fn ask_due(&mut self) {
        while self.may_ask()
            && let Some(followed) = self.plan.as_mut()
            && let Some(due) =
                (followed.schedule).take_due(timer_now(), || rand::random_range(0.0..1.0))
        {
            if let Some(missed) = due.missed {
                let target = Some(due.target.clone());
                self.gaps.past(target, GapReason::Busy, missed);
            }
            let endpoint = self.settings.endpoint_or_preset(&due.target.endpoint);
            let endpoint = endpoint.map(Cow::into_owned);
            match self.most_cost(&due.target, endpoint.as_ref()).await {
                Ok(most) => {
                    self.gaps.end(&due.target);
                    self.send(due, most, endpoint);
                }
                Err(why) => {
                    self.gaps.begin_or_go_on(&due.target, why);
                    self.schedule_is_over(&due.target);
                }
            }
        }
    }

    /// What asking a target costs at most, or why it is not to be asked now. An endpoint that is not known is told as a
    /// run that was refused.
    async fn most_cost(
        &mut self,
        target: &TargetId,
        endpoint: Option<&Endpoint>,
    ) -> Result<Usd, GapReason> {
        let (Some(endpoint), Some(followed)) = (endpoint, &self.plan) else {
            return Ok(Usd::default());
        };
        let plan = &followed.plan;
        let now = self.machine.unix_ns();
        let most = most_cost(plan, endpoint, &target.model, &self.settings.prices, now);
        if let Some(cap) = plan.usd_per_day {
            match most {
                None if !plan.allow_unpriced => return Err(GapReason::NoPrice),
                Some(most) if !self.spending.has_room(now, cap, most) => {
                    return Err(GapReason::CostCap);
                }
                _ => {}
            }
        }
        if !self.machine.can_reach(endpoint).await {
            return Err(GapReason::Offline);
        }
        Ok(most.unwrap_or_default())
    }

    fn send(&mut self, due: DueProbe, most: Usd, endpoint: Option<Endpoint>) {
        let Some(followed) = &self.plan else { return };
        let send = SendRun {
            id: RunId::new(),
            endpoint: due.target.endpoint.clone(),
            request: Arc::new(question(&followed.plan, &due.target.model)),
            origin: Origin::Probe,
            cold: due.cold,
        };
        let Some(run) = self.runs.start(send, endpoint) else {
            return self.schedule_is_over(&due.target);
        };
        self.spending.begin(most);
        let target = due.target;
        let ended = run.map(move |run| EndedProbe {
            target,
            most,
            run: run.ok().flatten(),
        });
        self.under_way.push(ended.boxed());
    }

    /// Takes note of a probe that is over.
    pub(super) fn is_over(&mut self, ended: &EndedProbe) {
        self.schedule_is_over(&ended.target);
        let cost = ended.run.as_ref().map_or(ended.most, |run| {
            probe_cost(&ProbeUsage::of(run), &self.settings.prices, ended.most)
        });
        self.spending.end(self.machine.unix_ns(), ended.most, cost);
        if let Some(run) = &ended.run {
            self.alerts.take(run);
            self.note_change(&ended.target, run);
        }
    }

    /// Has a target probed a few times soon that has begun to answer, or no longer does.
    fn note_change(&mut self, target: &TargetId, run: &Run) {
        let fault = run.answer.fault.as_ref();
        if fault.is_some_and(|fault| fault.class.is_no_failure()) {
            return;
        }
        let before = self.answered.insert(target.clone(), fault.is_none());
        if before.is_some_and(|before| before != fault.is_none())
            && let Some(followed) = &mut self.plan
        {
            followed
                .schedule
                .probe_soon(|probed| probed == target, timer_now());
        }
    }

    fn schedule_is_over(&mut self, target: &TargetId) {
        if let Some(followed) = &mut self.plan {
            followed.schedule.is_over(target);
        }
    }

    /// Counts what this and other processes have spent today, by the history.
    pub(super) async fn count_spending(&mut self) {
        let (Some(history), Some(followed)) = (&self.history, &self.plan) else {
            return;
        };
        let now = self.machine.unix_ns();
        let probes = match history.probe_usage(day_begin(now)).await {
            Ok(probes) => probes,
            Err(why) => return tracing::warn!("what was spent today is not known: {why}"),
        };
        let prices = &self.settings.prices;
        let mut spent = Usd::default();
        for probe in &probes {
            let endpoint = self.settings.endpoint_or_preset(&probe.target.endpoint);
            let most = endpoint.and_then(|endpoint| {
                most_cost(&followed.plan, &endpoint, &probe.target.model, prices, now)
            });
            let cost = probe_cost(probe, prices, most.unwrap_or_default());
            spent = spent.checked_add(cost).unwrap_or(spent);
        }
        self.spending.set(now, spent);
    }
}
