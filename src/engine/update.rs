//! The engine's updates to its client.

use std::{sync::Arc, time::Duration};

use super::{BenchNews, CompareNews, GatewayNews, MonitorNews};
use crate::{
    body::ModelInfo,
    conformance::{CheckedRun, Finding},
    credential::{KeyOf, KeyStatus},
    event::Fault,
    history::{OtherProcesses, Storage, Unstored},
    run::{Run, RunHead, RunId, RunUpdate},
    settings::{Settings, SettingsProblem},
};

/// An update of the engine. Measuring updates are never dropped.
#[derive(Clone, Debug)]
pub enum Update {
    /// About runs.
    Run(RunNews),
    /// About the settings.
    Settings(SettingsNews),
    /// About keys.
    Key(KeyNews),
    /// About the history.
    History(HistoryNews),
    /// About the desktop's gateway.
    Gateway(GatewayNews),
    /// About the monitor.
    Monitor(MonitorNews),
    /// About the comparison that runs.
    Compare(CompareNews),
    /// About the load bench.
    Bench(BenchNews),
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

/// Updates about runs.
#[derive(Clone, Debug)]
pub enum RunNews {
    /// A run was accepted; its [`RunNews::Update`]s follow.
    Accepted(Box<RunHead>),
    /// A run could not be started (no such endpoint, …).
    Refused {
        /// The run.
        id: RunId,
        /// Why, as a fault.
        fault: Fault,
    },
    /// A run's update.
    Update {
        /// The run.
        id: RunId,
        /// The update; the history gets the same.
        update: Arc<RunUpdate>,
    },
    /// A run is over: the complete run, after its last [`RunNews::Update`]. The history gets the same.
    Over(CheckedRun),
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

/// Updates about the settings.
#[derive(Clone, Debug)]
pub enum SettingsNews {
    /// The settings, at the start and whenever they change.
    Are(Arc<Settings>),
    /// The settings file is invalid (`Some`) or valid again (`None`); the last valid settings stay in use.
    Problem(Option<SettingsProblem>),
}

/// Updates about keys.
#[derive(Clone, Debug)]
pub enum KeyNews {
    /// Where a key is stored.
    Status(KeyStatus),
    /// A key could not be stored or deleted.
    Problem {
        /// The endpoint's id.
        endpoint: String,
        /// Which of its secrets.
        of: KeyOf,
        /// Why, and what to do.
        message: String,
    },
}

/// Updates about the history.
#[derive(Clone, Debug)]
pub enum HistoryNews {
    /// The state of its storage.
    Storage(Storage),
    /// Changes by other processes.
    Elsewhere(OtherProcesses),
    /// The engine is ending and waits for the history, for this reason.
    Storing(String),
    /// The engine is ending, and something could not be stored.
    Unstored(Unstored),
}

impl Update {
    /// The approximate size of a run's update, in bytes. Other updates are small, or were requested, and count as 0.
    pub(super) fn bytes_held(&self) -> usize {
        if let Self::Run(RunNews::Update { update, .. }) = self {
            update.bytes_held()
        } else {
            0
        }
    }
}

/// A step of an endpoint test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestStep {
    /// What was tested.
    pub what: TestedThing,
    /// The result, or what is wrong and what to do.
    pub result: Result<String, Fault>,
    /// Whether a good result shows that requests will work; if not, it is a warning.
    pub sure: bool,
    /// How long it took, if measured.
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
