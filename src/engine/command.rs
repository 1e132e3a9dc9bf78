//! The commands of a client, grouped by the part of the engine that handles them.

use std::{path::PathBuf, sync::Arc};

use secrecy::SecretString;

use super::{
    BenchCommand, CaptureCommand, CompareCommand, ComputeCommand, GatewayCommand, ImportedFile,
    LocalServer, MonitorCommand, Reply, Steps, TestStep,
};
use crate::{
    alert::AlertTrial,
    chat::{ChatRequest, Media},
    conversation::{Conversation, ConversationChange, ConversationId, ConversationSummary},
    conversation_file::{ConversationFormat, Extent},
    credential::KeyOf,
    endpoint::{Endpoint, TargetId},
    history::{
        Conformance, Deletion, DeletionCount, Distribution, DistributionQuery, ExportFormat,
        HistoryUsage, PhasesQuery, RunPage, RunQuery, RunRow, SeriesQuery, TargetFacts,
        TargetFactsQuery, TargetPhases, TtftPlot,
    },
    run::{Origin, RunId},
    settings::{SettingsEdit, alert::AlertSettings},
};

/// A command to the engine. Questions of one asker are answered by a [`Reply`] or [`Steps`], all others by an
/// [`Update`](super::Update). Without a history, questions to it stay unanswered.
#[derive(Debug)]
pub enum Command {
    /// About runs.
    Run(RunCommand),
    /// About runs in the history.
    History(HistoryCommand),
    /// Computes something.
    Compute(ComputeCommand),
    /// About captures.
    Capture(CaptureCommand),
    /// About conversations.
    Conversation(ConversationCommand),
    /// About keys.
    Key(KeyCommand),
    /// About endpoints.
    Endpoint(EndpointCommand),
    /// About the desktop's gateway.
    Gateway(GatewayCommand),
    /// About the monitor.
    Monitor(MonitorCommand),
    /// About comparisons.
    Compare(CompareCommand),
    /// About the load bench.
    Bench(BenchCommand),
    /// Changes the settings file. Answered by [`SettingsNews`](super::SettingsNews).
    Edit(SettingsEdit),
    /// Reads a file to attach and detects its type.
    ReadFile {
        /// The file.
        path: PathBuf,
        /// The file, or why it can't be attached.
        reply: Reply<Result<Media, String>>,
    },
    /// Shows a notification of the desktop.
    Notify {
        /// What has happened, in a few words.
        title: String,
        /// The details; may have several lines.
        text: String,
        /// Why it could not be shown, if so.
        reply: Reply<Result<(), String>>,
    },
    /// Cancels all runs, writes what is queued, and ends. Answered by [`Update::Stopped`](super::Update::Stopped).
    Stop,
}

/// About runs. Answered by [`RunNews`](super::RunNews).
#[derive(Debug)]
pub enum RunCommand {
    /// Starts a run.
    Send(SendRun),
    /// Cancels runs: their sockets close at once, their text stays.
    Cancel(Vec<RunId>),
    /// Loads a run of the history, for all views.
    Load(RunId),
}

/// One run to start.
#[derive(Clone, Debug)]
pub struct SendRun {
    /// Its key, made by the client so that it can follow the run from the start.
    pub id: RunId,
    /// The endpoint's id.
    pub endpoint: String,
    /// The request, with the model.
    pub request: Arc<ChatRequest>,
    /// What started it.
    pub origin: Origin,
    /// Whether it opens a new connection, even if an idle one could be reused.
    pub cold: bool,
}

