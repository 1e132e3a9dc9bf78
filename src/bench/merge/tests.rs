use super::*;
use crate::bench::{
    columns,
    offset::{ClockOffset, MeasuredClock},
    part::tests::part,
    plan::{Load, tests::a_plan},
};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;
/// When a bench begins.
const T: i64 = 1_700_000_000_000_000_000;

/// A request of a rate: due at so many milliseconds, begun 0.1 ms later, its first token after `ttft` milliseconds.
fn request(number: u64, due_ms: u64, ttft: u64) -> BenchRequest {
    let started = due_ms * MS + MS / 10;
    BenchRequest {
        number,
        scheduled: due_ms * MS,
        started,
        request_sent: Some(started + MS / 10),
        first_token: Some(started + ttft * MS),
        last_token: Some(started + (ttft + 40) * MS),
        ended: started + (ttft + 41) * MS,
        output_tokens: Some(5),
        ..BenchRequest::default()
    }
}

fn at_rate(mut part: BenchPart, per_second: f64) -> BenchPart {
    part.head.plan.load = Load::Rate {
        per_second,
        arrivals: crate::bench::ArrivalProcess::Constant,
    };
    part
}

/// Ten requests a second for ten seconds.
fn steady(ttft: impl Fn(u64) -> u64) -> Vec<BenchRequest> {
    (0..100).map(|n| request(n, n * 100, ttft(n))).collect()
}

fn clock(offset_ns: i64, drift_ns: i64) -> MeasuredClock {
    let before = ClockOffset {
        at_unix_ns: T + offset_ns,
        offset_ns,
        uncertainty_ns: 150_000,
        round_trips: 8,
    };
    MeasuredClock {
        session: 1,
        before,
        after: Some(ClockOffset {
            at_unix_ns: T + offset_ns + 10 * S.cast_signed(),
            offset_ns: offset_ns + drift_ns,
            ..before
        }),
    }
}

#[test]
fn percentiles_are_those_of_all_requests_and_not_of_percentiles() {
    // One machine is fast, the other has a tail: the mean of their medians would be 15, that of their p95 105.
    let fast: Vec<_> = (0..150).map(|n| request(n, n * 100, 10)).collect();
    let slow = steady(|n| if n % 10 == 0 { 200 } else { 20 });
    let parts = [
        at_rate(part(1, T, &fast), 10.0),
        at_rate(part(2, T, &slow), 10.0),
    ];
    let merged = merge(&parts).unwrap();
    let found = &merged.summary.ttft_ms;
    assert_eq!(
        (found.n, found.min, found.max),
        (250, Some(10.0), Some(200.0))
    );
    assert_eq!(
        (found.p50, found.p95, found.p99),
        (Some(10.0), Some(20.0), Some(200.0))
    );
    let [first, second] = &merged.machines[..] else {
        panic!("two machines");
    };
    assert_eq!(first.ttft_ms.max, Some(10.0));
    assert_eq!(second.requests.ok, 100);
    assert_eq!(merged.plan.load.requested_rate(), Some(20.0));
    assert_eq!(merged.summary.requested_rate, Some(20.0));
}

#[test]
fn clocks_that_are_apart_are_put_on_one_and_change_no_latency() {
    let hour = 3_600 * S.cast_signed();
    let requests = steady(|n| 10 + n);
    let mut late = at_rate(part(2, T + hour + 50 * MS.cast_signed(), &requests), 10.0);
    late.head.clock = Some(clock(hour, 3_000_000));
    let mut first = at_rate(part(1, T, &requests), 10.0);
    first.head.clock = Some(clock(0, 0));
    let parts = [first, late];
    let merged = merge(&parts).unwrap();
    let rate = merged.summary.achieved_rate.unwrap();
    assert!((rate - 20.0).abs() < 0.2, "requests alternate: {rate}");
    assert_eq!(
        merged.clock,
        CommonClock::RoundTrips {
            uncertainty_ms: 0.15
        }
    );
    let second = &merged.machines[1];
    assert_eq!(second.clock_offset_ms, Some(3_600_000.0));
    assert_eq!(second.clock_drift_ms, Some(3.0));
    assert!(merged.summary.valid, "{:?}", merged.summary.invalid);
    let all: Vec<BenchRequest> = merged_requests(&parts).flat_map(Result::unwrap).collect();
    assert_eq!(all.len(), 200);
    for (at, (merged, raw)) in all[100..].iter().zip(&requests).enumerate() {
        assert_eq!(merged.ttft_ms(), raw.ttft_ms());
        assert_eq!(
            merged.total_from_schedule_ms(),
            raw.total_from_schedule_ms()
        );
        // 50 ms behind the first, less what its clock has run ahead by then.
        let expected = raw.started + 50 * MS - (raw.scheduled + 50 * MS) * 3 / 10_000;
        assert!(merged.started.abs_diff(expected) < 10, "{at}: {merged:?}");
        assert_eq!(merged.number, 100 + at as u64);
    }
}

