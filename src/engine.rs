//! The engine's thread: [`Command`]s in, [`Update`]s and answers out. All blocking and asynchronous work happens here.
//!
//! The desktop and the terminal are its clients. It owns the transport, the credentials, the settings, the history, the
//! simulator and the desktop's gateway.

mod alerts;
mod ask;
mod bench;
mod captures;
mod command;
mod compare;
mod compute;
mod conversations;
mod core;
pub mod files;
mod gateway;
mod lookup;
mod monitor;
mod notification;
mod reports;
mod runs;
pub mod signals;
mod task;
mod update;

use std::sync::{Arc, mpsc};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{credential::Credentials, endpoint::Endpoint, run::Backlog, settings::Paths};

pub use self::{
    ask::{Asked, Reply, Steps, ask, ask_in_steps},
    bench::{
        BenchCommand, BenchNews, BenchOpening, BenchPiece, BenchProgress, BenchStart, ReadBench,
        SavedBenchCommand,
    },
    captures::{CaptureCommand, CaptureSource, LoadedCapture, OpenedCapture, SavedAs},
    command::{
        Command, ConversationCommand, EndpointCommand, ExportStep, HistoryCommand, KeyCommand,
        RunCommand, SendRun,
    },
    compare::{CompareCommand, CompareNews},
    compute::{BodyOf, ComputeCommand},
    conversations::ImportedFile,
    gateway::{GatewayAccess, GatewayCommand, GatewayNews, GatewayState},
    lookup::local_servers::LocalServer,
    monitor::{MonitorCommand, MonitorNews, MonitorState, ProbingState},
    update::{HistoryNews, KeyNews, RunNews, SettingsNews, TestStep, TestedThing, Update},
};

/// The engine's start options.
#[derive(Clone, Debug)]
pub struct Options {
    /// The paths of settings and data.
    pub paths: Paths,
    /// Endpoints in addition to those in the settings, such as one given on the command line.
    pub endpoints: Vec<Endpoint>,
    /// Whether to start the simulator.
    pub simulator: bool,
    /// Whether runs are stored.
    pub history: bool,
    /// Where keys are looked up and stored.
    pub credentials: Credentials,
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
    /// update was queued or a question answered.
    ///
    /// # Errors
    /// If the system can't start a thread.
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

    /// A mock engine: a test receives the commands and sends the updates.
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
        // A stopped engine ignores commands.
        let _ = self.commands.send(command);
    }

    /// A sender of commands, for another thread.
    #[must_use]
    pub fn sender(&self) -> UnboundedSender<Command> {
        self.commands.clone()
    }

    /// The next queued update, if there is one; never waits.
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

    /// Frees the update's share of the backlog, so that runs can go on.
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

/// Queues updates and wakes the client, for answers, too. Cheap to clone.
#[derive(Clone)]
struct Outbox {
    updates: mpsc::Sender<Update>,
    /// The size of the queued updates; runs read on only while there is room.
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
        // A client that is gone needs no updates.
        if self.updates.send(update).is_ok() {
            self.wake();
        }
    }

    /// Wakes the client, because an update or an answer is there.
    fn wake(&self) {
        (self.wake)();
    }
}
