//! The engine's loop: takes one command at a time, hands what waits to tasks.

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

use super::{Command, Options, Outbox, Update, files, lookup, runs::RunRegistry};
use crate::{
    conversation::ConversationId,
    credential::{Credentials, KeyOf},
    endpoint::{Endpoint, variables::Environment},
    history::{ExportFormat, History, HistoryError, RunQuery, SeriesQuery, Storage},
    settings::{self, Paths, Settings, SettingsEdit, SettingsProblem, SettingsWatcher},
    simulator::{self, Simulator},
    transport::Transport,
};

/// How long lookups and exports may take to end after they were cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// How long runs may take to hand over what they said. They end at once; a long answer takes its time.
const RUNS_GRACE: Duration = Duration::from_secs(30);

/// How long the history may take to write before the client is told that it is waited for.
const QUIETLY: Duration = Duration::from_secs(1);

/// What it means that the settings file can't be watched.
const WATCH_PROBLEM: &str = "changes made by hand are seen at the next start only";

/// The engine's thread: builds the runtime, serves until told to stop or until the client is gone.
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

/// Few threads: a run is mostly waiting, and the window wants a core of its own.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4))
}

async fn serve(options: Options, mut inbox: UnboundedReceiver<Command>, out: Outbox) {
    let (changed, mut file_changes) = unbounded_channel();
    let mut core = Core::start(options, out, &changed).await;
    loop {
        tokio::select! {
            command = inbox.recv() => match command {
                None | Some(Command::Stop) => break,
                Some(command) => core.take(command),
            },
            Some(()) = file_changes.recv() => core.reload(),
        }
    }
    core.stop().await;
}

/// What the engine owns.
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
    /// Whether the client is told what other processes do.
    watches: bool,
    tasks: TaskTracker,
    export: CancellationToken,
    /// The question whose pages are wanted (offset and limit aside), and what ends work on them.
    pages: (RunQuery, CancellationToken),
    /// Ends work on the latest question for the TTFT history.
    series: CancellationToken,
    _watch: Option<SettingsWatcher>,
}

impl Core {
    async fn start(options: Options, out: Outbox, changed: &UnboundedSender<()>) -> Self {
        let simulator = start_simulator(options.simulator, &out).await;
        let history = options.history.then(|| History::open(&options.paths.data));
        let transport = Transport::default();
        let credentials = Credentials::default();
        let tasks = TaskTracker::new();
        let runs = RunRegistry::new(
            out.clone(),
            transport.clone(),
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
            watches: false,
            tasks,
            export: CancellationToken::new(),
            pages: (RunQuery::default(), CancellationToken::new()),
            series: CancellationToken::new(),
        };
        core.reload();
        core.out.send(Update::Ready);
        core.report_storage();
        core
    }

    /// Reads the settings file; a broken one leaves the last good settings in force.
    fn reload(&mut self) {
        let (settings, problem) = match settings::load(&self.paths) {
            Ok(settings) => (self.with_own_endpoints(settings), None),
            Err(problem) if self.settings.endpoints.is_empty() => {
                let ready = Settings::of_environment(&Environment::of_process());
                (self.with_own_endpoints(ready), Some(problem))
            }
            Err(problem) => ((*self.settings).clone(), Some(problem)),
        };
        self.settings = Arc::new(settings);
        self.out.send(Update::Settings(Arc::clone(&self.settings)));
        self.report_problem(problem);
    }

