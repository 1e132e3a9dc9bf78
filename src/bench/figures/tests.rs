use super::*;
use crate::{
    bench::{plan::tests::a_plan, summary::InvalidReason},
    event::FaultClass,
};

const MS: u64 = 1_000_000;

/// A request that was due and begun after so many milliseconds, and had its first token after so many more.
fn answered(due: u64, lag: u64, ttft: u64) -> BenchRequest {
    let started = (due + lag) * MS;
    let first = started + ttft * MS;
    BenchRequest {
        scheduled: due * MS,
        started,
        first_token: Some(first),
        last_token: Some(first + 40 * MS),
        ended: first + 41 * MS,
        output_tokens: Some(5),
        connection: Some(ConnectionKind::Warm),
        ..BenchRequest::default()
    }
}

fn rate_plan() -> BenchPlan {
    BenchPlan {
        load: Load::Rate {
            per_second: 100.0,
            arrivals: crate::bench::ArrivalProcess::Constant,
        },
        goodput: GoodputLimits {
            ttft_ms: Some(60.0),
            tpot_ms: Some(10.0),
            total_ms: None,
        },
        ..a_plan()
    }
}

fn summary(plan: &BenchPlan, requests: impl IntoIterator<Item = BenchRequest>) -> BenchSummary {
    let mut tally = Tally::new(plan);
    requests.into_iter().for_each(|request| tally.add(&request));
    tally.summary(None)
}

#[test]
fn figures_are_from_start_and_from_schedule() {
    let requests = (0..1_000).map(|n| answered(n * 10, 1, 50));
    let found = summary(&rate_plan(), requests);
    assert_eq!(found.requested_rate, Some(100.0));
    assert!((found.achieved_rate.unwrap() - 100.0).abs() < 1e-6);
    let ttft = found.ttft_ms;
    assert_eq!(
        (ttft.n, ttft.p50, ttft.p99),
        (1_000, Some(50.0), Some(50.0))
    );
    assert_eq!((ttft.p50_low, ttft.p99_high), (Some(50.0), Some(50.0)));
    let from_schedule = found.from_schedule.unwrap();
    assert_eq!(from_schedule.ttft_ms.p50, Some(51.0));
    assert_eq!(from_schedule.total_ms.p50, Some(91.0));
    assert_eq!(found.tpot_ms.p50, Some(10.0));
    assert_eq!(found.lag_ms.max, Some(1.0));
    assert!(found.valid, "{:?}", found.invalid);
    assert_eq!(found.output_tokens, Some(5_000));
}

#[test]
fn a_closed_loop_says_why_it_has_nothing_from_schedule() {
    let found = summary(&a_plan(), (0..5).map(|n| answered(n, 0, 50)));
    assert_eq!(found.from_schedule, None);
    let why = found.from_schedule_note.unwrap();
    assert!(why.contains("coordinated omission"), "{why}");
    let json = serde_json::to_value(summary(&rate_plan(), [answered(0, 0, 1)])).unwrap();
    assert!(json.get("from_schedule_note").is_none());
}

#[test]
fn a_failure_counts_in_the_denominator_and_in_no_time() {
    let mut requests: Vec<_> = (0..8).map(|n| answered(n * 10, 0, 50)).collect();
    requests.push(answered(90, 0, 70));
    for class in [
        FaultClass::RateLimited,
        FaultClass::Reset,
        FaultClass::Cancelled,
    ] {
        let request = answered(100, 0, 9_999);
        let outcome = RequestOutcome::Fault(class);
        requests.push(BenchRequest { outcome, ..request });
    }
    let warm_up = BenchRequest {
        is_warm_up: true,
        ..answered(0, 500, 5_000)
    };
    requests.push(warm_up);
    let found = summary(&rate_plan(), requests);
    let RequestCounts {
        sent,
        ok,
        failed,
        cancelled,
        warm_up,
        ..
    } = found.requests;
    assert_eq!((sent, ok, failed, cancelled, warm_up), (12, 9, 2, 1, 1));
    assert_eq!(found.ttft_ms.max, Some(70.0));
    assert_eq!(found.faults[&FaultClass::RateLimited], 1);
    let goodput = found.goodput.unwrap();
    assert_eq!(
        (goodput.good, goodput.of),
        (8, 11),
        "one was too slow, two failed"
    );
    assert!(goodput.share_low.unwrap() < 8.0 / 11.0 && goodput.share_high.unwrap() > 8.0 / 11.0);
    let json = serde_json::to_value(&found.faults).unwrap();
    assert_eq!(json, serde_json::json!({"rate_limited": 1, "reset": 1}));
}

#[test]
fn a_client_that_lagged_makes_the_bench_invalid() {
    let on_time = (0..980).map(|n| answered(n * 10, 0, 50));
    let lagged = (980..1_000).map(|n| answered(n * 10, 8, 50));
    let found = summary(&rate_plan(), on_time.chain(lagged));
    assert!(!found.valid);
    let [InvalidReason::Lagged { p99_ms, allowed_ms }] = found.invalid[..] else {
        panic!("{:?}", found.invalid)
    };
    assert!((p99_ms - 8.0).abs() < 1e-9 && (allowed_ms - 5.0).abs() < 1e-9);
    let delayed = (0..1_000).map(|n| BenchRequest {
        our_delay: Some(if n < 20 { 6_000_000 } else { 50_000 }),
        ..answered(n * 10, 0, 50)
    });
    let found = summary(&rate_plan(), delayed);
    assert_eq!(found.late_deliveries, 20);
    assert!(matches!(
        found.invalid[..],
        [InvalidReason::ReadLate { .. }]
    ));
    assert!(!summary(&rate_plan(), []).valid, "nothing was measured");
}

#[test]
fn too_few_requests_for_the_rate_make_it_invalid() {
    // Each is later than the one before: 80 a second instead of 100.
    let slower = (0..400).map(|n| answered(n * 1_000, n * 250, 60_000));
    let found = summary(&rate_plan(), slower);
    let short = |why: &InvalidReason| matches!(why, InvalidReason::Short { .. });
    assert!(found.invalid.iter().any(short), "{:?}", found.invalid);
}

#[test]
fn a_sample_that_is_too_small_is_blank() {
    let found = summary(&rate_plan(), (0..99).map(|n| answered(n * 10, 0, n)));
    assert_eq!(found.ttft_ms.p99, None);
    assert_eq!(found.lag_ms.p99, Some(0.0), "that of our own lag never is");
    let none = summary(&rate_plan(), []);
    assert_eq!((none.ttft_ms.p50, none.ttft_ms.mean), (None, None));
    assert_eq!(
        (none.achieved_rate, none.goodput.unwrap().share),
        (None, None)
    );
}

#[test]
fn the_interval_of_a_share_is_the_published_one() {
    // Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for (of_these, of, low, high) in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ] {
        let (found_low, found_high) = share_interval(of_these, of).unwrap();
        assert!(
            (found_low - low).abs() < 5e-5 && (found_high - high).abs() < 5e-5,
            "{of}"
        );
    }
    assert_eq!(share_interval(0, 0), None);
}

#[test]
fn a_percentile_that_few_values_do_not_allow_has_no_interval() {
    let eight = times(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    assert_eq!((eight.p50_low, eight.p50_high), (Some(1.0), Some(8.0)));
    assert_eq!(
        (eight.p95, eight.p95_low, eight.p95_high),
        (None, None, None)
    );
    assert_eq!(
        (eight.p99, eight.p99_low, eight.p99_high),
        (None, None, None)
    );
}
