//! The monitor: sends probes when they are due, each as a run, over connections of its own.
//!
//! In: [`MonitorCommand`]s, the settings. Out: the runs' updates, as of any run, and [`MonitorNews`].

mod asking;
mod checks;
mod follow;
mod gaps;
mod lease;
mod machine;
mod not_running;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};

use self::{
    asking::EndedProbe,
    checks::EndpointChecks,
    gaps::GapLog,
    lease::LeaseWatch,
    machine::{Machine, ThisMachine},
};
use super::{
    Outbox, Update,
    alerts::AlertTask,
    runs::RunRegistry,
    task::{self, EngineTask, TaskContext, TaskHandle},
};
use crate::{
    alert::AlertNews,
    clock::{timer_now, wait_until},
    credential::Credentials,
    endpoint::TargetId,
    history::{EndpointCheck, GapReason, History, ProbeGap},
    monitor::{DailySpending, ProbePlan, Schedule, SleepWatch},
    price::Usd,
    settings::Settings,
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
    /// Follows the plan of the settings from now on, and each change of it.
    Follow,
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
    /// A rule fires for a target, or is over.
    Alert(AlertNews),
    /// All rules that fire and were told of: some are of an earlier process, or are no longer followed.
    Firing(Vec<AlertNews>),
    /// Somebody could not be told of an alert, and why.
    AlertProblem(String),
    /// An endpoint was checked.
    Check(Box<EndpointCheck>),
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
    Probing(ProbingState),
    /// Another process with the same data folder asks; this one takes over when that ends.
    Watching {
        /// Its number, if that is known.
        pid: Option<u32>,
    },
    /// It can't make sure that no other process asks, and so does not: why, and what to do.
    Failed(String),
}

/// How the asking stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProbingState {
    /// How many targets are asked.
    pub targets: usize,
    /// The time between two probes of a target; `None` if each is asked once.
    pub every: Option<Duration>,
    /// When the next probe is due.
    pub next: Option<Instant>,
    /// How many probes are under way.
    pub under_way: usize,
    /// What was spent since midnight, UTC.
    pub spent: Usd,
    /// What may be spent on a day.
    pub usd_per_day: Option<Usd>,
    /// The targets that are not asked now, and why.
    pub not_asked: Vec<(TargetId, GapReason)>,
}

/// Starts the monitor's task, with no plan. `data` is the folder that probing processes share.
pub(super) fn start(data: PathBuf, context: TaskContext) -> TaskHandle<MonitorCommand> {
    let TaskContext {
        out,
        credentials,
        history,
        ..
    } = context;
    start_by(Arc::new(ThisMachine), data, out, credentials, history)
}

/// As [`start`], on this machine.
fn start_by(
    machine: Arc<dyn Machine>,
    data: PathBuf,
    out: Outbox,
    credentials: Credentials,
    history: Option<History>,
) -> TaskHandle<MonitorCommand> {
    let gaps = GapLog::new(Arc::clone(&machine), out.clone(), history.clone());
    let alerts = AlertTask::new(out.clone(), history.clone());
    task::spawn(MonitorTask {
        runs: machine.runs(out, credentials.clone(), history.clone()),
        settings: Arc::default(),
        plan: None,
        under_way: FuturesUnordered::new(),
        sleep: SleepWatch::new(machine.slept()),
        machine,
        gaps,
        lease: LeaseWatch::new(data),
        follows: false,
        history,
        credentials,
        checks: EndpointChecks::default(),
        were_up: BTreeMap::new(),
        answered: BTreeMap::new(),
        spending: DailySpending::default(),
        alerts,
        told: MonitorState::Off,
    })
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
    settings: Arc<Settings>,
    /// Whether it follows the plan of the settings.
    follows: bool,
    plan: Option<FollowedPlan>,
    under_way: FuturesUnordered<BoxFuture<'static, EndedProbe>>,
    sleep: SleepWatch,
    machine: Arc<dyn Machine>,
    gaps: GapLog,
    lease: LeaseWatch,
    history: Option<History>,
    credentials: Credentials,
    checks: EndpointChecks,
    /// Whether each endpoint was there at its last check.
    were_up: BTreeMap<TargetId, bool>,
    /// Whether each target answered its last probe.
    answered: BTreeMap<TargetId, bool>,
    spending: DailySpending,
    alerts: AlertTask,
    /// What was told of how it stands.
    told: MonitorState,
}

/// What the monitor waits for.
enum MonitorEvent {
    ProbeOver(EndedProbe),
    CheckOver(TargetId, Option<EndpointCheck>),
    /// Something is due, or it is to be checked whether the machine was asleep.
    Due,
}

impl EngineTask for MonitorTask {
    type Command = MonitorCommand;
    type Event = MonitorEvent;

