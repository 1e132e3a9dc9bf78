//! What the engine says to its client, whatever of it was asked for.

use std::{sync::Arc, time::Duration};

use crate::{
    body::ModelInfo,
    conformance::Finding,
    credential::{KeyOf, KeyStatus},
    event::Fault,
    history::{OtherProcesses, Storage, Unstored},
    run::{Run, RunHead, RunId, RunUpdate},
    settings::{Settings, SettingsProblem},
};

/// What the engine says. Measuring updates are never dropped.
#[derive(Clone, Debug)]
pub enum Update {
    /// Of runs.
    Run(RunNews),
    /// Of the settings.
    Settings(SettingsNews),
    /// Of keys.
    Key(KeyNews),
    /// Of the history.
    History(HistoryNews),
    /// The models of an endpoint.
    Models {
        /// The endpoint's id.
        endpoint: String,
        /// The list, or why there is none.
        models: Result<Arc<Vec<ModelInfo>>, Fault>,
    },
    /// The simulator could not be started, and why.
    NoSimulator(String),
    /// The engine has started: settings and simulator are known.
    Ready,
    /// The engine has ended; nothing follows.
    Stopped,
}

/// What is said of runs.
#[derive(Clone, Debug)]
pub enum RunNews {
    /// A run was accepted; its [`RunNews::Update`]s follow.
    Accepted(Box<RunHead>),
    /// A run could not be started (no such endpoint, …).
    Refused {
        /// The run.
        id: RunId,
        /// Why, as the fault it is shown as.
        fault: Fault,
    },
    /// A run reports.
    Update {
        /// The run.
        id: RunId,
        /// What; the history has the same.
        update: Arc<RunUpdate>,
    },
    /// A run is over: the whole of it, after its last [`RunNews::Update`]. The history keeps the same.
    Over(Arc<Run>),
    /// What [`conformance`](crate::conformance) found in a run that is over: after its [`RunNews::Over`], or after it was
    /// loaded.
    Findings {
        /// The run.
        id: RunId,
        /// All findings, in the order of the checks.
        findings: Arc<[Finding]>,
    },
    /// A run of the history; `None` if there is none of this id. [`RunNews::Findings`] follow if it is over.
    Loaded {
        /// The run's key.
        id: RunId,
        /// The run.
        run: Option<Box<Run>>,
    },
}

/// What is said of the settings.
#[derive(Clone, Debug)]
pub enum SettingsNews {
    /// They are these, at the start and whenever they change.
    Are(Arc<Settings>),
    /// The settings file is broken (`Some`) or in order again (`None`); the last good settings hold.
    Problem(Option<SettingsProblem>),
}

/// What is said of keys.
#[derive(Clone, Debug)]
pub enum KeyNews {
    /// Where a key lives.
    Status(KeyStatus),
    /// A key could not be kept or forgotten.
    Problem {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
        /// Why, and what to do.
        message: String,
    },
}

/// What is said of the history.
#[derive(Clone, Debug)]
pub enum HistoryNews {
    /// How it stands.
    Storage(Storage),
    /// What other processes do to it.
    Elsewhere(OtherProcesses),
    /// The engine ends, and its end waits for the history: what is in the way.
    Storing(String),
    /// The engine ends, and something could not be stored.
    Unstored(Unstored),
}

impl Update {
    /// About how many bytes of a run's it holds; what else is said is little, or was asked for.
    pub(super) fn bytes_held(&self) -> usize {
        if let Self::Run(RunNews::Update { update, .. }) = self {
            update.bytes_held()
        } else {
            0
        }
    }
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
