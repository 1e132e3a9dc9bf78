//! Collects the requests of a running bench: adds them up, stores them, judges whether it has to stop, and tells how it
//! goes.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use tokio::sync::mpsc::UnboundedSender;

use super::{BenchNews, BenchPiece, BenchProgress, shared::BenchShared, store::BlockWriter};
use crate::{
    bench::{
        BenchId, BenchPlan, BenchRequest, InvalidReason, MostTokens, SaturationWatch, StopReason,
        Tally,
    },
    clock::{now, slept, wall_clock_ns},
    endpoint::{Endpoint, TargetPlace},
    event::Usage,
    history::History,
    measure::{percentile::estimate, sketch::TimeSketch},
    monitor::SleepWatch,
    price::{Price, PriceTable, Usd},
    run::ms,
};

/// How often requests are stored and progress is told, in nanoseconds.
const TELL_NS: u64 = 500_000_000;

/// How often the server is judged for saturation, in nanoseconds.
const JUDGE_NS: u64 = 1_000_000_000;

/// What requests cost.
pub(super) struct Costs {
    /// `None` where it is not known. Of the simulator it is nothing.
    price: Option<Priced>,
    most: MostTokens,
}

enum Priced {
    Free,
    At(Box<Price>),
}

impl Costs {
    pub(super) fn of(
        endpoint: &Endpoint,
        plan: &BenchPlan,
        prices: &PriceTable,
        most: MostTokens,
    ) -> Self {
        let price = if endpoint.simulated {
            Some(Priced::Free)
        } else {
            let price = prices.of(endpoint, &plan.target.model, wall_clock_ns());
            price.map(|price| Priced::At(Box::new(price.clone())))
        };
        Self { price, most }
    }

    fn tokens(&self, input: u64, output: u64) -> Option<Usd> {
        let usage = Usage {
            input: Some(input),
            output: Some(output),
            ..Usage::default()
        };
        match self.price.as_ref()? {
            Priced::Free => Some(Usd::default()),
            Priced::At(price) => price.cost(&usage, None),
        }
    }

    /// What one request costs at most.
    fn most(&self) -> Option<Usd> {
        self.tokens(self.most.input, self.most.output)
    }

    /// What a request that is over cost: as its tokens say, else at most; nothing if it failed before it was counted.
    fn cost(&self, request: &BenchRequest) -> Option<Usd> {
        match (request.input_tokens, request.output_tokens) {
            (Some(input), Some(output)) => self.tokens(input.into(), output.into()),
            _ if request.is_ok() || request.first_token.is_some() => self.most(),
            _ => Some(Usd::default()),
        }
    }
}

/// A bench that runs.
pub(super) struct RunningBench {
    id: BenchId,
    shared: Arc<BenchShared>,
    history: Option<History>,
    store: Option<BlockWriter>,
    /// Who is handed the requests, besides the history.
    pub(super) keeper: Option<UnboundedSender<BenchPiece>>,
    is_begun_told: bool,
    tally: Tally,
    saturation: SaturationWatch,
    costs: Costs,
    cost: Option<Usd>,
    ttft: Option<TimeSketch>,
    recent_ttft: Vec<f64>,
    lag_max_ms: Option<f64>,
    /// At the last progress: when, requests sent and answers complete.
    last: (u64, u64, u64),
    judged_at: u64,
    /// When the last request was sent.
    sent_all_at: Option<Instant>,
    sleep: SleepWatch,
}

impl RunningBench {
    pub(super) fn new(
        id: BenchId,
        shared: Arc<BenchShared>,
        history: Option<History>,
        costs: Costs,
    ) -> Self {
        if let Some(history) = &history {
            history.begin_bench(id, wall_clock_ns(), &shared.plan);
        }
        Self {
            id,
            store: (history.clone()).map(|history| BlockWriter::new(history, id)),
            keeper: None,
            is_begun_told: false,
            tally: Tally::new(&shared.plan),
            cost: costs.most().map(|_| Usd::default()),
            costs,
            shared,
            history,
            saturation: SaturationWatch::default(),
            ttft: TimeSketch::new().ok(),
            recent_ttft: Vec::new(),
            lag_max_ms: None,
            last: (0, 0, 0),
            judged_at: 0,
            sent_all_at: None,
            sleep: SleepWatch::new(slept()),
        }
    }

    /// Sends nothing more, and ends what is under way.
    pub(super) fn stop(&self) {
        self.shared.stop(StopReason::Stopped);
        self.shared.cancel.cancel();
    }

    pub(super) fn is_done(&self) -> bool {
        self.shared.is_done()
    }

    /// Takes what is over. Gives how it goes, where that is due.
    pub(super) fn collect(&mut self) -> Option<BenchProgress> {
        let requests = self.shared.collect();
        for request in &requests {
            self.add(request);
        }
        self.hand_over(&requests);
        if let Some(store) = &mut self.store {
            store.take(requests);
        }
        let elapsed = self.shared.elapsed()?;
        self.judge(elapsed);
        self.end_drain();
        let (told_at, ..) = self.last;
        (elapsed.saturating_sub(told_at) >= TELL_NS).then(|| {
            if let Some(store) = &mut self.store {
                store.write();
            }
            self.progress(elapsed)
        })
    }

