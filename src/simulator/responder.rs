//! What the simulator answers: routes requests to answers, lists, tokens and the ledger.

use std::{io, sync::Arc};

use http::{Method, Request, Response, StatusCode, header, uri::Authority};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{
    SimulatorOptions,
    chat::{self, RUN_HEADER, SharedAnswers},
    model,
    oauth::{self, TokenIssuer},
    pace::Pacer,
    wire::{Connection, ConnectionHandle},
};
use crate::{
    clock::unix_seconds,
    dialect::serve::{self, ModelList, ServedRoute, refusal},
    event::Fault,
    server::{
        self, AllowedNames, MAX_BODY, ReplyBody, Respond, Stop, check_names, json_response,
        nothing_here, only, whole_body,
    },
};

/// What all connections share.
pub(super) struct SimulatorResponder {
    answers: SharedAnswers,
    tokens: TokenIssuer,
    /// By which names it may be called.
    names: AllowedNames,
}

impl Respond for SimulatorResponder {
    type Connection = Connection;
    type Handle = ConnectionHandle;
    const NAME: &'static str = "tokenscope-simulator";

    fn connection(&self, stream: TcpStream) -> (Connection, ConnectionHandle) {
        let connection = Connection::new(stream, Arc::clone(&self.answers.ledger));
        let wire = connection.wire();
        (connection, wire)
    }

    async fn respond(
        &self,
        wire: ConnectionHandle,
        request: Request<Incoming>,
    ) -> io::Result<Response<ReplyBody>> {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let routed = self.route(wire, request).await;
        let response = routed.or_else(Stop::response);
        match &response {
            Ok(response) => {
                let run = response.headers().get(RUN_HEADER);
                let run = run.and_then(|r| r.to_str().ok());
                let run = run.map_or(String::new(), |run| format!(" run {run}"));
                server::log(
                    self.answers.options.log,
                    &format_args!("{asked} {}{run}", response.status().as_u16()),
                );
            }
            Err(_) => server::log(
                self.answers.options.log,
                &format_args!("{asked} broken off"),
            ),
        }
        response
    }
}

impl SimulatorResponder {
    pub fn new(options: SimulatorOptions) -> io::Result<Self> {
        let names = AllowedNames {
            any_address: options.is_remote(),
            ..AllowedNames::default()
        };
        Ok(Self {
            names,
            answers: SharedAnswers {
                options,
                pacer: Arc::new(Pacer::start()?),
                ledger: Arc::default(),
            },
            tokens: TokenIssuer::new(options.token_life),
        })
    }

    async fn route(
        &self,
        wire: ConnectionHandle,
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Stop> {
        check_names(request.uri(), request.headers(), &self.names)?;
        let path = request.uri().path().to_owned();
        let asked = request.uri().path_and_query().map_or("/", |p| p.as_str());
        match serve::route(asked, request.headers()) {
            None => {}
            Some((dialect, ServedRoute::Other(_))) => {
                return Err((dialect, nothing_here(&path)).into());
            }
            Some((dialect, ServedRoute::Models)) => {
                only(&Method::GET, request.method()).map_err(|fault| (dialect, fault))?;
                let list = (dialect.models)(&ModelList {
                    models: &model::listed(),
                    owner: "simulated",
                    created: unix_seconds(),
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
            let body = whole_body(request.into_body(), MAX_BODY).await?;
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
            None => return Err(nothing_here(&path).into()),
        };
        only(&Method::GET, request.method())?;
        Ok(json_response(StatusCode::OK, &value))
    }

    /// Where a request came to, as it names it.
    fn origin(&self, request: &Request<Incoming>) -> String {
        let tls = self.answers.options.tls;
        let scheme = if tls { "https" } else { "http" };
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