    /// Adds the endpoints that are in no file: those of the command line first, the simulator last.
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
            self.out.send(Update::SettingsProblem(problem));
        }
    }

    /// Tells how the history stands, now and whenever that changes, until the engine stops.
    fn report_storage(&self) {
        let Some(history) = &self.history else { return };
        let (mut standing, out) = (history.watch_storage(), self.out.clone());
        // No task of the tracker: it ends with the history, not before it.
        tokio::spawn(async move {
            loop {
                if let Some(storage) = standing.borrow_and_update().clone() {
                    out.send(Update::Storage(storage));
                }
                if standing.changed().await.is_err() {
                    break;
                }
            }
        });
    }

    /// Notes which conversation the client shows; from the first time on, tells what other processes do.
    fn show(&mut self, id: ConversationId) {
        let Some(history) = &self.history else { return };
        if !std::mem::replace(&mut self.watches, true) {
            let (mut elsewhere, out) = (history.watch_other_processes(), self.out.clone());
            tokio::spawn(async move {
                while elsewhere.changed().await.is_ok() {
                    out.send(Update::Elsewhere(*elsewhere.borrow_and_update()));
                }
            });
        }
        history.show_conversation(id);
    }

    /// Does one command, or starts a task that does.
    fn take(&mut self, command: Command) {
        match command {
            Command::Send(send) => {
                let endpoint = self.settings.endpoint_or_preset(&send.endpoint);
                let endpoint = endpoint.map(Cow::into_owned);
                self.runs.start(send, endpoint);
            }
            Command::Cancel(ids) => self.runs.cancel(&ids),
            Command::ListModels { endpoint, refresh } => self.list_models(&endpoint, refresh),
            Command::Test(endpoint) => self.test(*endpoint),
            Command::Edit(edit) => self.edit(&edit),
            Command::SetKey {
                endpoint,
                of,
                key,
                in_keyring,
            } => self.with_endpoint(&endpoint, of, move |out, credentials, e| async move {
                lookup::set_key(&out, &credentials, (&e, of), key, in_keyring).await;
            }),
            Command::ForgetKey { endpoint, of } => {
                self.with_endpoint(&endpoint, of, move |out, credentials, e| async move {
                    lookup::forget_key(&out, &credentials, (&e, of)).await;
                });
            }
            Command::CheckKeys => self.check_keys(),
            Command::ReadFiles(files) => self.read_files(files),
            Command::Export { query, format, to } => self.export(query, format, to),
            Command::CancelExport => self.export.cancel(),
            Command::QueryRuns { ticket, query } => self.query_runs(ticket, query),
            Command::QuerySeries { ticket, query } => self.query_series(ticket, query),
            Command::ShowConversation(id) => self.show(id),
            other => self.take_history(other),
        }
    }

    /// The commands that only the history answers.
    fn take_history(&self, command: Command) {
        let Some(history) = self.history.clone() else {
            return;
        };
        match command {
            Command::LoadRun(id) => self.answer(async move {
                let run = history.run(id).await.ok().flatten().map(Box::new);
                Update::RunLoaded { id, run }
            }),
            Command::QueryRecent(target) => self.answer(async move {
                let rows = history.recent(target.clone()).await.unwrap_or_default();
                Update::Recent { target, rows }
            }),
            Command::QueryConformance {
                ticket,
                since_unix_ns,
            } => self.answer(async move {
                let rows = history.conformance(since_unix_ns).await;
                let rows = rows.map_err(|error| error.to_string());
                Update::Conformance { ticket, rows }
            }),
            Command::SaveConversation(change) => history.save_conversation(change),
            Command::DeleteConversation(id) => history.delete_conversation(id),
            Command::ListConversations => self.answer(async move {
                Update::Conversations(history.conversations().await.unwrap_or_default())
            }),
            Command::LoadConversation(id) => self.answer(async move {
                let conversation = history.conversation(id).await.ok().flatten().map(Box::new);
                Update::Conversation { id, conversation }
            }),
            _ => {}
        }
    }

    /// Gives a page. Pages of one question may be under way together; another question ends them.
    fn query_runs(&mut self, ticket: u64, query: RunQuery) {
        let Some(history) = self.history.clone() else {
            return;
        };
        let question = RunQuery {
            offset: 0,
            limit: 0,
            ..query.clone()
        };
        if self.pages.0 != question {
            self.pages.1.cancel();
            self.pages = (question, CancellationToken::new());
        }
        self.answer_until(self.pages.1.clone(), async move {
            let page = history.runs(query).await.map_err(|e| e.to_string());
            Update::Runs { ticket, page }
        });
    }

    /// Gives the TTFT history; only the latest question is of interest.
    fn query_series(&mut self, ticket: u64, query: SeriesQuery) {
        let Some(history) = self.history.clone() else {
            return;
        };
        self.series.cancel();
        self.series = CancellationToken::new();
        self.answer_until(self.series.clone(), async move {
            let series = history.series(query).await.map_err(|e| e.to_string());
            Update::Series { ticket, series }
        });
    }

    /// Sends one update when its future is done; dropping the future ends the history's work on it.
    fn answer_until(
        &self,
        superseded: CancellationToken,
        update: impl Future<Output = Update> + Send + 'static,
    ) {
        let out = self.out.clone();
        self.tasks.spawn(async move {
            if let Some(update) = superseded.run_until_cancelled(update).await {
                out.send(update);
            }
        });
    }

    /// Sends one update when its future is done.
    fn answer(&self, update: impl Future<Output = Update> + Send + 'static) {
        let out = self.out.clone();
        self.tasks.spawn(async move { out.send(update.await) });
    }

    /// Starts a task about one endpoint's key; an unknown endpoint is told.
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
            None => self.out.send(Update::KeyProblem {
                endpoint: id.to_owned(),
                of,
                message: format!("no endpoint is named “{id}”: save it first"),
            }),
        }
    }

    fn check_keys(&self) {
        for endpoint in &self.settings.endpoints {
            self.with_endpoint(&endpoint.id, KeyOf::Endpoint, |out, keys, e| async move {
                out.send(Update::Key(keys.status(&e).await));
                if let Some(status) = keys.proxy_status(&e).await {
                    out.send(Update::Key(status));
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
        self.answer(async move {
            let models =
                lookup::models(&transport, &credentials, &endpoint, &folder, refresh).await;
            Update::Models {
                endpoint: endpoint.id,
                models: models.map(Arc::new),
            }
        });
    }

    fn test(&self, endpoint: Endpoint) {
        let (out, credentials) = (self.out.clone(), self.credentials.clone());
        self.tasks.spawn(async move {
            lookup::test(&out, &credentials, &endpoint).await;
        });
    }

    fn edit(&mut self, edit: &SettingsEdit) {
        let before = match edit {
            SettingsEdit::PutEndpoint { old_id, .. } => old_id.as_deref(),
            SettingsEdit::RemoveEndpoint { id } => Some(id.as_str()),
            SettingsEdit::Appearance(_) => None,
        };
        let before = before.and_then(|id| self.settings.endpoint(id)).cloned();
        match settings::edit(&self.paths, edit) {
            Ok(()) => {
                self.reload();
                if let Some(before) = before {
                    self.tend_keys(edit, before);
                }
            }
            Err(problem) => self.report_problem(Some(problem)),
        }
    }

    /// A renamed endpoint keeps its keys; those of a deleted one are forgotten with it.
    fn tend_keys(&self, edit: &SettingsEdit, before: Endpoint) {
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
            _ => {}
        }
    }

    fn read_files(&self, files: Vec<PathBuf>) {
        for file in files {
            let out = self.out.clone();
            self.tasks
                .spawn_blocking(move || out.send(Update::File(files::read(&file))));
        }
    }

    fn export(&mut self, query: RunQuery, format: ExportFormat, to: PathBuf) {
        let Some(history) = self.history.clone() else {
            return;
        };
        self.export.cancel();
        self.export = CancellationToken::new();
        let (cancelled, out) = (self.export.clone(), self.out.clone());
        self.tasks.spawn(async move {
            let progress = export_progress(out.clone());
            let export = history.export(query, format, to.clone(), progress);
            let result = tokio::select! {
                result = export => result,
                () = cancelled.cancelled() => Err(HistoryError("stopped; no file was written".into())),
            };
            let result = result.map(|rows| (to, rows)).map_err(|e| e.to_string());
            out.send(Update::Exported(result));
        });
    }

    async fn stop(self) {
        self.export.cancel();
        self.pages.1.cancel();
        self.series.cancel();
        self.tasks.close();
        // What does not end in time is abandoned; what a run said so far is in the history.
        let _ = tokio::time::timeout(RUNS_GRACE, self.runs.stop()).await;
        let _ = tokio::time::timeout(GRACE, self.tasks.wait()).await;
        if let Some(history) = &self.history {
            store_all(history, &self.out).await;
        }
    }
}

/// Waits until all is on disk, and says what it waits for where that takes long; who does not want to wait ends
/// the process.
async fn store_all(history: &History, out: &Outbox) {
    let mut standing = history.watch_storage();
    let end = history.end();
    let tell = async {
        tokio::time::sleep(QUIETLY).await;
        loop {
            let why = match &*standing.borrow_and_update() {
                Some(Storage::Failing { why }) => why.clone(),
                _ => "it is being written".to_owned(),
            };
            out.send(Update::Storing(why));
            if standing.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let stored = tokio::select! {
        stored = end => stored,
        () = tell => Ok(()),
    };
    if let Err(unstored) = stored {
        out.send(Update::Unstored(unstored));
    }
}

/// Tells of progress once per per cent, so that a long export does not flood the client.
fn export_progress(out: Outbox) -> impl Fn(usize, usize) + Send + 'static {
    let told = AtomicUsize::new(usize::MAX);
    move |done, total| {
        let percent = done * 100 / total.max(1);
        if told.swap(percent, Ordering::Relaxed) != percent {
            out.send(Update::ExportProgress { done, total });
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
            out.send(Update::SettingsProblem(Some(problem)));
        })
        .ok()
}
