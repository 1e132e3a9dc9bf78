//! What the gateway is doing: requests under way, those that are over, the counts of its routes, its targets' health.
//!
//! In: each event of a request, told once. Out: a [`GatewayStatus`], computed when it is asked for.

mod board;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

pub(super) use self::board::{LiveEntry, RequestBoard};
use super::{
    GatewayShared,
    audit::AuditRecord,
    health::{TargetHealth, TargetState},
    route::GatewayRoute,
};
use crate::{
    clock::{now, wall_clock_ns},
    endpoint::TargetId,
    event::FaultClass,
    run::RunId,
    settings::gateway::RouteStrategy,
};

/// Fewer TTFTs than this tell no median.
const LEAST_FOR_MEDIAN: usize = 5;
/// Fewer TTFTs than this tell no 95th percentile.
const LEAST_FOR_P95: usize = 20;

/// What a gateway is doing at one time.
#[derive(Clone, Debug, Default)]
pub struct GatewayStatus {
    /// The requests under way, the newest first.
    pub live: Vec<LiveRequest>,
    /// The requests that are over, the newest first; no more than the latest ones.
    pub recent: Vec<FinishedRequest>,
    /// The routes in the order in which they are looked up, then the names without a route that were asked for.
    pub routes: Vec<RouteStatus>,
}

/// A request under way.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveRequest {
    /// Its number, counted from 1.
    pub number: u64,
    /// When it came, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// When all of it was there: its TTFT counts from here.
    pub received: Instant,
    /// The name of the key that it was asked with; empty before that was checked.
    pub key: String,
    /// The model that it asks for; empty before it was read.
    pub model: String,
    /// Its route; empty before it was read.
    pub route: String,
    /// The target that answers, or was asked last.
    pub target: Option<TargetId>,
    /// How many targets were asked, one after another or at once.
    pub attempts: u32,
    /// Whether a target began to answer.
    pub is_answering: bool,
    /// From the request to the first token handed on.
    pub ttft: Option<Duration>,
    /// The run of the attempt that answers, or was begun last.
    pub run: Option<RunId>,
}

/// A request that is over.
#[derive(Clone, Debug)]
pub struct FinishedRequest {
    /// Its number, counted from 1.
    pub number: u64,
    /// When it came, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// What became of it.
    pub record: Arc<AuditRecord>,
    /// The run of the attempt that answered, or was begun last.
    pub run: Option<RunId>,
}

/// A route, what its requests came to, and its targets.
#[derive(Clone, Debug)]
pub struct RouteStatus {
    /// The model's name, maybe with a `*` at its end.
    pub name: String,
    /// In which order its targets are asked; `None` for a name without a route.
    pub strategy: Option<RouteStrategy>,
    /// What became of its requests.
    pub counts: RouteCounts,
    /// Its targets, in the order of the settings. Where a model is `*`, those that were asked stand in its place.
    pub targets: Vec<TargetStatus>,
}

/// What became of a route's requests since the gateway started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RouteCounts {
    /// Requests that are over.
    pub requests: u64,
    /// Those of them that failed; one that its client left did not.
    pub failed: u64,
    /// Targets that were asked.
    pub attempts: u64,
    /// Those of them that were asked because another one had failed.
    pub retries: u64,
    /// Those of them that were asked beside another one.
    pub hedges: u64,
    /// How many of these answered first.
    pub hedges_won: u64,
    /// How many requests have a known cost.
    pub priced: u64,
    /// What these cost together, in US dollars.
    pub cost_usd: f64,
}

impl RouteCounts {
    /// How many targets that were asked beside another one did not answer first.
    #[must_use]
    pub fn hedges_lost(&self) -> u64 {
        self.hedges.saturating_sub(self.hedges_won)
    }

    /// Counts a request that is over.
    fn add(&mut self, record: &AuditRecord, hedge_won: bool) {
        let (attempts, hedges) = (u64::from(record.attempts), u64::from(record.hedges));
        let has_failed = record.outcome != "ok" && record.outcome != FaultClass::Cancelled.as_str();
        self.requests += 1;
        self.failed += u64::from(has_failed);
        self.attempts += attempts;
        self.retries += attempts.saturating_sub(hedges + 1);
        self.hedges += hedges;
        self.hedges_won += u64::from(hedge_won);
        if let Some(cost) = record.charged_usd() {
            self.priced += 1;
            self.cost_usd += cost;
        }
    }
}

