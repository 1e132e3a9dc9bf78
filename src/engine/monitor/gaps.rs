//! The gaps between probes: told to the client, and kept in the history.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    super::{Outbox, Update},
    MonitorNews,
    machine::Machine,
};
use crate::{
    endpoint::TargetId,
    history::{GapReason, History, ProbeGap},
};

/// The gaps that last, and who is told of each.
pub(super) struct GapLog {
    machine: Arc<dyn Machine>,
    out: Outbox,
    history: Option<History>,
    /// Of each target that is not asked now: why, and since when, in nanoseconds since 1970.
    open: BTreeMap<TargetId, (GapReason, i64)>,
}

impl GapLog {
    pub(super) fn new(machine: Arc<dyn Machine>, out: Outbox, history: Option<History>) -> Self {
        Self {
            machine,
            out,
            history,
            open: BTreeMap::new(),
        }
    }

    /// A target is not asked, for this reason: its gap begins, or goes on.
    pub(super) fn begin_or_go_on(&mut self, target: &TargetId, why: GapReason) {
        match self.open.get(target) {
            // Only the history has to know that it goes on.
            Some(&(reason, since)) if reason == why => self.keep(gap(target, (why, since), None)),
            _ => {
                self.end(target);
                let since = self.machine.unix_ns();
                self.open.insert(target.clone(), (why, since));
                self.tell(gap(target, (why, since), None));
            }
        }
    }

    /// A target is asked again: its gap ends, if there was one.
    pub(super) fn end(&mut self, target: &TargetId) {
        if let Some(open) = self.open.remove(target) {
            self.tell(gap(target, open, Some(self.machine.unix_ns())));
        }
    }

    /// Nobody is to be asked any more: the gaps that last end here.
    pub(super) fn end_all(&mut self) {
        let now = self.machine.unix_ns();
        for (target, open) in std::mem::take(&mut self.open) {
            self.keep(gap(&target, open, Some(now)));
        }
    }

    /// The targets that are not asked now, and why.
    pub(super) fn open(&self) -> Vec<(TargetId, GapReason)> {
        let open = self.open.iter();
        open.map(|(target, (why, _))| (target.clone(), *why))
            .collect()
    }

    /// A gap that lasted so long, until now; without a target, one of all.
    pub(super) fn past(&self, target: Option<TargetId>, why: GapReason, lasted: Duration) {
        let lasted = i64::try_from(lasted.as_nanos()).unwrap_or(i64::MAX);
        let to = self.machine.unix_ns();
        self.tell(ProbeGap {
            target,
            why,
            from_unix_ns: to.saturating_sub(lasted),
            to_unix_ns: Some(to),
        });
    }

    fn tell(&self, gap: ProbeGap) {
        self.keep(gap.clone());
        self.out.send(Update::Monitor(MonitorNews::Gap(gap)));
    }

    /// Has the history keep it. One that lasts ends now, for now.
    fn keep(&self, gap: ProbeGap) {
        if let Some(history) = &self.history {
            let to_unix_ns = gap.to_unix_ns.or_else(|| Some(self.machine.unix_ns()));
            history.put_gap(ProbeGap { to_unix_ns, ..gap });
        }
    }
}

fn gap(target: &TargetId, (why, since): (GapReason, i64), to_unix_ns: Option<i64>) -> ProbeGap {
    ProbeGap {
        target: Some(target.clone()),
        why,
        from_unix_ns: since,
        to_unix_ns,
    }
}
