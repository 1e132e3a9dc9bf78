//! Distributions, held against a plain computation from whole runs.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "the numbers are small"
)]

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;
use tokenscope::{
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase},
    history::{
        Distribution, DistributionQuery, History, HourOfWeek, LastRun, Outcomes, Quantiles,
        TimeBucket,
    },
    measure::{late, percentile::percentile},
    run::{ConnectionKind, Run, RunId, RunState, ms},
};

use super::{a_run, history_of};

fn quantiles(ms: &[f64]) -> Quantiles {
    let of = |p| percentile(ms.iter().copied(), p).value;
    Quantiles {
        runs: ms.len(),
        p50: of(0.5),
        p90: of(0.9),
        p95: of(0.95),
        p99: of(0.99),
    }
}

fn outcomes(runs: &[&Run]) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for run in runs {
        match &run.answer.fault {
            None => outcomes.ok += 1,
            Some(fault) => *outcomes.faults.entry(fault.class.as_str()).or_default() += 1,
        }
    }
    outcomes
}

/// The distributions of some runs as their documentation defines them.
pub(crate) fn expected(runs: &[Run], query: &DistributionQuery) -> Vec<Distribution> {
    let first = runs.iter().map(|run| run.stamps.started_unix_ns).min();
    let from = query.from_unix_ns.or(first).unwrap_or(0);
    let now = Timestamp::now().as_nanosecond() as i64;
    let to = query.to_unix_ns.unwrap_or(now);
    let mut by_target: BTreeMap<(TargetId, bool), Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let counts = run.state == RunState::Ok
            || run
                .answer
                .fault
                .as_ref()
                .is_some_and(|fault| !fault.class.is_no_failure());
        if counts && (from..=to).contains(&run.stamps.started_unix_ns) {
            let of = (run.head.target.clone(), run.head.simulated);
            by_target.entry(of).or_default().push(run);
        }
    }
    let all = by_target
        .into_iter()
        .map(|((target, simulated), mut runs)| {
            runs.sort_by_key(|run| run.stamps.started_unix_ns);
            distribution(&runs, query, (from, to), (target, simulated))
        });
    all.collect()
}

fn distribution(
    runs: &[&Run],
    query: &DistributionQuery,
    (from, to): (i64, i64),
    (target, simulated): (TargetId, bool),
) -> Distribution {
    let is_measured = |run: &&&Run| {
        run.state == RunState::Ok
            && run.stamps.first_token.is_some()
            && run.connection == Some(query.connection)
            && !late::of(run, query.late_share)
    };
    let ttfts = |runs: &[&Run]| -> Vec<f64> {
        let measured = runs.iter().filter(is_measured);
        measured
            .filter_map(|run| run.stamps.first_token.map(ms))
            .collect()
    };
    let width = (to - from) / query.buckets as i64 + 1;
    let bucket_of = |run: &Run| (run.stamps.started_unix_ns - from) / width;
    let buckets = runs
        .chunk_by(|a, b| bucket_of(a) == bucket_of(b))
        .map(|part| {
            let from_unix_ns = from + bucket_of(part[0]) * width;
            TimeBucket {
                from_unix_ns,
                to_unix_ns: from_unix_ns + width,
                ttft: quantiles(&ttfts(part)),
                outcomes: outcomes(part),
            }
        });
    let mut hours: BTreeMap<(i8, i8), Vec<f64>> = BTreeMap::new();
    let counts_hours = |_: &&&Run| query.hours_of_week;
    for run in runs.iter().filter(is_measured).filter(counts_hours) {
        let at = i128::from(run.stamps.started_unix_ns);
        let local = Timestamp::from_nanosecond(at)
            .unwrap()
            .to_zoned(query.zone.clone());
        let hour = (local.weekday().to_monday_zero_offset(), local.hour());
        let ttft = run.stamps.first_token.map(ms);
        hours.entry(hour).or_default().extend(ttft);
    }
    let all = ttfts(runs);
    let mut ecdf = all.clone();
    ecdf.sort_by(f64::total_cmp);
    if ecdf.len() > 512 {
        ecdf = (0..512).map(|k| ecdf[k * (ecdf.len() - 1) / 511]).collect();
    }
    Distribution {
        target,
        simulated,
        ttft: quantiles(&all),
        outcomes: outcomes(runs),
        last: runs.last().map(|run| LastRun {
            at_unix_ns: run.stamps.started_unix_ns,
            fault: run.answer.fault.as_ref().map(|fault| fault.class),
        }),
        last_ttft_ms: all.last().copied(),
        buckets: buckets.collect(),
        hours: (hours.into_iter())
            .map(|((weekday, hour), ms)| HourOfWeek {
                weekday: weekday.unsigned_abs(),
                hour: hour.unsigned_abs(),
                runs: ms.len(),
                median_ms: quantiles(&ms).p50.unwrap(),
            })
            .collect(),
        ecdf,
    }
}

