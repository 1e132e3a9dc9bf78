//! One request to one target: its state machine, and the record it leaves.
//!
//! In: a target, a request, and what the transport and the dialect report. Out: [`RunUpdate`]s while
//! it goes, and a [`Run`] with every stamp at the end.

use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::{Endpoint, TargetId},
    event::{Answer, Event, Fault, FaultClass, words},
    measure::{OffsetNs, Read, Stamps},
    transport::Transport,
};

/// A run's key: made by the client, ordered by time, unique across processes that share a history.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct RunId(pub i64);

words! {
    /// Whether this run opened its connection or found one open.
    Connection {
        /// This run opened it: DNS, TCP and TLS are part of its TTFT.
        Cold = "cold",
        /// It was there already.
        Warm = "warm",
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
    }
}

words! {
    /// Where a run stands.
    State {
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

impl State {
    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ok | Self::Fault)
    }
}

/// What does not change while a run goes.
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
    /// Who asked for it.
    pub origin: Origin,
    /// Which try this is, counted from 1.
    pub attempt: u32,
    /// What is asked.
    pub request: Arc<ChatRequest>,
}

/// A run with all that is known of it: live while it goes, and as the history keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What does not change.
    pub head: RunHead,
    /// Where it stands.
    pub state: State,
    /// Cold or warm, once known.
    pub connection: Option<Connection>,
    /// HTTP status, once known.
    pub status: Option<u16>,
    /// HTTP version of the response (`HTTP/1.1`, `HTTP/2.0`), once known.
    pub http_version: Option<String>,
    /// Raw stamps.
    pub stamps: Stamps,
    /// Every read of the body.
    pub reads: Vec<Read>,
    /// What the stream said; its `fault` is the run's fault.
    pub answer: Answer,
}

impl Run {
    /// A run that has not started.
    #[must_use]
    pub fn new(head: RunHead) -> Self {
        Self {
            head,
            state: State::Queued,
            connection: None,
            status: None,
            http_version: None,
            stamps: Stamps::default(),
            reads: Vec::new(),
            answer: Answer::default(),
        }
    }

    /// Whether the user stopped it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        (self.answer.fault.as_ref()).is_some_and(|f| f.class == FaultClass::Cancelled)
    }
}

/// What a run reports while it goes, in order. [`Run::apply`] folds it.
#[derive(Clone, Debug, PartialEq)]
pub enum RunUpdate {
    /// It began; `started_unix_ns` is the wall clock at offset 0.
    Started {
        /// Nanoseconds since 1970.
        started_unix_ns: i64,
    },
    /// The response head is there: stamps up to `headers`, the connection and the status are known.
    Head {
        /// The stamps so far.
        stamps: Box<Stamps>,
        /// Cold or warm.
        connection: Connection,
        /// HTTP status.
        status: u16,
        /// HTTP version.
        http_version: String,
    },
    /// One read and the events it completed.
    Read {
        /// The read.
        read: Read,
        /// What it completed, in order.
        events: Vec<Event>,
    },
    /// It is over. Events that only the end made known come with it.
    Closed {
        /// When.
        at: OffsetNs,
        /// The last events (a truncation fault, a cancel, …).
        events: Vec<Event>,
        /// The final stamps.
        stamps: Box<Stamps>,
    },
}

impl RunUpdate {
    /// The whole course of a run that failed before it reached the wire.
    #[must_use]
    pub fn stillborn(fault: Fault, started_unix_ns: i64) -> [Self; 2] {
        let stamps = Stamps {
            started_unix_ns,
            closed: Some(0),
            ..Stamps::default()
        };
        [
            Self::Started { started_unix_ns },
            Self::Closed {
                at: 0,
                events: vec![Event::Fault(fault)],
                stamps: Box::new(stamps),
            },
        ]
    }
}

/// Why a fold was refused: an update that can't follow the state. The run is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {state} can't take {update}")]
pub struct IllegalUpdate {
    /// The state.
    pub state: State,
    /// The update's name.
    pub update: &'static str,
}

impl Run {
    /// Folds one update in: the only way a run changes.
    ///
    /// # Errors
    /// If the update can't follow the state; nothing is changed then.
    pub fn apply(&mut self, _update: &RunUpdate) -> Result<(), IllegalUpdate> {
        todo!("transport helper")
    }
}

/// Everything that one run needs.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What does not change.
    pub head: RunHead,
    /// Where it goes.
    pub endpoint: Arc<Endpoint>,
    /// The key, found before the clock starts.
    pub key: Option<SecretString>,
    /// The proxy's password.
    pub proxy_password: Option<SecretString>,
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
            url: (dialect.chat_url)(&endpoint.base_url, &request.model).to_string(),
            simulated: endpoint.simulated,
            origin,
            attempt: 1,
            request,
        }
    }
}

impl RunId {
    /// A new key: 43 bits of milliseconds since 1970, then 20 bits that no other run of this
    /// millisecond has.
    #[must_use]
    pub fn new() -> Self {
        todo!("transport helper")
    }
}

/// Does one run: sends it, stamps and decodes what comes, reports each step to `emit`, and gives
/// back the whole record. `cancel` closes the socket at once.
pub async fn execute(
    _transport: &Transport,
    _ask: Ask,
    _cancel: CancellationToken,
    _emit: &mut (dyn FnMut(RunUpdate) + Send),
) -> Run {
    todo!("transport helper")
}
