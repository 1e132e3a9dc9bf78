//! Comparisons, made up: the same each time.

use std::{sync::Arc, time::Duration};

use tokenscope::{
    compare::{
        Arm, CompareCost, CompareEnd, ComparePlan, ComparePrompt, CompareRound, CompareSample,
        CompareState, CompareStopReason, CompareStopRule, ComparedConnections, ComparisonHead,
        ComparisonId, ComparisonSummary, PairedComparison, RunUnderWay,
    },
    dialect::DialectId,
    endpoint::TargetPlace,
    event::FaultClass,
    measure::evidence::{Conclusion, IntervalEstimate},
    price::Usd,
    run::{ConnectionKind, RunId},
};

use super::{
    Scene, filled, now,
    runs::{noise, ns},
};

/// The key of the comparison that is shown in most tests.
const COMPARISON: ComparisonId = ComparisonId(77);

const SECOND: i64 = 1_000_000_000;

/// A run of an arm: its TTFT, and what may be odd about it.
fn sample(place: usize, arm: usize, connection: ConnectionKind, base_ms: f64) -> CompareSample {
    let shake = noise(place * 7 + arm * 977);
    let far = noise(place * 3 + arm * 31).powi(24);
    let handshakes = if connection == ConnectionKind::Cold {
        138.0
    } else {
        0.0
    };
    let ttft = base_ms * (0.85 + 0.4 * shake + 2.0 * far) + handshakes;
    let cold = |ms: f64| (connection == ConnectionKind::Cold).then(|| ns(ms));
    CompareSample {
        started_unix_ns: now() - 3_600 * SECOND
            + i64::try_from(place).unwrap() * 9 * SECOND
            + i64::try_from(arm).unwrap() * 2 * SECOND,
        connection: Some(connection),
        dns_ns: cold(12.0),
        tcp_ns: cold(41.0 + 4.0 * shake),
        tls_ns: cold(83.0 + 6.0 * shake),
        request_sent: Some(ns(handshakes + 1.0)),
        first_byte: Some(ns(ttft - 2.0)),
        first_token: Some(ns(ttft)),
        last_token: Some(ns(ttft + 640.0 + 90.0 * shake)),
        tokens: Some(41),
        rtt_ns: Some(ns(39.0 + 3.0 * shake)),
        retransmits: Some(u32::from(shake > 0.97)),
        out_of_order: Some(0),
        status: Some(200),
        cost: Usd::of_dollars(0.000_11),
        counted: Usd::of_dollars(0.000_11),
        ..CompareSample::default()
    }
}

fn failed(place: usize, arm: usize, class: FaultClass) -> CompareSample {
    CompareSample {
        fault: Some(class),
        connection: None,
        first_token: None,
        last_token: None,
        ..sample(place, arm, ConnectionKind::Warm, 400.0)
    }
}

/// Rounds of arms with these TTFTs; the second one fails now and then.
fn rounds(
    plan: &ComparePlan,
    count: u64,
    base_ms: &[f64],
    runs: &[Vec<RunId>],
) -> Vec<CompareRound> {
    let made = (0..count).map(|index| {
        let place = usize::try_from(index).unwrap();
        let round = plan.round(index);
        let samples = (0..plan.arms.len()).map(|arm| {
            let mut sample = match (arm, place % 29) {
                (1, 13) => failed(place, arm, FaultClass::RateLimited),
                (1, 21) => failed(place, arm, FaultClass::Timeout),
                _ => sample(place, arm, round.connection, base_ms[arm]),
            };
            sample.is_late = arm == 0 && place % 47 == 5;
            sample.run = runs
                .get(arm)
                .and_then(|runs| runs.get(place).copied())
                .unwrap_or_default();
            sample
        });
        CompareRound {
            index,
            connection: round.connection,
            is_first: index == 0,
            prompt: round.prompt,
            order: round.order,
            samples: samples.collect(),
            elapsed: Duration::from_secs(9 * (index + 1)),
        }
    });
    made.collect()
}

fn plan(targets: &[&str]) -> ComparePlan {
    ComparePlan {
        arms: targets
            .iter()
            .map(|target| Arm::of(target.parse().unwrap()))
            .collect(),
        prompts: vec![ComparePrompt::of_text(
            "Explain what a hash map is to a ten-year-old",
        )],
        stop: CompareStopRule {
            pairs: Some(200),
            until_settled: true,
            ..CompareStopRule::default()
        },
        vantage: "Berlin".into(),
        seed: 5,
        ..ComparePlan::default()
    }
}

