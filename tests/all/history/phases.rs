//! Phases over time, held against a plain computation from whole runs.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "the numbers are small"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenscope::{
    event::{Fault, FaultClass, Phase},
    history::{Median, PhaseBucket, PhasesQuery, TargetPhases},
    measure::late,
    run::{ConnectionKind, Run, RunState, Span, ms},
};

use super::{a_run, history_of};

/// The phases of some runs as their documentation defines them.
pub(crate) fn expected(runs: &[Run], query: &PhasesQuery) -> Vec<TargetPhases> {
    let first = runs.iter().map(|run| run.stamps.started_unix_ns).min();
    let from = query.from_unix_ns.or(first).unwrap_or(0);
    let now = jiff::Timestamp::now().as_nanosecond() as i64;
    let to = query.to_unix_ns.unwrap_or(now);
    let width = (to - from) / query.buckets as i64 + 1;
    let mut all: BTreeMap<_, BTreeMap<i64, Vec<&Run>>> = BTreeMap::new();
    for run in runs {
        let at = run.stamps.started_unix_ns;
        let is_measured = run.state == RunState::Ok
            && run.stamps.first_token.is_some()
            && run.connection == Some(query.connection)
            && !late::of(run, query.late_share);
        if is_measured && (from..=to).contains(&at) {
            let target = (run.head.target.clone(), run.head.simulated);
            let buckets = all.entry(target).or_default();
            buckets.entry((at - from) / width).or_default().push(run);
        }
    }
    let bucket = |(place, runs): (i64, Vec<&Run>)| {
        let median = |of: &dyn Fn(&Run) -> Option<u64>| {
            let known = runs.iter().filter_map(|run| of(run));
            Median::of(known.map(ms).collect())
        };
        let length = |span: Option<Span>| span.map(|span| span.end - span.begin);
        PhaseBucket {
            from_unix_ns: from + place * width,
            to_unix_ns: from + (place + 1) * width,
            medians: [
                median(&|run| length(run.stamps.dns)),
                median(&|run| length(run.stamps.tcp)),
                median(&|run| length(run.stamps.tls)),
                median(&|run| Some(run.stamps.first_byte? - run.stamps.request_sent?)),
                median(&|run| Some(run.stamps.first_token? - run.stamps.first_byte?)),
            ],
        }
    };
    let all = all
        .into_iter()
        .map(|((target, simulated), buckets)| TargetPhases {
            target,
            simulated,
            buckets: buckets.into_iter().map(bucket).collect(),
        });
    all.collect()
}

/// One run of the model: offset in seconds, the lengths of its phases and whether each is known, what became of it.
type Given = (i64, [(bool, u64); 5], bool, u8);

fn run_of(id: usize, (at, phases, warm, fate): Given) -> Run {
    let mut run = a_run(id as i64 + 1);
    let stamps = &mut run.stamps;
    stamps.started_unix_ns = 1_700_000_000_000_000_000 + at * 1_000_000_000 + id as i64;
    let mut end = 0;
    let mut next = |(known, length): (bool, u64)| {
        let begin = end;
        end += length;
        known.then_some(Span { begin, end })
    };
    let [dns, tcp, tls, byte, token] = phases;
    if !warm {
        (stamps.dns, stamps.tcp, stamps.tls) = (next(dns), next(tcp), next(tls));
    }
    let byte = next(byte);
    stamps.request_sent = byte.map(|span| span.begin);
    stamps.first_byte = byte.map(|span| span.end);
    stamps.first_token = next((true, token.1)).map(|span| span.end);
    run.connection = Some(if warm {
        ConnectionKind::Warm
    } else {
        ConnectionKind::Cold
    });
    match fate {
        0 => {
            run.state = RunState::Fault;
            run.answer.fault = Some(Fault::new(FaultClass::Interrupted, Phase::Stream, "x"));
        }
        1 => run.stamps.first_token_delay = Some(u32::MAX),
        2 => run.stamps.first_token = None,
        3 => run.head.simulated = true,
        4 => run.head.target.model = "b".into(),
        _ => {}
    }
    run
}

fn any_given() -> impl Strategy<Value = Given> {
    let phase = (prop::bool::weighted(0.9), 0_u64..2_000_000_000);
    (
        0..100_000_i64,
        prop::array::uniform5(phase),
        any::<bool>(),
        0_u8..16,
    )
}

#[test]
fn phases_are_what_a_plain_computation_says() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let config = ProptestConfig::with_cases(20);
    proptest!(config, |(
        given in prop::collection::vec(any_given(), 1..200),
        buckets in 1_usize..70,
        from in prop::option::of(0..50_000_i64),
        warm in any::<bool>(),
    )| {
        let folder = tempfile::tempdir().unwrap();
        let runs: Vec<Run> = given.into_iter().enumerate().map(|(n, run)| run_of(n, run)).collect();
        let history = history_of(folder.path(), &runs);
        let at = |secs: i64| 1_700_000_000_000_000_000 + secs * 1_000_000_000;
        let query = PhasesQuery {
            from_unix_ns: from.map(at),
            to_unix_ns: Some(at(90_000)),
            buckets,
            connection: if warm { ConnectionKind::Warm } else { ConnectionKind::Cold },
            ..PhasesQuery::default()
        };
        let got = runtime.block_on(history.phases(query.clone())).unwrap();
        prop_assert_eq!(got, expected(&runs, &query));
    });
}
