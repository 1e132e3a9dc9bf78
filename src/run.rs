//! One request to one target: its state machine and its record.
//!
//! In: a target, a request, and the steps of an exchange. Out: [`RunUpdate`]s while it is live, and a [`Run`] with
//! every stamp at the end.

mod backlog;
mod execute;
mod link;
mod reads;
mod record;
pub mod recorder;
mod stamps;
mod stop;
mod wire;

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use self::{
    backlog::Backlog,
    execute::{execute, execute_in, execute_paced},
    link::{Link, LinkTry},
    reads::Reads,
    record::RunRecord,
    stamps::{OffsetNs, Read, Span, Stamps, TOGETHER_NS, ms},
    stop::RunStop,
    wire::{WireHead, WirePart, WireRead},
};

use crate::{
    chat::ChatRequest,
    clock::wall_clock_ns,
    dialect::DialectId,
    endpoint::{Endpoint, TargetId},
    event::{Answer, Event, Fault, FaultClass, words},
    visible::shown_url,
};

/// A run's key: made by the client, ordered by time, unique across processes that share a history.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct RunId(pub i64);

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

/// The updates of a run, in order. [`Run::apply`] folds them.
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
        connection: ConnectionKind,
        /// HTTP status.
        status: u16,
        /// HTTP version.
        http_version: String,
    },
    /// One read and the events it completed.
    Read {
        /// The read.
        read: Read,
        /// The events that it completed, in order.
        events: Vec<Event>,
    },
    /// What went over the wire since the last such part. It changes nothing in a [`Run`], which does not hold it.
    Wire(Box<WirePart>),
    /// The run is over, with the events that only the end makes known.
    Closed {
        /// When.
        at: OffsetNs,
        /// The last events (a truncation fault, a cancel, …).
        events: Vec<Event>,
        /// The final stamps.
        stamps: Box<Stamps>,
    },
}

impl Run {
    /// A run that fails now, before anything was sent; `tell` takes its updates.
    #[must_use]
    pub fn unsent(head: RunHead, fault: Fault, mut tell: impl FnMut(RunUpdate)) -> Self {
        let mut run = Self::new(head);
        for update in RunUpdate::failed_before_start(fault, wall_clock_ns()) {
            if run.apply(&update).is_ok() {
                tell(update);
            }
        }
        run
    }
}

impl RunUpdate {
    /// All updates of a run that failed before anything was sent.
    #[must_use]
    pub fn failed_before_start(fault: Fault, started_unix_ns: i64) -> [Self; 2] {
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

/// An update that is not allowed in the run's state. The run is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {state} can't take {update}")]
pub struct IllegalUpdate {
    /// The state.
    pub state: RunState,
    /// The update's name.
    pub update: &'static str,
}

impl RunUpdate {
    /// Its name, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Head { .. } => "head",
            Self::Read { .. } => "read",
            Self::Wire(_) => "wire",
            Self::Closed { .. } => "closed",
        }
    }

    /// The events that it brings.
    pub(crate) fn events(&self) -> &[Event] {
        match self {
            Self::Started { .. } | Self::Head { .. } | Self::Wire(_) => &[],
            Self::Read { events, .. } | Self::Closed { events, .. } => events,
        }
    }
}

impl Run {
    /// Folds one update in: the only way a run changes.
    ///
    /// # Errors
    /// If the update is not allowed in the current state; nothing is changed then.
    pub fn apply(&mut self, update: &RunUpdate) -> Result<(), IllegalUpdate> {
        self.apply_state(update)?;
        if let RunUpdate::Read { read, .. } = update {
            self.reads.push(*read);
        }
        for event in update.events() {
            self.answer.apply(event);
        }
        Ok(())
    }

    /// The part of [`Self::apply`] that updates state, stamps and connection, but not answer and reads: for a caller
    /// that keeps those itself.
    pub(crate) fn apply_state(&mut self, update: &RunUpdate) -> Result<(), IllegalUpdate> {
        let next = self.next_state(update).ok_or(IllegalUpdate {
            state: self.state,
            update: update.name(),
        })?;
        match update {
            RunUpdate::Started { started_unix_ns } => {
                self.stamps.started_unix_ns = *started_unix_ns;
            }
            RunUpdate::Head {
                stamps,
                connection,
                status,
                http_version,
            } => {
                self.stamps = (**stamps).clone();
                self.connection = Some(*connection);
                self.status = Some(*status);
                self.http_version = Some(http_version.clone());
            }
            RunUpdate::Read { read, events } => self.stamps.note(read, events),
            RunUpdate::Wire(_) => {}
            RunUpdate::Closed { stamps, .. } => self.stamps = (**stamps).clone(),
        }
        self.state = next;
        Ok(())
    }

    /// The state after an update; `None` if the update is not allowed now.
    fn next_state(&self, update: &RunUpdate) -> Option<RunState> {
        use RunState as S;
        use RunUpdate as U;
        let fails = self.answer.fault.is_some()
            || (update.events().iter()).any(|event| matches!(event, Event::Fault(_)));
        match (self.state, update) {
            (S::Queued, U::Started { .. }) => Some(S::Connecting),
            (S::Connecting, U::Head { .. }) => Some(S::Waiting),
            (S::Waiting, U::Read { read, .. }) if read.tokens == 0 => Some(S::Waiting),
            (S::Waiting | S::Streaming, U::Read { .. }) => Some(S::Streaming),
            (S::Connecting | S::Waiting | S::Streaming, U::Wire(_)) => Some(self.state),
            (S::Connecting | S::Waiting | S::Streaming, U::Closed { .. }) if fails => {
                Some(S::Fault)
            }
            // Without a head there was no answer, so `Connecting` can't end as `Ok`.
            (S::Waiting | S::Streaming, U::Closed { .. }) => Some(S::Ok),
            _ => None,
        }
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

impl RunId {
    /// The smallest key that a run since this time (nanoseconds since 1970) can have.
    #[must_use]
    pub fn first_since(unix_ns: i64) -> Self {
        Self((unix_ns.max(0) / 1_000_000) << 20)
    }

    /// A new key: 43 bits of milliseconds since 1970, then 20 bits that tell apart the runs of one millisecond.
    ///
    /// Keys of one process grow. Within one millisecond they count up from a random start, so that keys of another
    /// process in the same millisecond collide only if its random start is very close.
    #[must_use]
    pub fn new() -> Self {
        static LAST: AtomicI64 = AtomicI64::new(0);
        // Half of the 20 bits is left for counting up.
        let place = RandomState::new().hash_one(0) & 0x7_ffff;
        let fresh = ((wall_clock_ns() / 1_000_000) << 20) | i64::try_from(place).unwrap_or(0);
        let after = |last: i64| {
            if fresh >> 20 > last >> 20 {
                fresh
            } else {
                last + 1
            }
        };
        let last = LAST.update(Ordering::Relaxed, Ordering::Relaxed, after);
        Self(after(last))
    }
}
