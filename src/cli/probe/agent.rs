//! The agent of the load bench: takes benches from a driver that gives the token, runs them with the engine of this
//! process, and sends back every request.
//!
//! ```text
//! GET  /bench/clock           the time on this machine's clock
//! GET  /bench/agent?target=T  what it takes, and whether T is a target of its settings
//! POST /bench/prompts         what the benches ask that follow
//! POST /bench/run             a BenchOrder; the response goes on until the bench is over: sections of news and requests
//! POST /bench/stop            sends nothing more; the bench ends with what it has
//! ```
//!
//! It asks targets of its own settings alone: no URL comes from the network.

mod args;
mod carry_out;
mod prompts;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedSender, channel, unbounded_channel};
use tokio_util::sync::CancellationToken;

pub(super) use self::args::AgentArgs;
use self::{carry_out::BenchInHand, prompts::HeldPrompts};
use crate::{
    bench::{
        BenchId, BenchPlan,
        order::{AgentInfo, AgentLimits, AgentTime, BenchOrder, MAX_PROMPTS, ORDER_VERSION},
        share::LoadShare,
    },
    clock::{SteadyClock, now, wall_clock_ns},
    dialect::serve::refusal,
    endpoint::{Endpoint, TargetId},
    engine::{BenchNews, BenchStart, Command},
    event::Fault,
    gateway::LocalToken,
    server::{ReplyBody, Stop, finish, full, nothing_here, only, whole_body},
    settings::Settings,
    transport::is_this_machine,
};

/// Largest order: that of a trace.
const MAX_ORDER: usize = 64 << 20;

/// A driver that was not heard for so long is gone. It asks for the time more often.
const SILENCE: Duration = Duration::from_secs(30);

/// Messages that wait to be sent; the engine's requests wait behind them.
const MOST_WAITING: usize = 16;

/// The agent.
pub(super) struct BenchAgent {
    token: LocalToken,
    limits: AgentLimits,
    settings: Arc<Settings>,
    commands: UnboundedSender<Command>,
    clock: SteadyClock,
    prompts: HeldPrompts,
    /// The bench that runs.
    running: Mutex<Option<RunningOrder>>,
}

/// What is known of the bench that runs.
struct RunningOrder {
    id: BenchId,
    news: UnboundedSender<BenchNews>,
    /// When the driver was last heard.
    heard: Instant,
    /// It is to send nothing more.
    stop: CancellationToken,
}

impl BenchAgent {
    /// An agent that takes benches for targets of these settings, and hands them to the engine that takes these commands.
    fn new(
        token: LocalToken,
        limits: AgentLimits,
        settings: Arc<Settings>,
        commands: UnboundedSender<Command>,
    ) -> Self {
        Self {
            token,
            limits,
            settings,
            commands,
            clock: SteadyClock::set(),
            prompts: HeldPrompts::default(),
            running: Mutex::default(),
        }
    }

    /// The engine has said something of a bench.
    pub(super) fn take(&self, news: BenchNews) {
        let id = match &news {
            BenchNews::Refused { id, .. } | BenchNews::Over { id, .. } => *id,
            BenchNews::Progress(progress) => progress.id,
        };
        if let Some(running) = &*self.running()
            && running.id == id
        {
            // Nobody listens once the driver is gone.
            let _ = running.news.send(news);
        }
    }

