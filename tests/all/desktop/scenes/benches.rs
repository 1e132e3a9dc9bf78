//! Load benches: what the history has of them, and how one goes.

use std::sync::Arc;

use tokenscope::{
    bench::{
        ArrivalProcess, BackOff, BenchCharts, BenchConnections, BenchId, BenchPlan, BenchRequest,
        BenchSummary, ChartCollector, GoodputLimits, Load, RequestCounts, RequestOutcome,
        StopReason, StopRules, Tally,
    },
    engine::{BenchCommand, BenchOpening, BenchProgress, SavedBenchCommand},
    event::FaultClass,
    history::{BenchRow, BenchState},
    run::ConnectionKind,
};

use super::{
    super::player::reply_to,
    Scene, filled,
    runs::{noise, now},
};

/// A bench of the history.
#[derive(Clone, Debug)]
pub struct SceneBench {
    pub row: BenchRow,
    pub charts: Arc<BenchCharts>,
}

/// A plan of 1,200 requests with a limit for good ones.
pub fn bench_plan(target: &str, load: Load) -> BenchPlan {
    BenchPlan {
        target: target.parse().unwrap(),
        load,
        ramp_ms: 0,
        connections: BenchConnections::Warm,
        warm_up: 20,
        stop: StopRules {
            requests: Some(1_200),
            ..StopRules::default()
        },
        goodput: GoodputLimits {
            ttft_ms: Some(500.0),
            ..GoodputLimits::default()
        },
        back_off: BackOff::Never,
        most_in_flight: 10_000,
        max_tokens: 64,
        seed: 1,
        asked: None,
        keep_texts: false,
    }
}

pub fn at_rate() -> Load {
    Load::Rate {
        per_second: 20.0,
        arrivals: ArrivalProcess::Poisson,
    }
}

/// The requests of a bench: `slow` times as slow as usual, each begun this late, with a stall of the server at a third.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn requests(count: usize, slow: f64, lag_ms: f64) -> Vec<BenchRequest> {
    let ns = |ms: f64| (ms * 1e6) as u64;
    let stall = count as f64 * 50.0 / 3.0;
    let request = |index: usize| {
        let due = index as f64 * 50.0 + 40.0 * noise(index);
        let lag = lag_ms * noise(index + 7_000).powi(3) + 0.1;
        let begun = due + lag;
        let held = if (stall..stall + 2_000.0).contains(&begun) {
            stall + 2_000.0 - begun
        } else {
            0.0
        };
        let tail = 1.0 / (1.02 - noise(index + 1_000));
        let ttft = slow * (120.0 + 60.0 * noise(index + 2_000) + 8.0 * tail) + held;
        let total = ttft + slow * (700.0 + 300.0 * noise(index + 3_000));
        let fails = noise(index + 4_000) < 0.03;
        let class = if index.is_multiple_of(3) {
            FaultClass::Timeout
        } else {
            FaultClass::RateLimited
        };
        BenchRequest {
            number: index as u64,
            is_warm_up: index < 20,
            scheduled: ns(due),
            started: ns(begun),
            request_sent: Some(ns(begun + 0.1)),
            first_token: (!fails).then(|| ns(begun + ttft)),
            first_visible: (!fails).then(|| ns(begun + ttft)),
            last_token: (!fails).then(|| ns(begun + total)),
            ended: ns(begun + if fails { 90.0 } else { total + 1.0 }),
            output_tokens: (!fails).then_some(64),
            input_tokens: (!fails).then_some(30),
            connection: Some(ConnectionKind::Warm),
            outcome: if fails {
                RequestOutcome::Fault(class)
            } else {
                RequestOutcome::Ok
            },
            ..BenchRequest::default()
        }
    };
    (0..count).map(request).collect()
}

fn bench(id: i64, plan: BenchPlan, requests: &[BenchRequest], state: BenchState) -> SceneBench {
    let (mut tally, mut collector) = (Tally::new(&plan), ChartCollector::new(&plan));
    for request in requests {
        tally.add(request);
        collector.add(request);
    }
    let row = BenchRow {
        id: BenchId(id),
        started_unix_ns: now() - id * 3_600_000_000_000,
        plan,
        state,
        requests: requests.len() as u64,
        bytes: 40_000,
        summary: (state == BenchState::Over).then(|| tally.summary(Some(StopReason::Requests))),
    };
    SceneBench {
        row,
        charts: collector.charts().into(),
    }
}

