//! The engine's loop: handles one command at a time, and starts tasks for work that waits.

use std::{
    borrow::Cow,
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    CaptureCommand, Command, ComputeCommand, ConversationCommand, EndpointCommand, ExportStep,
    GatewayCommand, HistoryCommand, HistoryNews, KeyCommand, KeyNews, MonitorCommand, Options,
    Outbox, Reply, RunCommand, RunNews, SettingsNews, Steps, TestStep, Update, alerts, captures,
    files,
    gateway::{self, OwnEndpoints},
    lookup, monitor,
    runs::{RunRegistry, send_findings},
    task::TaskHandle,
};
use crate::{
    chat::Media,
    conformance::CheckedRun,
    conversation::ConversationId,
    credential::{Credentials, KeyOf},
    endpoint::{Endpoint, local_gateway, variables::Environment},
    history::{ExportFormat, History, RunQuery, Storage},
    run::{Run, RunId},
    settings::{self, Paths, Settings, SettingsEdit, SettingsProblem, SettingsWatcher},
    simulator::{self, Simulator},
    transport::Transport,
};

/// How long lookups and exports may take to end after they were cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// How long runs may take to report their last events after cancellation; a long answer needs time.
const RUNS_GRACE: Duration = Duration::from_secs(30);

/// How long the history may take to write before the client is informed of the wait.
const QUIET_WRITE: Duration = Duration::from_secs(1);

/// The consequence if the settings file can't be watched.
const WATCH_PROBLEM: &str = "changes by hand take effect only at the next start";

/// The engine's thread: builds the runtime and serves until a stop command or until the client is gone.
pub(super) fn run(options: Options, inbox: UnboundedReceiver<Command>, out: &Outbox) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .thread_name("engine-worker")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(serve(options, inbox, out.clone()));
            // A hung name lookup or file system must not keep the program from ending.
            runtime.shutdown_background();
        }
        Err(why) => out.send(Update::NoSimulator(format!("no async runtime: {why}"))),
    }
    out.send(Update::Stopped);
}

/// Few threads: a run mostly waits, and the window needs a core for itself.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4))
}

async fn serve(options: Options, mut inbox: UnboundedReceiver<Command>, out: Outbox) {
    let (changed, mut file_changes) = unbounded_channel();
    let (mut core, mut gateway_endpoints) = Core::start(options, out, &changed).await;
    loop {
        tokio::select! {
            command = inbox.recv() => match command {
                None | Some(Command::Stop) => break,
                Some(command) => core.take(command),
            },
            Some(()) = file_changes.recv() => core.reload(),
            Some(endpoints) = gateway_endpoints.recv() => core.offer_gateway(endpoints),
        }
    }
    core.stop().await;
}

/// The engine's state.
struct Core {
    out: Outbox,
    paths: Paths,
    extra: Vec<Endpoint>,
    settings: Arc<Settings>,
    settings_broken: bool,
    simulator: Option<Simulator>,
    transport: Transport,
    credentials: Credentials,
    history: Option<History>,
    runs: RunRegistry,
    gateway: TaskHandle<GatewayCommand>,
    monitor: TaskHandle<MonitorCommand>,
    /// The endpoints of the desktop's gateway, while it is on.
    gateway_endpoints: Vec<Endpoint>,
    /// Whether the client is subscribed to changes by other processes.
    is_subscribed: bool,
    tasks: TaskTracker,
    /// Cancels the work on all questions.
    ending: CancellationToken,
    _watch: Option<SettingsWatcher>,
}