    async fn take(&mut self, command: MonitorCommand) {
        match command {
            MonitorCommand::Start(plan) => self.start(plan),
            MonitorCommand::Stop => self.stop(),
            MonitorCommand::Follow => {
                self.follows = true;
                self.follow_settings();
            }
        }
    }

    fn settings_are(&mut self, settings: Arc<Settings>) {
        self.alerts.settings_are(&settings);
        self.settings = settings;
        self.follow_settings();
    }

    async fn next_event(&mut self) -> MonitorEvent {
        let due = self.next_due();
        let check = (!self.under_way.is_empty()).then(|| timer_now() + CHECK);
        tokio::select! {
            Some(ended) = self.under_way.next() => MonitorEvent::ProbeOver(ended),
            (target, check) = self.checks.next_over() => MonitorEvent::CheckOver(target, check),
            () = wait_until(due.into_iter().chain(check).min()) => MonitorEvent::Due,
        }
    }

    async fn take_event(&mut self, event: MonitorEvent) {
        match event {
            MonitorEvent::ProbeOver(ended) => self.is_over(&ended),
            MonitorEvent::CheckOver(target, check) => self.check_is_over(&target, check),
            MonitorEvent::Due => {}
        }
    }

    async fn follow_up(&mut self) {
        self.notice_sleep();
        self.keep_lease().await;
        self.ask_due().await;
        self.check_due();
        self.tell_end();
        self.tell_state();
    }

    async fn end(mut self) {
        self.runs.stop().await;
        self.gaps.end_all();
    }
}

impl MonitorTask {
    /// When there is something to do next.
    fn next_due(&self) -> Option<Instant> {
        let plan = self.plan.as_ref().filter(|plan| !plan.is_stopping)?;
        if plan.needs_lease() && !self.lease.is_held() {
            return Some(self.lease.next_try());
        }
        let dues = [plan.schedule.next_due(), self.checks.next_due()];
        dues.into_iter().flatten().min()
    }

    /// Takes the lease if the plan needs it, and gives it back where none does.
    async fn keep_lease(&mut self) {
        match &mut self.plan {
            Some(followed) if followed.needs_lease() => {
                if !followed.is_stopping && self.lease.has_taken() {
                    // Nobody was to be asked from here until now.
                    followed.schedule.begin_at(timer_now());
                    self.checks.begin_at(timer_now());
                    self.mark_not_running().await;
                    self.count_spending().await;
                    self.alerts.restore().await;
                }
            }
            _ => {
                self.lease.give_back();
                self.alerts.leave();
            }
        }
    }

    fn start(&mut self, plan: ProbePlan) {
        let schedule = Schedule::new(&plan, timer_now());
        self.checks.follow(&plan);
        self.alerts.targets_are(&plan.targets);
        self.gaps.end_all();
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

    /// After a sleep: the open connections are dead, and what waited on them is no outage.
    fn notice_sleep(&mut self) {
        let Some(asleep) = self.sleep.since(self.machine.slept()) else {
            return;
        };
        let (out, keys) = (self.runs.out().clone(), self.credentials.clone());
        let new = self.machine.runs(out, keys, self.history.clone());
        let old = std::mem::replace(&mut self.runs, new);
        tokio::spawn(async move { old.end_after_sleep().await });
        // Without a plan, or the lease, nobody was to be asked from here.
        let may_ask = self.may_ask();
        if let Some(followed) = self.plan.as_mut().filter(|_| may_ask) {
            followed.schedule.begin_at(timer_now() + WAKING);
            self.checks.begin_at(timer_now() + WAKING);
            self.gaps.past(None, GapReason::Asleep, asleep);
        }
    }

    fn may_ask(&self) -> bool {
        let plan = self.plan.as_ref();
        plan.is_some_and(|plan| !plan.is_stopping && (!plan.needs_lease() || self.lease.is_held()))
    }

    /// Tells once the plan's last probe is over.
    fn tell_end(&mut self) {
        let is_done = self.plan.as_ref().is_some_and(FollowedPlan::is_done);
        if is_done && self.under_way.is_empty() {
            self.plan = None;
            self.checks.stop();
            self.lease.give_back();
            self.gaps.end_all();
            self.tell(MonitorNews::Ended);
        }
    }

    /// Tells how it stands, if that has changed.
    fn tell_state(&mut self) {
        let state = match &self.plan {
            None => MonitorState::Off,
            Some(plan) if plan.needs_lease() && !self.lease.is_held() => self.lease.state(),
            Some(plan) => MonitorState::Probing(ProbingState {
                targets: plan.schedule.targets(),
                every: plan.plan.every,
                next: plan.schedule.next_due(),
                under_way: self.under_way.len(),
                spent: self.spending.today(self.machine.unix_ns()),
                usd_per_day: plan.plan.usd_per_day,
                not_asked: self.gaps.open(),
            }),
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

#[cfg(test)]
mod month;
#[cfg(test)]
mod tests;
