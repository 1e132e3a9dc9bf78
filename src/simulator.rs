//! The built-in simulator: real HTTP on loopback, seeded latency profiles, every answer labelled.
//!
//! In: requests of any dialect. Out: streams on an absolute schedule that each answer can state.
//!
//! ```text
//! request ─ server ─ dialect.read ─► ChatRequest ─ model.script ─► Script ─ plan ─► Steps (at, act)
//!                                                                                      │
//!              socket ◄─ wire (stamps each write) ◄─ answer (waits for pace) ◄─ writer ┘
//!                          └─► ledger: planned and written, GET /sim/runs/N
//! ```
//!
//! It runs on threads of its own, so that serving and measuring do not share an executor. A further
//! model is a row of `model.rs`; protocols are [dialects](crate::dialect::serve).

mod answer;
mod chat;
mod ledger;
mod model;
mod oauth;
mod pace;
mod plan;
mod responder;
mod script;
mod signature;
mod text;
mod tokens;
mod wire;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use url::Url;

use self::responder::SimulatorResponder;
use crate::{
    body::ModelInfo,
    dialect::{Dialect, DialectId},
    endpoint::{Auth, Endpoint, simulated},
    server::{RunningServer, Tls},
};

/// The simulator's endpoints, given the base URL that clients of the `OpenAI` API are given: one a protocol,
/// the most common one first.
#[must_use]
pub fn endpoints(base_url: &Url) -> Vec<Endpoint> {
    let of = |dialect: &Dialect| {
        let base_url = dialect.serve?.base_url(base_url, "simulated");
        let label = format!("Simulator ({})", dialect.label);
        Some(Endpoint {
            label: if dialect.id == DialectId::OpenaiChat {
                "Simulator".to_owned()
            } else {
                label
            },
            auth: Auth::None,
            key_env: Vec::new(),
            models: models(),
            simulated: true,
            ..Endpoint::custom(simulated::id_of(dialect.id), base_url, dialect.id)
        })
    };
    let all = DialectId::ALL.iter();
    all.filter_map(|id| of(id.dialect())).collect()
}

/// How the simulator is served.
#[derive(Clone, Copy, Debug)]
pub struct SimulatorOptions {
    /// Address to listen on; other machines are let in only if it is not a loopback address.
    pub host: IpAddr,
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// Changes all schedules; the same seed, model and prompt give the same schedule.
    pub seed: u64,
    /// How many times faster than a model's own pace, above 0.
    pub speed: f64,
    /// Whether TLS is spoken, with an authority of its own.
    pub tls: bool,
    /// How long an access token of its own is good for.
    pub token_life: Duration,
    /// Is told of each request, in one line without its contents.
    pub log: Option<fn(&str)>,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            seed: 0,
            speed: 1.0,
            tls: false,
            token_life: Duration::from_hours(1),
            log: None,
        }
    }
}

impl SimulatorOptions {
    fn is_remote(&self) -> bool {
        !self.host.is_loopback()
    }
}

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    /// Where it listens.
    pub address: SocketAddr,
    base_url: Url,
    authority: Option<String>,
    /// Stops it when it is dropped.
    _server: RunningServer,
}

impl Simulator {
    /// The base URL that clients of the `OpenAI` API are given, as in `http://127.0.0.1:8080/v1`.
    #[must_use]
    pub fn base_url(&self) -> Url {
        self.base_url.clone()
    }

    /// The certificate of its own authority as PEM, if it speaks TLS: what its clients must trust.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }
}

/// Starts the simulator on `127.0.0.1:port` (0 picks a free one), on threads of its own.
///
/// # Errors
/// If the port can't be had.
pub async fn start(port: u16) -> io::Result<Simulator> {
    serve(SimulatorOptions {
        port,
        ..SimulatorOptions::default()
    })
    .await
}

/// Starts the simulator with these options.
///
/// # Errors
/// If the address can't be had.
pub async fn serve(options: SimulatorOptions) -> io::Result<Simulator> {
    let tls = options
        .tls
        .then(|| Tls::new("Tokenscope simulator", options.host))
        .transpose()?;
    let tls = tls.map(Arc::new);
    let authority = tls.as_ref().map(|tls| tls.authority.clone());
    let scheme = if options.tls { "https" } else { "http" };
    let address = SocketAddr::new(options.host, options.port);
    let responder = move || SimulatorResponder::new(options);
    let server = RunningServer::start("simulator", address, tls, responder).await?;
    let address = server.address;
    let base_url = Url::parse(&format!("{scheme}://{address}/v1")).map_err(io::Error::other)?;
    Ok(Simulator {
        address,
        base_url,
        authority,
        _server: server,
    })
}

/// Names of the simulated models, the best first impression first.
#[must_use]
pub fn models() -> Vec<String> {
    model::MODELS.iter().map(|m| m.name.to_owned()).collect()
}

/// The simulated models as a list of models gives them: each with what it is good for.
#[must_use]
pub fn listed() -> Vec<ModelInfo> {
    model::listed()
}