    /// Hands requests to their keeper. One that is gone needs none.
    fn hand_over(&mut self, requests: &[BenchRequest]) {
        let (Some(keeper), Some(began)) = (&self.keeper, self.shared.began()) else {
            return;
        };
        if !std::mem::replace(&mut self.is_begun_told, true) {
            let _ = keeper.send(BenchPiece::Began(began));
        }
        if !requests.is_empty() {
            let _ = keeper.send(BenchPiece::Requests(requests.to_vec()));
        }
    }

    fn add(&mut self, request: &BenchRequest) {
        self.tally.add(request);
        let cost = self.costs.cost(request);
        self.cost = self
            .cost
            .and_then(|sum| cost.and_then(|cost| sum.checked_add(cost)));
        if request.is_warm_up {
            return;
        }
        let lag = request.lag_ms();
        self.lag_max_ms = Some(self.lag_max_ms.map_or(lag, |most| most.max(lag)));
        if let Some(ttft) = request.ttft_ms().filter(|_| request.is_ok()) {
            self.recent_ttft.push(ttft);
            if let Some(sketch) = &mut self.ttft {
                // It has room for 146,000 years.
                let _ = sketch.record_ms(ttft);
            }
        }
    }

    /// Stops sending where a rule of the plan says so.
    fn judge(&mut self, elapsed: u64) {
        let shared = &self.shared;
        let over = shared.over.load(Ordering::Relaxed);
        let sent = shared.sent.load(Ordering::Relaxed);
        let under_way = self.costs.most();
        let under_way = under_way.and_then(|most| most.checked_mul(sent.saturating_sub(over)));
        let cost = self.cost.zip(under_way);
        let cost = cost.and_then(|(cost, under_way)| cost.checked_add(under_way));
        let plan = &shared.plan;
        if let Some(reason) = plan.must_stop(&self.tally.counts(), cost.map(Usd::dollars)) {
            shared.stop(reason);
        }
        // The streams of a closed loop look at the clock only between two requests.
        if !plan.load.is_open() && shared.is_time_over(elapsed) {
            shared.stop(StopReason::Time);
        }
        if elapsed.saturating_sub(self.judged_at) >= JUDGE_NS && plan.load.is_open() {
            self.judged_at = elapsed;
            let is_saturated = self.saturation.second(sent, over);
            if is_saturated && plan.stop.over_saturation && !shared.sends_no_more() {
                shared.stop(StopReason::OverSaturation);
            }
        }
    }

    /// Ends what is still under way a while after the last request was sent.
    fn end_drain(&mut self) {
        let Some(drain_ms) = self.shared.plan.stop.drain_ms else {
            return;
        };
        if self.shared.sends_no_more() {
            let since = *self.sent_all_at.get_or_insert_with(now);
            if now().saturating_duration_since(since).as_millis() >= u128::from(drain_ms) {
                self.shared.cancel.cancel();
            }
        }
    }

    fn progress(&mut self, elapsed: u64) -> BenchProgress {
        let (sent, over) = (&self.shared.sent, &self.shared.over);
        let (sent, over) = (sent.load(Ordering::Relaxed), over.load(Ordering::Relaxed));
        let counts = self.tally.counts();
        let (told_at, sent_before, ok_before) = self.last;
        let seconds = ms(elapsed - told_at) / 1e3;
        #[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
        let a_second = |now: u64, before: u64| Some(now.saturating_sub(before) as f64 / seconds);
        self.last = (elapsed, sent, counts.ok);
        let so_far = self.ttft.as_ref();
        let so_far = so_far.map(|sketch| sketch.percentiles_ms(&[0.5, 0.99]));
        let at = |index: usize| so_far.as_ref()?.get(index).copied().flatten();
        let progress = BenchProgress {
            id: self.id,
            elapsed_ms: ms(elapsed),
            counts,
            faults: self.tally.faults().clone(),
            under_way: sent.saturating_sub(over),
            rate: a_second(sent, sent_before),
            completed_rate: a_second(counts.ok, ok_before),
            recent_ttft_p50_ms: estimate(&mut self.recent_ttft, 0.5),
            ttft_p50_ms: at(0),
            ttft_p99_ms: at(1),
            lag_max_ms: self.lag_max_ms,
            cost: self.cost,
            stopping: self.shared.reason(),
        };
        self.recent_ttft.clear();
        progress
    }

    /// Computes what it found, once its workers are done, and stores that.
    pub(super) async fn finish(mut self) -> BenchNews {
        // What ended since.
        self.collect();
        if let Some(store) = &mut self.store {
            store.write();
        }
        let mut tally = std::mem::take(&mut self.tally);
        tally.add_held_back(self.shared.held_back.load(Ordering::Relaxed));
        let reason = self.shared.reason();
        let summary = tokio::task::spawn_blocking(move || tally.summary(reason)).await;
        let mut summary = summary.unwrap_or_default();
        summary.cost_usd = self.cost.map(Usd::dollars);
        let plan = &self.shared.plan;
        summary.back_off = Some(plan.back_off);
        summary.places = vec![TargetPlace::of(&self.shared.endpoint, &plan.target.model)];
        summary.versions = vec![env!("CARGO_PKG_VERSION").to_owned()];
        if let Some(asleep) = self.sleep.since(slept()) {
            summary.valid = false;
            summary.invalid.push(InvalidReason::Slept {
                seconds: asleep.as_secs_f64(),
            });
        }
        if let Some(history) = &self.history {
            history.end_bench(self.id, &summary);
        }
        BenchNews::Over {
            id: self.id,
            summary: Arc::new(summary),
            first_fault: self.shared.first_fault(),
        }
    }
}
