//! The runtime thread: [`Command`]s in, [`Update`]s out. Everything that waits, waits here.
//!
//! The desktop and the terminal are both its clients. It owns the transport, the credentials, the
//! settings, the history and the simulator.

mod core;
pub mod files;
mod lookup;
mod runs;
pub mod signals;

use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

use secrecy::SecretString;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    body::ModelInfo,
    chat::ChatRequest,
    conversation::{Conversation, ConversationChange, ConversationId, ConversationSummary},
    credential::{KeyOf, KeyStatus},
    endpoint::{Endpoint, TargetId},
    event::Fault,
    history::{
        Conformance, ExportFormat, OtherProcesses, RunPage, RunQuery, RunRow, Series, SeriesQuery,
        Storage, Unstored,
    },
    run::{Backlog, Origin, Run, RunHead, RunId, RunUpdate},
    settings::{Paths, Settings, SettingsEdit, SettingsProblem},
};

/// What a client asks of the engine.
#[derive(Clone, Debug)]
pub enum Command {
    /// Starts a run. Answered by [`Update::Run`]s, or [`Update::Refused`].
    Send(SendRun),
    /// Stops runs: their sockets close at once, their text stays.
    Cancel(Vec<RunId>),
    /// Gives the models of an endpoint: the cached list, or a fresh one. Answered by [`Update::Models`].
    ListModels {
        /// The endpoint's id.
        endpoint: String,
        /// Whether to ask the endpoint even if a list is cached.
        refresh: bool,
    },
    /// Tries an endpoint that may not be saved yet. Answered by [`Update::Tested`], one a step.
    Test(Box<Endpoint>),
    /// Changes the settings file. Answered by [`Update::Settings`] or [`Update::SettingsProblem`].
    Edit(SettingsEdit),
    /// Keeps a key. Answered by [`Update::Key`].
    SetKey {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
        /// The key.
        key: SecretString,
        /// In the OS keyring, or for this session only.
        in_keyring: bool,
    },
    /// Forgets a key. Answered by [`Update::Key`].
    ForgetKey {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
    },
    /// Looks where keys live, for all endpoints. Answered by [`Update::Key`]s.
    CheckKeys,
    /// Gives a page of runs. Answered by [`Update::Runs`] with the same ticket.
    QueryRuns {
        /// The client's own number for the question.
        ticket: u64,
        /// The question.
        query: RunQuery,
    },
    /// Gives one run of the history. Answered by [`Update::RunLoaded`].
    LoadRun(RunId),
    /// Gives the TTFT history. Answered by [`Update::Series`] with the same ticket.
    QuerySeries {
        /// The client's own number for the question.
        ticket: u64,
        /// The question.
        query: SeriesQuery,
    },
    /// Gives the latest whole answers of a target, to know how far they scatter. Answered by [`Update::Recent`].
    QueryRecent(TargetId),
    /// Gives how each target kept to its protocol. Answered by [`Update::Conformance`] with the same ticket.
    QueryConformance {
        /// The client's own number for the question.
        ticket: u64,
        /// Only runs started at or after this time (nanoseconds since 1970).
        since_unix_ns: Option<i64>,
    },
    /// Writes runs to a file. Answered by [`Update::ExportProgress`] and [`Update::Exported`].
    Export {
        /// Which runs; offset and limit are left aside.
        query: RunQuery,
        /// In which format.
        format: ExportFormat,
        /// Where to.
        to: PathBuf,
    },
    /// Stops the export that is under way.
    CancelExport,
    /// Keeps what this client changed in a conversation, and its draft, beside what other processes did.
    SaveConversation(ConversationChange),
    /// Forgets a conversation.
    DeleteConversation(ConversationId),
    /// Gives the list of conversations. Answered by [`Update::Conversations`].
    ListConversations,
    /// Gives one conversation. Answered by [`Update::Conversation`].
    LoadConversation(ConversationId),
    /// This client shows a conversation, and from now on wants to know what other processes do to the history.
    /// Answered by [`Update::Elsewhere`]s.
    ShowConversation(ConversationId),
    /// Reads files to attach and tells their types. Answered by [`Update::File`]s.
    ReadFiles(Vec<PathBuf>),
    /// Cancels what runs, writes what is queued, and ends. Answered by [`Update::Stopped`].
    Stop,
}