impl Core {
    async fn start(
        options: Options,
        out: Outbox,
        changed: &UnboundedSender<()>,
    ) -> (Self, OwnEndpoints) {
        let simulator = start_simulator(options.simulator, &out).await;
        let history = options.history.then(|| History::open(&options.paths.data));
        let transport = Transport::default();
        let credentials = options.credentials;
        let tasks = TaskTracker::new();
        let runs = RunRegistry::new(
            out.clone(),
            transport.clone(),
            credentials.clone(),
            history.clone(),
        );
        let (gateway, gateway_endpoints) =
            gateway::start(out.clone(), credentials.clone(), history.clone());
        let monitor = monitor::start(
            options.paths.data.clone(),
            out.clone(),
            credentials.clone(),
            history.clone(),
        );
        let mut core = Self {
            _watch: watch(&options.paths, changed.clone(), &out),
            out,
            paths: options.paths,
            extra: options.endpoints,
            settings: Arc::default(),
            settings_broken: false,
            simulator,
            transport,
            credentials,
            history,
            runs,
            gateway,
            monitor,
            gateway_endpoints: Vec::new(),
            is_subscribed: false,
            tasks,
            ending: CancellationToken::new(),
        };
        core.reload();
        core.out.send(Update::Ready);
        core.report_storage();
        (core, gateway_endpoints)
    }

    /// Offers the endpoints of the desktop's gateway, instead of those before.
    fn offer_gateway(&mut self, endpoints: Vec<Endpoint>) {
        self.gateway_endpoints = endpoints;
        self.reload();
    }

    /// Reads the settings file. If it is invalid, the last valid settings stay in use.
    fn reload(&mut self) {
        let (settings, problem) = match settings::load(&self.paths) {
            Ok(settings) => (self.with_own_endpoints(settings), None),
            Err(problem) if self.settings.endpoints.is_empty() => {
                let ready = Settings::of_environment(&Environment::of_process());
                (self.with_own_endpoints(ready), Some(problem))
            }
            Err(problem) => ((*self.settings).clone(), Some(problem)),
        };
        let settings = settings.with_gateway(&self.gateway_endpoints);
        self.settings = Arc::new(settings);
        // What is rolled up stays so: only settings that are valid can ask for it.
        if let (Some(history), None) = (&self.history, &problem) {
            history.keep(self.settings.retention, self.settings.measuring.late_share);
        }
        self.gateway.settings_are(Arc::clone(&self.settings));
        self.monitor.settings_are(Arc::clone(&self.settings));
        if let Some(history) = &self.history {
            history.limit_captures(self.settings.captures);
        }
        let news = SettingsNews::Are(Arc::clone(&self.settings));
        self.out.send(Update::Settings(news));
        self.report_problem(problem);
    }

    /// Adds the endpoints that are not in the file: those of the command line first, the simulator's last.
    fn with_own_endpoints(&self, mut settings: Settings) -> Settings {
        settings.endpoints.splice(0..0, self.extra.iter().cloned());
        match &self.simulator {
            Some(simulator) => settings.with_simulator(simulator::endpoints(&simulator.base_url())),
            None => settings,
        }
    }

    fn report_problem(&mut self, problem: Option<SettingsProblem>) {
        if problem.is_some() || self.settings_broken {
            self.settings_broken = problem.is_some();
            self.out
                .send(Update::Settings(SettingsNews::Problem(problem)));
        }
    }

    /// Reports the state of the history's storage, now and on every change, until the engine stops.
    fn report_storage(&self) {
        let Some(history) = &self.history else { return };
        let (mut state, out) = (history.watch_storage(), self.out.clone());
        // Not tracked: it must end with the history, not before.
        tokio::spawn(async move {
            loop {
                if let Some(storage) = state.borrow_and_update().clone() {
                    out.send(Update::History(HistoryNews::Storage(storage)));
                }
                if state.changed().await.is_err() {
                    break;
                }
            }
        });
    }

    /// Notes which conversation the client shows. The first call subscribes the client to changes by other processes.
    fn show(&mut self, history: &History, id: ConversationId) {
        if !std::mem::replace(&mut self.is_subscribed, true) {
            let (mut changes, out) = (history.watch_other_processes(), self.out.clone());
            tokio::spawn(async move {
                while changes.changed().await.is_ok() {
                    let news = HistoryNews::Elsewhere(*changes.borrow_and_update());
                    out.send(Update::History(news));
                }
            });
        }
        history.show_conversation(id);
    }

