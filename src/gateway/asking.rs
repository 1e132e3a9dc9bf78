//! How a target is asked: the request is passed on as it is, or written in the target's protocol.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::header;
use tokio::time::timeout;

use super::{
    GatewayShared,
    asked::ClientRequest,
    attempt::{AnswerForm, Attempt, AttemptFailure},
    found_route::RoutedTarget,
    held_end::HeldEnd,
    kept::RunKeeper,
    observed::{HeadMaker, Observed, keep_unsent},
    status::LiveEntry,
};
use crate::{
    clock::now,
    credential::{RequestKeys, explained},
    endpoint::Endpoint,
    event::FaultClass,
    exchange::{EndpointRequest, PreparedExchange, ResponseObserver, call::passed_call},
    run::{Origin, RunHead, RunId},
    transport::Transport,
};

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
    let exchange = prepared.begin(started);
    Ok(Attempt::new(exchange, form, observed, dropped, stopped))
}

/// How a target is asked.
struct Way {
    prepared: PreparedExchange,
    form: AnswerForm,
    dropped: Vec<String>,
    observer: Option<ResponseObserver>,
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
