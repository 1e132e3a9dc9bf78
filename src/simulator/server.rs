//! The server: accepts connections and routes requests.
//!
//! axum's own server has no time limit for a request head, so connections are served with hyper.

use std::{io, sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode, header, uri::Authority};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    SimulatorOptions,
    chat::{self, SharedAnswers},
    model,
    names::check_names,
    oauth::{self, TokenIssuer},
    pace::{self, Pacer},
    reply::{RUN_HEADER, ReplyBody, Stop, json_response, refused},
    tls::Tls,
    waiting::{GRACE, IdleConnections, WaitingPlace},
    wire::{Connection, ConnectionHandle},
};
use crate::{
    dialect::{
        DialectId,
        serve::{self, ModelList, ServedRoute, refusal},
    },
    event::Fault,
};

/// Connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 16_384;
/// Longest wait for a request head; hyper counts a kept connection's idle time in.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest wait for a connection's first bytes, or its TLS handshake.
const FIRST_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest request head.
const MAX_HEAD: usize = 64 << 10;
/// Pause after a failed accept (no file descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A place among the connections, once there is one.
async fn slot(slots: &Arc<Semaphore>, waiting: &IdleConnections) -> Option<OwnedSemaphorePermit> {
    loop {
        let slot = Arc::clone(slots).acquire_owned();
        match timeout(GRACE, slot).await {
            // The semaphore is never closed.
            Ok(slot) => return slot.ok(),
            Err(_) => waiting.make_room(),
        }
    }
}

/// What all connections share.
pub(super) struct SharedServer {
    answers: SharedAnswers,
    tls: Option<Arc<Tls>>,
    tokens: TokenIssuer,
    waiting: IdleConnections,
}

impl SharedServer {
    pub fn new(options: SimulatorOptions, tls: Option<Arc<Tls>>) -> io::Result<Self> {
        Ok(Self {
            answers: SharedAnswers {
                options,
                pacer: Arc::new(Pacer::start()?),
                ledger: Arc::default(),
            },
            tls,
            tokens: TokenIssuer::new(options.token_life),
            waiting: IdleConnections::default(),
        })
    }

