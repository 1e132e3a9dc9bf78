//! What is told of a request once it is over: one line of the audit, the metrics, and what its key used up.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use super::{
    GatewayConfig, GatewayShared, audit::AuditRecord, found_route::RoutedTarget,
    health::TargetHealth, keys::KeyPermit, route::GatewayRoute, status::LiveEntry,
};
use crate::{
    clock::now,
    event::{Fault, Usage},
    history::rfc3339,
    measure::cost,
    price::Usd,
    run::Run,
    server,
};

/// The attempt that answered.
#[derive(Clone, Debug)]
pub(super) struct Winner {
    /// When it was begun.
    pub began: Instant,
    /// Its target's health.
    pub health: Arc<TargetHealth>,
    /// Whether its TTFT was counted already.
    pub is_timed: bool,
}

/// A request that is not over yet. It is told when it is closed, or dropped: then its client has left.
pub(super) struct RequestAccount {
    shared: Arc<GatewayShared>,
    /// The settings that hold for it.
    config: Arc<GatewayConfig>,
    permit: Option<KeyPermit>,
    pub record: AuditRecord,
    /// What the gateway's status says of it while it is under way.
    pub live: Arc<LiveEntry>,
    route: Option<GatewayRoute>,
    /// When all of it was there.
    pub received: Instant,
    began: Instant,
    /// When the first target was asked.
    pub first_asked: Option<Instant>,
    /// The attempt that answered.
    pub winner: Option<Winner>,
    /// The targets that were under way when it answered, and charge for the prompt all the same.
    pub beaten: Vec<RoutedTarget>,
    /// When the first bytes of an answer were handed on.
    pub first_frame: Arc<OnceLock<Instant>>,
    /// When the first token was handed on, if that was not with the first bytes.
    pub first_token: Option<Instant>,
    is_closed: bool,
}

impl RequestAccount {
    pub(super) fn new(
        shared: &Arc<GatewayShared>,
        config: &Arc<GatewayConfig>,
        request: String,
        received: Instant,
    ) -> Self {
        let first_frame = Arc::default();
        Self {
            live: shared.board.begin(received, Arc::clone(&first_frame)),
            shared: Arc::clone(shared),
            config: Arc::clone(config),
            permit: None,
            record: AuditRecord {
                request,
                ..AuditRecord::default()
            },
            route: None,
            received,
            began: received,
            first_asked: None,
            winner: None,
            beaten: Vec::new(),
            first_frame,
            first_token: None,
            is_closed: false,
        }
    }

    /// The key that it was asked with lets it in.
    pub(super) fn admitted(&mut self, permit: KeyPermit) {
        self.live.admitted(&self.record.key);
        self.permit = Some(permit);
    }

    /// It takes this route.
    pub(super) fn takes(&mut self, route: &GatewayRoute) {
        self.record.route.clone_from(&route.settings.name);
        let name = &self.record.route;
        self.live.routed(self.received, &self.record.model, name);
        self.route = Some(route.clone());
    }

    /// Its first token was handed on.
    pub(super) fn hands_on_token(&mut self, at: Instant) {
        self.first_token = Some(at);
        self.live.first_token(at);
    }

    /// It is over: this run answered.
    pub(super) fn answered(mut self, run: &Run) {
        let fault = run.answer.fault.as_ref();
        self.record.outcome = outcome(fault);
        self.tell_health(run);
        self.count(run);
        self.times(run);
        self.close();
    }

    /// It is over, and nothing was observed of its answer.
    pub(super) fn passed_on(mut self, status: u16) {
        self.record.status = status;
        let outcome = if status < 400 { "ok" } else { "provider" };
        outcome.clone_into(&mut self.record.outcome);
        self.close();
    }

    /// It is over without an answer.
    pub(super) fn failed(mut self, fault: &Fault) {
        self.record.status = fault.status.unwrap_or_default();
        self.record.outcome = outcome(Some(fault));
        self.close();
    }

    /// What the whole answer says of its target.
    fn tell_health(&self, run: &Run) {
        let Some(winner) = &self.winner else {
            return;
        };
        let ttft = run.stamps.first_token.filter(|_| !winner.is_timed);
        if let Some(ttft) = ttft.map(Duration::from_nanos) {
            winner.health.answered(now(), Some(ttft));
            if let Some(route) = &self.route {
                route.state.hedges.answered(now(), ttft);
            }
        }
        if let Some(fault) = &run.answer.fault {
            winner.health.failed(now(), fault);
        }
    }

