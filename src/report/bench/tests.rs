use serde_json::json;

use super::*;
use crate::{
    bench::{BenchRequest, ChartCollector, InvalidReason, RequestOutcome, StopReason, Tally},
    endpoint::TargetPlace,
    event::FaultClass,
    run::ConnectionKind,
};

const HOSTILE: &str = "\"><script>alert('x')</script><img src=x>\u{202e}";

const MS: u64 = 1_000_000;

fn plan(load: &serde_json::Value, model: &str) -> BenchPlan {
    serde_json::from_value(json!({
        "target": {"endpoint": "here", "model": model},
        "load": load,
        "ramp_ms": 0, "connections": "warm", "warm_up": 2, "stop": {"requests": 200}, "goodput": {"ttft_ms": 150.0},
        "back_off": "never", "most_in_flight": 1_000, "max_tokens": 64, "seed": 1,
    }))
    .unwrap()
}

fn by_rate(model: &str) -> BenchPlan {
    let load = json!({"kind": "rate", "per_second": 20.0, "arrivals": "poisson"});
    plan(&load, model)
}

/// A request every 50 ms; every tenth one fails.
fn requests() -> Vec<BenchRequest> {
    let request = |number: u64| {
        let started = number * 50 * MS + MS / 10;
        let ttft = (100 + number % 40) * MS;
        let failed = number % 10 == 9;
        let at = |offset: u64| Some(started + offset).filter(|_| !failed);
        BenchRequest {
            number,
            is_warm_up: number < 2,
            scheduled: number * 50 * MS,
            started,
            first_token: at(ttft),
            last_token: at(ttft + 200 * MS),
            ended: started + ttft + 210 * MS,
            output_tokens: Some(11),
            connection: Some(ConnectionKind::Warm),
            outcome: if failed {
                RequestOutcome::Fault(FaultClass::RateLimited)
            } else {
                RequestOutcome::Ok
            },
            ..BenchRequest::default()
        }
    };
    (0..202).map(request).collect()
}

fn bench(plan: BenchPlan) -> ReportedBench {
    let (mut tally, mut charts) = (Tally::new(&plan), ChartCollector::new(&plan));
    for request in requests() {
        tally.add(&request);
        charts.add(&request);
    }
    let mut summary = tally.summary(Some(StopReason::Requests));
    summary.places = vec![TargetPlace {
        url: "https://api.example.com/v1/chat/completions".into(),
        route: "via office".into(),
        ..TargetPlace::default()
    }];
    summary.versions = vec!["9.9.9".into()];
    ReportedBench {
        id: Some(BenchId(77)),
        began_unix_ns: Some(1_796_025_600_000_000_000),
        plan,
        summary: summary.into(),
        charts: charts.charts(),
        machines: None,
    }
}

fn report(benches: Vec<ReportedBench>) -> String {
    let report = BenchReport {
        vantage: "office, Singapore".into(),
        benches,
        searches: Vec::new(),
    };
    report.html()
}

/// Changes what a bench found.
fn found(bench: &mut ReportedBench) -> &mut BenchSummary {
    Arc::get_mut(&mut bench.summary).unwrap()
}

