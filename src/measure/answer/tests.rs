use std::{collections::HashSet, sync::Arc};

use super::{
    super::{figure, figures},
    *,
};
use crate::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase, Usage},
    price::PriceTable,
    run::{Origin, Read, RunHead, RunId},
};

const MS: u64 = 1_000_000;

fn run(reads: &[(u64, u32)]) -> Run {
    let mut run = Run::new(RunHead {
        id: RunId(1),
        target: TargetId::default(),
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: String::new(),
        simulated: false,
        origin: Origin::Test,
        attempt: 1,
        request: Arc::new(ChatRequest::default()),
    });
    for &(at, tokens) in reads {
        run.reads.push(Read {
            at,
            bytes: 1,
            events: tokens,
            tokens,
            ..Read::default()
        });
        if tokens > 0 {
            run.stamps.first_token.get_or_insert(at);
            run.stamps.last_token = Some(at);
        }
    }
    run
}

fn value(run: &Run, key: &str) -> Option<f64> {
    (figure(key).unwrap().value)(run, &PriceTable::default())
}

fn usage(output: u64, reasoning: Option<u64>) -> Usage {
    Usage {
        output: Some(output),
        reasoning,
        ..Usage::default()
    }
}

#[test]
fn keys_are_unique_and_every_row_is_explained() {
    let keys: HashSet<_> = figures().map(|figure| figure.key).collect();
    assert_eq!(keys.len(), figures().count());
    for figure in figures() {
        assert!(!figure.label.is_empty() && figure.definition.len() > 20);
        assert!(!figure.definition.ends_with('.'), "{}", figure.key);
        assert_eq!(figure.key.ends_with("_ms"), figure.unit == "ms");
    }
}

#[test]
fn without_stamps_every_figure_is_blank() {
    for figure in figures() {
        assert_eq!(
            (figure.value)(&run(&[]), &PriceTable::default()),
            None,
            "{}",
            figure.key
        );
    }
}

#[test]
fn times_are_computed_from_the_right_stamps() {
    let mut run = run(&[(100 * MS, 1), (300 * MS, 1)]);
    run.stamps.request_sent = Some(40 * MS);
    run.stamps.headers = Some(60 * MS);
    run.stamps.first_byte = Some(70 * MS);
    run.stamps.first_visible = Some(300 * MS);
    run.stamps.closed = Some(310 * MS);
    run.stamps.dns = Some(Span {
        begin: MS,
        end: 3 * MS,
    });
    for (key, expected) in [
        ("ttft_ms", Some(100.0)),
        ("ttft_net_ms", Some(60.0)),
        ("ttfo_ms", Some(300.0)),
        ("ttfb_ms", Some(30.0)),
        ("headers_ms", Some(20.0)),
        ("dns_ms", Some(2.0)),
        ("tls_ms", None),
        ("total_ms", Some(300.0)),
        ("closed_lag_ms", Some(10.0)),
        ("ttft_from_schedule_ms", None),
    ] {
        assert_eq!(value(&run, key), expected, "{key}");
    }
    run.stamps.scheduled_before = 25 * MS;
    assert_eq!(value(&run, "ttft_from_schedule_ms"), Some(125.0));
    assert_eq!(value(&run, "total_from_schedule_ms"), Some(325.0));
}

#[test]
fn speed_needs_usage_and_a_stream() {
    let mut streamed = run(&[(100 * MS, 1), (200 * MS, 1)]);
    assert_eq!(value(&streamed, "tpot_ms"), None, "no usage");
    streamed.answer.usage = Some(usage(11, None));
    assert_eq!(value(&streamed, "tpot_ms"), Some(10.0));
    assert_eq!(value(&streamed, "output_speed_tps"), Some(110.0));
    let mut broken = streamed.clone();
    let fault = Fault::new(FaultClass::Interrupted, Phase::Stream, "gone");
    broken.answer.fault = Some(fault);
    assert_eq!(value(&broken, "tpot_ms"), None, "counts of a part");
    streamed.answer.usage = Some(usage(1, None));
    assert_eq!(value(&streamed, "tpot_ms"), None, "one token");
    let mut one_chunk = run(&[(100 * MS, 5)]);
    one_chunk.answer.usage = Some(usage(5, None));
    assert_eq!(value(&one_chunk, "output_speed_tps"), None);
}

#[test]
fn hidden_reasoning_does_not_count_as_speed() {
    let mut run = run(&[(100 * MS, 1), (200 * MS, 1)]);
    run.answer.usage = Some(usage(111, Some(100)));
    assert_eq!(value(&run, "tpot_ms"), Some(10.0), "hidden");
    run.answer.reasoning = "shown".into();
    assert_eq!(value(&run, "output_speed_tps"), Some(1110.0), "shown");
    run.answer.usage = Some(usage(11, Some(100)));
    assert_eq!(
        value(&run, "output_speed_tps"),
        Some(1110.0),
        "counted in addition to the output"
    );
}

#[test]
fn a_steady_stream_has_gaps_and_no_bursts() {
    let reads: Vec<_> = (1..=201).map(|i| (i * 10 * MS, 1)).collect();
    let run = run(&reads);
    assert_eq!(value(&run, "gap_p50_ms"), Some(10.0));
    assert_eq!(value(&run, "gap_p99_ms"), Some(10.0));
    assert_eq!(value(&run, "gap_max_ms"), Some(10.0));
    assert_eq!(value(&run, "burst_share"), Some(0.0));
    assert_eq!(value(&run, "gap_under_5ms_share"), Some(0.0));
}

#[test]
fn delays_are_those_of_stamped_reads() {
    let mut run = run(&[(100 * MS, 1)]);
    let stamped = [3, 1, 9].map(|ms| Read {
        delay: Some(ms * 1_000_000),
        at: 200_000_000 + u64::from(ms),
        ..Read::default()
    });
    run.reads.extend(stamped);
    assert_eq!(value(&run, "our_delay_p50_ms"), Some(3.0));
    assert_eq!(value(&run, "our_delay_max_ms"), Some(9.0));
}

#[test]
fn an_answer_that_arrives_at_once_is_a_burst_in_one_read_or_in_many() {
    let one = run(&[(500 * MS, 50)]);
    assert_eq!(value(&one, "burst_share"), Some(1.0));
    assert_eq!(value(&one, "gap_p50_ms"), None, "one arrival has no gap");
    let frames: Vec<_> = (0..50).map(|i| (500 * MS + i * 20_000, 1)).collect();
    assert_eq!(value(&run(&frames), "burst_share"), Some(1.0));
    let segments: Vec<_> = (0..50).map(|i| (500 * MS + i * MS, 1)).collect();
    assert_eq!(value(&run(&segments), "gap_under_5ms_share"), Some(1.0));
}