    /// Handles a command, or starts a task that does.
    fn take(&mut self, command: Command) {
        match command {
            Command::Run(command) => self.take_run(command),
            Command::History(command) => self.take_history(command),
            Command::Compute(command) => self.compute(command),
            Command::Capture(command) => self.take_capture(command),
            Command::Conversation(command) => self.take_conversation(command),
            Command::Key(command) => self.take_key(command),
            Command::Endpoint(EndpointCommand::ListModels { endpoint, refresh }) => {
                self.list_models(&endpoint, refresh);
            }
            Command::Endpoint(EndpointCommand::Test { endpoint, steps }) => {
                self.test(*endpoint, steps);
            }
            Command::Gateway(command) => self.gateway.take(command),
            Command::Monitor(command) => self.monitor.take(command),
            Command::Edit(edit) => self.edit(&edit),
            Command::ReadFile { path, reply } => self.read_file(path, reply),
            // Handled by the loop.
            Command::Stop => {}
        }
    }

    fn take_run(&self, command: RunCommand) {
        match command {
            RunCommand::Send(send) => {
                let endpoint = self.settings.endpoint_or_preset(&send.endpoint);
                let endpoint = endpoint.map(Cow::into_owned);
                let _ = self.runs.start(send, endpoint);
            }
            RunCommand::Cancel(ids) => self.runs.cancel(&ids),
            RunCommand::Load(id) => {
                let Some(history) = self.history.clone() else {
                    return;
                };
                let out = self.out.clone();
                self.tasks.spawn(async move {
                    let run = history.run(id).await.ok().flatten();
                    tokio::task::spawn_blocking(move || send_loaded(&out, id, run));
                });
            }
        }
    }

    fn take_history(&self, command: HistoryCommand) {
        let Some(history) = self.history.clone() else {
            return;
        };
        match command {
            HistoryCommand::Runs { query, reply } => self.answer(reply, async move {
                history.runs(query).await.map_err(|e| e.to_string())
            }),
            HistoryCommand::Series { query, reply } => self.answer(reply, async move {
                history.ttft_plot(query).await.map_err(|e| e.to_string())
            }),
            HistoryCommand::Distributions { query, reply } => self.answer(reply, async move {
                history
                    .distributions(query)
                    .await
                    .map_err(|e| e.to_string())
            }),
            HistoryCommand::Phases { query, reply } => self.answer(reply, async move {
                history.phases(query).await.map_err(|e| e.to_string())
            }),
            HistoryCommand::TargetFacts { query, reply } => {
                let prices = self.settings.prices.clone();
                self.answer(reply, async move {
                    let facts = history.target_facts(query, prices).await;
                    facts.map_err(|error| error.to_string())
                });
            }
            HistoryCommand::Recent { target, reply } => {
                let late_share = self.settings.measuring.late_share;
                self.answer(reply, async move {
                    let recent = history.recent(target, late_share).await;
                    recent.unwrap_or_default()
                });
            }
            HistoryCommand::Conformance {
                since_unix_ns,
                reply,
            } => self.answer(reply, async move {
                let rows = history.conformance(since_unix_ns).await;
                rows.map_err(|error| error.to_string())
            }),
            HistoryCommand::Usage(reply) => self.answer(reply, async move {
                history.usage().await.map_err(|error| error.to_string())
            }),
            HistoryCommand::Count { deletion, reply } => self.answer(reply, async move {
                let counted = history.count(deletion).await;
                counted.map_err(|error| error.to_string())
            }),
            HistoryCommand::TryAlert {
                rule,
                since_unix_ns,
                reply,
            } => {
                let late_share = self.settings.measuring.late_share;
                self.answer(reply, async move {
                    alerts::tried(&history, *rule, since_unix_ns, late_share).await
                });
            }
            HistoryCommand::Delete { deletion, reply } => self.answer(reply, async move {
                let deleted = history.delete(deletion).await;
                deleted.map_err(|error| error.to_string())
            }),
            HistoryCommand::Export {
                query,
                format,
                to,
                steps,
            } => self.export(history, (query, format, to), steps),
        }
    }

