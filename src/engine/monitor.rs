//! The monitor: sends probes when they are due, each as a run, over connections of its own.
//!
//! In: [`MonitorCommand`]s, the settings. Out: the runs' updates, as of any run, and [`MonitorNews`].

mod gaps;
mod lease;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use tokio::sync::mpsc::UnboundedReceiver;

use self::{gaps::GapLog, lease::LeaseWatch};
use super::{
    Outbox, SendRun, Update,
    runs::RunRegistry,
    task::{TaskHandle, TaskMessage},
};
use crate::{
    clock::{now, slept, wait_until},
    credential::Credentials,
    endpoint::{Endpoint, TargetId},
    history::{GapReason, History, ProbeGap},
    monitor::{ProbePlan, Schedule, SleepWatch, is_reachable, question},
    run::{Origin, RunId},
    settings::Settings,
    transport::Transport,
};

/// While probes are under way, how often it is checked whether the machine was asleep: their connections are dead then.
const CHECK: Duration = Duration::from_secs(5);
/// After the machine was asleep, how long its network may take to come back.
const WAKING: Duration = Duration::from_secs(10);

/// About the monitor. It is off at first.
#[derive(Debug)]
pub enum MonitorCommand {
    /// Follows this plan, instead of the one before.
    Start(ProbePlan),
    /// Asks no more; probes under way may end. [`MonitorNews::Ended`] follows.
    Stop,
}

/// Updates about the monitor.
#[derive(Clone, Debug)]
pub enum MonitorNews {
    /// How it stands.
    Is(MonitorState),
    /// Somebody is not asked, for this reason, or is asked again.
    Gap(ProbeGap),
    /// The last probe of a plan is over: it was stopped, or asked each target once.
    Ended,
}

/// How the monitor stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum MonitorState {
    /// It follows no plan.
    #[default]
    Off,
    /// It asks.
    Probing,
    /// Another process with the same data folder asks; this one takes over when that ends.
    Watching {
        /// Its number, if that is known.
        pid: Option<u32>,
    },
    /// It can't make sure that no other process asks, and so does not: why, and what to do.
    Failed(String),
}

/// Starts the monitor's task, with no plan. `data` is the folder that probing processes share.
pub(super) fn start(
    data: PathBuf,
    out: Outbox,
    credentials: Credentials,
    history: Option<History>,
) -> TaskHandle<MonitorCommand> {
    let (handle, inbox) = TaskHandle::new();
    let gaps = GapLog::new(out.clone(), history.clone());
    let runs = move || {
        let transport = Transport::default();
        RunRegistry::new(out.clone(), transport, credentials.clone(), history.clone())
    };
    let task = MonitorTask {
        runs: runs(),
        new_runs: Box::new(runs),
        settings: Arc::default(),
        plan: None,
        under_way: FuturesUnordered::new(),
        sleep: SleepWatch::new(slept()),
        gaps,
        lease: LeaseWatch::new(data),
        told: MonitorState::Off,
    };
    tokio::spawn(task.serve(inbox));
    handle
}

/// A plan that is followed.
struct FollowedPlan {
    plan: ProbePlan,
    schedule: Schedule,
    is_stopping: bool,
}

struct MonitorTask {
    /// The probes' runs, over connections that no other run shares.
    runs: RunRegistry,
    /// Makes new ones, with no connection open.
    new_runs: Box<dyn Fn() -> RunRegistry + Send>,
    settings: Arc<Settings>,
    plan: Option<FollowedPlan>,
    under_way: FuturesUnordered<BoxFuture<'static, TargetId>>,
    sleep: SleepWatch,
    gaps: GapLog,
    lease: LeaseWatch,
    /// What was told of how it stands.
    told: MonitorState,
}

impl MonitorTask {
    async fn serve(mut self, mut inbox: UnboundedReceiver<TaskMessage<MonitorCommand>>) {
        loop {
            let due = self.next_due();
            let check = (!self.under_way.is_empty()).then(|| now() + CHECK);
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(TaskMessage::Command(MonitorCommand::Start(plan))) => self.start(plan),
                    Some(TaskMessage::Command(MonitorCommand::Stop)) => self.stop(),
                    Some(TaskMessage::Settings(settings)) => self.settings = settings,
                    Some(TaskMessage::End(done)) => {
                        self.runs.stop().await;
                        // The engine may have given up waiting.
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                Some(target) = self.under_way.next() => self.is_over(&target),
                () = wait_until(due.into_iter().chain(check).min()) => {}
            }
            self.notice_sleep();
            self.keep_lease();
            self.ask_due().await;
            self.tell_end();
            self.tell_state();
        }
    }

