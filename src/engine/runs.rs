//! Starts, reports and stops runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Outbox, RunNews, SendRun, Update};
use crate::{
    conformance::CheckedRun,
    credential::{Credentials, RequestKeys},
    endpoint::{Endpoint, local_gateway},
    event::{Fault, FaultClass, Phase},
    history::History,
    run::{self, Backlog, Run, RunHead, RunId, RunSpec, RunStop, RunUpdate},
    transport::Transport,
};

/// Takes the updates of a run.
pub(super) type Emit = dyn FnMut(RunUpdate) + Send;

/// Executes a run: over the transport, or as a test has it.
type Execute = Arc<
    dyn for<'a> Fn(RunSpec, RunStop, &'a mut Emit, &'a Backlog) -> BoxFuture<'a, Run> + Send + Sync,
>;

/// Starts, reports and stops runs.
pub(super) struct RunRegistry {
    reporter: Reporter,
    execute: Execute,
    credentials: Credentials,
    tasks: TaskTracker,
    running: Arc<Mutex<HashMap<RunId, CancellationToken>>>,
    /// Ends all runs: the machine slept.
    by_sleep: CancellationToken,
}

impl RunRegistry {
    pub(super) fn new(
        out: Outbox,
        transport: Transport,
        credentials: Credentials,
        history: Option<History>,
    ) -> Self {
        Self {
            reporter: Reporter { out, history },
            execute: over(transport),
            credentials,
            tasks: TaskTracker::new(),
            running: Arc::default(),
            by_sleep: CancellationToken::new(),
        }
    }

    /// Has runs executed in another way.
    #[cfg(test)]
    pub(super) fn executed_by(self, execute: Execute) -> Self {
        Self { execute, ..self }
    }

    /// Whom it tells.
    pub(super) fn out(&self) -> &Outbox {
        &self.reporter.out
    }

    /// Starts a run; gives what ends with it once it is over (`None` after a defect), or `None` if it was refused since there is no such endpoint.
    pub(super) fn start(
        &self,
        send: SendRun,
        endpoint: Option<Endpoint>,
    ) -> Option<JoinHandle<Option<CheckedRun>>> {
        let Some(endpoint) = endpoint else {
            self.reporter.out.send(Update::Run(RunNews::Refused {
                id: send.id,
                fault: no_endpoint(&send.endpoint),
            }));
            return None;
        };
        let head = RunHead::new(send.id, &endpoint, send.request, send.origin);
        let stop = RunStop {
            by_user: CancellationToken::new(),
            by_sleep: self.by_sleep.clone(),
        };
        self.running().insert(send.id, stop.by_user.clone());
        let job = Job {
            head,
            cold: send.cold,
            endpoint: Arc::new(endpoint),
            stop,
            execute: Arc::clone(&self.execute),
            credentials: self.credentials.clone(),
            reporter: self.reporter.clone(),
        };
        let (reporter, running) = (self.reporter.clone(), Arc::clone(&self.running));
        Some(self.tasks.spawn(async move {
            let head = job.head.clone();
            let id = head.id;
            // A separate task, so that a panic ends only this run.
            let ended = tokio::spawn(job.run()).await;
            if let Err(why) = &ended {
                reporter.end_after_panic(head, why);
            }
            lock(&running).remove(&id);
            ended.ok()
        }))
    }

    pub(super) fn cancel(&self, ids: &[RunId]) {
        let running = self.running();
        for token in ids.iter().filter_map(|id| running.get(id)) {
            token.cancel();
        }
    }

