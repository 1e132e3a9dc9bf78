//! Executes a plan: waits, writes, and records what happened in the ledger.

use std::{
    io,
    iter::Peekable,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body::Frame;

use super::{
    ledger::Ledger,
    pace::{self, Pacer},
    plan::{Plan, PlanAction, PlanStep},
    wire::ConnectionHandle,
};
use crate::{
    dialect::serve::AnswerWriter,
    event::{Answer, Event},
};

/// One answer under way.
pub(super) struct SimulatedAnswer {
    pub pacer: Arc<Pacer>,
    pub ledger: Arc<Ledger>,
    pub wire: ConnectionHandle,
    /// The run's number.
    pub run: u64,
    /// When the request had been read: offset 0 of the plan.
    pub read: Instant,
    pub writer: Box<dyn AnswerWriter>,
    /// What the answer tells of how long it took.
    pub timings: Vec<Event>,
    /// Whether the client asked for usage at the end of a stream.
    pub usage: bool,
}

/// Time between two checks whether everything has been written.
const FLUSH_PAUSE: Duration = Duration::from_millis(1);

/// Why a body breaks off.
fn broken_off() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        "the plan resets the connection here",
    )
}

impl SimulatedAnswer {
    /// The body of a streamed answer. All that is due at one instant goes out in one write.
    pub fn stream(self, plan: Plan) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> + Send {
        let body = StreamedBody {
            exchange: self,
            plan: plan.peekable(),
            is_over: false,
        };
        stream::unfold(body, |mut body| async {
            let frame = body.next().await?;
            Some((frame, body))
        })
    }

    /// Does one step; says whether the body goes on.
    fn perform(&mut self, step: PlanStep, out: &mut Vec<u8>) -> bool {
        match step.act {
            PlanAction::Say(Event::Usage(_)) if !self.usage => {}
            PlanAction::Say(event) => {
                let mark = self.ledger.announce(self.run, step.at, event.is_token());
                self.wire.await_write(mark);
                if matches!(event, Event::Finish(_)) {
                    self.writer.write(&self.timings, out);
                }
                self.writer.write(&[event], out);
            }
            PlanAction::Cut => {
                self.wire.cut();
                let text = "this piece is cut in the middle".into();
                self.writer.write(&[Event::Text { text }], out);
            }
            PlanAction::Reset => {
                self.wire.reset();
                return false;
            }
        }
        true
    }

    /// The whole answer with its writer, once its plan has run down.
    ///
    /// # Errors
    /// If the plan resets the connection before that.
    pub async fn whole(self, plan: Plan) -> io::Result<(Answer, Box<dyn AnswerWriter>)> {
        let mut answer = Answer::default();
        let mut end = plan.head;
        for step in plan {
            end = step.at;
            match step.act {
                PlanAction::Say(event) => answer.apply(&event),
                PlanAction::Cut => self.wire.cut(),
                PlanAction::Reset => {
                    self.pacer.until(self.read + step.at).await;
                    self.wire.reset();
                    return Err(broken_off());
                }
            }
        }
        self.timings.iter().for_each(|event| answer.apply(event));
        self.pacer.until(self.read + end).await;
        let mark = self.ledger.announce(self.run, end, true);
        self.wire.await_write(mark);
        Ok((answer, self.writer))
    }
}

/// A streamed answer on its way out.
struct StreamedBody {
    exchange: SimulatedAnswer,
    plan: Peekable<Plan>,
    /// Whether nothing follows.
    is_over: bool,
}

impl StreamedBody {
    /// Waits until something is due, and gives it.
    async fn next(&mut self) -> Option<Result<Frame<Bytes>, io::Error>> {
        while !self.is_over {
            let Some(step) = self.plan.next() else {
                self.is_over = true;
                let trailers = self.exchange.writer.trailers();
                return trailers.map(|trailers| Ok(Frame::trailers(trailers)));
            };
            let (wire, pacer) = (&self.exchange.wire, &self.exchange.pacer);
            pacer.until(self.exchange.read + step.at).await;
            if matches!(step.act, PlanAction::Cut) {
                // Half of the next write is lost: nothing said before may be in it.
                all_is_written(wire, pacer).await;
            }
            let mut out = Vec::new();
            self.is_over = !self.perform_due(step, &mut out);
            if self.is_over {
                // What was said before must be out: hyper drops what it holds with the body.
                all_is_written(&self.exchange.wire, &self.exchange.pacer).await;
                return Some(Err(broken_off()));
            }
            if !out.is_empty() {
                return Some(Ok(Frame::data(Bytes::from(out))));
            }
        }
        None
    }

    /// Does a step and what is due with it; says whether the body goes on.
    fn perform_due(&mut self, step: PlanStep, out: &mut Vec<u8>) -> bool {
        let at = step.at;
        let mut goes_on = self.exchange.perform(step, out);
        let joins = |next: &PlanStep| next.at == at && !matches!(next.act, PlanAction::Cut);
        while let Some(step) = self.plan.next_if(|next| goes_on && joins(next)) {
            goes_on = self.exchange.perform(step, out);
        }
        goes_on
    }
}

/// Waits until the socket has taken every piece that was handed over.
async fn all_is_written(wire: &ConnectionHandle, pacer: &Pacer) {
    while wire.is_behind() {
        pacer.until(pace::now() + FLUSH_PAUSE).await;
    }
}
