//! `aiperf profile --endpoint-type chat --streaming`.
//!
//! A token is as ours: the first response with text, reasoning or a tool call. Its request starts before connecting.

use super::{
    CompatFigure, Values, ms_between, ms_since_start, pieces, quotient, seconds_since_start,
    tokens_after_first, tokens_per_second,
};
use crate::bench::BenchRequest;

pub(super) const VERSION: &str = "0.13.0";

/// How its rates differ from ours.
const RATE_TIME: &str = "Its time is that from start_time to end_time of its summary, not its benchmark_duration: also that of the program before the first start and after the last end, which our stamps don't have";

/// Milliseconds between tokens after the first.
fn between_tokens(request: &BenchRequest) -> Option<f64> {
    let time = ms_between(request.first_token, request.last_token)?;
    Some(time / tokens_after_first(request)?)
}

pub(super) static FIGURES: &[CompatFigure] = &[
    CompatFigure {
        name: "time_to_first_token",
        unit: "ms",
        formula: "first token − started",
        source: "aiperf/metrics/types/ttft_metric.py",
        differs: "Ours",
        values: Values::Each(BenchRequest::ttft_ms),
    },
    CompatFigure {
        name: "time_to_second_token",
        unit: "ms",
        formula: "second piece − first piece",
        source: "aiperf/metrics/types/ttst_metric.py",
        differs: "We have no such figure. 0 where one read brought both",
        values: Values::Each(|request| {
            let times = pieces(request);
            let (first, second) = (times.first()?, times.get(1)?);
            ms_between(Some(*first), Some(*second))
        }),
    },
    CompatFigure {
        name: "time_to_first_output_token",
        unit: "ms",
        formula: "first visible token − started",
        source: "aiperf/metrics/types/time_to_first_output_token_metric.py",
        differs: "Our TTFO",
        values: Values::Each(|request| ms_since_start(request, request.first_visible)),
    },
    CompatFigure {
        name: "request_latency",
        unit: "ms",
        formula: "last token − started",
        source: "aiperf/metrics/types/request_latency_metric.py",
        differs: "Our total",
        values: Values::Each(BenchRequest::total_ms),
    },
    CompatFigure {
        name: "inter_token_latency",
        unit: "ms",
        formula: "(last token − first token) ÷ (output tokens − 1)",
        source: "aiperf/metrics/types/inter_token_latency_metric.py",
        differs: "Our TPOT. It counts tokens with a tokenizer of its own unless it is told to use the server's (--use-server-token-count); here they are the provider's",
        values: Values::Each(between_tokens),
    },
    CompatFigure {
        name: "inter_chunk_latency",
        unit: "ms",
        formula: "times between pieces that follow each other, of all answers together",
        source: "aiperf/metrics/types/inter_chunk_latency_metric.py",
        differs: "Pieces that one read brought are some microseconds apart (here: 0); our read gap is between reads. Its percentiles are those of a sketch (t-digest)",
        values: Values::Gaps(pieces),
    },
    CompatFigure {
        name: "output_token_throughput_per_user",
        unit: "tok/s/user",
        formula: "1000 ÷ inter_token_latency, of each request",
        source: "aiperf/metrics/types/output_token_throughput_metrics.py",
        differs: "Nearly our output speed, which has all tokens above the line",
        values: Values::Each(|request| quotient(1e3, between_tokens(request)?)),
    },
    CompatFigure {
        name: "e2e_output_token_throughput",
        unit: "tok/s/user",
        formula: "output tokens ÷ (last token − started)",
        source: "aiperf/metrics/types/e2e_output_throughput_metric.py",
        differs: "Contains the time to the first token; our output speed does not",
        values: Values::Each(|request| {
            let time = seconds_since_start(request, request.last_token);
            tokens_per_second(request, time)
        }),
    },
    CompatFigure {
        name: "output_token_throughput",
        unit: "tok/s",
        formula: "output tokens ÷ (last end − first start)",
        source: "aiperf/metrics/types/output_token_throughput_metrics.py",
        differs: RATE_TIME,
        values: Values::Rate(|totals| (totals.output_tokens, totals.started_to_ended)),
    },
    CompatFigure {
        name: "request_throughput",
        unit: "req/s",
        formula: "complete answers ÷ (last end − first start)",
        source: "aiperf/metrics/types/request_throughput_metric.py",
        differs: RATE_TIME,
        values: Values::Rate(|totals| (totals.complete, totals.started_to_ended)),
    },
];
