//! The course of one comparison: round after round until a rule stops it.

mod news;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    super::{SendRun, Update, runs::RunRegistry},
    CompareNews, TaskContext,
    waits::EndpointPauses,
};
use crate::{
    clock::{slept, timer_now, wait_until, wall_clock_ns},
    compare::{
        CompareEnd, CompareProgress, CompareRound, CompareSample, CompareState, CompareStopReason,
        PairMark, PairedComparison, RoundPlan, RunUnderWay, SampleRules, SettlementWatch,
        most_cost,
    },
    conformance::CheckedRun,
    endpoint::{BackOff, Endpoint},
    price::Usd,
    run::{ConnectionKind, Origin, RunId},
    transport::Transport,
};

/// A sleep of the machine that is at least so long ends its connections.
const SLEPT: Duration = Duration::from_secs(2);

/// A comparison that runs.
pub(super) struct CompareCourse {
    context: TaskContext,
    /// The runs, over connections that no other run shares.
    runs: RunRegistry,
    state: CompareState,
    /// It is to end after this round.
    stop: CancellationToken,
    /// It is to end at once.
    cancel: CancellationToken,
    marks: watch::Receiver<Arc<Vec<PairMark>>>,
    waits: EndpointPauses,
    /// When this process began with it, and how long it had been under way before.
    began: Instant,
    before: Duration,
    next_index: u64,
    /// Whether no connection is open.
    is_first: bool,
    /// The pairs of the verdict that it is about.
    settlement: SettlementWatch,
    computing: Option<JoinHandle<(PairedComparison, Duration)>>,
    next_compute: Instant,
    next_tell: Instant,
    is_untold: bool,
}

impl CompareCourse {
    pub(super) fn new(
        context: TaskContext,
        state: CompareState,
        (stop, cancel): (CancellationToken, CancellationToken),
        marks: watch::Receiver<Arc<Vec<PairMark>>>,
    ) -> Self {
        let now = timer_now();
        let last = state.rounds.last();
        Self {
            runs: registry(&context),
            context,
            stop,
            cancel,
            marks,
            waits: EndpointPauses::default(),
            began: now,
            before: state.elapsed,
            next_index: last.map_or(0, |round| round.index + 1),
            is_first: true,
            settlement: SettlementWatch::default(),
            computing: None,
            next_compute: now,
            next_tell: now,
            is_untold: true,
            state,
        }
    }

    /// Asks until a rule stops it; gives the whole comparison.
    pub(super) async fn run(mut self) -> Box<CompareState> {
        if let Some(history) = &self.context.history {
            history.begin_comparison((*self.state.head).clone());
        }
        self.tell();
        let reason = loop {
            if let Some(reason) = self.reason().await {
                break reason;
            }
            if let Err(reason) = self.next_round().await {
                break reason;
            }
        };
        self.end(reason).await
    }

    /// Why it stops before the next round, if it does.
    async fn reason(&mut self) -> Option<CompareStopReason> {
        if self.stop.is_cancelled() {
            return Some(CompareStopReason::Stopped);
        }
        let is_settled = self.is_settled().await;
        let state = &self.state;
        let progress = CompareProgress {
            plan: &state.head.plan,
            rounds: &state.rounds,
            elapsed: self.elapsed(),
            counted: state.cost.counted,
            next: self.most_a_round(),
            is_settled,
        };
        progress.stop()
    }

    /// Whether the verdict that it is about can be told, where that stops it.
    async fn is_settled(&mut self) -> bool {
        let state = &self.state;
        if !state.head.plan.stop.until_settled {
            return false;
        }
        let (head, rounds) = (Arc::clone(&state.head), Arc::clone(&state.rounds));
        let mut watch = std::mem::take(&mut self.settlement);
        // One that was resumed has many rounds to catch up on, and P95 and P99 take a while of many pairs.
        let look = tokio::task::spawn_blocking(move || {
            watch.take(&head.plan, &rounds);
            let is_settled = watch.is_settled(&head.plan);
            (watch, is_settled)
        });
        // After a defect the next look begins with an empty one, which takes all rounds again.
        let Ok((watch, is_settled)) = look.await else {
            return false;
        };
        self.settlement = watch;
        is_settled
    }

    fn elapsed(&self) -> Duration {
        self.before + timer_now().saturating_duration_since(self.began)
    }

    /// What a round costs at most.
    fn most_a_round(&self) -> Usd {
        let arms = 0..self.state.head.plan.arms.len();
        let costs = arms.filter_map(|arm| self.most(arm));
        costs
            .reduce(|sum, cost| sum.checked_add(cost).unwrap_or(Usd::of_pico(u64::MAX)))
            .unwrap_or_default()
    }

    /// What a request of an arm costs at most, if that is known.
    fn most(&self, arm: usize) -> Option<Usd> {
        let plan = &self.state.head.plan;
        let endpoint = self.endpoint(arm)?;
        let prices = &self.context.settings.prices;
        most_cost(
            plan,
            plan.arms.get(arm)?,
            &endpoint,
            prices,
            wall_clock_ns(),
        )
    }

    fn endpoint(&self, arm: usize) -> Option<Endpoint> {
        let target = &self.state.head.plan.arms.get(arm)?.target;
        self.context.endpoint(&target.endpoint).ok()
    }

