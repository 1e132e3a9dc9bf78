//! One request to one target: its state machine and its record.
//!
//! In: a target, a request, and the steps of an exchange. Out: [`RunUpdate`]s while it is live, and a [`Run`] with
//! every stamp at the end.

mod backlog;
mod execute;
mod id;
mod link;
mod reads;
mod record;
pub mod recorder;
mod stamps;
mod stop;
mod update;
mod wire;

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use self::{
    backlog::Backlog,
    execute::{execute, execute_in, execute_paced},
    id::RunId,
    link::{Link, LinkTry},
    reads::Reads,
    record::RunRecord,
    stamps::{OffsetNs, Read, Span, Stamps, TOGETHER_NS, ms},
    stop::RunStop,
    update::{IllegalUpdate, RunUpdate},
    wire::{WireHead, WirePart, WireRead},
};

use crate::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::{Endpoint, TargetId},
    event::{Answer, FaultClass, words},
    visible::shown_url,
};

words! {
    /// Whether a run opened a new connection or reused one.
    ConnectionKind {
        /// This run opened it: DNS, TCP and TLS are part of its TTFT.
        Cold = "cold",
        /// It was open already.
        Warm = "warm",
    }
}

words! {
    /// Who made the stamps of a run's reads.
    StampedBy {
        /// The kernel, when it received the bytes.
        Kernel = "kernel",
        /// This program, when it read them, for at least one read.
        User = "user",
    }
}

words! {
    /// Where a run came from.
    Origin {
        /// A pane of the playground.
        Playground = "playground",
        /// `tokenscope chat`.
        Terminal = "terminal",
        /// A click on "test" in the settings.
        Test = "test",
        /// A client of the gateway.
        Gateway = "gateway",
        /// The monitor, on a schedule.
        Probe = "probe",
        /// A comparison.
        Compare = "compare",
        /// A file of conversations: the answer was given elsewhere, and counts in no figure of its target.
        Import = "import",
    }
}

words! {
    /// The state of a run.
    RunState {
        /// Accepted, not started.
        Queued = "queued",
        /// Connecting, or sending the request.
        Connecting = "connecting",
        /// Sent; no token yet.
        Waiting = "waiting",
        /// Tokens are coming.
        Streaming = "streaming",
        /// Over, with a clean end.
        Ok = "ok",
        /// Over, with a fault (a cancelled run too).
        Fault = "fault",
    }
}

impl RunState {
    /// Whether the run has ended.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ok | Self::Fault)
    }
}

/// The part of a run that never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHead {
    /// Its key.
    pub id: RunId,
    /// Where it goes.
    pub target: TargetId,
    /// In which protocol.
    pub dialect: DialectId,
    /// The endpoint's label for how it is reached (`direct`, `via gateway`, …); may be empty.
    pub route: String,
    /// The final URL, without any credential.
    pub url: String,
    /// Whether the built-in simulator answers.
    pub simulated: bool,
    /// What started it.
    pub origin: Origin,
    /// The number of the attempt, counted from 1.
    pub attempt: u32,
    /// What is asked.
    pub request: Arc<ChatRequest>,
}

/// A run with all that is known of it, live or from the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The part that never changes.
    pub head: RunHead,
    /// Its state.
    pub state: RunState,
    /// Cold or warm, once known.
    pub connection: Option<ConnectionKind>,
    /// HTTP status, once known.
    pub status: Option<u16>,
    /// HTTP version of the response (`HTTP/1.1`, `HTTP/2.0`), once known.
    pub http_version: Option<String>,
    /// Raw stamps.
    pub stamps: Stamps,
    /// The reads of the body.
    pub reads: Reads,
    /// The folded events of the stream; its `fault` is the run's fault.
    pub answer: Answer,
}

impl Run {
    /// A run that has not started.
    #[must_use]
    pub fn new(head: RunHead) -> Self {
        Self {
            head,
            state: RunState::Queued,
            connection: None,
            status: None,
            http_version: None,
            stamps: Stamps::default(),
            reads: Reads::default(),
            answer: Answer::default(),
        }
    }

    /// Who made the stamps of its reads; `None` without reads.
    #[must_use]
    pub fn stamped_by(&self) -> Option<StampedBy> {
        let is_kernel = self.reads.iter().all(|read| read.delay.is_some());
        let by = if is_kernel {
            StampedBy::Kernel
        } else {
            StampedBy::User
        };
        (!self.reads.is_empty()).then_some(by)
    }

    /// Whether the user stopped it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        (self.answer.fault.as_ref()).is_some_and(|f| f.class == FaultClass::Cancelled)
    }

    /// Whether a sleep of the machine cut it off.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        (self.answer.fault.as_ref()).is_some_and(|f| f.class == FaultClass::Suspended)
    }
}

/// Everything that [`execute`] needs for one run.
#[derive(Clone)]
pub struct RunSpec {
    /// The part that never changes.
    pub head: RunHead,
    /// Where it goes.
    pub endpoint: Arc<Endpoint>,
    /// The key, looked up before the clock starts.
    pub key: Option<SecretString>,
    /// The proxy's password.
    pub proxy_password: Option<SecretString>,
    /// Why there is no key, if looking it up failed; added to the fault if the server then refuses the request.
    pub no_key_reason: Option<String>,
    /// Whether it must open a new connection, even if an idle one could be reused.
    pub cold: bool,
}

impl fmt::Debug for RunSpec {
    // An endpoint's headers and proxy may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunSpec")
            .field("id", &self.head.id)
            .field("target", &self.head.target)
            .finish_non_exhaustive()
    }
}

impl RunHead {
    /// The head of a run that is about to go to `endpoint`, with the final URL filled in.
    #[must_use]
    pub fn new(id: RunId, endpoint: &Endpoint, request: Arc<ChatRequest>, origin: Origin) -> Self {
        let dialect = endpoint.dialect.dialect();
        Self {
            id,
            target: TargetId {
                endpoint: endpoint.id.clone(),
                model: request.model.clone(),
            },
            dialect: endpoint.dialect,
            route: endpoint.route.clone(),
            url: shown_url(&(dialect.chat_url)(&endpoint.base_url, &request.model)),
            simulated: endpoint.simulated,
            origin,
            attempt: 1,
            request,
        }
    }
}