    fn take_capture(&self, command: CaptureCommand) {
        match (command, self.history.clone()) {
            (CaptureCommand::Load { id, reply }, Some(history)) => {
                self.answer(reply, captures::load(history, id));
            }
            // Without a history it stays unanswered.
            (CaptureCommand::Load { .. }, None) => {}
            (CaptureCommand::Open { path, reply }, _) => self.answer(reply, captures::open(path)),
            (
                CaptureCommand::Save {
                    of,
                    what,
                    to,
                    reply,
                },
                history,
            ) => self.answer(reply, captures::save(history, of, what, to)),
        }
    }

    fn take_conversation(&mut self, command: ConversationCommand) {
        let Some(history) = self.history.clone() else {
            return;
        };
        match command {
            ConversationCommand::Save(change) => history.save_conversation(change),
            ConversationCommand::Delete(id) => history.delete_conversation(id),
            ConversationCommand::List(reply) => self.answer(reply, async move {
                history.conversations().await.unwrap_or_default()
            }),
            ConversationCommand::Load { id, reply } => self.answer(reply, async move {
                history.conversation(id).await.ok().flatten().map(Box::new)
            }),
            ConversationCommand::Show(id) => self.show(&history, id),
        }
    }

    fn take_key(&self, command: KeyCommand) {
        match command {
            KeyCommand::Set {
                endpoint,
                of,
                key,
                in_keyring,
            } => self.with_endpoint(&endpoint, of, move |out, credentials, e| async move {
                lookup::set_key(&out, &credentials, (&e, of), key, in_keyring).await;
            }),
            KeyCommand::Forget { endpoint, of } => {
                self.with_endpoint(&endpoint, of, move |out, credentials, e| async move {
                    lookup::forget_key(&out, &credentials, (&e, of)).await;
                });
            }
            KeyCommand::Check => self.check_keys(),
        }
    }

