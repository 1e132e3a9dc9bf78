//! The updates of a run, and the one fold through which they change it.

use super::{ConnectionKind, OffsetNs, Read, Run, RunHead, RunState, Stamps, WirePart};
use crate::{
    clock::wall_clock_ns,
    event::{Event, Fault},
};

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
