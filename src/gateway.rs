//! The gateway: what a client asks in one protocol is asked of a target in another, and answered in the client's.
//!
//! In: HTTP requests in any dialect that is served. Out: an [exchange](crate::exchange) with the target of the model's
//! route, and its events as the client's dialect writes them.
//!
//! ```text
//! request ─ server ─ serve.read ─► ChatRequest ─ route ─► exchange ─► Event ─ answer ─ serve.writer ─► response
//! ```
//!
//! A target that speaks the client's protocol is sent the client's own bytes, and the client its own; they are decoded
//! beside that, for the record.

mod account;
mod asked;
mod asking;
mod attempt;
mod audit;
mod client_setup;
mod endpoint_keys;
mod fields;
mod found_route;
mod headers;
mod health;
mod hedge;
mod held_end;
mod kept;
mod keys;
mod last_minute;
mod metrics;
mod model_place;
mod observed;
mod other;
mod recent;
mod refusals;
mod relay;
mod respond;
mod route;
mod routes;
mod setup;
mod spending;
mod status;
mod token;
mod tries;
mod warm;

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio_util::task::TaskTracker;
use url::Url;

pub use self::{
    audit::AuditRecord,
    client_setup::{CLIENT_SETUPS, ClientSetup, PastedInto},
    health::TargetState,
    keys::LocalKeys,
    routes::RouteTable,
    setup::{LISTEN, OwnToken, TokenKept, first_try},
    status::{
        FinishedRequest, GatewayStatus, GatewayWatch, LiveRequest, RouteCounts, RouteStatus,
        TargetStatus, TtftsOfLate,
    },
    token::LocalToken,
};
use self::{
    endpoint_keys::EndpointKeys, health::HealthBook, metrics::Metrics, respond::GatewayResponder,
    status::RequestBoard,
};
use crate::{
    clock::unix_seconds,
    credential::Credentials,
    dialect::{DialectId, WireFormat, serve::AnswerHead},
    history::History,
    price::PriceTable,
    server::{AllowedNames, RunningServer},
    settings::gateway::KeptContents,
    transport::Transport,
};

/// What can be changed while the gateway runs.
#[derive(Clone, Debug, Default)]
pub struct GatewayConfig {
    /// Where each model's requests go.
    pub routes: RouteTable,
    /// Who may ask.
    pub keys: LocalKeys,
    /// What the history keeps of the requests' contents.
    pub contents: KeptContents,
    /// What answers cost.
    pub prices: PriceTable,
}

/// Takes the lines of the audit. It must not block.
pub type AuditSink = Box<dyn Fn(&AuditRecord) + Send + Sync>;

/// How the gateway is served.
pub struct GatewayOptions {
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
    /// Names of hosts by which clients may call it, besides this machine's own.
    pub hosts: Vec<String>,
    /// On how many threads; each has its own connections.
    pub threads: usize,
    /// Its routes and keys.
    pub config: GatewayConfig,
    /// The keys of the endpoints.
    pub credentials: Credentials,
    /// Where its runs are kept.
    pub history: Option<History>,
    /// Is told of each request, in one line without its contents.
    pub log: Option<fn(&str)>,
    /// Is told of each request that is over.
    pub audit: Option<AuditSink>,
}

/// What all threads of a gateway share.
struct GatewayShared {
    config: RwLock<Arc<GatewayConfig>>,
    health: HealthBook,
    metrics: Metrics,
    board: RequestBoard,
    history: Option<History>,
    keys: EndpointKeys,
    log: Option<fn(&str)>,
    audit: Option<AuditSink>,
    answers: AtomicU64,
    names: AllowedNames,
    is_draining: AtomicBool,
}

impl GatewayShared {
    fn config(&self) -> Arc<GatewayConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
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

/// A running gateway; dropping it stops it at once.
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<GatewayShared>,
    server: RunningServer,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// The protocols that it serves, the most common one first, each with the base URL that its clients are given. gRPC
    /// is not among them: its clients name projects and places of Google's.
    ///
    /// # Panics
    /// Never: an address makes a valid URL.
    #[must_use]
    pub fn base_urls(&self) -> Vec<(DialectId, Url)> {
        let server = Url::parse(&format!("http://{}", self.address)).expect("an address");
        let of = |id: &DialectId| {
            let dialect = id.dialect();
            let is_json = matches!(dialect.wire, WireFormat::Json);
            let serve = dialect.serve.filter(|_| is_json)?;
            Some((*id, serve.base_url(&server, "gateway")))
        };
        DialectId::ALL.iter().filter_map(of).collect()
    }

    /// Changes its routes and keys. Requests under way go on as they began; what is known of routes and keys of the
    /// same names stays.
    pub fn reload(&self, config: GatewayConfig) {
        let mut held = self
            .shared
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let GatewayConfig {
            routes,
            keys,
            contents,
            prices,
        } = config;
        *held = Arc::new(GatewayConfig {
            routes: routes.after(&held.routes),
            keys: keys.after(&held.keys),
            contents,
            prices,
        });
    }

    /// The models that its clients can ask for by name, without knowing more.
    #[must_use]
    pub fn model_names(&self) -> Vec<String> {
        self.shared.config().routes.names()
    }

    /// What it is doing now.
    #[must_use]
    pub fn status(&self) -> GatewayStatus {
        self.shared.status()
    }

    /// Follows what it is doing, also after it was stopped.
    #[must_use]
    pub fn watch(&self) -> GatewayWatch {
        GatewayWatch::new(Arc::clone(&self.shared))
    }

    /// Takes no more connections, and waits until all requests are over.
    pub async fn drain(self) {
        self.shared.is_draining.store(true, Ordering::Release);
        self.server.drain().await;
    }

    /// How many requests are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.board.in_flight()
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayOptions")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Starts the gateway on threads of its own.
///
/// # Errors
/// If the address can't be had.
pub async fn serve(options: GatewayOptions) -> io::Result<Gateway> {
    let address = options.address;
    let shared = Arc::new(GatewayShared {
        config: RwLock::new(Arc::new(options.config)),
        health: HealthBook::default(),
        metrics: Metrics::default(),
        board: RequestBoard::default(),
        history: options.history,
        keys: EndpointKeys::new(options.credentials),
        log: options.log,
        audit: options.audit,
        answers: AtomicU64::new(1),
        names: AllowedNames {
            any_address: !address.ip().is_loopback(),
            hosts: options.hosts,
        },
        is_draining: AtomicBool::new(false),
    });
    let of_thread = Arc::clone(&shared);
    let responder = move || {
        let (shared, transport) = (Arc::clone(&of_thread), Transport::default());
        // It ends with the thread's runtime.
        tokio::spawn(warm::keep(Arc::clone(&shared), transport.clone()));
        GatewayResponder {
            shared,
            transport,
            observers: TaskTracker::new(),
        }
    };
    let server = RunningServer::start_many("gateway", address, options.threads, responder).await?;
    Ok(Gateway {
        address: server.address,
        shared,
        server,
    })
}
