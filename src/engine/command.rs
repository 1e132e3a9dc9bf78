//! What a client asks of the engine, by what handles it.

use std::{path::PathBuf, sync::Arc};

use secrecy::SecretString;

use super::{Reply, Steps, TestStep};
use crate::{
    chat::{ChatRequest, Media},
    conversation::{Conversation, ConversationChange, ConversationId, ConversationSummary},
    credential::KeyOf,
    endpoint::{Endpoint, TargetId},
    history::{Conformance, ExportFormat, RunPage, RunQuery, RunRow, Series, SeriesQuery},
    run::{Origin, RunId},
    settings::SettingsEdit,
};

/// What a client asks of the engine. What concerns one asker is answered by a [`Reply`] or [`Steps`], what concerns
/// all by an [`Update`](super::Update). Without a history its questions stay unanswered.
#[derive(Debug)]
pub enum Command {
    /// About runs.
    Run(RunCommand),
    /// About what the history holds of runs.
    History(HistoryCommand),
    /// About conversations.
    Conversation(ConversationCommand),
    /// About keys.
    Key(KeyCommand),
    /// About endpoints.
    Endpoint(EndpointCommand),
    /// Changes the settings file. Answered by [`SettingsNews`](super::SettingsNews).
    Edit(SettingsEdit),
    /// Reads a file to attach and tells its type.
    ReadFile {
        /// The file.
        path: PathBuf,
        /// The file, or why it can't be attached.
        reply: Reply<Result<Media, String>>,
    },
    /// Cancels what runs, writes what is queued, and ends. Answered by [`Update::Stopped`](super::Update::Stopped).
    Stop,
}

/// About runs. Answered by [`RunNews`](super::RunNews).
#[derive(Debug)]
pub enum RunCommand {
    /// Starts a run.
    Send(SendRun),
    /// Stops runs: their sockets close at once, their text stays.
    Cancel(Vec<RunId>),
    /// Gives one run of the history, to all views.
    Load(RunId),
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

/// About what the history holds of runs.
#[derive(Debug)]
pub enum HistoryCommand {
    /// Gives a page of runs.
    Runs {
        /// The question.
        query: RunQuery,
        /// The page, or why there is none.
        reply: Reply<Result<RunPage, String>>,
    },
    /// Gives the TTFT history.
    Series {
        /// The question.
        query: SeriesQuery,
        /// One series a target, or why there is none.
        reply: Reply<Result<Vec<Series>, String>>,
    },
    /// Gives the latest whole answers of a target, to know how far they scatter.
    Recent {
        /// The target.
        target: TargetId,
        /// Its answers; none where they could not be read.
        reply: Reply<Vec<RunRow>>,
    },
    /// Gives how each target kept to its protocol.
    Conformance {
        /// Only runs started at or after this time (nanoseconds since 1970).
        since_unix_ns: Option<i64>,
        /// One row a target, or why there is none.
        reply: Reply<Result<Vec<Conformance>, String>>,
    },
    /// Writes runs to a file. Who drops the question stops it: no file is left then.
    Export {
        /// Which runs; offset and limit are left aside.
        query: RunQuery,
        /// In which format.
        format: ExportFormat,
        /// Where to.
        to: PathBuf,
        /// How it goes.
        steps: Steps<ExportStep>,
    },
}

/// How an export goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportStep {
    /// It goes on.
    Written {
        /// Rows written.
        done: usize,
        /// Rows in all.
        total: usize,
    },
    /// It is over: the rows of the file, or why there is none.
    Over(Result<usize, String>),
}

/// About conversations.
#[derive(Debug)]
pub enum ConversationCommand {
    /// Keeps what this client changed in a conversation, and its draft, beside what other processes did.
    Save(ConversationChange),
    /// Forgets a conversation.
    Delete(ConversationId),
    /// Gives the list of conversations, latest first.
    List(Reply<Vec<ConversationSummary>>),
    /// Gives one conversation.
    Load {
        /// Its key.
        id: ConversationId,
        /// The conversation; `None` if there is none of this id.
        reply: Reply<Option<Box<Conversation>>>,
    },
    /// This client shows a conversation, and from now on wants to know what other processes do to the history.
    /// Answered by [`HistoryNews::Elsewhere`](super::HistoryNews::Elsewhere).
    Show(ConversationId),
}

/// About keys. Answered by [`KeyNews`](super::KeyNews).
#[derive(Debug)]
pub enum KeyCommand {
    /// Keeps a key.
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
    /// Forgets a key.
    Forget {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
    },
    /// Looks where keys live, for all endpoints.
    Check,
}

/// About endpoints.
#[derive(Debug)]
pub enum EndpointCommand {
    /// Gives the models of an endpoint, to all views: the cached list, or a fresh one. Answered by
    /// [`Update::Models`](super::Update::Models).
    ListModels {
        /// The endpoint's id.
        endpoint: String,
        /// Whether to ask the endpoint even if a list is cached.
        refresh: bool,
    },
    /// Tries an endpoint that may not be saved yet.
    Test {
        /// The endpoint.
        endpoint: Box<Endpoint>,
        /// What is found, in the order of [`TestedThing`](super::TestedThing)s.
        steps: Steps<TestStep>,
    },
}
