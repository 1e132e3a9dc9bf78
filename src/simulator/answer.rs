//! Carries a plan out: waits, writes, and leaves the truth in the ledger.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use http_body::Frame;

use super::{
    ledger::Ledger,
    pace::{self, Pacer},
    plan::{Act, Plan, Step},
    wire::Wire,
};
use crate::{
    dialect::serve::Writer,
    event::{Answer, Event},
};

/// One answer under way.
pub(super) struct Exchange {
    pub pacer: Arc<Pacer>,
    pub ledger: Arc<Ledger>,
    pub wire: Wire,
    /// The run's number.
    pub run: u64,
    /// When the request had been read: offset 0 of the plan.
    pub read: Instant,
    pub writer: Box<dyn Writer>,
    /// What the answer tells of how long it took.
    pub timings: Vec<Event>,
    /// Whether the client asked for usage at the end of a stream.
    pub usage: bool,
}

/// Between two looks whether everything has been written.
const FLUSH_PAUSE: Duration = Duration::from_millis(1);

/// Why a body breaks off.
fn broken_off() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        "the plan resets the connection here",
    )
}

impl Exchange {
    /// The body of a streamed answer. All that is due at one instant goes out in one write.
    pub fn stream(
        mut self,
        plan: Plan,
    ) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> + Send {
        async_stream::stream! {
            let mut plan = plan.peekable();
            while let Some(step) = plan.next() {
                let at = step.at;
                self.pacer.until(self.read + at).await;
                if matches!(step.act, Act::Cut) {
                    // Half of the next write is lost: nothing said before may be in it.
                    all_is_written(&self.wire, &self.pacer).await;
                }
                let mut out = Vec::new();
                let mut goes_on = self.perform(step, &mut out);
                let joins = |next: &Step| next.at == at && !matches!(next.act, Act::Cut);
                while let Some(step) = plan.next_if(|next| goes_on && joins(next)) {
                    goes_on = self.perform(step, &mut out);
                }
                if !goes_on {
                    // What was said before must be out: hyper drops what it holds with the body.
                    all_is_written(&self.wire, &self.pacer).await;
                    yield Err(broken_off());
                    return;
                }
                if !out.is_empty() {
                    yield Ok(Frame::data(Bytes::from(out)));
                }
            }
            if let Some(trailers) = self.writer.trailers() {
                yield Ok(Frame::trailers(trailers));
            }
        }
    }

    /// Does one step; says whether the body goes on.
    fn perform(&mut self, step: Step, out: &mut Vec<u8>) -> bool {
        match step.act {
            Act::Say(Event::Usage(_)) if !self.usage => {}
            Act::Say(event) => {
                let mark = self.ledger.announce(self.run, step.at, event.is_token());
                self.wire.await_write(mark);
                if matches!(event, Event::Finish(_)) {
                    self.writer.write(&self.timings, out);
                }
                self.writer.write(&[event], out);
            }
            Act::Cut => {
                self.wire.cut();
                let text = "this piece is cut in the middle".into();
                self.writer.write(&[Event::Text { text }], out);
            }
            Act::Reset => {
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
    pub async fn whole(self, plan: Plan) -> io::Result<(Answer, Box<dyn Writer>)> {
        let mut answer = Answer::default();
        let mut end = plan.head;
        for step in plan {
            end = step.at;
            match step.act {
                Act::Say(event) => answer.apply(&event),
                Act::Cut => self.wire.cut(),
                Act::Reset => {
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

/// Waits until the socket has taken every piece that was handed over.
async fn all_is_written(wire: &Wire, pacer: &Pacer) {
    while wire.is_behind() {
        pacer.until(pace::now() + FLUSH_PAUSE).await;
    }
}
