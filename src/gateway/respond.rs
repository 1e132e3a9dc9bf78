//! What the gateway answers: its clients' requests, lists of models, whether it is there.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::TcpStream;

use super::{GatewayOptions, answer, refusals::refusal_of, request::routed};
use crate::{
    body::ModelInfo,
    chat::ChatRequest,
    clock::{now, unix_seconds},
    credential::{RequestKeys, explained},
    dialect::serve::{self, AnswerHead, ModelList, PathParams, Serve, ServedRoute, refusal},
    endpoint::Endpoint,
    event::Fault,
    exchange::{EndpointRequest, PreparedExchange},
    server::{
        self, ReplyBody, Respond, Stop, check_names, json_response, nothing_here, only, whole_body,
    },
    transport::Transport,
};

/// Most characters of a header that says what was not sent.
const MAX_DROPPED: usize = 2_000;
/// What was not sent to the target.
const DROPPED_HEADER: HeaderName = HeaderName::from_static("x-tokenscope-dropped");

/// Answers the gateway's clients.
pub(super) struct GatewayResponder {
    options: GatewayOptions,
    transport: Transport,
    answers: AtomicU64,
}

impl Respond for GatewayResponder {
    type Connection = TcpStream;
    type Handle = ();
    const NAME: &'static str = "tokenscope";

    fn connection(&self, stream: TcpStream) -> (TcpStream, ()) {
        (stream, ())
    }

    async fn respond(&self, (): (), request: Request<Incoming>) -> io::Result<Response<ReplyBody>> {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let response = self.route(request).await.or_else(Stop::response);
        let status = response.as_ref().map(|response| response.status().as_u16());
        let line = format!("{asked} {}", status.unwrap_or_default());
        server::log(self.options.log, &line);
        response
    }
}

impl GatewayResponder {
    pub(super) fn new(options: GatewayOptions) -> Self {
        Self {
            options,
            transport: Transport::default(),
            answers: AtomicU64::new(1),
        }
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Response<ReplyBody>, Stop> {
        let any_address = !self.options.address.ip().is_loopback();
        check_names(request.uri(), request.headers(), any_address)?;
        let asked = request.uri().path_and_query().map_or("/", |p| p.as_str());
        match serve::route(asked, request.headers()) {
            Some((inbound, ServedRoute::Models)) => {
                only(&Method::GET, request.method()).map_err(|fault| (inbound, fault))?;
                self.admit(inbound, request.headers())?;
                Ok(self.models(inbound))
            }
            Some((inbound, ServedRoute::Chat(params))) => {
                only(&Method::POST, request.method()).map_err(|fault| (inbound, fault))?;
                self.admit(inbound, request.headers())?;
                let answer = self.chat(inbound, &params, request.into_body()).await;
                answer.map_err(|fault| Stop::Said(inbound, fault))
            }
            None if request.uri().path() == "/healthz" => {
                only(&Method::GET, request.method())?;
                Ok(json_response(StatusCode::OK, &json!({ "status": "ok" })))
            }
            None => Err(nothing_here(request.uri().path()).into()),
        }
    }

    /// Refuses a request without the gateway's token.
    fn admit(&self, inbound: &'static Serve, headers: &HeaderMap) -> Result<(), Stop> {
        let key = (inbound.key)(headers);
        if key.is_some_and(|key| self.options.token.is(key)) {
            return Ok(());
        }
        let what = if key.is_some() {
            "another key"
        } else {
            "no key"
        };
        let message = format!(
            "This gateway wants its own token as the API key, and the request has {what}. `tokenscope serve` prints \
             the token when it starts"
        );
        Err((inbound, refusal(401, "invalid_api_key", message)).into())
    }

    fn models(&self, inbound: &Serve) -> Response<ReplyBody> {
        let listed = |id| ModelInfo {
            id,
            ..ModelInfo::default()
        };
        let names = self.options.routes.names().into_iter();
        let models: Vec<ModelInfo> = names.map(listed).collect();
        let list = (inbound.models)(&ModelList {
            models: &models,
            owner: "tokenscope",
            created: unix_seconds(),
        });
        json_response(StatusCode::OK, &list)
    }

    /// Asks the target, and answers as the client's protocol does.
    async fn chat(
        &self,
        inbound: &'static Serve,
        params: &PathParams,
        body: Incoming,
    ) -> Result<Response<ReplyBody>, Fault> {
        let body = whole_body(body).await?;
        let own = self.answer_head();
        let routed = routed(inbound, &body, params, &self.options.routes, &own)?;
        drop(body);
        let exchange = self
            .prepared(routed.endpoint, &routed.request)
            .await
            .map_err(refusal_of)?
            .begin(now());
        let mut response = if routed.stream {
            answer::streamed(exchange, routed.writer, routed.usage).await
        } else {
            answer::whole(exchange, routed.writer).await
        }
        .map_err(refusal_of)?;
        if let Some(dropped) = dropped_header(&routed.dropped) {
            response.headers_mut().insert(DROPPED_HEADER, dropped);
        }
        Ok(response)
    }

    async fn prepared(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
    ) -> Result<PreparedExchange, Fault> {
        let keys = RequestKeys::of(&self.options.credentials, endpoint).await?;
        let endpoint = keys.place.fitted(endpoint);
        let question = EndpointRequest {
            dialect: endpoint.dialect.dialect(),
            endpoint: &endpoint,
            request,
            key: keys.key.as_ref(),
            proxy_password: keys.proxy_password.as_ref(),
            cold: false,
        };
        let prepared = PreparedExchange::chat(&self.transport, question).await;
        prepared.map_err(|fault| explained(fault, keys.no_key_reason.as_deref()))
    }

    fn answer_head(&self) -> AnswerHead {
        AnswerHead {
            server: "ts",
            number: self.answers.fetch_add(1, Ordering::Relaxed),
            created: unix_seconds(),
            comment: "waiting for the model",
            carry_signatures: true,
            ..AnswerHead::default()
        }
    }
}

/// What was not sent, as a header: what ASCII can't say is left out of it.
fn dropped_header(dropped: &[String]) -> Option<HeaderValue> {
    if dropped.is_empty() {
        return None;
    }
    let text = dropped.join("; ");
    let ascii = text
        .chars()
        .filter(|c| c.is_ascii() && !c.is_ascii_control());
    HeaderValue::try_from(ascii.take(MAX_DROPPED).collect::<String>()).ok()
}