    /// Answers a request below `/bench/`.
    pub(super) async fn answered(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Stop> {
        self.check_token(request.headers())?;
        let path = request.uri().path().to_owned();
        let is_reading = matches!(path.as_str(), "/bench/clock" | "/bench/agent");
        let method = if is_reading {
            Method::GET
        } else {
            Method::POST
        };
        only(&method, request.method())?;
        match path.as_str() {
            "/bench/clock" => Ok(self.time()),
            "/bench/agent" => Ok(self.info(request.uri().query().unwrap_or_default())?),
            "/bench/stop" => {
                if let Some(running) = &*self.running() {
                    running.stop.cancel();
                }
                Ok(json(&serde_json::json!({})))
            }
            "/bench/prompts" => {
                // A busy machine would measure itself.
                if self.running().is_some() {
                    return Err(busy().into());
                }
                let body = whole_body(request.into_body(), MAX_PROMPTS).await?;
                Ok(json(&self.prompts.take(body).await?))
            }
            "/bench/run" => {
                let body = whole_body(request.into_body(), MAX_ORDER).await?;
                Ok(self.run(&body)?)
            }
            path => Err(nothing_here(path).into()),
        }
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let given = headers.get(header::AUTHORIZATION);
        let given = given.and_then(|given| given.to_str().ok()?.strip_prefix("Bearer "));
        if given.is_some_and(|given| self.token.is(given)) {
            return Ok(());
        }
        let why = "Benches are taken from drivers with the agents' token alone";
        Err(refusal(401, "invalid_token", why))
    }

    /// The time now. Whoever asks for it is there.
    fn time(&self) -> Response<ReplyBody> {
        let at = now();
        if let Some(running) = &mut *self.running() {
            running.heard = at;
        }
        json(&AgentTime {
            unix_ns: self.clock.unix_ns(at),
        })
    }

    fn info(&self, query: &str) -> Result<Response<ReplyBody>, Fault> {
        let mut fields = url::form_urlencoded::parse(query.as_bytes());
        let target = fields.find(|(name, _)| name == "target");
        let target = target.and_then(|(_, target)| target.parse::<TargetId>().ok());
        let target = target.ok_or_else(|| refused("Say which target: ?target=endpoint/model"))?;
        let endpoint = self.endpoint(&target)?;
        Ok(json(&AgentInfo {
            orders: ORDER_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_local: is_this_machine(&endpoint.base_url),
            is_priced: self.is_priced(endpoint, &target),
        }))
    }

    /// The endpoint of a target, if the settings have it themselves: no preset, and no other URL.
    fn endpoint(&self, target: &TargetId) -> Result<&Endpoint, Fault> {
        self.settings.endpoint(&target.endpoint).ok_or_else(|| {
            let why = "The settings of this agent have no endpoint of that name";
            refusal(404, "unknown_target", why)
        })
    }

    fn is_priced(&self, endpoint: &Endpoint, target: &TargetId) -> bool {
        let prices = &self.settings.prices;
        endpoint.simulated
            || prices
                .of(endpoint, &target.model, wall_clock_ns())
                .is_some()
    }

    /// Begins a bench. The response ends with it; if the response is dropped, so is the bench.
    fn run(self: &Arc<Self>, order: &[u8]) -> Result<Response<ReplyBody>, Fault> {
        let order: BenchOrder = serde_json::from_slice(order)
            .map_err(|why| refused(format!("That is no order of a bench: {why}")))?;
        if order.version != ORDER_VERSION {
            let why = format!(
                "This agent takes orders of version {ORDER_VERSION}, not {}: use the same Tokenscope on both sides",
                order.version
            );
            return Err(refused(why));
        }
        let prompts = self.prompts.of(&order.plan)?;
        let (index, of) = order.share;
        let share = LoadShare::new(index, of);
        let share = share.ok_or_else(|| refused("There is no such share of a load"))?;
        let plan = self.checked(order.plan)?;
        let source = prompts.source(&plan, order.nonce, share);
        let id = BenchId::new();
        let (news, inbox) = unbounded_channel();
        let stop = self.occupy(id, news)?;
        let (out, mut sections) = channel(MOST_WAITING);
        let bench = BenchInHand::new(Arc::clone(self), id, out, inbox, stop);
        let start = BenchStart { id, plan, source };
        tokio::spawn(bench.carry_out(start, order.begin_unix_ns));
        let sections = stream::poll_fn(move |context| sections.poll_recv(context));
        let frames = sections.map(|bytes: Bytes| Ok(Frame::data(bytes)));
        let response = Response::builder().header(header::CONTENT_TYPE, "application/octet-stream");
        Ok(finish(response, StreamBody::new(frames).boxed_unsync()))
    }

    /// The plan within the limits.
    fn checked(&self, plan: BenchPlan) -> Result<BenchPlan, Fault> {
        let endpoint = self.endpoint(&plan.target)?;
        let plan = self.limits.limited(plan).map_err(refused)?;
        if plan.stop.cost_usd.is_some() && !self.is_priced(endpoint, &plan.target) {
            let why = "There is a budget, and this agent knows no price of that target";
            return Err(refused(why));
        }
        Ok(plan)
    }

    /// Takes the agent for one bench: it runs one at a time.
    fn occupy(
        &self,
        id: BenchId,
        news: UnboundedSender<BenchNews>,
    ) -> Result<CancellationToken, Fault> {
        let mut running = self.running();
        if running.is_some() {
            return Err(busy());
        }
        let stop = CancellationToken::new();
        *running = Some(RunningOrder {
            id,
            news,
            heard: now(),
            stop: stop.clone(),
        });
        Ok(stop)
    }

    /// When the driver is gone, unless it is heard until then.
    fn silent_at(&self) -> Instant {
        let heard = self
            .running()
            .as_ref()
            .map_or_else(now, |running| running.heard);
        heard + SILENCE
    }

    fn running(&self) -> MutexGuard<'_, Option<RunningOrder>> {
        // What is behind it is replaced at once, and so whole after a panic.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn busy() -> Fault {
    refusal(409, "busy", "This agent runs another bench")
}

fn refused(why: impl Into<String>) -> Fault {
    refusal(400, "invalid_request", why.into())
}

fn json(value: &impl Serialize) -> Response<ReplyBody> {
    // What has only strings and numbers can be written.
    let text = serde_json::to_string(value).unwrap_or_default();
    let response = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "application/json");
    finish(response, full(text))
}
