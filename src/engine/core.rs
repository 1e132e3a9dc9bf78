//! The engine's loop: handles one command at a time, and starts tasks for work that waits.

mod history;
mod settings;

use std::{borrow::Cow, fmt::Display, future::Future, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    BenchCommand, CaptureCommand, Command, CompareCommand, ComputeCommand, EndpointCommand,
    GatewayCommand, KeyCommand, KeyNews, MonitorCommand, Options, Outbox, Reply, RunCommand,
    RunNews, Steps, TestStep, Update, bench, captures, compare, files,
    gateway::{self, OwnEndpoints},
    lookup::{self, local_servers},
    monitor, notification,
    runs::{RunRegistry, send_findings},
    task::{TaskContext, TaskHandle},
};
use crate::{
    chat::Media,
    conformance::CheckedRun,
    credential::{Credentials, KeyOf},
    endpoint::{Endpoint, local_gateway},
    history::History,
    run::{Run, RunId},
    settings::{Paths, Settings, SettingsWatcher},
    simulator::{self, Simulator},
    transport::Transport,
};

/// How long lookups and exports may take to end after they were cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// How long runs may take to report their last events after cancellation; a long answer needs time.
const RUNS_GRACE: Duration = Duration::from_secs(30);

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
    compare: TaskHandle<CompareCommand>,
    bench: TaskHandle<BenchCommand>,
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
        let context = TaskContext {
            out: out.clone(),
            credentials: credentials.clone(),
            history: history.clone(),
            settings: Arc::default(),
        };
        let (gateway, gateway_endpoints) = gateway::start(context.clone());
        let monitor = monitor::start(options.paths.data.clone(), context.clone());
        let compare = compare::start(context.clone());
        let bench = bench::start(context);
        let mut core = Self {
            _watch: settings::watch(&options.paths, changed.clone(), &out),
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
            compare,
            bench,
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
            Command::Endpoint(EndpointCommand::FindLocal(reply)) => {
                let transport = self.transport.clone();
                self.answer(reply, async move {
                    local_servers::answering(&transport, local_servers::candidates()).await
                });
            }
            Command::Gateway(command) => self.gateway.take(command),
            Command::Monitor(command) => self.monitor.take(command),
            Command::Compare(command) => self.compare.take(command),
            Command::Bench(command) => self.bench.take(command),
            Command::Edit(edit) => self.edit(&edit),
            Command::ReadFile { path, reply } => self.read_file(path, reply),
            Command::Notify { title, text, reply } => {
                self.answer(
                    reply,
                    async move { notification::show(&title, &text).await },
                );
            }
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

    fn take_capture(&self, command: CaptureCommand) {
        let history = self.history.clone();
        match command {
            CaptureCommand::Load { id, reply } => {
                // Without a history it stays unanswered.
                if let Some(history) = history {
                    self.answer(reply, captures::load(history, id));
                }
            }
            CaptureCommand::Open { path, reply } => self.answer(reply, captures::open(path)),
            CaptureCommand::Save {
                of,
                what,
                to,
                reply,
            } => self.answer(reply, captures::save(history, of, what, to)),
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

    /// Answers a question whose answer may be a problem: that is told in words.
    fn answer_or_why<T: Send + 'static, E: Display>(
        &self,
        reply: Reply<Result<T, String>>,
        answer: impl Future<Output = Result<T, E>> + Send + 'static,
    ) {
        self.answer(reply, async move {
            answer.await.map_err(|problem| problem.to_string())
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

    fn read_file(&self, path: PathBuf, reply: Reply<Result<Media, String>>) {
        let out = self.out.clone();
        self.tasks.spawn_blocking(move || {
            if !reply.is_given_up() {
                reply.send(files::read(&path));
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
        let _ = tokio::time::timeout(RUNS_GRACE, self.compare.end()).await;
        let _ = tokio::time::timeout(RUNS_GRACE, self.bench.end()).await;
        let _ = tokio::time::timeout(GRACE, self.tasks.wait()).await;
        if let Some(history) = &self.history {
            history::store_all(history, &self.out).await;
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

async fn start_simulator(wanted: bool, out: &Outbox) -> Option<Simulator> {
    if !wanted {
        return None;
    }
    simulator::start(0)
        .await
        .inspect_err(|why| out.send(Update::NoSimulator(why.to_string())))
        .ok()
}
