//! The record of one attempt: each of its steps is decoded if it was passed on undecoded, stamped, and kept.

use std::{sync::Arc, time::Instant};

use super::kept::RunKeeper;
use crate::{
    event::{Event, Fault},
    exchange::{ExchangeStep, ResponseObserver},
    run::{Run, RunHead, RunRecord, recorder::Recorder},
};

/// Makes the part of a run that never changes. Reading a large request takes a while, so that it is done when no byte
/// waits for it.
pub(super) type HeadMaker = Box<dyn FnOnce() -> RunHead + Send>;

/// An attempt, as it is observed.
pub(super) struct Observed {
    /// Decodes what is passed on undecoded.
    decoder: Option<ResponseObserver>,
    keeper: RunKeeper,
    started: Instant,
    state: RecordState,
}

enum RecordState {
    /// Nothing was recorded yet.
    Waiting {
        recorder: Recorder,
        head: HeadMaker,
        no_key_reason: Option<String>,
    },
    Recording(Box<RunRecord<'static>>),
    Over,
}

/// What a step says of the answer.
#[derive(Debug, Default)]
pub(super) struct StepSummary {
    /// Whether it has the first token.
    pub is_first_token: bool,
    /// Whether something of the answer is there, or the target is at work on it.
    pub begins: bool,
    /// Why it failed.
    pub fault: Option<Fault>,
}

impl Observed {
    /// Starts the attempt's clock.
    pub(super) fn new(
        decoder: Option<ResponseObserver>,
        head: HeadMaker,
        no_key_reason: Option<String>,
        keeper: RunKeeper,
    ) -> Self {
        let recorder = Recorder::start();
        Self {
            decoder,
            keeper,
            started: recorder.started(),
            state: RecordState::Waiting {
                recorder,
                head,
                no_key_reason,
            },
        }
    }

    /// When its clock was started.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Records a step.
    pub(super) fn step(&mut self, step: ExchangeStep) -> StepSummary {
        let step = match &mut self.decoder {
            Some(decoder) => decoder.decoded(step),
            None => step,
        };
        let mut seen = match &step {
            ExchangeStep::Connected(_) | ExchangeStep::Head(_) => StepSummary::default(),
            ExchangeStep::ExchangeChunk(chunk) => StepSummary::of(&chunk.events),
            ExchangeStep::ExchangeEnd(end) => StepSummary::of(&end.events),
        };
        if let Some(record) = self.record() {
            let first_token = |record: &RunRecord<'_>| record.run().stamps.first_token;
            let had_token = first_token(record).is_some();
            record.step(step);
            seen.is_first_token = !had_token && first_token(record).is_some();
        }
        seen
    }

    /// The run so far; `None` before anything was recorded.
    pub(super) fn run(&self) -> Option<&Run> {
        match &self.state {
            RecordState::Recording(record) => Some(record.run()),
            RecordState::Waiting { .. } | RecordState::Over => None,
        }
    }

    /// The body of a response of failure that is passed on, without the provider's key if it repeats that.
    pub(super) fn covered(&self, body: Vec<u8>) -> Vec<u8> {
        match &self.decoder {
            Some(decoder) => decoder.covered(body),
            None => body,
        }
    }

    /// Whether its end was recorded.
    pub(super) fn is_over(&self) -> bool {
        self.run().is_none_or(|run| run.state.is_over())
    }

    /// Keeps the run, which is over, and returns it.
    pub(super) fn finish(&mut self) -> Option<Arc<Run>> {
        self.record()?;
        let state = std::mem::replace(&mut self.state, RecordState::Over);
        let RecordState::Recording(record) = state else {
            return None;
        };
        let run = Arc::new(record.into_run());
        self.keeper.finish(&run);
        Some(run)
    }

    /// The record, begun if it was not yet.
    fn record(&mut self) -> Option<&mut RunRecord<'static>> {
        if matches!(self.state, RecordState::Waiting { .. })
            && let RecordState::Waiting {
                recorder,
                head,
                no_key_reason,
            } = std::mem::replace(&mut self.state, RecordState::Over)
        {
            let head = head();
            self.keeper.begin(&head);
            let taker = self.keeper.taker(head.id);
            let record = RunRecord::begin_at(recorder, head, no_key_reason, taker);
            self.state = RecordState::Recording(Box::new(record));
        }
        match &mut self.state {
            RecordState::Recording(record) => Some(record),
            RecordState::Waiting { .. } | RecordState::Over => None,
        }
    }
}

impl StepSummary {
    fn of(events: &[Event]) -> Self {
        Self {
            begins: events.iter().any(is_of_answer),
            is_first_token: false,
            fault: events.iter().find_map(Event::fault).cloned(),
        }
    }
}

/// Whether an event says something of the answer, or that the target is at work on it.
fn is_of_answer(event: &Event) -> bool {
    !matches!(
        event,
        Event::Meta { .. }
            | Event::Echo { .. }
            | Event::Note(_)
            | Event::Usage(_)
            | Event::Unknown { .. }
            | Event::Timing { .. }
            | Event::LeftOut { .. }
            | Event::Done
    )
}

/// Keeps an attempt that failed before anything was sent.
pub(super) fn keep_unsent(keeper: &RunKeeper, head: RunHead, fault: &Fault) {
    keeper.begin(&head);
    let taker = keeper.taker(head.id);
    let run = Run::unsent(head, fault.clone(), taker);
    keeper.finish(&Arc::new(run));
}