/// About runs in the history.
#[derive(Debug)]
pub enum HistoryCommand {
    /// Loads a page of runs.
    Runs {
        /// The question.
        query: RunQuery,
        /// The page, or why there is none.
        reply: Reply<Result<RunPage, String>>,
    },
    /// Loads the TTFT history.
    Series {
        /// The question.
        query: SeriesQuery,
        /// One series per target and the gaps between probes, or why there is none.
        reply: Reply<Result<TtftPlot, String>>,
    },
    /// Loads how TTFT is spread and how runs ended.
    Distributions {
        /// The question.
        query: DistributionQuery,
        /// One row per target, or why there is none.
        reply: Reply<Result<Vec<Distribution>, String>>,
    },
    /// Loads how long each part of the time until the first token took.
    Phases {
        /// The question.
        query: PhasesQuery,
        /// One row per target, or why there is none.
        reply: Reply<Result<Vec<TargetPhases>, String>>,
    },
    /// Loads what buffers on the way to each target, and what it cost today.
    TargetFacts {
        /// The question.
        query: TargetFactsQuery,
        /// One row per target, or why there is none.
        reply: Reply<Result<Vec<TargetFacts>, String>>,
    },
    /// Loads the latest complete answers of a target, to estimate their variation.
    Recent {
        /// The target.
        target: TargetId,
        /// Its runs; empty if they can't be read.
        reply: Reply<Vec<RunRow>>,
    },
    /// Loads each target's conformance to its protocol.
    Conformance {
        /// Only runs started at or after this time (nanoseconds since 1970).
        since_unix_ns: Option<i64>,
        /// One row per target, or why there is none.
        reply: Reply<Result<Vec<Conformance>, String>>,
    },
    /// Says how much room the history takes.
    Usage(Reply<Result<HistoryUsage, String>>),
    /// Says which runs of a query are over, so that they can be deleted.
    EndedRuns {
        /// Which runs; order, offset and limit are ignored.
        query: RunQuery,
        /// They, or why that is not known.
        reply: Reply<Result<Vec<RunId>, String>>,
    },
    /// Says how much a deletion would delete.
    Count {
        /// Of what.
        deletion: Deletion,
        /// How much, or why that is not known.
        reply: Reply<Result<DeletionCount, String>>,
    },
    /// Tries a rule on the probes and checks of the past.
    TryAlert {
        /// The rule; it need not be saved.
        rule: Box<AlertSettings>,
        /// On those that began at or after this time (nanoseconds since 1970).
        since_unix_ns: i64,
        /// When it would have fired, or why that is not known.
        reply: Reply<Result<AlertTrial, String>>,
    },
    /// Deletes runs, or all of a target or of some days.
    Delete {
        /// What.
        deletion: Deletion,
        /// How much that was, or why it could not be.
        reply: Reply<Result<DeletionCount, String>>,
    },
    /// Writes runs to a file. Dropping the question cancels it and removes the file.
    Export {
        /// Which runs; offset and limit are ignored.
        query: RunQuery,
        /// In which format.
        format: ExportFormat,
        /// Where to.
        to: PathBuf,
        /// Its progress.
        steps: Steps<ExportStep>,
    },
}

/// The progress of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportStep {
    /// Some rows were written.
    Written {
        /// Rows written.
        done: usize,
        /// Rows in all.
        total: usize,
    },
    /// It ended: the number of rows in the file, or why there is no file.
    Over(Result<usize, String>),
}

/// About conversations.
#[derive(Debug)]
pub enum ConversationCommand {
    /// Saves this client's changes to a conversation and its draft, merged with changes of other processes.
    Save(ConversationChange),
    /// Deletes a conversation.
    Delete(ConversationId),
    /// Loads the list of conversations, latest first.
    List(Reply<Vec<ConversationSummary>>),
    /// Finds the conversations in which a question with its answer holds every word of a text.
    Search {
        /// The text.
        text: String,
        /// Their keys, in no order.
        reply: Reply<Vec<ConversationId>>,
    },
    /// Loads a conversation.
    Load {
        /// Its key.
        id: ConversationId,
        /// The conversation; `None` if there is none of this id.
        reply: Reply<Option<Box<Conversation>>>,
    },
    /// Writes conversations with their answers to a file.
    Export {
        /// Which; `None` is all of them.
        only: Option<Vec<ConversationId>>,
        /// In which format.
        format: ConversationFormat,
        /// How much of each.
        extent: Extent,
        /// Where to.
        to: PathBuf,
        /// How many were written, or why there is no file.
        reply: Reply<Result<usize, String>>,
    },
    /// Imports the conversations of a file: all of them, or none if it is refused.
    Import {
        /// The file.
        path: PathBuf,
        /// What was imported, or why nothing was.
        reply: Reply<Result<ImportedFile, String>>,
    },
    /// Subscribes this client, which shows a conversation, to changes of the history by other processes. Answered by
    /// [`HistoryNews::Elsewhere`](super::HistoryNews::Elsewhere).
    Show(ConversationId),
}

/// About keys. Answered by [`KeyNews`](super::KeyNews).
#[derive(Debug)]
pub enum KeyCommand {
    /// Stores a key.
    Set {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
        /// The key.
        key: SecretString,
        /// In the OS keyring, or for this session only.
        in_keyring: bool,
    },
    /// Deletes a key.
    Forget {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
    },
    /// Looks up where the keys of all endpoints are stored.
    Check,
}

/// About endpoints.
#[derive(Debug)]
pub enum EndpointCommand {
    /// Loads the models of an endpoint, for all views: the cached list, or a fresh one. Answered by
    /// [`Update::Models`](super::Update::Models).
    ListModels {
        /// The endpoint's id.
        endpoint: String,
        /// Whether to ask the endpoint even if a list is cached.
        refresh: bool,
    },
    /// Tests an endpoint that may not be saved yet.
    Test {
        /// The endpoint.
        endpoint: Box<Endpoint>,
        /// The results, in the order of [`TestedThing`](super::TestedThing)s.
        steps: Steps<TestStep>,
    },
    /// Looks for model servers on this machine, at their usual ports.
    FindLocal(Reply<Vec<LocalServer>>),
}
