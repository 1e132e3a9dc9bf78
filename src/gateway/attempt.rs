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
use tokio::time::timeout;

use super::{
    GatewayShared,
    asked::ClientRequest,
    held_end::HeldEnd,
    kept::RunKeeper,
    observed::{HeadMaker, Observed, keep_unsent},
    routes::RoutedTarget,
    status::LiveEntry,
};
use crate::{
    clock::now,
    credential::{RequestKeys, explained},
    dialect::serve::{AnswerWriter, refusal},
    endpoint::Endpoint,
    event::{Answer, Fault, FaultClass, Phase},
    exchange::{
        EndpointRequest, Exchange, ExchangeEnd, ExchangeStep, Head, PreparedExchange,
        call::passed_call,
    },
    run::{Origin, RunHead, RunId},
    transport::Transport,
};

/// Most bytes of a response of failure that are held.
pub(super) const MOST_HELD: usize = 8 << 20;

/// What all attempts of a request share.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub shared: &'a Arc<GatewayShared>,
    pub transport: &'a Transport,
    pub keeper: &'a RunKeeper,
    pub asked: &'a ClientRequest,
    /// Where the request notes which targets are asked.
    pub live: &'a LiveEntry,
    /// How long a target may take to its first token, if the route says so.
    pub first_token: Option<Duration>,
    /// Whether another target or another try is left for a failure.
    pub may_fail_over: bool,
}

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
    fn of(fault: Fault) -> Self {
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

/// Asks a target, and waits until its answer begins. Dropping the future closes the socket, and records that it was
/// stopped.
pub(super) async fn attempt(
    asking: Asking<'_>,
    target: &RoutedTarget,
    number: u32,
    stopped: Arc<OnceLock<&'static str>>,
) -> Result<Attempt, AttemptFailure> {
    target.health.asked(now());
    let begun = begun(asking, target, number, stopped).await;
    match &begun {
        Ok(attempt) => target.health.answered(now(), attempt.first_token()),
        Err(failure) => {
            target.health.failed(now(), &failure.fault);
            if failure.fault.class == FaultClass::Auth {
                asking.shared.keys.refused(&target.endpoint);
            }
        }
    }
    begun
}

async fn begun(
    asking: Asking<'_>,
    target: &RoutedTarget,
    number: u32,
    stopped: Arc<OnceLock<&'static str>>,
) -> Result<Attempt, AttemptFailure> {
    let mut attempt = prepared(asking, target, number, stopped).await?;
    let holds_tokens = asking.may_fail_over || asking.first_token.is_some();
    let begun = match asking.first_token {
        None => attempt.begin(holds_tokens).await,
        Some(limit) => match timeout(limit, attempt.begin(holds_tokens)).await {
            Ok(begun) => begun,
            Err(_) => Err(attempt.first_token_timeout(limit)),
        },
    };
    begun.map_err(|fault| attempt.failure(fault))?;
    Ok(attempt)
}

/// The attempt, ready to be sent.
async fn prepared(
    asking: Asking<'_>,
    target: &RoutedTarget,
    number: u32,
    stopped: Arc<OnceLock<&'static str>>,
) -> Result<Attempt, AttemptFailure> {
    let Asking { asked, keeper, .. } = asking;
    let run = RunId::new();
    asking.live.attempt(number, target.id(), run);
    let head = head_maker(asked, target, number, run);
    let keys = asking.shared.keys.of(&target.endpoint).await;
    let keys = match keys {
        Ok(keys) => keys,
        Err(fault) => {
            keep_unsent(keeper, head(), &fault);
            return Err(AttemptFailure::of(fault));
        }
    };
    let endpoint = keys.place.fitted(&target.endpoint);
    let way = if asked.is_as_is(&endpoint) {
        as_is(asking, target, &endpoint, &keys).await
    } else {
        translated(asking, target, &endpoint, &keys).await
    };
    let Way {
        prepared,
        form,
        dropped,
        observer,
    } = match way {
        Ok(way) => way,
        Err(mut failure) => {
            failure.fault = explained(failure.fault, keys.no_key_reason.as_deref());
            if failure.is_unsendable {
                asking.live.not_sent(number);
            } else {
                keep_unsent(keeper, head(), &failure.fault);
            }
            return Err(failure);
        }
    };
    let observed = Observed::new(observer, head, keys.no_key_reason.clone(), keeper.clone());
    let started = observed.started();
    Ok(Attempt {
        exchange: prepared.begin(started),
        form,
        ready: VecDeque::new(),
        unseen: Vec::new(),
        observed: Some(observed),
        head: None,
        dropped,
        stopped,
        started,
        is_over: false,
    })
}

/// How a target is asked.
struct Way {
    prepared: PreparedExchange,
    form: AnswerForm,
    dropped: Vec<String>,
    observer: Option<crate::exchange::ResponseObserver>,
}

/// The request is passed on.
async fn as_is(
    asking: Asking<'_>,
    target: &RoutedTarget,
    endpoint: &Endpoint,
    keys: &RequestKeys,
) -> Result<Way, AttemptFailure> {
    let passed = asking.asked.passed(&target.model);
    let mut call = passed_call(
        endpoint,
        passed,
        keys.key.as_ref(),
        keys.proxy_password.clone(),
    )
    .map_err(AttemptFailure::of)?;
    // What is measured must be readable.
    let identity = header::HeaderValue::from_static("identity");
    call.headers.insert(header::ACCEPT_ENCODING, identity);
    let prepared = PreparedExchange::call(asking.transport, call, None).await;
    let prepared = prepared.map_err(AttemptFailure::of)?;
    let observer = prepared.observer(endpoint.dialect.dialect().decoder);
    Ok(Way {
        prepared,
        form: AnswerForm::AsIs,
        dropped: Vec::new(),
        observer: Some(observer),
    })
}

/// The request is written in the target's protocol.
async fn translated(
    asking: Asking<'_>,
    target: &RoutedTarget,
    endpoint: &Endpoint,
    keys: &RequestKeys,
) -> Result<Way, AttemptFailure> {
    let own = asking.shared.answer_head();
    let translated = asking.asked.translated(target, &own);
    let translated = translated.map_err(|fault| AttemptFailure {
        is_unsendable: true,
        ..AttemptFailure::of(fault)
    })?;
    let question = EndpointRequest {
        dialect: endpoint.dialect.dialect(),
        endpoint,
        request: &translated.request,
        key: keys.key.as_ref(),
        proxy_password: keys.proxy_password.as_ref(),
        cold: false,
    };
    let prepared = PreparedExchange::chat(asking.transport, question).await;
    let (writer, wants_usage) = (translated.writer, translated.usage);
    let form = if translated.stream {
        let end = HeldEnd::new(wants_usage);
        AnswerForm::Streamed { writer, end }
    } else {
        AnswerForm::Whole { writer }
    };
    Ok(Way {
        prepared: prepared.map_err(AttemptFailure::of)?,
        form,
        dropped: translated.dropped,
        observer: None,
    })
}

/// Makes the head of the attempt's run.
fn head_maker(asked: &ClientRequest, target: &RoutedTarget, number: u32, run: RunId) -> HeadMaker {
    let (inbound, body, params) = (asked.inbound, asked.body.clone(), asked.params.clone());
    let (endpoint, model) = (Arc::clone(&target.endpoint), target.model.clone());
    Box::new(move || {
        let request = ClientRequest::request_of(inbound, &body, &params, &model);
        RunHead {
            attempt: number,
            ..RunHead::new(run, &endpoint, Arc::new(request), Origin::Gateway)
        }
    })
}

impl Attempt {
    /// Pulls until the answer begins. Where bytes are passed on, it begins with the head of a response of success,
    /// unless a stream's first token is to be waited for.
    async fn begin(&mut self, holds_tokens: bool) -> Result<(), Fault> {
        loop {
            let step = self.exchange.next().await;
            if let ExchangeStep::Head(head) = &step {
                self.head = Some(head.clone());
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
        let observed = self.observed.as_mut()?;
        for unseen in self.unseen.drain(..) {
            observed.step(unseen);
        }
        let seen = observed.step(step);
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
        Some(ExchangeStep::ExchangeEnd(end))
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

    fn first_token_timeout(&mut self, limit: Duration) -> Fault {
        let ms = limit.as_millis();
        let why = format!("no token came within {ms} ms (the route's first-token limit)");
        self.is_over = true;
        let end = self.exchange.stop(FaultClass::Timeout, &why);
        let fault = end.fault().cloned();
        self.record_end(end);
        fault.unwrap_or_else(|| Fault::new(FaultClass::Timeout, Phase::FirstToken, why))
    }

    fn record_end(&mut self, end: ExchangeEnd) {
        if let Some(observed) = &mut self.observed {
            for unseen in self.unseen.drain(..) {
                observed.step(unseen);
            }
            observed.step(ExchangeStep::ExchangeEnd(end));
        }
    }

    /// Ends it as failed.
    fn failure(&mut self, fault: Fault) -> AttemptFailure {
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
            fault,
            response,
            is_unsendable: false,
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
        let Some(mut observed) = self.observed.take() else {
            return;
        };
        for unseen in self.unseen.drain(..).chain(end) {
            observed.step(unseen);
        }
        observed.finish();
    }
}
