//! What the gateway answers: its clients' requests, lists of models, whether it is there and ready, its metrics.

use std::{io, sync::Arc};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use super::{
    GatewayConfig, GatewayShared,
    account::RequestAccount,
    asked::ClientRequest,
    asking::Asking,
    found_route::{FoundRoute, RoutedTarget},
    kept::RunKeeper,
    keys::LocalKey,
    other, relay,
    tries::first_answer,
};
use crate::{
    body::ModelInfo,
    clock::{now, unix_seconds},
    dialect::serve::{self, ModelList, PathParams, Serve, ServedRoute, refusal},
    event::Fault,
    server::{
        MAX_BODY, ReplyBody, Respond, Stop, check_names, healthy, json_response, metrics_response,
        nothing_here, only, whole_body,
    },
    transport::Transport,
};

/// Answers the gateway's clients. Each thread has its own: connections are not shared between threads.
pub(super) struct GatewayResponder {
    pub shared: Arc<GatewayShared>,
    pub transport: Transport,
    /// What observes answers: the history hears of each.
    pub observers: TaskTracker,
}

impl Respond for GatewayResponder {
    type Connection = TcpStream;
    type Handle = ();
    const NAME: &'static str = "tokenscope";

    fn connection(&self, stream: TcpStream) -> (TcpStream, ()) {
        (stream, ())
    }

    async fn respond(&self, (): (), request: Request<Incoming>) -> io::Result<Response<ReplyBody>> {
        self.route(request).await.or_else(Stop::response)
    }

    async fn rest(&self) {
        self.observers.close();
        self.observers.wait().await;
    }
}

impl GatewayResponder {
    async fn route(&self, request: Request<Incoming>) -> Result<Response<ReplyBody>, Stop> {
        check_names(request.uri(), request.headers(), &self.shared.names)?;
        let asked = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let config = self.shared.config();
        match serve::route(asked, request.headers()) {
            Some((inbound, ServedRoute::Models)) => {
                only(&Method::GET, request.method()).map_err(|fault| (inbound, fault))?;
                let key = admit(&config, inbound, request.headers())?;
                Ok(models(&config, inbound, &key))
            }
            Some((inbound, ServedRoute::Chat(params))) => {
                only(&Method::POST, request.method()).map_err(|fault| (inbound, fault))?;
                let answer = self.answer(&config, inbound, params, request, true).await;
                answer.map_err(|fault| Stop::Said(inbound, fault))
            }
            Some((inbound, ServedRoute::Other(params))) => {
                let answer = self.answer(&config, inbound, params, request, false).await;
                answer.map_err(|fault| Stop::Said(inbound, fault))
            }
            None => self.own(&config, &request),
        }
    }

    /// What is the gateway's own.
    fn own(
        &self,
        config: &GatewayConfig,
        request: &Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Stop> {
        let path = request.uri().path();
        if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return Err(nothing_here(path).into());
        }
        only(&Method::GET, request.method())?;
        match path {
            "/healthz" => Ok(healthy()),
            "/readyz" => Ok(self.readiness()),
            _ => {
                key_of(config, serve::bearer(request.headers()))?;
                let in_flight = self.shared.board.in_flight();
                let families = self.shared.metrics.families(in_flight);
                Ok(metrics_response(request.headers(), &families))
            }
        }
    }

    /// Whether it takes requests: not while it is being stopped.
    fn readiness(&self) -> Response<ReplyBody> {
        if self.shared.is_draining() {
            let status = json!({ "status": "draining", "requests": self.shared.board.in_flight() });
            return json_response(StatusCode::SERVICE_UNAVAILABLE, &status);
        }
        json_response(StatusCode::OK, &json!({ "status": "ready" }))
    }

    /// Asks a target, and answers as the client's protocol does.
    async fn answer(
        &self,
        config: &Arc<GatewayConfig>,
        inbound: &'static Serve,
        params: PathParams,
        request: Request<Incoming>,
        is_chat: bool,
    ) -> Result<Response<ReplyBody>, Fault> {
        let line = format!("{} {}", request.method(), request.uri().path());
        let mut account = RequestAccount::new(&self.shared, config, line, now());
        let answered = self
            .answered(config, inbound, params, request, is_chat, &mut account)
            .await;
        match answered {
            Ok(Answered::Chat(found, asked)) => self.chat(config, &found, &asked, account).await,
            Ok(Answered::Other(target, asked)) => {
                let passed = other::pass_on(&self.shared, &self.transport, &target, &asked).await;
                match &passed {
                    Ok(response) => account.passed_on(response.status().as_u16()),
                    Err(fault) => account.failed(fault),
                }
                passed
            }
            Err(fault) => {
                account.failed(&fault);
                Err(fault)
            }
        }
    }