#[test]
fn it_states_what_was_asked_whether_it_counts_and_every_figure_with_its_n() {
    let html = report(vec![bench(by_rate("m"))]);
    for said in [
        "office, Singapore",
        "here/m: https://api.example.com/v1/chat/completions, route: via office",
        "20 requests/s; an open loop",
        "a request is good with TTFT of 150 ms at most",
        "(Poisson)",
        "200 requests",
        "All its requests were sent",
        "begun 2026-11-30 08:00:00 UTC",
        "Tokenscope 9.9.9; bench 77 of the history",
        "Valid: this machine kept up.",
        "Our own lag: requests were begun 0.10 ms late (median)",
        "of 20 asked for",
        "n = 200: 180 answered, 20 failed",
        "2 of the warm-up",
        "TTFT from schedule",
        "<td class=\"num\">180</td>",
        "rate limited",
        "10.0 %",
        "95 % interval",
        "Wilson (1927)",
        "coordinated omission",
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert_eq!(html.matches("role=\"img\"").count(), 5, "plots");
    assert!(!html.contains("All benches") && !html.contains("Simulated"));
    for code in ["rate_limited", "-0.00", "NaN", "null"] {
        assert!(!html.contains(code), "{code}");
    }
    let verdict = html.find("Valid: this machine").unwrap();
    assert!(
        verdict < html.find("an open loop").unwrap(),
        "it is said first"
    );
}

#[test]
fn one_whose_client_lagged_says_so_first_and_a_closed_loop_what_it_can_not_show() {
    let closed = json!({"kind": "closed", "concurrency": 16});
    let mut bench = bench(plan(&closed, "m"));
    let summary = found(&mut bench);
    summary.valid = false;
    summary.invalid = vec![InvalidReason::Slept { seconds: 4.0 }];
    let html = report(vec![bench]);
    for said in [
        "Invalid: this machine slept for 4 s. The figures below are not the target&#39;s.",
        "16 streams; a closed loop",
        "by 16 streams",
        "There are no times from schedule",
    ] {
        assert!(html.contains(said), "{said}");
    }
    assert!(!html.contains("TTFT from schedule over time"));
}

#[test]
fn several_benches_stand_in_one_table_with_what_a_search_found() {
    let report = BenchReport {
        benches: vec![bench(by_rate("one")), bench(by_rate("two"))],
        searches: vec![ReportedSearch {
            target: "here/one".parse().unwrap(),
            highest_rate: Some(19.5),
            share: 0.99,
        }],
        ..BenchReport::default()
    };
    let html = report.html();
    for said in [
        "the highest rate that held is 19.5 requests/s",
        "at least 99 % of the requests",
        "<section id=\"benches\">",
        "<section id=\"bench-1\">",
        "<section id=\"bench-2\">",
        "not stated",
    ] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn simulated_data_says_so_also_where_a_bench_does_not_know_who_answered() {
    let mut known = bench(by_rate("m"));
    found(&mut known).places[0].simulated = true;
    let mut unknown = bench(by_rate("m"));
    unknown.plan.target = "simulator/sim-fast".parse().unwrap();
    found(&mut unknown).places.clear();
    let html = report(vec![known, unknown, bench(by_rate("m"))]);
    assert!(html.contains("Simulated: 2 of 3 benches"));
    assert_eq!(html.matches("class=\"tag\"").count(), 2);
}

#[test]
fn foreign_text_is_inert() {
    let mut bench = bench(by_rate(HOSTILE));
    let summary = found(&mut bench);
    summary.places[0].url = HOSTILE.into();
    summary.places[0].route = HOSTILE.into();
    summary.versions = vec![HOSTILE.into()];
    summary.invalid = vec![InvalidReason::OnMachine {
        machine: HOSTILE.into(),
        why: HOSTILE.into(),
    }];
    summary.valid = false;
    summary.from_schedule_note = Some(HOSTILE.into());
    bench.machines = Some(ReportedMachines {
        machines: vec![MachineResult {
            machine: HOSTILE.into(),
            requests: summary.requests,
            achieved_rate: None,
            lag_ms: summary.lag_ms,
            ttft_ms: summary.ttft_ms,
            valid: false,
            invalid: Vec::new(),
            lost: Some(HOSTILE.into()),
            clock_offset_ms: Some(-0.000_1),
            clock_uncertainty_ms: Some(0.02),
            clock_drift_ms: None,
        }],
        clock: CommonClock::RoundTrips {
            uncertainty_ms: 0.02,
        },
        together_share: Some(0.97),
    });
    let report = BenchReport {
        vantage: HOSTILE.into(),
        searches: vec![ReportedSearch {
            target: bench.plan.target.clone(),
            highest_rate: None,
            share: 0.9,
        }],
        benches: vec![bench],
    };
    let html = report.html();
    assert!(
        html.matches("&lt;script&gt;").count() >= 10,
        "it is all there"
    );
    for foreign in ["<script", "<img", "\u{202e}"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    for said in [
        "MISSING:",
        "0.000 ± 0.020",
        "to within 0.020 ms",
        "for 97 % of the time",
        "no rate held",
    ] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn a_bench_without_a_request_is_reported_too() {
    let plan = by_rate("m");
    let summary = Tally::new(&plan).summary(Some(StopReason::Killed));
    let html = report(vec![ReportedBench {
        id: None,
        began_unix_ns: None,
        plan,
        summary: summary.into(),
        charts: BenchCharts::default(),
        machines: None,
    }]);
    for said in [
        "Invalid: nothing was measured",
        "No request was begun",
        "No complete answer came",
        "nothing to draw",
        "not kept in the history",
        "The program ended in the middle",
    ] {
        assert!(html.contains(said), "{said}");
    }
}
