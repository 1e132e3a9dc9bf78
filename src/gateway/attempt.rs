//! One attempt: a target is asked, and what it says is held until its answer begins. Until then another target can be
//! asked instead.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Frame;

use super::{held_end::HeldEnd, observed::Observed};
use crate::{
    dialect::serve::{AnswerWriter, refusal},
    event::{Answer, Fault, FaultClass, Phase},
    exchange::{Exchange, ExchangeEnd, ExchangeStep, Head},
};

/// Most bytes of a response of failure that are held.
pub(super) const MOST_HELD: usize = 8 << 20;

/// An attempt whose answer begins.
pub(super) struct Attempt {
    exchange: Exchange,
    form: AnswerForm,
    /// Frames for the client that are not sent yet.
    ready: VecDeque<io::Result<Frame<Bytes>>>,
    /// Steps that were not observed yet.
    unseen: Vec<ExchangeStep>,
    observed: Option<Observed>,
    /// The head of the target's response.
    pub head: Option<Head>,
    /// What was not sent to the target.
    pub dropped: Vec<String>,
    /// Why it is stopped, if it is: otherwise the client has left.
    stopped: Arc<OnceLock<&'static str>>,
    started: Instant,
    is_over: bool,
}

/// How the target's answer becomes the client's.
pub(super) enum AnswerForm {
    /// Its bytes are passed on.
    AsIs,
    /// Its events are written in the client's protocol.
    Streamed {
        writer: Box<dyn AnswerWriter>,
        end: HeldEnd,
    },
    /// As one document.
    Whole { writer: Box<dyn AnswerWriter> },
}

/// A failed attempt.
pub(super) struct AttemptFailure {
    pub fault: Fault,
    /// The target's own response, if it is in the client's protocol.
    pub response: Option<HeldResponse>,
    /// Whether this target can't be asked so, whatever others can.
    pub is_unsendable: bool,
}

/// A response of failure in the client's protocol.
pub(super) struct HeldResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl AttemptFailure {
    pub(super) fn of(fault: Fault) -> Self {
        Self {
            fault,
            response: None,
            is_unsendable: false,
        }
    }

    /// Whether no other target would do better: the request itself is wrong.
    pub(super) fn is_final(&self) -> bool {
        self.fault.class == FaultClass::BadRequest && !self.is_unsendable
    }
}

impl Attempt {
    /// An attempt whose request is about to be sent.
    pub(super) fn new(
        exchange: Exchange,
        form: AnswerForm,
        observed: Observed,
        dropped: Vec<String>,
        stopped: Arc<OnceLock<&'static str>>,
    ) -> Self {
        Self {
            exchange,
            form,
            ready: VecDeque::new(),
            unseen: Vec::new(),
            started: observed.started(),
            observed: Some(observed),
            head: None,
            dropped,
            stopped,
            is_over: false,
        }
    }

    /// Pulls until the answer begins. Where bytes are passed on, it begins with the head of a response of success,
    /// unless a stream's first token is to be waited for.
    pub(super) async fn begin(&mut self, holds_tokens: bool) -> Result<(), Fault> {
        loop {
            let step = self.exchange.next().await;
            if let ExchangeStep::Head(head) = &step {
                self.head = Some(Head::clone(head));
            }
            let is_passed = matches!(self.form, AnswerForm::AsIs);
            let waits = holds_tokens && self.is_stream();
            if is_passed && self.is_success() && !waits {
                self.unseen.push(step);
                return Ok(());
            }
            if is_passed && self.head.is_none() && !matches!(step, ExchangeStep::ExchangeEnd(_)) {
                self.unseen.push(step);
                continue;
            }
            if let Some(begun) = self.observe(step) {
                return begun;
            }
        }
    }

    /// Takes a step, and says whether the answer begins, or that it failed.
    fn observe(&mut self, step: ExchangeStep) -> Option<Result<(), Fault>> {
        self.write(&step);
        let seen = self.observer()?.step(step);
        let is_whole = matches!(self.form, AnswerForm::Whole { .. });
        let is_error = matches!(self.form, AnswerForm::AsIs) && !self.is_success();
        match seen.fault {
            // The rest of the target's own words is to come.
            Some(_) if is_error && !self.is_over && self.held_bytes() < MOST_HELD => None,
            Some(fault) => Some(Err(fault)),
            None if self.is_over && is_error => Some(Err(self.unexplained())),
            None if self.is_over => Some(Ok(())),
            None => (seen.begins && !is_whole && !is_error).then_some(Ok(())),
        }
    }

    /// What observes it, which has seen all steps so far.
    fn observer(&mut self) -> Option<&mut Observed> {
        let observed = self.observed.as_mut()?;
        for unseen in self.unseen.drain(..) {
            observed.step(unseen);
        }
        Some(observed)
    }

    /// A response of failure in which nothing says why.
    fn unexplained(&self) -> Fault {
        let status = self.head.as_ref().map_or(502, |head| head.status);
        refusal(
            status,
            "provider_error",
            format!("The provider answered with status {status}"),
        )
    }