    /// When there is something to do next.
    fn next_due(&self) -> Option<Instant> {
        let plan = self.plan.as_ref().filter(|plan| !plan.is_stopping)?;
        if plan.needs_lease() && !self.lease.is_held() {
            return self.lease.next_try();
        }
        plan.schedule.next_due()
    }

    /// Takes the lease if the plan needs it, and gives it back where none does.
    fn keep_lease(&mut self) {
        match &mut self.plan {
            Some(followed) if followed.needs_lease() => {
                if !followed.is_stopping && self.lease.has_taken() {
                    // Nobody was to be asked from here until now.
                    followed.schedule.begin_at(now());
                }
            }
            _ => self.lease.give_back(),
        }
    }

    fn start(&mut self, plan: ProbePlan) {
        let schedule = Schedule::new(&plan, now());
        self.plan = Some(FollowedPlan {
            plan,
            schedule,
            is_stopping: false,
        });
    }

    fn stop(&mut self) {
        if let Some(followed) = &mut self.plan {
            followed.is_stopping = true;
        }
    }

    fn is_over(&mut self, target: &TargetId) {
        if let Some(followed) = &mut self.plan {
            followed.schedule.is_over(target);
        }
    }

    /// After a sleep: the open connections are dead, and what waited on them is no outage.
    fn notice_sleep(&mut self) {
        let Some(asleep) = self.sleep.since(slept()) else {
            return;
        };
        let old = std::mem::replace(&mut self.runs, (self.new_runs)());
        tokio::spawn(async move { old.end_after_sleep().await });
        // Without a plan nobody was to be asked.
        if let Some(followed) = &mut self.plan {
            followed.schedule.begin_at(now() + WAKING);
            self.gaps.past(None, GapReason::Asleep, asleep);
        }
    }

    async fn ask_due(&mut self) {
        while self.may_ask()
            && let Some(followed) = self.plan.as_mut()
            && let Some(due) = (followed.schedule).take_due(now(), || rand::random_range(0.0..1.0))
        {
            let request = question(&followed.plan, &due.target.model);
            let endpoint = self.settings.endpoint_or_preset(&due.target.endpoint);
            let endpoint = endpoint.map(std::borrow::Cow::into_owned);
            if let Some(missed) = due.missed {
                let target = Some(due.target.clone());
                self.gaps.past(target, GapReason::Busy, missed);
            }
            if !self.is_online(&due.target, endpoint.as_ref()).await {
                self.is_over(&due.target);
                continue;
            }
            let send = SendRun {
                id: RunId::new(),
                endpoint: due.target.endpoint.clone(),
                request: Arc::new(request),
                origin: Origin::Probe,
                cold: due.cold,
            };
            match self.runs.start(send, endpoint) {
                Some(run) => self.under_way.push(
                    // A panic there was told as the run's end.
                    run.map(|_| due.target).boxed(),
                ),
                None => self.is_over(&due.target),
            }
        }
    }

    fn may_ask(&self) -> bool {
        let plan = self.plan.as_ref();
        plan.is_some_and(|plan| !plan.is_stopping && (!plan.needs_lease() || self.lease.is_held()))
    }

    /// Whether there is a network to ask over; tells the begin and the end of a time without one. An endpoint that is
    /// not known is told as a run that was refused.
    async fn is_online(&mut self, target: &TargetId, endpoint: Option<&Endpoint>) -> bool {
        let is_online = match endpoint {
            Some(endpoint) => is_reachable(endpoint).await,
            None => true,
        };
        if is_online {
            self.gaps.end(target);
        } else {
            self.gaps.begin_or_go_on(target, GapReason::Offline);
        }
        is_online
    }

    /// Tells once the plan's last probe is over.
    fn tell_end(&mut self) {
        let is_done = self.plan.as_ref().is_some_and(FollowedPlan::is_done);
        if is_done && self.under_way.is_empty() {
            self.plan = None;
            self.lease.give_back();
            self.gaps.end_all();
            self.tell(MonitorNews::Ended);
        }
    }

    /// Tells how it stands, if that has changed.
    fn tell_state(&mut self) {
        let state = match &self.plan {
            None => MonitorState::Off,
            Some(plan) if !plan.needs_lease() || plan.is_stopping => MonitorState::Probing,
            Some(_) => self.lease.state(),
        };
        if state != self.told {
            self.told = state.clone();
            self.tell(MonitorNews::Is(state));
        }
    }

    fn tell(&self, news: MonitorNews) {
        self.runs.out().send(Update::Monitor(news));
    }
}

impl FollowedPlan {
    /// Whether no other process may ask meanwhile. A check is asked for by someone who waits for it.
    fn needs_lease(&self) -> bool {
        self.plan.every.is_some()
    }

    fn is_done(&self) -> bool {
        self.is_stopping || self.schedule.is_done()
    }
}