#[test]
fn without_measured_clocks_the_wall_clocks_are_taken_and_that_is_said() {
    let requests = steady(|_| 10);
    let parts = [
        at_rate(part(1, T, &requests), 10.0),
        at_rate(part(2, T + 5 * S.cast_signed(), &requests), 10.0),
    ];
    let merged = merge(&parts).unwrap();
    assert_eq!(merged.clock, CommonClock::WallClocks);
    let share = merged.together_share.unwrap();
    assert!((share - 4.9 / 14.9).abs() < 0.001, "{share}");
    let reason = InvalidReason::Apart {
        share,
        allowed: LEAST_TOGETHER,
    };
    assert_eq!(merged.summary.invalid, [reason]);
    assert!(!merged.summary.valid);
    let one = merge(&parts[..1]).unwrap();
    assert_eq!(one.clock, CommonClock::OneMachine);
    assert!(one.summary.valid);
}

#[test]
fn one_machine_that_lagged_makes_the_whole_invalid_however_many_there_are() {
    let mut parts: Vec<BenchPart> = (0..200)
        .map(|id| at_rate(part(id, T, &steady(|_| 10)), 10.0))
        .collect();
    let mut lagged = steady(|_| 10);
    for request in &mut lagged {
        request.scheduled = request.scheduled.saturating_sub(50 * MS);
    }
    parts.push(at_rate(part(900, T, &lagged), 10.0));
    let merged = merge(&parts).unwrap();
    assert!(
        merged.summary.lag_ms.p99 < Some(1.0),
        "it hides among the others"
    );
    assert!(!merged.summary.valid);
    let [InvalidReason::OnMachine { machine, why }] = &merged.summary.invalid[..] else {
        panic!("{:?}", merged.summary.invalid);
    };
    assert_eq!(machine, "m900");
    assert!(why.contains("requests were begun late"), "{why}");
}

#[test]
fn what_is_missing_is_named_and_marks_the_result() {
    let mut lost = at_rate(part(2, T, &steady(|_| 10)[..90]), 10.0);
    lost.end.lost = Some("its connection broke off".to_owned());
    let mut never = at_rate(part(3, T, &[]), 10.0);
    (never.head.began_unix_ns, never.head.clock) = (None, None);
    never.end.lost = Some("it could not be reached".to_owned());
    let mut short = at_rate(part(4, T, &steady(|_| 10)), 10.0);
    short.end.summary = Some(BenchSummary {
        requests: RequestCounts {
            sent: 101,
            ..RequestCounts::default()
        },
        ..BenchSummary::default()
    });
    let parts = [
        at_rate(part(1, T, &steady(|_| 10)), 10.0),
        lost,
        never,
        short,
    ];
    let merged = merge(&parts).unwrap();
    assert!(!merged.summary.valid);
    let told: Vec<String> = merged
        .summary
        .invalid
        .iter()
        .map(ToString::to_string)
        .collect();
    for (machine, why) in [
        ("m2", "its connection broke off"),
        ("m3", "it could not be reached"),
        ("m4", "it made 101 requests, and 100 are here"),
    ] {
        let is_told = |text: &String| text.contains(machine) && text.contains(why);
        assert!(told.iter().any(is_told), "{machine}: {told:?}");
    }
    assert_eq!(merged.summary.ttft_ms.n, 290, "what came counts");
    assert_eq!(
        merged.summary.requested_rate,
        Some(40.0),
        "what was asked for"
    );
}

#[test]
fn the_same_part_twice_and_parts_of_other_loads_are_refused() {
    let one = part(1, T, &steady(|_| 10));
    let twice = merge(&[one.clone(), one.clone()]).unwrap_err();
    assert_eq!(
        twice,
        MergeError::Twice {
            machine: "m1".to_owned()
        }
    );
    let mut other = part(2, T, &[]);
    other.head.plan = BenchPlan {
        target: "else/m".parse().unwrap(),
        ..a_plan()
    };
    assert_eq!(
        merge(&[one.clone(), other]).unwrap_err().to_string(),
        "they are no parts of one load: the target differs"
    );
    assert_eq!(merge(&[]).unwrap_err(), MergeError::Nothing);
    let mut damaged = one;
    damaged
        .blocks
        .push(columns::encode(&[]).unwrap()[1..].to_vec());
    assert!(matches!(merge(&[damaged]), Err(MergeError::Part { .. })));
}
