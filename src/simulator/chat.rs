//! Answers one chat request: reads it, finds its model, plans, and opens the answer.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use serde_json::json;

use super::{
    SimulatorOptions,
    answer::SimulatedAnswer,
    ledger::Ledger,
    model::{self, AnswerOpening, Model},
    oauth,
    pace::Pacer,
    plan::{self, Plan, Promise},
    signature::{self, signature},
    wire::ConnectionHandle,
};
use crate::{
    chat::{ChatRequest, Part},
    clock::unix_seconds,
    dialect::serve::{AnswerHead, PathParams, Serve, ServedRequest, refusal},
    event::Fault,
    server::{MAX_BODY, ReplyBody, Stop, finish, full, json_response, refused, whole_body},
};

/// The number of a run, as in `GET /sim/runs/N`.
pub(super) const RUN_HEADER: HeaderName = HeaderName::from_static("x-sim-run");
/// What the run's plan promises; sent when asked for with [`ASK_PLAN_HEADER`].
const PLAN_HEADER: HeaderName = HeaderName::from_static("x-sim-plan");
/// Asks for [`PLAN_HEADER`].
const ASK_PLAN_HEADER: HeaderName = HeaderName::from_static("x-tokenscope-plan");

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Simulated sign-in</title></head>\
<body><h1>Simulated: please sign in to the network</h1></body></html>\n";

/// What all answers share.
pub(super) struct SharedAnswers {
    pub(super) options: SimulatorOptions,
    pub(super) pacer: Arc<Pacer>,
    pub(super) ledger: Arc<Ledger>,
}

/// Answers a chat request. The plan's clock starts at the read that completed the request.
pub(super) async fn answer(
    shared: &SharedAnswers,
    dialect: &Serve,
    way: &PathParams,
    wire: ConnectionHandle,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Stop> {
    let (head, body) = request.into_parts();
    let body = whole_body(body, MAX_BODY).await?;
    let read = wire.last_read();
    let mut asked = (dialect.read)(&body, way)?;
    drop(body);
    let key = (dialect.key)(&head.headers);
    oauth::check(key)?;
    let model = admitted(&asked, key)?;
    if model.wants_signatures && dialect.signs_calls {
        signature::check(&asked.request.messages, |run| {
            shared.ledger.is_of(run, model.name)
        })?;
    }
    heed(&mut asked.request);

    let seeds = plan::seeds(&asked.request, shared.options.seed);
    let plan = Plan::new(model, &asked.request, seeds, shared.options.speed);
    let wants_promise = head.headers.contains_key(ASK_PLAN_HEADER);
    let promise = (wants_promise || dialect.timings.is_some()).then(|| plan.promise());
    let run = (shared.ledger).open(model.name, seeds.conversation, asked.stream, read);
    let timings = dialect.timings.zip(promise.as_ref());
    let timings = timings.map(|(timings, promise)| timings(&promise.times()));
    let promise = promise.filter(|_| wants_promise);
    let metadata = json!({ "simulated": "true" });
    asked.echo.insert("metadata".into(), metadata);
    let own = answer_head(run, plan.prompt_tokens());
    let exchange = SimulatedAnswer {
        pacer: Arc::clone(&shared.pacer),
        ledger: Arc::clone(&shared.ledger),
        wire,
        run,
        read,
        writer: (dialect.writer)(&asked, &own),
        timings: timings.unwrap_or_default(),
        usage: asked.usage,
    };
    let mut response = open(model, dialect, exchange, plan, asked.stream).await?;
    let headers = response.headers_mut();
    headers.insert(RUN_HEADER, HeaderValue::from(run));
    if let Some(promise) = promise.and_then(|p| HeaderValue::try_from(describe(&p)).ok()) {
        headers.insert(PLAN_HEADER, promise);
    }
    Ok(response)
}

/// Leaves of a request what a simulated model heeds: no earlier thoughts, and no file that would have to be
/// fetched. A server that fetches what it is told to can be sent anywhere.
fn heed(request: &mut ChatRequest) {
    for message in &mut request.messages {
        message.parts.retain(|part| {
            let is_unheeded = matches!(
                part,
                Part::Reasoning { .. } | Part::Signature { .. } | Part::Opaque { .. }
            );
            !is_unheeded
        });
        for part in &mut message.parts {
            if matches!(part, Part::Media(media) if media.uri.is_some()) {
                let text = "[a file by URL, which the simulator does not fetch]".into();
                *part = Part::Text { text };
            }
        }
    }
}

/// What each answer says of itself in its protocol's fields.
fn answer_head(run: u64, input_tokens: u64) -> AnswerHead {
    AnswerHead {
        server: "sim",
        number: run,
        created: unix_seconds(),
        input_tokens,
        comment: "SIMULATED PROCESSING",
        fingerprint: Some("simulated"),
        sign: Some(signature),
        carry_signatures: false,
    }
}

/// The model asked for, if there is one of that name and the key opens it.
fn admitted(asked: &ServedRequest, key: Option<&str>) -> Result<&'static Model, Fault> {
    if asked.request.choices() != 1 {
        let message = "“n” must be 1: the simulator gives one answer a request";
        return Err(refusal(400, "invalid_request", message));
    }
    let name = &asked.request.model;
    let model = model::find(name).ok_or_else(|| {
        let message = format!("There is no simulated model “{name}”; see GET /v1/models");
        refusal(404, "model_not_found", message)
    })?;
    match model.key {
        Some(start) if !key.is_some_and(|k| k.starts_with(start)) => {
            let message = format!("{name} wants a key: any that begins with “{start}” will do");
            Err(refusal(401, "invalid_api_key", message))
        }
        _ => Ok(model),
    }
}

/// Opens the answer when its head is due.
async fn open(
    model: &Model,
    dialect: &Serve,
    exchange: SimulatedAnswer,
    plan: Plan,
    stream: bool,
) -> Result<Response<ReplyBody>, Stop> {
    exchange.pacer.until(exchange.read + plan.head).await;
    match model.opening {
        AnswerOpening::Refuse(fault) => Ok(refused(dialect, &fault())),
        AnswerOpening::Html => {
            let response =
                Response::builder().header(header::CONTENT_TYPE, "text/html; charset=utf-8");
            Ok(finish(response, full(PAGE)))
        }
        AnswerOpening::Answer if stream => {
            let response = Response::builder()
                .header(header::CONTENT_TYPE, exchange.writer.content_type())
                .header(header::CACHE_CONTROL, "no-cache");
            let body = StreamBody::new(exchange.stream(plan)).boxed_unsync();
            Ok(finish(response, body))
        }
        AnswerOpening::Answer => {
            let (answer, writer) = exchange.whole(plan).await.map_err(Stop::Break)?;
            if let Some(fault) = answer.fault {
                let status = fault.status.or(Some(500));
                return Ok(refused(dialect, &Fault { status, ..fault }));
            }
            Ok(json_response(StatusCode::OK, &writer.whole(&answer)))
        }
    }
}

fn describe(promise: &Promise) -> String {
    let first = promise.first_token.map_or(String::new(), |t| {
        format!("first_token_ns={}; ", t.as_nanos())
    });
    let Promise {
        head, end, tokens, ..
    } = promise;
    let (head, end) = (head.as_nanos(), end.as_nanos());
    format!("head_ns={head}; {first}end_ns={end}; tokens={tokens}")
}