fn state(id: ComparisonId, plan: ComparePlan, rounds: Vec<CompareRound>) -> CompareState {
    let places = plan.arms.iter().map(|arm| TargetPlace {
        dialect: Some(DialectId::OpenaiChat),
        url: format!(
            "https://{}.example.com/v1/chat/completions",
            arm.target.endpoint
        ),
        route: if arm.target.endpoint == "gateway" {
            "via gateway".into()
        } else {
            "direct".into()
        },
        simulated: arm.target.endpoint == "simulator",
    });
    let head = ComparisonHead {
        id,
        places: places.collect(),
        began_unix_ns: now() - 3_600 * SECOND,
        version: "0.1.0".into(),
        plan,
    };
    let reason = CompareStopReason::Settled;
    let mut result = PairedComparison::of(&head.plan, &rounds, &[], Some(reason));
    told(&mut result);
    CompareState {
        result: Arc::new(result),
        cost: CompareCost::of(&rounds),
        elapsed: rounds.last().map(|round| round.elapsed).unwrap_or_default(),
        end: Some(CompareEnd {
            reason,
            at_unix_ns: now() - 1_800 * SECOND,
        }),
        head: Arc::new(head),
        rounds: Arc::new(rounds),
        ..CompareState::default()
    }
}

/// Gives the verdicts of the second arm words that tests can look for.
fn told(result: &mut PairedComparison) {
    let between = |value, low, high| IntervalEstimate {
        value: Some(value),
        low: Some(low),
        high: Some(high),
    };
    for kind in &mut result.kinds {
        for arm in &mut kind.against_first {
            for (at, found) in arm.figures.iter_mut().enumerate() {
                let verdict = &mut found.verdict;
                (verdict.outcome, verdict.pairs_needed) = match at % 9 {
                    0 | 3 | 6 => (Conclusion::Faster, None),
                    1 => (Conclusion::Slower, None),
                    4 => (Conclusion::Same, None),
                    _ => (Conclusion::CantTell, Some(140)),
                };
                if verdict.outcome != Conclusion::CantTell {
                    verdict.difference = between(-118.4, -150.2, -88.0);
                    verdict.ratio = between(0.71, 0.66, 0.78);
                }
                if verdict.outcome == Conclusion::Slower {
                    verdict.difference = between(44.0, 12.0, 81.0);
                }
            }
            arm.failures.a = between(0.0, 0.0, 0.03);
            arm.failures.b = between(0.07, 0.03, 0.13);
            arm.failures.difference = between(0.07, 0.01, 0.13);
            arm.failures.outcome = Conclusion::Slower;
        }
    }
}

/// A comparison of two targets that is over, and two others; its answers are in the history.
pub fn compared() -> Scene {
    let mut scene = filled();
    let of = |endpoint: &str| -> Vec<RunId> {
        let runs = scene
            .runs
            .iter()
            .filter(|run| run.head.target.endpoint == endpoint);
        runs.map(|run| run.head.id).collect()
    };
    let runs = [of("openai"), of("gateway")];
    let mut plan = plan(&["openai/gpt-5-mini", "gateway/gpt-5-mini"]);
    plan.connections = ComparedConnections::Both;
    let made = rounds(&plan, 120, &[410.0, 290.0], &runs);
    scene.comparisons = vec![state(COMPARISON, plan, made), cut_off(), many()];
    scene
}

/// One that was cut off.
fn cut_off() -> CompareState {
    let plan = plan(&["deepseek/deepseek-chat", "simulator/steady"]);
    let made = rounds(&plan, 12, &[980.0, 220.0], &[]);
    CompareState {
        end: None,
        ..state(ComparisonId(76), plan, made)
    }
}

/// One of four arms, with long and Chinese names.
fn many() -> CompareState {
    let long = "gateway/an-organisation/a-model-with-a-very-long-name-that-goes-on-and-on-instruct-2026-11-30";
    let plan = plan(&[
        "openai/gpt-5-mini",
        long,
        "公司网关/通义千问-3-最新",
        "simulator/steady",
    ]);
    let made = rounds(&plan, 80, &[410.0, 640.0, 520.0, 220.0], &[]);
    state(ComparisonId(75), plan, made)
}

/// The comparison runs.
pub fn comparing() -> Scene {
    let mut scene = compared();
    let whole = &scene.comparisons[0];
    let rounds = whole.rounds[..64].to_vec();
    scene.comparing = Some(CompareState {
        elapsed: Duration::from_secs(9 * 64),
        cost: CompareCost::of(&rounds),
        rounds: Arc::new(rounds),
        under_way: Some(RunUnderWay {
            round: 64,
            arm: 1,
            run: Some(RunId(9_001)),
        }),
        end: None,
        is_running: true,
        ..whole.clone()
    });
    scene
}

/// What a list says of a comparison.
pub fn summary_of(state: &CompareState) -> ComparisonSummary {
    ComparisonSummary {
        id: state.head.id,
        arms: state.plan().arms.iter().map(Arm::name).collect(),
        began_unix_ns: state.head.began_unix_ns,
        end: state.end.clone(),
        is_running_elsewhere: state.is_running_elsewhere,
        rounds: state.rounds.len() as u64,
    }
}
