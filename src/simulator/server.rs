//! The server: accepts connections, checks who asks, routes to a dialect, starts an answer.
//!
//! A browser page must not drive it, so names other than this machine's own are refused in `Host`
//! (DNS rebinding) and in `Origin`, and no CORS header is ever sent.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
    uri::Authority,
};
use http_body_util::{
    BodyExt as _, Full, LengthLimitError, Limited, StreamBody, combinators::UnsyncBoxBody,
};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use super::{
    Options,
    answer::Exchange,
    dialect::{AnswerId, DIALECTS, Dialect, refusal},
    ledger::Ledger,
    model::{self, Opening},
    pace::{self, Pacer},
    plan::{self, Plan, Promise},
    wire::{Connection, Wire},
};
use crate::event::Fault;

/// Connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 4_096;
/// Longest wait for a request head; hyper counts a kept connection's idle time in.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest wait for a request body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest request body: a few photographs in base64.
const MAX_BODY: usize = 64 << 20;
/// Largest request head.
const MAX_HEAD: usize = 64 << 10;
/// Pause after a failed accept (no file descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The number of a run, for [`Ledger`].
pub(super) const RUN_HEADER: HeaderName = HeaderName::from_static("x-sim-run");
/// What the run's plan promises; sent when asked for with [`ASK_PLAN_HEADER`].
pub(super) const PLAN_HEADER: HeaderName = HeaderName::from_static("x-sim-plan");
/// Asks for [`PLAN_HEADER`].
pub(super) const ASK_PLAN_HEADER: HeaderName = HeaderName::from_static("x-tokenscope-plan");

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What all connections share.
pub(super) struct Server {
    options: Options,
    pacer: Arc<Pacer>,
    ledger: Arc<Ledger>,
}

impl Server {
    pub fn new(options: Options) -> io::Result<Self> {
        Ok(Self {
            options,
            pacer: Arc::new(Pacer::start()?),
            ledger: Arc::default(),
        })
    }