    /// Serves until it is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let server = Arc::new(self);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let slot = slot(&slots, &server.waiting).await;
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = Arc::clone(&server);
                    let place = Arc::new(server.waiting.enter());
                    tokio::spawn(async move {
                        let ended = tokio::select! {
                            ended = server.connection(stream, Arc::clone(&place)) => ended,
                            () = place.gives_way() => Err(ConnectionError::GaveWay),
                        };
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a connection ended");
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    server.waiting.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        place: Arc<WaitingPlace>,
    ) -> Result<(), ConnectionError> {
        stream.set_nodelay(true)?;
        let Some(tls) = self.tls.clone() else {
            let http2 = timeout(FIRST_TIMEOUT, speaks_http2(&stream)).await??;
            let connection = Connection::new(stream, Arc::clone(&self.answers.ledger));
            let wire = connection.wire();
            return self.speak(connection, wire, http2, place).await;
        };
        let connection = Connection::new(stream, Arc::clone(&self.answers.ledger));
        let wire = connection.wire();
        let stream = timeout(FIRST_TIMEOUT, tls.acceptor.accept(connection)).await??;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        self.speak(stream, wire, http2, place).await
    }

    /// Speaks HTTP until the connection ends.
    async fn speak<S>(
        self: Arc<Self>,
        stream: S,
        wire: ConnectionHandle,
        http2: bool,
        place: Arc<WaitingPlace>,
    ) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request| {
            place.asked();
            let (server, wire) = (Arc::clone(&self), wire.clone());
            async move { server.respond(wire, request).await }
        });
        let io = TokioIo::new(stream);
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
    async fn respond(
        &self,
        wire: ConnectionHandle,
        request: Request<Incoming>,
    ) -> io::Result<Response<ReplyBody>> {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let response = match self.route(wire, request).await {
            Ok(response) => response,
            Err(Stop::Fault(fault)) => refused_to_anyone(&fault),
            Err(Stop::Said(dialect, fault)) => refused(dialect, &fault),
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
        if let Some(log) = self.answers.options.log {
            log(line);
        }
    }

    async fn route(
        &self,
        wire: ConnectionHandle,
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Stop> {
        check_names(
            request.uri(),
            request.headers(),
            self.answers.options.is_remote(),
        )?;
        let path = request.uri().path().to_owned();
        let asked = request.uri().path_and_query().map_or("/", |p| p.as_str());
        match serve::route(asked, request.headers()) {
            None => {}
            Some((dialect, ServedRoute::Models)) => {
                only(&Method::GET, request.method()).map_err(|fault| (dialect, fault))?;
                let list = (dialect.models)(&ModelList {
                    models: &model::listed(),
                    owner: "simulated",
                    created: pace::unix_seconds(),
                });
                return Ok(json_response(StatusCode::OK, &list));
            }
            Some((dialect, ServedRoute::Chat(way))) => {
                only(&Method::POST, request.method()).map_err(|fault| (dialect, fault))?;
                let answer = chat::answer(&self.answers, dialect, &way, wire, request).await;
                return answer.map_err(|stop| stop.said_by(dialect));
            }
        }
        if path == oauth::TOKEN_PATH {
            only(&Method::POST, request.method())?;
            let body = chat::whole_body(request.into_body()).await?;
            return Ok(self.tokens.grant(&body));
        }
        if let Some(path) = path.strip_prefix(oauth::METADATA_PATH) {
            only(&Method::GET, request.method())?;
            return Ok(self.tokens.metadata(path, request.headers()));
        }
        let value = match path.strip_prefix("/sim/runs") {
            Some("") => self.runs(request.uri().query().unwrap_or_default())?,
            Some(rest) => self.run(rest.trim_start_matches('/'))?,
            None if path == "/healthz" => json!({ "status": "ok", "simulated": true }),
            None if path == oauth::ACCOUNT_PATH => oauth::account(&self.origin(&request)),
            None => {
                let message = format!(
                    "There is no {path} here; the base URL of OpenAI’s clients ends in /v1, of Gemini’s in /v1beta"
                );
                return Err(refusal(404, "unknown_url", message).into());
            }
        };
        only(&Method::GET, request.method())?;
        Ok(json_response(StatusCode::OK, &value))
    }

    /// Where a request came to, as it names it.
    fn origin(&self, request: &Request<Incoming>) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let host = request.headers().get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let host = request.uri().authority().map(Authority::as_str).or(host);
        format!("{scheme}://{}", host.unwrap_or_default())
    }

    fn runs(&self, query: &str) -> Result<Value, Fault> {
        let after = match query.strip_prefix("after=") {
            Some(number) => number
                .parse()
                .map_err(|_| refusal(400, "invalid_request", "“after” must be a run's number"))?,
            None => 0,
        };
        Ok(json!({ "runs": self.answers.ledger.after(after) }))
    }

    fn run(&self, number: &str) -> Result<Value, Fault> {
        let run = number.parse().ok().and_then(|n| self.answers.ledger.one(n));
        run.ok_or_else(|| {
            refusal(
                404,
                "unknown_run",
                "There is no such run, or it is long past",
            )
        })
    }
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("it asked nothing, and others wait")]
    GaveWay,
    #[error("no request came in time")]
    Idle(#[from] tokio::time::error::Elapsed),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

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

/// A refusal in the protocol that most clients speak, where the path is none's.
fn refused_to_anyone(fault: &Fault) -> Response<ReplyBody> {
    match DialectId::OpenaiChat.dialect().serve {
        Some(dialect) => refused(dialect, fault),
        None => json_response(StatusCode::NOT_FOUND, &json!({ "error": fault.message })),
    }
}

fn only(allowed: &Method, method: &Method) -> Result<(), Fault> {
    if method == allowed {
        return Ok(());
    }
    let message = format!("Use {allowed} here, not {method}");
    Err(refusal(405, "method_not_allowed", message))
}