    /// Asks the targets of a route for an answer.
    async fn chat(
        &self,
        config: &GatewayConfig,
        found: &FoundRoute,
        asked: &ClientRequest,
        mut account: RequestAccount,
    ) -> Result<Response<ReplyBody>, Fault> {
        let keeper = RunKeeper {
            history: self.shared.history.clone(),
            contents: config.contents,
        };
        let live = Arc::clone(&account.live);
        let asking = Asking {
            shared: &self.shared,
            transport: &self.transport,
            keeper: &keeper,
            asked,
            live: &live,
            first_token: found.route.settings.first_token(),
            may_fail_over: false,
        };
        match first_answer(asking, found, &mut account).await {
            Ok(attempt) => Ok(relay::response(attempt, account, &self.observers)),
            Err(failure) => relay::failed(failure, account),
        }
    }

    /// What is to be done for a request, once it is let in.
    async fn answered(
        &self,
        config: &GatewayConfig,
        inbound: &'static Serve,
        params: PathParams,
        request: Request<Incoming>,
        is_chat: bool,
        account: &mut RequestAccount,
    ) -> Result<Answered, Fault> {
        let key = key_of(config, (inbound.key)(request.headers()))?;
        account.record.key.clone_from(&key.settings.name);
        account.admitted(key.admit(now())?);
        let most = key
            .settings
            .max_body_mib
            .map_or(MAX_BODY, |mib| mib as usize * (1 << 20));
        let (head, body) = request.into_parts();
        let body = whole_body(body, most).await?;
        let asked = ClientRequest::read(inbound, params, &head, body, most, now())?;
        account.received = asked.received;
        account.record.trace_parent = asked.trace_parent();
        account.record.model.clone_from(&asked.model);
        if !asked.model.is_empty() {
            key.may_ask(&asked.model)?;
        }
        if !is_chat {
            let target = other::target(config, &self.shared, &asked, &head.headers, &key)?;
            account.record.target.clone_from(&target.endpoint.id);
            return Ok(Answered::Other(target, Box::new(asked)));
        }
        let found = self.found(config, &asked, &key)?;
        account.takes(&found.route);
        Ok(Answered::Chat(found, Box::new(asked)))
    }

    /// The route of a request, with its targets in order.
    fn found(
        &self,
        config: &GatewayConfig,
        asked: &ClientRequest,
        key: &LocalKey,
    ) -> Result<FoundRoute, Fault> {
        if asked.model.is_empty() {
            let message = "“model” is missing: name one of GET /v1/models";
            return Err(refusal(400, "invalid_request", message));
        }
        let found = config.routes.find(&asked.model, &self.shared.health);
        let found = found.ok_or_else(|| no_route(&asked.model, config))?;
        found.for_key(key, &config.prices)
    }
}

/// Whom a request goes to.
enum Answered {
    Chat(FoundRoute, Box<ClientRequest>),
    Other(RoutedTarget, Box<ClientRequest>),
}

/// The key of a request.
///
/// # Errors
/// The refusal of a request without a valid one, with status 401.
fn key_of(config: &GatewayConfig, given: Option<&str>) -> Result<Arc<LocalKey>, Fault> {
    if let Some(key) = given.and_then(|given| config.keys.find(given)) {
        return Ok(Arc::clone(key));
    }
    let what = if given.is_some() {
        "another key"
    } else {
        "no key"
    };
    let message = format!(
        "This gateway wants its own token as the API key, and the request has {what}. `tokenscope serve` prints the \
         token when it starts, `tokenscope serve --print-token` at any time"
    );
    Err(refusal(401, "invalid_api_key", message))
}

fn admit(
    config: &GatewayConfig,
    inbound: &'static Serve,
    headers: &HeaderMap,
) -> Result<Arc<LocalKey>, Stop> {
    key_of(config, (inbound.key)(headers)).map_err(|fault| Stop::Said(inbound, fault))
}

/// The models that a key may ask for.
fn models(config: &GatewayConfig, inbound: &Serve, key: &LocalKey) -> Response<ReplyBody> {
    let listed = |id| ModelInfo {
        id,
        ..ModelInfo::default()
    };
    let names = config.routes.names().into_iter();
    let names = names.filter(|name| key.may_ask(name).is_ok());
    let models: Vec<ModelInfo> = names.map(listed).collect();
    let list = (inbound.models)(&ModelList {
        models: &models,
        owner: "tokenscope",
        created: unix_seconds(),
    });
    json_response(StatusCode::OK, &list)
}

fn no_route(asked: &str, config: &GatewayConfig) -> Fault {
    let names = config.routes.names();
    let known = match names.len() {
        0 => "none yet".to_owned(),
        1..=12 => names.join(", "),
        more => format!("{}, and {} more", names[..12].join(", "), more - 12),
    };
    let message = format!("No route leads to a model “{asked}”. Known are: {known}");
    refusal(404, "model_not_found", message)
}