/// One run to start.
#[derive(Clone, Debug)]
pub struct SendRun {
    /// Its key, made by the client so that it can follow the run from the start.
    pub id: RunId,
    /// The endpoint's id.
    pub endpoint: String,
    /// What to ask; names the model.
    pub request: Arc<ChatRequest>,
    /// Who asks.
    pub origin: Origin,
    /// Whether it opens a connection of its own, even if there is one that could take it.
    pub cold: bool,
}

/// What the engine says. Measuring updates are never dropped.
#[derive(Clone, Debug)]
pub enum Update {
    /// A run was accepted; its [`Update::Run`]s follow.
    Accepted(Box<RunHead>),
    /// A run could not be started (no such endpoint, …).
    Refused {
        /// The run.
        id: RunId,
        /// Why, as the fault it is shown as.
        fault: Fault,
    },
    /// A run reports.
    Run {
        /// The run.
        id: RunId,
        /// What; the history has the same.
        update: Arc<RunUpdate>,
    },
    /// A run is over: the whole of it, after its last [`Update::Run`]. The history keeps the same.
    Over(Arc<Run>),
    /// The settings, at the start and whenever they change.
    Settings(Arc<Settings>),
    /// The settings file is broken (`Some`) or in order again (`None`); the last good settings hold.
    SettingsProblem(Option<SettingsProblem>),
    /// The models of an endpoint.
    Models {
        /// The endpoint's id.
        endpoint: String,
        /// The list, or why there is none.
        models: Result<Arc<Vec<ModelInfo>>, Fault>,
    },
    /// One step of an endpoint test is done.
    Tested {
        /// The endpoint's id.
        endpoint: String,
        /// Which step, and how it went.
        step: TestStep,
    },
    /// Where a key lives.
    Key(KeyStatus),
    /// A key could not be kept or forgotten.
    KeyProblem {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
        /// Why, and what to do.
        message: String,
    },
    /// A page of runs.
    Runs {
        /// The question's number.
        ticket: u64,
        /// The page, or why there is none.
        page: Result<RunPage, String>,
    },
    /// A run of the history; `None` if there is none of this id.
    RunLoaded {
        /// The run's key.
        id: RunId,
        /// The run.
        run: Option<Box<Run>>,
    },
    /// The TTFT history.
    Series {
        /// The question's number.
        ticket: u64,
        /// One series a target, or why there is none.
        series: Result<Vec<Series>, String>,
    },
    /// The latest whole answers of a target.
    Recent {
        /// The target.
        target: TargetId,
        /// Its answers; none where they could not be read.
        rows: Vec<RunRow>,
    },
    /// How each target kept to its protocol.
    Conformance {
        /// The question's number.
        ticket: u64,
        /// One row a target, or why there is none.
        rows: Result<Vec<Conformance>, String>,
    },
    /// An export goes on.
    ExportProgress {
        /// Rows written.
        done: usize,
        /// Rows in all.
        total: usize,
    },
    /// An export is over: the file and its rows, or why not.
    Exported(Result<(PathBuf, usize), String>),
    /// The conversations, latest first.
    Conversations(Vec<ConversationSummary>),
    /// One conversation; `None` if there is none of this id.
    Conversation {
        /// Its key.
        id: ConversationId,
        /// The conversation.
        conversation: Option<Box<Conversation>>,
    },
    /// A file was read, or why not.
    File(Result<crate::chat::Media, String>),
    /// How the history stands.
    Storage(Storage),
    /// What other processes do to the history.
    Elsewhere(OtherProcesses),
    /// The engine ends, and its end waits for the history: what is in the way.
    Storing(String),
    /// The engine ends, and something could not be stored.
    Unstored(Unstored),
    /// The simulator could not be started, and why.
    NoSimulator(String),
    /// The engine has started: settings and simulator are known.
    Ready,
    /// The engine has ended; nothing follows.
    Stopped,
}