/// A target of a route.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    /// The target.
    pub target: TargetId,
    /// Whether there is such an endpoint.
    pub is_there: bool,
    /// Whether it can be asked.
    pub state: TargetState,
    /// If it is paused: until when, in nanoseconds since 1970.
    pub paused_until_unix_ns: Option<i64>,
    /// Its TTFTs of late.
    pub ttfts: TtftsOfLate,
}

/// The TTFTs of the last 15 minutes; newer ones count for more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TtftsOfLate {
    /// How many there are.
    pub count: usize,
    /// Their median, from five of them on.
    pub median: Option<Duration>,
    /// Their 95th percentile, from twenty of them on.
    pub p95: Option<Duration>,
}

/// Follows what a gateway is doing. It does not keep the gateway running.
pub struct GatewayWatch {
    shared: Arc<GatewayShared>,
    changes: watch::Receiver<u64>,
}

impl std::fmt::Debug for GatewayWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayWatch")
    }
}

impl GatewayWatch {
    pub(super) fn new(shared: Arc<GatewayShared>) -> Self {
        let changes = shared.board.changes();
        Self { shared, changes }
    }

    /// Waits for the next event of a request since this was last called.
    pub async fn changed(&mut self) {
        // The sender lives as long as what all threads share, which is held here.
        let _ = self.changes.changed().await;
    }

    /// How many requests are over.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.shared.board.finished()
    }

    /// What the gateway is doing now.
    #[must_use]
    pub fn status(&self) -> GatewayStatus {
        self.shared.status()
    }
}

impl GatewayShared {
    /// What the gateway is doing now.
    pub(super) fn status(&self) -> GatewayStatus {
        let (live, recent, mut counts) = self.board.read();
        let config = self.config();
        let mut routes: Vec<RouteStatus> = Vec::new();
        for route in config.routes.all() {
            let name = route.settings.name.clone();
            routes.push(RouteStatus {
                counts: counts.remove(&name).unwrap_or_default(),
                strategy: Some(route.settings.strategy),
                targets: self.targets_of(route),
                name,
            });
        }
        for (name, counts) in counts {
            let target = name.parse::<TargetId>().ok();
            routes.push(RouteStatus {
                targets: target
                    .map(|target| self.target(target))
                    .into_iter()
                    .collect(),
                name,
                strategy: None,
                counts,
            });
        }
        GatewayStatus {
            live,
            recent,
            routes,
        }
    }

    fn targets_of(&self, route: &GatewayRoute) -> Vec<TargetStatus> {
        let mut targets = Vec::new();
        for target in &route.settings.targets {
            let asked: Vec<TargetId> = if target.model == "*" {
                let of_route = |known: &TargetId| {
                    known.endpoint == target.endpoint && route.matches(&known.model)
                };
                self.health.known().into_iter().filter(of_route).collect()
            } else {
                vec![target.clone()]
            };
            if asked.is_empty() {
                targets.push(self.target(target.clone()));
            }
            targets.extend(asked.into_iter().map(|target| self.target(target)));
        }
        targets
    }

    fn target(&self, target: TargetId) -> TargetStatus {
        let at = now();
        let health = self.health.get(&target);
        let state = health
            .as_ref()
            .map_or(TargetState::Ready, |health| health.state(at));
        let paused_until_unix_ns = match state {
            TargetState::Paused(until) => {
                let left = until.saturating_duration_since(at).as_nanos();
                let left = i64::try_from(left).unwrap_or(i64::MAX);
                Some(wall_clock_ns().saturating_add(left))
            }
            TargetState::Ready | TargetState::Trial => None,
        };
        TargetStatus {
            is_there: self.config().routes.endpoint(&target.endpoint).is_some(),
            target,
            state,
            paused_until_unix_ns,
            ttfts: health
                .map(|health| of_late(&health, at))
                .unwrap_or_default(),
        }
    }
}

fn of_late(health: &TargetHealth, at: Instant) -> TtftsOfLate {
    let count = health.ttfts_of_late(at);
    let quantile = |quantile, least| {
        let is_enough = count >= least;
        is_enough.then(|| health.ttft(quantile, at, least))?
    };
    TtftsOfLate {
        count,
        median: quantile(0.5, LEAST_FOR_MEDIAN),
        p95: quantile(0.95, LEAST_FOR_P95),
    }
}