    /// Cancels all runs, and waits until each has sent its end to the history.
    pub(super) async fn stop(&self) {
        for token in self.running().values() {
            token.cancel();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Ends all runs since the machine slept, and waits until each has sent its end to the history.
    pub(super) async fn end_after_sleep(&self) {
        self.by_sleep.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, CancellationToken>> {
        lock(&self.running)
    }
}

/// The map stays valid even if a holder panicked: it is only inserted into and removed from.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Executes runs over this transport.
fn over(transport: Transport) -> Execute {
    Arc::new(move |spec, stop, emit, backlog| {
        let transport = transport.clone();
        async move {
            let dialect = spec.endpoint.dialect.dialect();
            run::execute_paced(dialect, &transport, spec, stop, emit, backlog).await
        }
        .boxed()
    })
}

/// A run to execute.
struct Job {
    head: RunHead,
    cold: bool,
    endpoint: Arc<Endpoint>,
    stop: RunStop,
    execute: Execute,
    credentials: Credentials,
    reporter: Reporter,
}

impl Job {
    async fn run(self) -> CheckedRun {
        self.reporter.begin(&self.head);
        // Keys are looked up before the clock starts: a slow keyring is not the endpoint's latency.
        let keys = tokio::select! {
            keys = RequestKeys::of(&self.credentials, &self.endpoint) => keys,
            fault = self.stop.before_sent() => Err(fault),
        };
        match keys {
            Ok(keys) => {
                let ask = RunSpec {
                    head: self.head.clone(),
                    endpoint: Arc::new(keys.place.fitted(&self.endpoint).into_owned()),
                    key: keys.key,
                    proxy_password: keys.proxy_password,
                    no_key_reason: keys.no_key_reason,
                    cold: self.cold,
                };
                let reporter = self.reporter.clone();
                let id = self.head.id;
                let mut emit = move |update| reporter.report(id, update);
                let backlog = Arc::clone(&self.reporter.out.backlog);
                let run = (self.execute)(ask, self.stop, &mut emit, &backlog).await;
                if is_key_refused(&run) {
                    self.credentials.invalidate(&self.endpoint.id);
                }
                self.reporter.end(run)
            }
            Err(fault) => self.reporter.fail(self.head, fault),
        }
    }
}

/// Reports to the client and to the history, in the same order.
#[derive(Clone)]
struct Reporter {
    out: Outbox,
    history: Option<History>,
}

impl Reporter {
    fn begin(&self, head: &RunHead) {
        if let Some(history) = &self.history {
            history.begin(&Run::new(head.clone()));
        }
        let news = RunNews::Accepted(Box::new(head.clone()));
        self.out.send(Update::Run(news));
    }

    fn report(&self, id: RunId, update: RunUpdate) {
        let update = Arc::new(update);
        if let Some(history) = &self.history {
            history.record(id, Arc::clone(&update));
        }
        // Of the wire only the history keeps something, masked: a client asks it.
        if !matches!(*update, RunUpdate::Wire(_)) {
            self.out.send(Update::Run(RunNews::Update { id, update }));
        }
    }

    fn end(&self, run: Run) -> CheckedRun {
        let run = CheckedRun::from(run);
        if let Some(history) = &self.history {
            history.finish(run.clone());
        }
        self.out.send(Update::Run(RunNews::Over(run.clone())));
        let (out, over) = (self.out.clone(), run.clone());
        // In the background: nothing waits for it. Whichever of this and the history is first computes the findings.
        tokio::task::spawn_blocking(move || send_findings(&out, &over));
        run
    }

    /// Ends a run that was not sent: it is a failed run with class and phase.
    fn fail(&self, head: RunHead, fault: Fault) -> CheckedRun {
        let id = head.id;
        self.end(Run::unsent(head, fault, |update| self.report(id, update)))
    }

    /// Ends a run whose task panicked: a defect of ours, shown as such.
    fn end_after_panic(&self, head: RunHead, why: &tokio::task::JoinError) {
        tracing::error!(run = head.id.0, %why, "a run's task panicked");
        let fault = Fault::new(
            FaultClass::Protocol,
            Phase::Stream,
            "a defect in Tokenscope ended this run; please report it with the response body",
        );
        self.fail(head, fault);
    }
}

/// Sends the findings of a run that is over. Computing them may take a while.
pub(super) fn send_findings(out: &Outbox, run: &CheckedRun) {
    out.send(Update::Run(RunNews::Findings {
        id: run.head.id,
        findings: run.findings(),
    }));
}

fn is_key_refused(run: &Run) -> bool {
    (run.answer.fault.as_ref()).is_some_and(|f| f.class == FaultClass::Auth)
}

fn no_endpoint(id: &str) -> Fault {
    Fault::new(FaultClass::NotFound, Phase::Prepare, why_no_endpoint(id))
}

/// Why there is no endpoint of this name, and what to do.
pub(super) fn why_no_endpoint(id: &str) -> String {
    if local_gateway::is_own(id) {
        "the gateway is off: turn it on in the Gateway view, or choose another target".to_owned()
    } else {
        format!("no endpoint is named “{id}”: add it in the settings, or choose another target")
    }
}