/// One step of an endpoint test, in the order they are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct TestStep {
    /// What was tried.
    pub what: TestedThing,
    /// How it went: what was found, or what is wrong and what to do.
    pub result: Result<String, Fault>,
    /// Whether a good result shows that requests will work; else it is a warning.
    pub sure: bool,
    /// How long it took, where that was measured.
    pub took: Option<Duration>,
    /// Whether no step follows.
    pub last: bool,
}

crate::event::words! {
    /// The steps of an endpoint test.
    TestedThing {
        /// Name resolution.
        Dns = "DNS",
        /// The TCP connection.
        Connect = "Connect",
        /// The TLS handshake.
        Tls = "TLS",
        /// The key.
        Auth = "Auth",
        /// The list of models.
        Models = "Models",
    }
}

/// What the engine is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where settings and data live.
    pub paths: Paths,
    /// Endpoints beside those of the settings, such as one given on the command line.
    pub endpoints: Vec<Endpoint>,
    /// Whether to start the simulator.
    pub simulator: bool,
    /// Whether runs are kept.
    pub history: bool,
}

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    commands: UnboundedSender<Command>,
    updates: mpsc::Receiver<Update>,
    backlog: Arc<Backlog>,
}

impl Engine {
    /// Starts the engine's thread and returns at once. `wake` is called, from any thread, after an
    /// update was queued.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        options: Options,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = unbounded_channel();
        let (to_client, updates) = mpsc::channel();
        let out = Outbox::new(to_client, wake);
        let backlog = Arc::clone(&out.backlog);
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || core::run(options, inbox, &out))?;
        Ok(Self {
            commands,
            updates,
            backlog,
        })
    }

    /// An engine that is not there: commands go to, and updates come from, a test.
    #[must_use]
    pub fn of_channels(
        commands: UnboundedSender<Command>,
        updates: mpsc::Receiver<Update>,
    ) -> Self {
        Self {
            commands,
            updates,
            backlog: Arc::default(),
        }
    }

    /// Queues a command.
    pub fn send(&self, command: Command) {
        // A stopped engine has nothing left to do for anyone.
        let _ = self.commands.send(command);
    }

    /// A second way in, for another thread.
    #[must_use]
    pub fn sender(&self) -> UnboundedSender<Command> {
        self.commands.clone()
    }

    /// The next update that is there already.
    #[must_use]
    pub fn try_next(&self) -> Option<Update> {
        let update = self.updates.try_recv().ok();
        self.taken(update)
    }

    /// Waits for the next update; `None` once the engine has ended. Never call it on the UI thread.
    #[must_use]
    pub fn next(&self) -> Option<Update> {
        let update = self.updates.recv().ok();
        self.taken(update)
    }

    /// Makes room for what runs have to say next.
    fn taken(&self, update: Option<Update>) -> Option<Update> {
        self.backlog
            .take(update.as_ref().map_or(0, Update::bytes_held));
        update
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.backlog.close();
    }
}

impl Update {
    /// About how many bytes of a run's it holds; what else is said is little, or was asked for.
    fn bytes_held(&self) -> usize {
        match self {
            Self::Run { update, .. } => update.bytes_held(),
            _ => 0,
        }
    }
}

/// Where updates go: queued, then the client is woken. Cheap to clone.
#[derive(Clone)]
struct Outbox {
    updates: mpsc::Sender<Update>,
    /// What waits there; runs read on only while there is room.
    backlog: Arc<Backlog>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    fn new(updates: mpsc::Sender<Update>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            updates,
            backlog: Arc::default(),
            wake: Arc::new(wake),
        }
    }

    fn send(&self, update: Update) {
        self.backlog.add(update.bytes_held());
        // A client that has gone wants no more updates.
        if self.updates.send(update).is_ok() {
            (self.wake)();
        }
    }
}