    /// Answers a question when its future is done. The future, and with it the history's work, is dropped when the
    /// asker gives up or the engine ends.
    fn answer<T: Send + 'static>(
        &self,
        reply: Reply<T>,
        answer: impl Future<Output = T> + Send + 'static,
    ) {
        let (out, ending) = (self.out.clone(), self.ending.clone());
        self.tasks.spawn(async move {
            let answer = reply.unless_given_up(answer);
            if let Some(Some(answer)) = ending.run_until_cancelled(answer).await {
                reply.send(answer);
                out.wake();
            }
        });
    }

    /// Answers a question that takes no waiting, but may take long.
    fn compute(&self, command: ComputeCommand) {
        let out = self.out.clone();
        self.tasks.spawn(async move {
            // Where a defect ended it, the question was dropped, and the client is woken all the same.
            let _ = tokio::task::spawn_blocking(move || command.answer()).await;
            out.wake();
        });
    }

    /// Sends one update when its future is done.
    fn report(&self, update: impl Future<Output = Update> + Send + 'static) {
        let out = self.out.clone();
        self.tasks.spawn(async move { out.send(update.await) });
    }

    /// Starts a task about one endpoint's key; reports an unknown endpoint.
    fn with_endpoint<F: Future<Output = ()> + Send + 'static>(
        &self,
        id: &str,
        of: KeyOf,
        task: impl FnOnce(Outbox, Credentials, Endpoint) -> F,
    ) {
        match self.settings.endpoint(id) {
            Some(endpoint) => {
                let task = task(self.out.clone(), self.credentials.clone(), endpoint.clone());
                self.tasks.spawn(task);
            }
            None => self.out.send(Update::Key(KeyNews::Problem {
                endpoint: id.to_owned(),
                of,
                message: format!("no endpoint is named “{id}”: save it first"),
            })),
        }
    }

    fn check_keys(&self) {
        for endpoint in &self.settings.endpoints {
            self.with_endpoint(&endpoint.id, KeyOf::Endpoint, |out, keys, e| async move {
                out.send(Update::Key(KeyNews::Status(keys.status(&e).await)));
                if let Some(status) = keys.proxy_status(&e).await {
                    out.send(Update::Key(KeyNews::Status(status)));
                }
            });
        }
    }

    fn list_models(&self, id: &str, refresh: bool) {
        let Some(endpoint) = self.settings.endpoint_or_preset(id).map(Cow::into_owned) else {
            return;
        };
        let (transport, credentials) = (self.transport.clone(), self.credentials.clone());
        let folder = self.paths.data.clone();
        // The gateway's names are those of its routes now.
        let refresh = refresh || local_gateway::is_own(id);
        self.report(async move {
            let models =
                lookup::models(&transport, &credentials, &endpoint, &folder, refresh).await;
            Update::Models {
                endpoint: endpoint.id,
                models: models.map(Arc::new),
            }
        });
    }

    fn test(&self, endpoint: Endpoint, steps: Steps<TestStep>) {
        let (out, credentials) = (self.out.clone(), self.credentials.clone());
        self.tasks.spawn(async move {
            let report = |step| {
                steps.send(step);
                out.wake();
            };
            steps
                .unless_given_up(Box::pin(lookup::test(&report, &credentials, &endpoint)))
                .await;
            drop(steps);
            out.wake();
        });
    }

    fn edit(&mut self, edit: &SettingsEdit) {
        let before = match edit {
            SettingsEdit::PutEndpoint { old_id, .. } => old_id.as_deref(),
            SettingsEdit::RemoveEndpoint { id } => Some(id.as_str()),
            SettingsEdit::Appearance(_)
            | SettingsEdit::Monitor(_)
            | SettingsEdit::Captures(_)
            | SettingsEdit::Retention(_)
            | SettingsEdit::Measuring(_)
            | SettingsEdit::PutAlert { .. }
            | SettingsEdit::RemoveAlert { .. }
            | SettingsEdit::PutGatewayKey { .. } => None,
        };
        let before = before.and_then(|id| self.settings.endpoint(id)).cloned();
        match settings::edit(&self.paths, edit) {
            Ok(()) => {
                self.reload();
                if let Some(before) = before {
                    self.update_keys(edit, before);
                }
            }
            Err(problem) => self.report_problem(Some(problem)),
        }
    }

    /// Moves the keys of a renamed endpoint, and deletes those of a deleted one.
    fn update_keys(&self, edit: &SettingsEdit, before: Endpoint) {
        let (out, credentials) = (self.out.clone(), self.credentials.clone());
        match edit {
            SettingsEdit::PutEndpoint { endpoint, .. } if endpoint.id != before.id => {
                let endpoint = endpoint.as_ref().clone();
                self.tasks.spawn(async move {
                    lookup::rename_keys(&out, &credentials, &before, &endpoint).await;
                });
            }
            SettingsEdit::RemoveEndpoint { .. } => {
                self.tasks.spawn(async move {
                    lookup::forget_keys(&out, &credentials, &before).await;
                });
            }
            SettingsEdit::PutEndpoint { .. }
            | SettingsEdit::Appearance(_)
            | SettingsEdit::Monitor(_)
            | SettingsEdit::Captures(_)
            | SettingsEdit::Retention(_)
            | SettingsEdit::Measuring(_)
            | SettingsEdit::PutAlert { .. }
            | SettingsEdit::RemoveAlert { .. }
            | SettingsEdit::PutGatewayKey { .. } => {}
        }
    }

    fn read_file(&self, path: PathBuf, reply: Reply<Result<Media, String>>) {
        let out = self.out.clone();
        self.tasks.spawn_blocking(move || {
            if !reply.is_given_up() {
                reply.send(files::read(&path));
                out.wake();
            }
        });
    }

    fn export(
        &self,
        history: History,
        (query, format, to): (RunQuery, ExportFormat, PathBuf),
        steps: Steps<ExportStep>,
    ) {
        let (out, ending) = (self.out.clone(), self.ending.clone());
        let prices = self.settings.prices.clone();
        self.tasks.spawn(async move {
            let steps = Arc::new(steps);
            let progress = export_progress(Arc::clone(&steps), out.clone());
            let export = history.export(query, format, prices, to, progress);
            let export = steps.unless_given_up(export);
            if let Some(Some(result)) = ending.run_until_cancelled(export).await {
                steps.send(ExportStep::Over(result.map_err(|e| e.to_string())));
                out.wake();
            }
        });
    }

    async fn stop(self) {
        self.ending.cancel();
        self.tasks.close();
        // Work that does not end in time is abandoned; the history has what runs reported so far.
        let _ = tokio::time::timeout(RUNS_GRACE, self.runs.stop()).await;
        let _ = tokio::time::timeout(RUNS_GRACE, self.gateway.end()).await;
        let _ = tokio::time::timeout(RUNS_GRACE, self.monitor.end()).await;
        let _ = tokio::time::timeout(GRACE, self.tasks.wait()).await;
        if let Some(history) = &self.history {
            store_all(history, &self.out).await;
        }
    }
}