    fn count(&mut self, run: &Run) {
        let Some(usage) = &run.answer.usage else {
            return;
        };
        self.record.input_tokens = usage.input;
        self.record.output_tokens = usage.generated();
        let cost = cost::of(run, &self.config.prices).ok();
        self.record.cost_usd = cost.map(Usd::dollars);
        self.count_beaten(run);
        let (beaten, cost) = (self.record.beaten_input_tokens, self.record.charged_usd());
        if let Some(permit) = &self.permit {
            let tokens = tokens(usage).saturating_add(beaten.unwrap_or(0));
            permit.count(now(), tokens, cost);
        }
        if let (Some(route), Some(cost)) = (&self.route, cost) {
            route.state.spending.add(cost);
        }
    }

    /// What the beaten targets charge for the prompt, by the count of the one that answered: they told none.
    fn count_beaten(&mut self, run: &Run) {
        let usage = run.answer.usage.as_ref();
        let input = usage.and_then(|usage| usage.input);
        for target in std::mem::take(&mut self.beaten) {
            let Some(input) = input else { continue };
            let sum = self.record.beaten_input_tokens.unwrap_or(0);
            self.record.beaten_input_tokens = Some(sum.saturating_add(input));
            let prompt =
                cost::of_prompt_at(run, &target.endpoint, &target.model, &self.config.prices);
            if let Ok(cost) = prompt {
                let sum = self.record.beaten_cost_usd.unwrap_or(0.0);
                self.record.beaten_cost_usd = Some(sum + cost.dollars());
            }
        }
    }

    /// The parts of the time to the first token.
    fn times(&mut self, run: &Run) {
        let Some(winner) = &self.winner else {
            return;
        };
        // Tokens that were held until the answer began went with the first bytes.
        let held = self.first_frame.get().filter(|_| winner.is_timed).copied();
        let Some(handed_on) = self.first_token.or(held) else {
            return;
        };
        let (Some(first_token), Some(sent)) = (run.stamps.first_token, run.stamps.request_sent)
        else {
            return;
        };
        let [first_token, sent] = [first_token, sent].map(Duration::from_nanos);
        let first_asked = self.first_asked.unwrap_or(winner.began);
        let ttft = handed_on.saturating_duration_since(self.received);
        let lost = winner.began.saturating_duration_since(first_asked);
        let added = ttft.saturating_sub(first_token).saturating_sub(lost);
        let round_trip = run.stamps.link.as_ref().and_then(|link| link.start);
        let round_trip = round_trip.map_or(Duration::ZERO, |tcp| tcp.min_rtt);
        let answering = first_token.saturating_sub(sent);
        let network = first_token.min(sent) + round_trip.min(answering);
        let provider = answering.saturating_sub(round_trip);
        let ms = |time: Duration| Some(time.as_secs_f64() * 1e3);
        self.record.ttft_ms = ms(ttft);
        self.record.added_ms = ms(added);
        self.record.network_ms = ms(network);
        self.record.provider_ms = ms(provider);
        self.record.lost_ms = ms(lost);
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.record.at = rfc3339(self.live.at_unix_ns);
        self.permit = None;
        let total = now().saturating_duration_since(self.began);
        self.record.total_ms = total.as_secs_f64() * 1e3;
        let record = Arc::new(std::mem::take(&mut self.record));
        self.shared.metrics.end(&record);
        self.shared.board.end(&self.live, Arc::clone(&record));
        server::log(self.shared.log, &record);
        if let Some(audit) = &self.shared.audit {
            audit(&record);
        }
    }
}

impl Drop for RequestAccount {
    fn drop(&mut self) {
        if !self.is_closed {
            "cancelled".clone_into(&mut self.record.outcome);
            self.close();
        }
    }
}

fn outcome(fault: Option<&Fault>) -> String {
    fault.map_or("ok", |fault| fault.class.as_str()).to_owned()
}

/// The tokens that count against a limit.
fn tokens(usage: &Usage) -> u64 {
    let both = usage
        .input
        .unwrap_or(0)
        .saturating_add(usage.generated().unwrap_or(0));
    both.max(usage.total.unwrap_or(0))
}