    /// Serves until it is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let server = Arc::new(self);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return; // never: the semaphore is not closed
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = Arc::clone(&server);
                    tokio::spawn(async move {
                        if let Err(error) = server.connection(stream).await {
                            tracing::debug!(%error, "a connection ended");
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) -> Result<(), ConnectionError> {
        stream.set_nodelay(true)?;
        let http2 = timeout(HEAD_TIMEOUT, speaks_http2(&stream)).await??;
        let connection = Connection::new(stream, Arc::clone(&self.ledger));
        let wire = connection.wire();
        let service = service_fn(move |request| {
            let (server, wire) = (Arc::clone(&self), wire.clone());
            async move { server.respond(wire, request).await }
        });
        let io = TokioIo::new(connection);
        if http2 {
            let mut http2 = conn::http2::Builder::new(TokioExecutor::new());
            http2.timer(TokioTimer::new());
            http2.serve_connection(io, service).await?;
        } else {
            let mut http1 = conn::http1::Builder::new();
            http1.timer(TokioTimer::new());
            http1.header_read_timeout(HEAD_TIMEOUT);
            http1.max_header_size(MAX_HEAD);
            http1.serve_connection(io, service).await?;
        }
        Ok(())
    }

    /// Answers one request; an error closes the connection.
    async fn respond(&self, wire: Wire, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let response = match self.route(wire, request).await {
            Ok(response) => response,
            Err(Stop::Fault(fault)) => refused(DIALECTS[0], &fault),
            Err(Stop::Break(error)) => {
                self.log(&format!("{asked} broken off"));
                return Err(error);
            }
        };
        let run = response.headers().get(RUN_HEADER);
        let run = run.and_then(|r| r.to_str().ok());
        let run = run.map_or(String::new(), |run| format!(" run {run}"));
        self.log(&format!("{asked} {}{run}", response.status().as_u16()));
        Ok(response)
    }

    fn log(&self, line: &str) {
        tracing::debug!("{line}");
        if let Some(log) = self.options.log {
            log(line);
        }
    }

    async fn route(&self, wire: Wire, request: Request<Incoming>) -> Result<Response<Body>, Stop> {
        check_names(request.uri(), request.headers(), self.options.is_remote())?;
        let path = request.uri().path().to_owned();
        if let Some(dialect) = DIALECTS.iter().find(|d| d.chat_path == path) {
            only(&Method::POST, request.method())?;
            return self.chat(dialect, wire, request).await;
        }
        if let Some(dialect) = DIALECTS.iter().find(|d| d.models_path == path) {
            only(&Method::GET, request.method())?;
            let list = (dialect.models)(model::MODELS, pace::unix_seconds());
            return Ok(json_response(StatusCode::OK, &list));
        }
        let value = match path.strip_prefix("/sim/runs") {
            Some("") => self.runs(request.uri().query().unwrap_or_default())?,
            Some(rest) => self.run(rest.trim_start_matches('/'))?,
            None if path == "/healthz" => json!({ "status": "ok", "simulated": true }),
            None => {
                let method = request.method();
                let message = format!("There is no {method} {path} here; the base URL ends in /v1");
                return Err(refusal(404, "unknown_url", message).into());
            }
        };
        only(&Method::GET, request.method())?;
        Ok(json_response(StatusCode::OK, &value))
    }

    fn runs(&self, query: &str) -> Result<Value, Fault> {
        let after = match query.strip_prefix("after=") {
            Some(number) => number
                .parse()
                .map_err(|_| refusal(400, "invalid_request", "“after” must be a run's number"))?,
            None => 0,
        };
        Ok(json!({ "runs": self.ledger.after(after) }))
    }

    fn run(&self, number: &str) -> Result<Value, Fault> {
        let run = number.parse().ok().and_then(|n| self.ledger.one(n));
        run.ok_or_else(|| {
            refusal(
                404,
                "unknown_run",
                "There is no such run, or it is long past",
            )
        })
    }

    async fn chat(
        &self,
        dialect: &Dialect,
        wire: Wire,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Stop> {
        let (head, body) = request.into_parts();
        let body = whole_body(body).await?;
        let read = wire.last_read();
        let asked = (dialect.parse)(&body)?;
        drop(body);
        let name = &asked.request.model;
        let model = model::find(name).ok_or_else(|| {
            let message = format!("There is no simulated model “{name}”; see GET /v1/models");
            refusal(404, "model_not_found", message)
        })?;
        let key = (dialect.key)(&head.headers);
        if let Some(start) = model.key
            && !key.is_some_and(|k| k.starts_with(start))
        {
            let message = format!("{name} wants a key: any that begins with “{start}” will do");
            return Err(refusal(401, "invalid_api_key", message).into());
        }

        let seed = plan::seed(&asked.request, self.options.seed);
        let plan = Plan::new(model, &asked.request, seed, self.options.speed);
        let run = self.ledger.open(model.name, seed, asked.stream, read);
        let mut response = Response::builder().header(RUN_HEADER, run);
        if head.headers.contains_key(ASK_PLAN_HEADER) {
            response = response.header(PLAN_HEADER, describe(&plan.promise()));
        }
        let id = AnswerId {
            run,
            created: pace::unix_seconds(),
        };
        let exchange = Exchange {
            pacer: Arc::clone(&self.pacer),
            ledger: Arc::clone(&self.ledger),
            wire,
            run,
            read,
            writer: (dialect.writer)(&asked, id),
            usage: asked.usage,
        };
        match model.opening {
            Opening::Refuse(fault) => {
                self.pacer.until(read + plan.head).await;
                Err(fault().into())
            }
            Opening::Html => {
                self.pacer.until(read + plan.head).await;
                let page = Full::new(Bytes::from_static(PAGE.as_bytes()));
                let response = response.header(header::CONTENT_TYPE, "text/html; charset=utf-8");
                Ok(finish(
                    response,
                    page.map_err(|e| match e {}).boxed_unsync(),
                ))
            }
            Opening::Answer if asked.stream => {
                self.pacer.until(read + plan.head).await;
                let response = response
                    .header(header::CONTENT_TYPE, "text/event-stream")
                    .header(header::CACHE_CONTROL, "no-cache");
                let body = StreamBody::new(exchange.stream(plan)).boxed_unsync();
                Ok(finish(response, body))
            }
            Opening::Answer => {
                let writer = (dialect.writer)(&asked, id);
                let answer = exchange.whole(plan).await.map_err(Stop::Break)?;
                if let Some(fault) = answer.fault {
                    let status = fault.status.or(Some(500));
                    return Err(Fault { status, ..fault }.into());
                }
                let response = response.header(header::CONTENT_TYPE, "application/json");
                let text = writer.whole(&answer).to_string();
                Ok(finish(response, full(text)))
            }
        }
    }
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("no request came in time")]
    Idle(#[from] tokio::time::error::Elapsed),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// Why a request gets no answer of its own.
enum Stop {
    /// It is refused.
    Fault(Fault),
    /// Its connection breaks off.
    Break(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Simulated sign-in</title></head>\
<body><h1>Simulated: please sign in to the network</h1></body></html>\n";

/// Whether the client begins with HTTP/2's preface, known from its first two bytes. hyper-util's
/// automatic server does the same, but waits for them without a time limit.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; 2];
    loop {
        match stream.peek(&mut first).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            1 if first[0] == b'P' => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => return Ok(&first == b"PR"),
        }
    }
}

fn check_names(uri: &Uri, headers: &HeaderMap, any_address: bool) -> Result<(), Fault> {
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).and_then(|h| h.to_str().ok()),
    };
    if !host.is_some_and(|host| is_own_name(host, any_address)) {
        let message = "Host must be this machine's own name, as in 127.0.0.1 or localhost";
        return Err(refusal(403, "forbidden_host", message));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let uri = origin.to_str().ok().and_then(|o| o.parse::<Uri>().ok());
        let authority = uri.as_ref().and_then(Uri::authority);
        if !authority.is_some_and(|a| is_own_name(a.as_str(), any_address)) {
            let message = "Web pages of other hosts may not use the simulator";
            return Err(refusal(403, "forbidden_origin", message));
        }
    }
    Ok(())
}

/// Whether an authority names this machine: `localhost` or a loopback address. Where other machines
/// are let in, any address will do: rebinding needs a name.
fn is_own_name(authority: &str, any_address: bool) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => any_address || address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn only(allowed: &Method, method: &Method) -> Result<(), Fault> {
    if method == allowed {
        return Ok(());
    }
    let message = format!("Use {allowed} here, not {method}");
    Err(refusal(405, "method_not_allowed", message))
}

async fn whole_body(body: Incoming) -> Result<Bytes, Fault> {
    let collected = timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("The body is larger than {} MiB", MAX_BODY >> 20);
            Err(refusal(413, "body_too_large", message))
        }
        Ok(Err(_)) => Err(refusal(400, "invalid_request", "The body broke off")),
        Err(_) => Err(refusal(408, "timeout", "The body did not come in time")),
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

fn refused(dialect: &Dialect, fault: &Fault) -> Response<Body> {
    let status = fault.status.and_then(|s| StatusCode::from_u16(s).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_response(status, &(dialect.error)(fault));
    if let Some(wait) = fault.retry_after_ms {
        let seconds = HeaderValue::from(wait.div_ceil(1000));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json");
    finish(response, full(value.to_string()))
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text))
        .map_err(|e| match e {})
        .boxed_unsync()
}

fn finish(response: http::response::Builder, body: Body) -> Response<Body> {
    response
        .header(header::SERVER, "tokenscope-simulator")
        .body(body)
        .expect("all headers are fixed words and numbers")
}
