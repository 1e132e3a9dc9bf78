//! From an attempt that answers to the response: frames go to the client first, and are observed after.
//!
//! What observes runs in a task of its own, so that neither decoding nor the history holds up a byte. It is told each
//! step through a queue; only where that is full, reading pauses.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Instant,
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::yield_now,
};
use tokio_util::task::TaskTracker;

use super::{
    account::RequestAccount,
    attempt::{Attempt, AttemptFailure, HeldResponse},
    headers,
    observed::Observed,
    refusals::refusal_of,
};
use crate::{
    clock::now,
    event::{Event, Fault},
    exchange::ExchangeStep,
    run::Backlog,
    server::{ReplyBody, full, json_response},
};

/// Most characters of a header that says what was not sent.
const MAX_DROPPED: usize = 2_000;
/// What was not sent to the target.
const DROPPED: HeaderName = HeaderName::from_static("x-tokenscope-dropped");
/// The target that answered.
const TARGET: HeaderName = HeaderName::from_static("x-tokenscope-target");

/// The response with this answer.
pub(super) fn response(
    mut attempt: Attempt,
    mut account: RequestAccount,
    observers: &TaskTracker,
) -> Response<ReplyBody> {
    let head = attempt.head.take();
    let theirs = head.as_ref().map(|head| &head.headers);
    let for_everyone = theirs.map(headers::for_everyone).unwrap_or_default();
    let dropped = std::mem::take(&mut attempt.dropped);
    account.record.status = 200;
    let target = account.record.target.clone();
    let mut response = if let Some((document, observed)) = attempt.whole() {
        let response = json_response(StatusCode::OK, &document);
        let run = observed.and_then(|mut observed| observed.finish());
        match run {
            Some(run) => account.answered(&run),
            None => account.passed_on(200),
        }
        with(response, &for_everyone)
    } else if let Some(content_type) = attempt.content_type() {
        let mut response = Response::new(relayed(attempt, account, observers));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        with(response, &for_everyone)
    } else {
        let own = theirs.map(|theirs| headers::of_response(theirs, true));
        let status = head.as_ref().map_or(200, |head| head.status);
        account.record.status = status;
        let mut response = Response::new(relayed(attempt, account, observers));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        with(response, &own.unwrap_or_default())
    };
    let headers = response.headers_mut();
    if let Some(dropped) = as_value(&dropped.join("; ")) {
        headers.insert(DROPPED, dropped);
    }
    if let Some(target) = as_value(&target) {
        headers.insert(TARGET, target);
    }
    response
}

/// The target's own response of failure.
fn held(held: HeldResponse) -> Response<ReplyBody> {
    let mut response = Response::new(full(held.body));
    *response.status_mut() = StatusCode::from_u16(held.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut headers = headers::of_response(&held.headers, true);
    headers.remove(header::CONTENT_LENGTH);
    with(response, &headers)
}

/// What a client is told of the last failure: the target's own response, or else its words.
pub(super) fn failed(
    failure: AttemptFailure,
    account: RequestAccount,
) -> Result<Response<ReplyBody>, Fault> {
    let fault = refusal_of(failure.fault);
    account.failed(&fault);
    match failure.response {
        Some(response) => Ok(held(response)),
        None => Err(fault),
    }
}

fn with(mut response: Response<ReplyBody>, headers: &HeaderMap) -> Response<ReplyBody> {
    let own = response.headers_mut();
    for (name, value) in headers {
        own.append(name, value.clone());
    }
    response
}

/// A text as a header: what ASCII can't say is left out of it.
fn as_value(text: &str) -> Option<HeaderValue> {
    let ascii = text
        .chars()
        .filter(|c| c.is_ascii() && !c.is_ascii_control());
    let ascii: String = ascii.take(MAX_DROPPED).collect();
    HeaderValue::try_from(ascii)
        .ok()
        .filter(|value| !value.is_empty())
}

/// The body that hands on what the target sends.
fn relayed(mut attempt: Attempt, account: RequestAccount, observers: &TaskTracker) -> ReplyBody {
    let first_frame = Arc::clone(&account.first_frame);
    let (steps, received) = unbounded_channel();
    let backlog = Arc::new(Backlog::default());
    if let Some((observed, unseen)) = attempt.take_observed() {
        for step in unseen {
            backlog.add(bytes_held(&step));
            // The other end is in scope.
            let _ = steps.send((step, now()));
        }
        observers.spawn(observe(received, Arc::clone(&backlog), observed, account));
    }
    let relay = Relay {
        attempt,
        steps,
        backlog,
        first_frame,
    };
    let frames = stream::unfold(relay, |mut relay| async {
        let frame = relay.next().await?;
        Some((frame, relay))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// A step, and when what it gave was handed on to the client.
type HandedOn = (ExchangeStep, Instant);

/// A streamed answer on its way. Dropping it closes the exchange: a client that leaves stops its target.
struct Relay {
    attempt: Attempt,
    steps: UnboundedSender<HandedOn>,
    backlog: Arc<Backlog>,
    first_frame: Arc<OnceLock<Instant>>,
}

impl Relay {
    async fn next(&mut self) -> Option<io::Result<Frame<Bytes>>> {
        let Self {
            attempt,
            steps,
            backlog,
            first_frame,
        } = self;
        if backlog.is_full() {
            backlog.room().await;
        }
        let mut observe = |step: ExchangeStep| {
            backlog.add(bytes_held(&step));
            // What observes may have failed; the answer goes on.
            let _ = steps.send((step, now()));
        };
        let frame = attempt.frame(&mut observe).await;
        if matches!(frame, Some(Err(_))) {
            // What came before is sent first: an error closes the connection at once.
            yield_now().await;
        }
        if frame.is_some() {
            first_frame.get_or_init(now);
        }
        frame
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(end) = self.attempt.stop() {
            // What observes may have failed.
            let _ = self.steps.send((end, now()));
        }
    }
}

/// Observes an answer until its end.
async fn observe(
    mut steps: UnboundedReceiver<HandedOn>,
    backlog: Arc<Backlog>,
    mut observed: Observed,
    mut account: RequestAccount,
) {
    while let Some((step, handed_on)) = steps.recv().await {
        backlog.take(bytes_held(&step));
        if observed.step(step).is_first_token {
            account.hands_on_token(handed_on);
        }
        if observed.is_over() {
            break;
        }
    }
    backlog.close();
    if let Some(run) = observed.finish() {
        account.answered(&run);
    }
}

/// About how many bytes a step takes in memory.
fn bytes_held(step: &ExchangeStep) -> usize {
    let held = match step {
        ExchangeStep::Connected(_) | ExchangeStep::Head(_) => 0,
        ExchangeStep::ExchangeChunk(chunk) => {
            let events: usize = chunk.events.iter().map(Event::bytes_held).sum();
            chunk.bytes.len() + size_of_val(chunk.events.as_slice()) + events
        }
        ExchangeStep::ExchangeEnd(end) => size_of_val(end.events.as_slice()),
    };
    size_of::<ExchangeStep>() + held
}
