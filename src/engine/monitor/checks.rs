//! Checks endpoints for free: a handshake and the list of models, each over a connection of its own.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};

use super::{super::Update, MonitorNews, MonitorTask};
use crate::{
    clock::{now, slept, timer_now, wall_clock_ns},
    credential::{Credentials, RequestKeys},
    endpoint::{Endpoint, TargetId},
    event::Phase,
    exchange::{self, ConnectStep, call::models_call, list::read_models},
    history::EndpointCheck,
    monitor::{ProbePlan, Schedule, is_reachable},
};

/// A check across a longer sleep tells nothing.
const SHORTEST_SLEEP: Duration = Duration::from_secs(2);

/// The endpoints that are checked, and the checks under way.
#[derive(Default)]
pub(super) struct EndpointChecks {
    /// An endpoint stands in it as a target without a model.
    schedule: Option<Schedule>,
    under_way: FuturesUnordered<BoxFuture<'static, (TargetId, Option<EndpointCheck>)>>,
}

impl EndpointChecks {
    /// Those of a plan.
    pub(super) fn follow(&mut self, plan: &ProbePlan) {
        let of_endpoint = |target: &TargetId| TargetId {
            endpoint: target.endpoint.clone(),
            model: String::new(),
        };
        let checks = ProbePlan {
            every: plan.check_every,
            ..ProbePlan::once(plan.targets.iter().map(of_endpoint).collect())
        };
        self.schedule = plan
            .check_every
            .map(|_| Schedule::new(&checks, timer_now()));
    }

    /// Begins anew at this time, without counting what was missed.
    pub(super) fn begin_at(&mut self, at: Instant) {
        if let Some(schedule) = &mut self.schedule {
            schedule.begin_at(at);
        }
    }

    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.schedule.as_ref().and_then(Schedule::next_due)
    }

    /// Waits for a check to be over; for ever if none is under way.
    pub(super) async fn next_over(&mut self) -> (TargetId, Option<EndpointCheck>) {
        match self.under_way.next().await {
            Some(over) => over,
            None => std::future::pending().await,
        }
    }
}

impl MonitorTask {
    /// Begins the checks that are due.
    pub(super) fn check_due(&mut self) {
        while self.may_ask()
            && let Some(schedule) = &mut self.checks.schedule
            && let Some(due) = schedule.take_due(timer_now(), || rand::random_range(0.0..1.0))
        {
            let endpoint = self.settings.endpoint_or_preset(&due.target.endpoint);
            let Some(endpoint) = endpoint.map(Cow::into_owned) else {
                schedule.is_over(&due.target);
                continue;
            };
            let check = self.machine.check(endpoint, self.credentials.clone());
            let check = check.map(|check| (due.target, check));
            self.checks.under_way.push(check.boxed());
        }
    }

    /// Keeps and tells a check that is over. If the endpoint has come or gone since the one before, its targets are probed
    /// a few times soon.
    pub(super) fn check_is_over(&mut self, target: &TargetId, check: Option<EndpointCheck>) {
        if let Some(schedule) = &mut self.checks.schedule {
            schedule.is_over(target);
        }
        let Some(check) = check else { return };
        if let Some(is_up) = check.is_up() {
            let before = self.were_up.insert(target.clone(), is_up);
            if before.is_some_and(|before| before != is_up)
                && let Some(followed) = &mut self.plan
            {
                followed
                    .schedule
                    .probe_soon(|probed| probed.endpoint == target.endpoint, timer_now());
            }
        }
        self.alerts.take_check(&check);
        if let Some(history) = &self.history {
            history.put_check(check.clone());
        }
        let news = MonitorNews::Check(Box::new(check));
        self.runs.out().send(Update::Monitor(news));
    }
}

/// Checks an endpoint; `None` if this machine has no network, or slept meanwhile.
pub(super) async fn checked(endpoint: Endpoint, credentials: Credentials) -> Option<EndpointCheck> {
    if !is_reachable(&endpoint).await {
        return None;
    }
    let slept_before = slept();
    let mut check = EndpointCheck {
        endpoint: endpoint.id.clone(),
        at_unix_ns: wall_clock_ns(),
        ..EndpointCheck::default()
    };
    ask(&endpoint, &credentials, &mut check).await;
    let asleep = slept().saturating_sub(slept_before);
    (asleep < SHORTEST_SLEEP).then_some(check)
}

async fn ask(endpoint: &Endpoint, credentials: &Credentials, check: &mut EndpointCheck) {
    let keys = match RequestKeys::of(credentials, endpoint).await {
        Ok(keys) => keys,
        Err(fault) => return check.fault = Some(fault.class),
    };
    let endpoint = keys.place.fitted(endpoint);
    let call = models_call(&endpoint, keys.key.as_ref(), keys.proxy_password.clone());
    let call = match call {
        Ok(call) => call,
        Err(fault) => return check.fault = Some(fault.class),
    };
    let mut connected = None;
    let mut note = |step: ConnectStep| {
        if step.result.is_ok() {
            connected = Some(now());
        }
        let took = step.took.map(nanoseconds);
        check.certificate_until = step.certificate_until.or(check.certificate_until);
        match step.phase {
            Phase::Dns => check.dns_ns = took,
            Phase::Tls => check.tls_ns = took,
            _ => check.tcp_ns = took,
        }
    };
    let answer = exchange::probe(call, &mut note).await;
    match answer {
        Ok(whole) => {
            let took = connected.map(|connected| now().saturating_duration_since(connected));
            check.models_ns = took.map(nanoseconds);
            check.status = Some(whole.0);
            check.fault = read_models(&endpoint, &whole)
                .err()
                .map(|fault| fault.class);
        }
        Err(fault) => {
            check.status = fault.status;
            check.fault = Some(fault.class);
        }
    }
}

fn nanoseconds(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