/// One run of the model: offset in seconds, TTFT, what became of it, over which connection, target, simulated, late.
type Given = (i64, u64, u8, bool, bool, bool, bool);

fn run_of(id: usize, (at, ttft, fate, warm, other, simulated, late): Given) -> Run {
    let mut run = a_run(id as i64 + 1);
    // Each starts in a nanosecond of its own, so that their order is no matter of taste.
    run.stamps.started_unix_ns = 1_700_000_000_000_000_000 + at * 1_000_000_000 + id as i64;
    run.stamps.first_token = (fate != 0).then_some(ttft);
    run.stamps.first_token_delay = late.then_some(u32::MAX);
    run.connection = Some(if warm {
        ConnectionKind::Warm
    } else {
        ConnectionKind::Cold
    });
    run.head.target.model = if other { "b" } else { "a" }.into();
    run.head.simulated = simulated;
    let class = match fate {
        1 => Some(FaultClass::RateLimited),
        2 => Some(FaultClass::Interrupted),
        3 => Some(FaultClass::Cancelled),
        4 => Some(FaultClass::Suspended),
        // 0 is a clean end without a token.
        _ => None,
    };
    run.answer.fault = class.map(|class| Fault::new(class, Phase::Stream, "x"));
    if class.is_some() {
        run.state = RunState::Fault;
    }
    run
}

const WEEK_SECS: i64 = 7 * 24 * 3_600;

fn any_given() -> impl Strategy<Value = Given> {
    (
        0..2 * WEEK_SECS,
        0_u64..3_000_000_000,
        0_u8..12,
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    )
}

#[test]
fn distributions_are_what_a_plain_computation_says() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // More than a percentile needs, and more than an ECDF keeps.
    let sizes = prop_oneof![1_usize..60, 300_usize..400, 1_500_usize..1_600];
    let given = sizes.prop_flat_map(|size| prop::collection::vec(any_given(), size));
    let zones = prop_oneof![
        Just("UTC"),
        Just("Asia/Kathmandu"),
        Just("America/St_Johns"),
        Just("Europe/Berlin")
    ];
    let config = ProptestConfig::with_cases(20);
    proptest!(config, |(
        given in given,
        buckets in 1_usize..80,
        from in prop::option::of(0..WEEK_SECS),
        length in 1..2 * WEEK_SECS,
        zone in zones,
        warm in any::<bool>(),
    )| {
        let folder = tempfile::tempdir().unwrap();
        let runs: Vec<Run> = given.into_iter().enumerate().map(|(n, run)| run_of(n, run)).collect();
        let history = history_of(folder.path(), &runs);
        let at = |secs: i64| 1_700_000_000_000_000_000 + secs * 1_000_000_000;
        let query = DistributionQuery {
            from_unix_ns: from.map(at),
            to_unix_ns: Some(at(from.unwrap_or_default() + length)),
            buckets,
            connection: if warm { ConnectionKind::Warm } else { ConnectionKind::Cold },
            zone: TimeZone::get(zone).unwrap(),
            ..DistributionQuery::default()
        };
        let got = runtime.block_on(history.distributions(query.clone())).unwrap();
        prop_assert_eq!(got, expected(&runs, &query));
    });
}

#[tokio::test]
async fn a_percentile_is_blank_until_there_are_runs_enough() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let whole = || DistributionQuery {
        buckets: 1,
        ..DistributionQuery::default()
    };
    assert_eq!(history.distributions(whole()).await.unwrap(), []);
    for (runs, known) in [
        (9, [true, false, false, false]),
        (19, [true, true, false, false]),
        (99, [true, true, true, false]),
        (100, [true; 4]),
    ] {
        for id in 1..=runs {
            let mut run = a_run(id);
            run.head.id = RunId(runs * 1_000 + id);
            run.head.target.model = format!("m{runs}");
            history.finish(run);
        }
        let found = history.distributions(whole()).await.unwrap();
        let name = format!("m{runs}");
        let row = found.iter().find(|row| row.target.model == name).unwrap();
        let Quantiles {
            p50, p90, p95, p99, ..
        } = row.ttft;
        assert_eq!([p50, p90, p95, p99].map(|p| p.is_some()), known, "{runs}");
        assert_eq!(row.buckets.len(), 1);
        assert_eq!(row.buckets[0].ttft, row.ttft);
    }
}