/// A day of benches: one by a rate, one by streams, one that this machine was too slow for, one that was cut off.
pub fn benched() -> Scene {
    let over = BenchState::Over;
    let streams = Load::Closed { concurrency: 16 };
    Scene {
        benches: vec![
            bench(
                1,
                bench_plan("openai/gpt-5-mini", at_rate()),
                &requests(1_220, 1.0, 1.5),
                over,
            ),
            bench(
                2,
                bench_plan("gateway/gpt-5-mini", streams),
                &requests(620, 1.6, 0.5),
                over,
            ),
            bench(
                3,
                bench_plan("simulator/steady", at_rate()),
                &requests(420, 0.5, 400.0),
                over,
            ),
            bench(
                4,
                bench_plan("ollama/gemma3:270m", at_rate()),
                &requests(300, 1.0, 1.0),
                BenchState::Killed,
            ),
        ],
        ..filled()
    }
}

/// How a bench goes after so many half seconds.
#[expect(clippy::cast_precision_loss)]
pub fn bench_progress(id: BenchId, halves: u64) -> BenchProgress {
    let index = usize::try_from(halves).unwrap();
    let ok = halves * 10;
    BenchProgress {
        id,
        elapsed_ms: halves as f64 * 500.0,
        counts: RequestCounts {
            sent: ok + halves / 8,
            ok,
            failed: halves / 8,
            ..RequestCounts::default()
        },
        faults: [(FaultClass::RateLimited, halves / 8)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect(),
        under_way: 14 + halves % 5,
        rate: (halves > 0).then(|| 19.0 + 2.0 * noise(index)),
        completed_rate: (halves > 2).then(|| 18.0 + 2.0 * noise(index + 50)),
        recent_ttft_p50_ms: (halves > 2).then(|| 150.0 + 40.0 * noise(index + 90)),
        ttft_p50_ms: (halves > 2).then_some(168.0),
        ttft_p99_ms: (halves > 10).then_some(512.0),
        lag_max_ms: (halves > 0).then_some(0.8),
        cost: None,
        stopping: None,
    }
}

impl Scene {
    /// Answers a question about benches.
    pub fn answer_bench(&self, command: &mut BenchCommand) {
        let found = |id: BenchId| self.benches.iter().find(|bench| bench.row.id == id);
        match command {
            BenchCommand::Saved(SavedBenchCommand::List(reply)) => {
                let rows = self.benches.iter().map(|bench| bench.row.clone());
                reply_to(reply, Ok(rows.collect()));
            }
            BenchCommand::Saved(SavedBenchCommand::Open { id, steps }) => {
                let row = found(*id).map(|bench| Box::new(bench.row.clone()));
                steps.send(Ok(BenchOpening::Row(row)));
                if let Some(bench) = found(*id) {
                    let summary = bench.row.summary.is_none().then(|| {
                        let plan = bench.row.plan.clone();
                        let requests = requests(300, 1.0, 1.0);
                        let over = self::bench(0, plan, &requests, BenchState::Over);
                        Box::new(BenchSummary {
                            stopped: Some(StopReason::Killed),
                            ..over.row.summary.unwrap_or_default()
                        })
                    });
                    let charts = Arc::clone(&bench.charts);
                    steps.send(Ok(BenchOpening::Requests { charts, summary }));
                }
                // Nothing follows.
                let _ended = std::mem::replace(steps, tokenscope::engine::ask_in_steps().0);
            }
            BenchCommand::Saved(SavedBenchCommand::Delete { id, reply }) => {
                reply_to(reply, Ok(found(*id).is_some()));
            }
            // A test answers it.
            BenchCommand::Saved(SavedBenchCommand::Report { .. })
            | BenchCommand::Start(_)
            | BenchCommand::StartFor(..)
            | BenchCommand::Stop => {}
        }
    }
}