    /// What this step gives the client, appended to what is ready.
    fn write(&mut self, step: &ExchangeStep) {
        let (bytes, events, is_over) = match step {
            ExchangeStep::Connected(_) | ExchangeStep::Head(_) => return,
            ExchangeStep::ExchangeChunk(chunk) => (&chunk.bytes, chunk.events.as_slice(), false),
            ExchangeStep::ExchangeEnd(end) => {
                self.is_over = true;
                (&Bytes::new(), end.events.as_slice(), true)
            }
        };
        match &mut self.form {
            AnswerForm::AsIs => {
                if !bytes.is_empty() {
                    self.ready.push_back(Ok(Frame::data(bytes.clone())));
                }
                if let ExchangeStep::ExchangeEnd(end) = step
                    && let Some(fault) = end.fault()
                {
                    // A cut answer must not look whole.
                    self.ready
                        .push_back(Err(io::Error::other(fault.to_string())));
                }
            }
            AnswerForm::Streamed { writer, end } => {
                let events = end.in_order(events, is_over);
                let mut out = Vec::new();
                writer.write(&events, &mut out);
                if !out.is_empty() {
                    self.ready.push_back(Ok(Frame::data(out.into())));
                }
                if is_over && let Some(trailers) = writer.trailers() {
                    self.ready.push_back(Ok(Frame::trailers(trailers)));
                }
            }
            AnswerForm::Whole { .. } => {}
        }
    }

    /// The next frame for the client: one that is ready, or that the next steps give. Each step goes to `observe`,
    /// too.
    pub(super) async fn frame(
        &mut self,
        observe: &mut (dyn FnMut(ExchangeStep) + Send),
    ) -> Option<io::Result<Frame<Bytes>>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if self.is_over {
                return None;
            }
            let step = self.exchange.next().await;
            self.write(&step);
            observe(step);
        }
    }

    /// Gives up what observes it, with the steps that it has not seen.
    pub(super) fn take_observed(&mut self) -> Option<(Observed, Vec<ExchangeStep>)> {
        Some((self.observed.take()?, std::mem::take(&mut self.unseen)))
    }

    /// Stops it: its client has left.
    pub(super) fn stop(&mut self) -> Option<ExchangeStep> {
        if std::mem::replace(&mut self.is_over, true) {
            return None;
        }
        let why = self.stopped.get().copied();
        let why = why.unwrap_or("the client closed its connection");
        let end = self.exchange.stop(FaultClass::Cancelled, why);
        Some(ExchangeStep::ExchangeEnd(end.into()))
    }

    /// Its answer as one document, if it is asked for so.
    pub(super) fn whole(&mut self) -> Option<(serde_json::Value, Option<Observed>)> {
        let AnswerForm::Whole { writer } = &self.form else {
            return None;
        };
        let observed = self.observed.take();
        let run = observed.as_ref().and_then(Observed::run);
        let nothing = Answer::default();
        let document = writer.whole(run.map_or(&nothing, |run| &run.answer));
        Some((document, observed))
    }

    /// The content type of a translated stream.
    pub(super) fn content_type(&self) -> Option<&'static str> {
        match &self.form {
            AnswerForm::Streamed { writer, .. } => Some(writer.content_type()),
            AnswerForm::AsIs | AnswerForm::Whole { .. } => None,
        }
    }

    /// When it was begun.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// How long its first token took, if it is known by now.
    pub(super) fn first_token(&self) -> Option<Duration> {
        let run = self.observed.as_ref()?.run()?;
        run.stamps.first_token.map(Duration::from_nanos)
    }

    pub(super) fn first_token_timeout(&mut self, limit: Duration) -> Fault {
        let ms = limit.as_millis();
        let why = format!("no token came within {ms} ms (the route's first-token limit)");
        self.is_over = true;
        let end = self.exchange.stop(FaultClass::Timeout, &why);
        let fault = end.fault().cloned();
        self.record_end(end);
        fault.unwrap_or_else(|| Fault::new(FaultClass::Timeout, Phase::FirstToken, why))
    }

    fn record_end(&mut self, end: ExchangeEnd) {
        if let Some(observed) = self.observer() {
            observed.step(ExchangeStep::ExchangeEnd(end.into()));
        }
    }

    /// Ends it as failed.
    pub(super) fn failure(&mut self, fault: Fault) -> AttemptFailure {
        if !std::mem::replace(&mut self.is_over, true) {
            let end = self
                .exchange
                .stop(FaultClass::Cancelled, "its answer had failed");
            self.record_end(end);
        }
        let head = self.head.take().filter(|head| !is_success(head));
        let is_passed = matches!(self.form, AnswerForm::AsIs);
        let response = head.filter(|_| is_passed).map(|head| HeldResponse {
            status: head.status,
            headers: head.headers,
            body: self.held_body(),
        });
        AttemptFailure {
            response,
            ..AttemptFailure::of(fault)
        }
    }

    /// What is held of a body.
    fn held_body(&mut self) -> Bytes {
        let frames = self.ready.drain(..);
        let pieces: Vec<Bytes> = frames
            .filter_map(|frame| frame.ok()?.into_data().ok())
            .collect();
        let body = pieces.concat();
        match &self.observed {
            Some(observed) => observed.covered(body).into(),
            None => body.into(),
        }
    }

    fn is_success(&self) -> bool {
        self.head.as_ref().is_some_and(is_success)
    }

    fn is_stream(&self) -> bool {
        let headers = self.head.as_ref().map(|head| &head.headers);
        let kind = headers.and_then(|headers| headers.get(header::CONTENT_TYPE)?.to_str().ok());
        kind.is_some_and(|kind| kind.contains("event-stream") || kind.contains("ndjson"))
    }

    fn held_bytes(&self) -> usize {
        let frames = self.ready.iter().flatten();
        frames.filter_map(Frame::data_ref).map(Bytes::len).sum()
    }
}

fn is_success(head: &Head) -> bool {
    (200..300).contains(&head.status)
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let end = self.stop();
        if let Some(observed) = self.observer() {
            if let Some(end) = end {
                observed.step(end);
            }
            observed.finish();
        }
    }
}
