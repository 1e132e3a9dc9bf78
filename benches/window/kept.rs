//! A bench and a comparison in the history, the same each time.

use std::{path::Path, time::Duration};

use tokenscope::{
    bench::{
        ArrivalProcess, BackOff, BenchConnections, BenchId, BenchPlan, BenchRequest, GoodputLimits,
        Load, RequestOutcome, StopReason, StopRules, Tally, columns,
    },
    compare::{
        Arm, CompareEnd, ComparePlan, CompareRound, CompareSample, CompareStopReason,
        CompareStopRule, ComparisonHead, ComparisonId,
    },
    dialect::DialectId,
    endpoint::TargetPlace,
    history::History,
    run::ConnectionKind,
};

/// When both began, in nanoseconds since 1970.
const BEGAN_NS: i64 = 1_795_000_000_000_000_000;
const MS: u64 = 1_000_000;
/// Requests of a block.
const BLOCK: u64 = 16 << 10;

/// Fills a history with a bench of so many requests and a comparison of so many pairs.
pub async fn fill(folder: &Path, requests: u64, pairs: u64) {
    let history = History::open(folder);
    bench(&history, requests).await;
    comparison(&history, pairs).await;
}

/// A number from 0 to 999, scattered over the arguments (splitmix64).
fn scattered(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % 1_000
}

async fn bench(history: &History, requests: u64) {
    let plan = BenchPlan {
        target: "endpoint-0/vendor/model-0".parse().unwrap(),
        load: Load::Rate {
            per_second: 500.0,
            arrivals: ArrivalProcess::Poisson,
        },
        ramp_ms: 0,
        connections: BenchConnections::Warm,
        warm_up: 0,
        stop: StopRules {
            requests: Some(requests),
            ..StopRules::default()
        },
        goodput: GoodputLimits::default(),
        back_off: BackOff::Never,
        most_in_flight: 10_000,
        max_tokens: 64,
        seed: 1,
        asked: None,
        keep_texts: false,
    };
    let id = BenchId(1);
    let mut tally = Tally::new(&plan);
    history.begin_bench(id, BEGAN_NS, &plan);
    for seq in 0..requests.div_ceil(BLOCK) {
        let numbers = seq * BLOCK..((seq + 1) * BLOCK).min(requests);
        let block: Vec<BenchRequest> = numbers.map(request).collect();
        for request in &block {
            tally.add(request);
        }
        let bytes = columns::encode(&block).unwrap();
        let seq = u32::try_from(seq).unwrap();
        history.put_bench_block(id, seq, block.len() as u64, bytes);
        history.flush().await;
    }
    history.end_bench(id, &tally.summary(Some(StopReason::Requests)));
    history.flush().await;
}

fn request(number: u64) -> BenchRequest {
    let due = number * 2 * MS;
    let started = due + 30_000 + 50 * scattered(number);
    let first = started + 80 * MS + 200_000 * scattered(number + 1_000_003);
    let mut request = BenchRequest {
        number,
        scheduled: due,
        started,
        request_sent: Some(started + 100_000),
        first_token: Some(first),
        first_visible: Some(first),
        last_token: Some(first + 600 * MS),
        ended: first + 601 * MS,
        output_tokens: Some(16),
        input_tokens: Some(30),
        connection: Some(ConnectionKind::Warm),
        outcome: RequestOutcome::Ok,
        ..BenchRequest::default()
    };
    for token in 0..16 {
        request.arrived(first + token * 40 * MS, 1);
    }
    request
}

async fn comparison(history: &History, pairs: u64) {
    let arm = |name: &str| Arm::of(name.parse().unwrap());
    let plan = ComparePlan {
        arms: vec![
            arm("endpoint-0/vendor/model-1"),
            arm("endpoint-1/vendor/model-1"),
        ],
        stop: CompareStopRule {
            pairs: Some(pairs),
            ..CompareStopRule::default()
        },
        ..ComparePlan::default()
    };
    let place = TargetPlace {
        dialect: Some(DialectId::OpenaiChat),
        url: "https://api.example.com/v1/chat/completions".into(),
        route: "direct".into(),
        simulated: false,
    };
    let id = ComparisonId(1);
    let rounds: Vec<CompareRound> = (0..pairs).map(|index| round(&plan, index)).collect();
    history.begin_comparison(ComparisonHead {
        id,
        places: vec![place.clone(), place],
        began_unix_ns: BEGAN_NS,
        version: env!("CARGO_PKG_VERSION").into(),
        plan,
    });
    for (at, round) in rounds.into_iter().enumerate() {
        history.put_round(id, round);
        if at % 1_000 == 999 {
            history.flush().await;
        }
    }
    let end = CompareEnd {
        reason: CompareStopReason::Pairs,
        at_unix_ns: BEGAN_NS,
    };
    history.end_comparison(id, end);
    history.flush().await;
}

fn round(plan: &ComparePlan, index: u64) -> CompareRound {
    let planned = plan.round(index);
    let sample = |arm: u64| {
        let ttft = (200 + 40 * arm) * MS + 300_000 * scattered(2 * index + arm);
        CompareSample {
            started_unix_ns: BEGAN_NS + i64::try_from((9 * index + 2 * arm) * 1_000 * MS).unwrap(),
            connection: Some(planned.connection),
            request_sent: Some(100_000),
            first_byte: Some(ttft - MS),
            first_token: Some(ttft),
            last_token: Some(ttft + 640 * MS + 100_000 * scattered(index)),
            tokens: Some(41),
            rtt_ns: Some(39 * MS),
            retransmits: Some(0),
            out_of_order: Some(0),
            status: Some(200),
            ..CompareSample::default()
        }
    };
    CompareRound {
        index,
        connection: planned.connection,
        prompt: planned.prompt,
        samples: [sample(0), sample(1)].into(),
        order: planned.order,
        is_first: index == 0,
        elapsed: Duration::from_secs(9 * (index + 1)),
    }
}