/// Sends a run of the history, then its findings: the run can be shown without waiting for these.
fn send_loaded(out: &Outbox, id: RunId, run: Option<Run>) {
    let over = run.as_ref().filter(|run| run.state.is_over());
    let over = over.map(|run| CheckedRun::from(run.clone()));
    let run = run.map(Box::new);
    out.send(Update::Run(RunNews::Loaded { id, run }));
    if let Some(over) = over {
        send_findings(out, &over);
    }
}

/// Waits until everything is on disk. If that takes long, reports why; a user who does not want to wait ends the
/// process.
async fn store_all(history: &History, out: &Outbox) {
    let mut state = history.watch_storage();
    let end = history.end();
    let report = async {
        tokio::time::sleep(QUIET_WRITE).await;
        loop {
            let why = match &*state.borrow_and_update() {
                Some(Storage::Failing { why }) => why.clone(),
                _ => "it is being written".to_owned(),
            };
            out.send(Update::History(HistoryNews::Storing(why)));
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let stored = tokio::select! {
        stored = end => stored,
        () = report => Ok(()),
    };
    if let Err(unstored) = stored {
        out.send(Update::History(HistoryNews::Unstored(unstored)));
    }
}

/// Reports progress once per per cent, so that a long export does not flood the client.
fn export_progress(
    steps: Arc<Steps<ExportStep>>,
    out: Outbox,
) -> impl Fn(usize, usize) + Send + 'static {
    let reported = AtomicUsize::new(usize::MAX);
    move |done, total| {
        let percent = done * 100 / total.max(1);
        if reported.swap(percent, Ordering::Relaxed) != percent {
            steps.send(ExportStep::Written { done, total });
            out.wake();
        }
    }
}

async fn start_simulator(wanted: bool, out: &Outbox) -> Option<Simulator> {
    if !wanted {
        return None;
    }
    simulator::start(0)
        .await
        .inspect_err(|why| out.send(Update::NoSimulator(why.to_string())))
        .ok()
}

fn watch(paths: &Paths, changed: UnboundedSender<()>, out: &Outbox) -> Option<SettingsWatcher> {
    let on_change = move || {
        // The loop that reads it may have ended already.
        let _ = changed.send(());
    };
    settings::watch(paths, on_change)
        .inspect_err(|problem| {
            let mut problem = problem.clone();
            problem.message = format!("{}; {WATCH_PROBLEM}", problem.message);
            out.send(Update::Settings(SettingsNews::Problem(Some(problem))));
        })
        .ok()
}