    /// Asks each arm once, and keeps the round.
    async fn next_round(&mut self) -> Result<(), CompareStopReason> {
        let plan = &self.state.head.plan;
        let mut round = plan.round(self.next_index);
        while plan.has_its_pairs(&self.state.rounds, round.connection) {
            // The other kind of connection has not: else it would have been stopped.
            self.next_index += 1;
            round = plan.round(self.next_index);
        }
        let slept_before = slept();
        let samples = self.asked(&round).await?;
        self.next_index += 1;
        let is_first = std::mem::replace(&mut self.is_first, false);
        if slept().saturating_sub(slept_before) >= SLEPT {
            // The open connections are dead.
            self.is_first = true;
            let new = registry(&self.context);
            std::mem::replace(&mut self.runs, new).stop().await;
        }
        let RoundPlan {
            index,
            connection,
            prompt,
            order,
        } = round;
        self.keep(CompareRound {
            index,
            connection,
            prompt,
            order,
            samples,
            is_first,
            elapsed: self.elapsed(),
        })
        .await;
        Ok(())
    }

    /// Asks each arm of a round in its order; gives what is kept of each, by the arms' places in the plan.
    async fn asked(&mut self, round: &RoundPlan) -> Result<Vec<CompareSample>, CompareStopReason> {
        let mut samples = vec![CompareSample::default(); round.order.len()];
        for &arm in &round.order {
            let endpoint = self.endpoint(arm).ok_or(CompareStopReason::Failed)?;
            let waited = self.wait(round.index, arm, &endpoint.id).await?;
            let most = self.most(arm);
            let id = endpoint.id.clone();
            let run = self.ask(round, arm, endpoint).await?;
            let fault = run.answer.fault.as_ref();
            self.waits.note(&id, fault, timer_now());
            let by = SampleRules {
                prices: &self.context.settings.prices,
                late_share: self.context.settings.measuring.late_share,
            };
            samples[arm] = CompareSample::of(&run, by, waited, most);
        }
        self.state.under_way = None;
        Ok(samples)
    }

    /// Waits as long as the endpoint wants to be left alone; gives how long that was.
    async fn wait(
        &mut self,
        round: u64,
        arm: usize,
        endpoint: &str,
    ) -> Result<Duration, CompareStopReason> {
        let now = timer_now();
        let is_polite = self.state.head.plan.back_off == BackOff::Polite;
        let Some(until) = self.waits.until(endpoint, now).filter(|_| is_polite) else {
            return Ok(Duration::ZERO);
        };
        self.under_way(round, arm, None);
        let stop = self.stop.clone();
        let waited = async move {
            stop.run_until_cancelled(wait_until(Some(until)))
                .await
                .is_some()
        };
        if self.with_news(waited).await {
            Ok(until - now)
        } else {
            Err(CompareStopReason::Stopped)
        }
    }

    /// Asks an arm.
    async fn ask(
        &mut self,
        round: &RoundPlan,
        arm: usize,
        endpoint: Endpoint,
    ) -> Result<CheckedRun, CompareStopReason> {
        let id = RunId::new();
        let plan = &self.state.head.plan;
        let asked = plan.arms.get(arm).ok_or(CompareStopReason::Failed)?;
        let send = SendRun {
            id,
            endpoint: endpoint.id.clone(),
            request: Arc::new(plan.request(asked, round.prompt, rand::random())),
            origin: Origin::Compare,
            cold: round.connection == ConnectionKind::Cold,
        };
        let mut run = self
            .runs
            .start(send, Some(endpoint))
            .ok_or(CompareStopReason::Failed)?;
        self.under_way(round.index, arm, Some(id));
        let cancel = self.cancel.clone();
        let over = async move {
            tokio::select! {
                biased;
                run = &mut run => Some(run),
                () = cancel.cancelled() => None,
            }
        };
        match self.with_news(over).await {
            Some(Ok(Some(run))) => Ok(run),
            // A defect ended it, which was told as the run's end.
            Some(_) => Err(CompareStopReason::Failed),
            None => {
                self.runs.cancel(&[id]);
                Err(CompareStopReason::Stopped)
            }
        }
    }

    fn under_way(&mut self, round: u64, arm: usize, run: Option<RunId>) {
        self.state.under_way = Some(RunUnderWay { round, arm, run });
        self.is_untold = true;
    }

    /// Keeps a round, then tells it: what was told is not lost.
    async fn keep(&mut self, round: CompareRound) {
        if let Some(history) = &self.context.history {
            history.put_round(self.state.head.id, round.clone());
            history.flush().await;
        }
        self.state.elapsed = round.elapsed;
        Arc::make_mut(&mut self.state.rounds).push(round.clone());
        self.state.cost.add(&round);
        self.context.out.send(Update::Compare(CompareNews::Round {
            head: Arc::clone(&self.state.head),
            round: Arc::new(round),
        }));
        self.is_untold = true;
        self.compute().await;
        self.tell_if_due();
    }

    /// Computes all verdicts, and keeps the end.
    async fn end(mut self, reason: CompareStopReason) -> Box<CompareState> {
        self.runs.stop().await;
        let end = CompareEnd {
            reason,
            at_unix_ns: wall_clock_ns(),
        };
        if let Some(history) = &self.context.history {
            history.end_comparison(self.state.head.id, end.clone());
            history.flush().await;
        }
        self.state.marks = Arc::clone(&self.marks.borrow());
        let state = self.state.clone();
        let result = tokio::task::spawn_blocking(move || {
            PairedComparison::of(&state.head.plan, &state.rounds, &state.marks, Some(reason))
        });
        if let Ok(result) = result.await {
            self.state.result = Arc::new(result);
        }
        self.state.under_way = None;
        self.state.is_running = false;
        self.state.end = Some(end);
        Box::new(self.state)
    }
}

/// What sends the runs, with no connection open.
fn registry(context: &TaskContext) -> RunRegistry {
    let TaskContext {
        out,
        credentials,
        history,
        ..
    } = context.clone();
    RunRegistry::new(out, Transport::default(), credentials, history)
}
