use super::*;
use crate::{
    bench::{
        plan::{ArrivalProcess, Load, tests::a_plan},
        record::RequestOutcome,
    },
    event::FaultClass,
};

const MS: u64 = 1_000_000;

fn open_plan() -> BenchPlan {
    BenchPlan {
        load: Load::Rate {
            per_second: 10.0,
            arrivals: ArrivalProcess::Constant,
        },
        ..a_plan()
    }
}

/// A request that was due and begun at these milliseconds, with these milliseconds until its first and its last token.
fn request(due: u64, begun: u64, ttft: u64, total: u64) -> BenchRequest {
    BenchRequest {
        scheduled: due * MS,
        started: begun * MS,
        first_token: Some((begun + ttft) * MS),
        last_token: Some((begun + total) * MS),
        ended: (begun + total) * MS,
        ..BenchRequest::default()
    }
}

fn charts(plan: &BenchPlan, requests: &[BenchRequest]) -> BenchCharts {
    let mut collector = ChartCollector::new(plan);
    for request in requests {
        collector.add(request);
    }
    collector.charts()
}

#[test]
fn a_bench_of_nothing_has_no_plots() {
    assert_eq!(charts(&open_plan(), &[]), BenchCharts::default());
    let warm_up = BenchRequest {
        is_warm_up: true,
        ..request(0, 0, 5, 9)
    };
    assert_eq!(charts(&open_plan(), &[warm_up]), BenchCharts::default());
}

#[test]
fn what_is_under_way_is_the_time_of_the_requests_in_each_bin() {
    // Two for 250 ms from 0 and from 100 ms, in bins of 50 ms.
    let found = charts(
        &open_plan(),
        &[request(0, 0, 10, 250), request(100, 100, 10, 250)],
    );
    assert!((found.bin_ms - 50.0).abs() < 1e-9);
    let under_way: Vec<f64> = found.bins.iter().map(|bin| bin.under_way).collect();
    assert_eq!(under_way, [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 0.0]);
    // As long as both took, whatever the bins.
    for shift in [0, 13, 49] {
        let requests = [request(0, 0, 10, 237), request(shift, shift, 10, 61)];
        let found = charts(&open_plan(), &requests);
        let sum: f64 = found
            .bins
            .iter()
            .map(|bin| bin.under_way * found.bin_ms)
            .sum();
        assert!((sum - 298.0).abs() < 1e-6, "{shift}: {sum}");
    }
}

#[test]
fn late_requests_stand_where_they_were_due_and_where_they_were_begun() {
    let found = charts(
        &open_plan(),
        &[request(0, 0, 20, 30), request(60, 120, 20, 30)],
    );
    let due: Vec<Option<u64>> = found.bins.iter().map(|bin| bin.due).collect();
    let begun: Vec<u64> = found.bins.iter().map(|bin| bin.begun).collect();
    assert_eq!(due, [Some(1), Some(1), Some(0), Some(0)]);
    assert_eq!(begun, [1, 0, 1, 0]);
    assert_eq!(found.bins[2].lag_max_ms, Some(60.0));
    let from_schedule = found.ttft_from_schedule.unwrap();
    assert_eq!(from_schedule.steps, [[20.0, 0.5], [80.0, 1.0]]);
    assert_eq!(found.ttft.steps, [[20.0, 0.5], [20.0, 1.0]]);
}

#[test]
fn a_closed_loop_has_nothing_from_schedule() {
    let found = charts(&a_plan(), &[request(0, 5, 20, 30)]);
    assert!(found.ttft_from_schedule.is_none() && found.total_from_schedule.is_none());
    assert!(found.bins.iter().all(|bin| bin.due.is_none()));
}

#[test]
fn failures_are_counted_and_in_no_time() {
    let failed = BenchRequest {
        outcome: RequestOutcome::Fault(FaultClass::Timeout),
        ..request(10, 10, 5, 20)
    };
    let cancelled = BenchRequest {
        outcome: RequestOutcome::Fault(FaultClass::Cancelled),
        ..request(10, 10, 5, 20)
    };
    let found = charts(&open_plan(), &[request(0, 0, 5, 20), failed, cancelled]);
    let sum = |of: fn(&ChartBin) -> u64| found.bins.iter().map(of).sum::<u64>();
    assert_eq!(
        (sum(|b| b.begun), sum(|b| b.ok), sum(|b| b.failed)),
        (3, 1, 1)
    );
    assert_eq!((found.ttft.n, found.points.len()), (1, 1));
}

#[test]
fn many_requests_are_few_points_and_keep_the_slowest() {
    let requests: Vec<BenchRequest> = (0..200_000_u64)
        .map(|n| request(n, n, if n == 123_457 { 9_000 } else { 20 + n % 80 }, 9_500))
        .collect();
    let found = charts(&open_plan(), &requests);
    assert!(found.bins.len() <= 150 && found.points.len() <= 2_000);
    assert!(found.ttft.steps.len() <= 603, "{}", found.ttft.steps.len());
    assert_eq!(found.ttft.steps.last(), Some(&[9_000.0, 1.0]));
    let max = found.bins.iter().filter_map(|bin| bin.ttft.max);
    assert_eq!(max.reduce(f64::max), Some(9_000.0));
    let begun: u64 = found.bins.iter().map(|bin| bin.begun).sum();
    assert_eq!(begun, 200_000);
    let up_to = |[ms, _]: &&[f64; 2]| *ms <= 59.0;
    let [_, share] = found.ttft.steps.iter().rfind(up_to).unwrap();
    assert!((share - 0.5).abs() < 0.01);
    assert!(found.ttft.steps[0][0] > 1.0);
}
