//! `vllm bench serve`, backend `openai-chat`.
//!
//! A token is as ours, but for empty text that is not beside a role. Earlier versions took a stamp of each chunk with
//! `choices` whether or not there was text in it: a first chunk with a role counted as the first token, and the chunk
//! with the finish reason as the last. Their figures are here, too.

use super::{CompatFigure, Values, ms_between, ms_since_start, pieces, tokens_after_first};
use crate::bench::BenchRequest;

pub(super) const VERSION: &str = "0.33.0";

const SERVE: &str = "vllm/benchmarks/serve.py, calculate_metrics";
const REQUEST: &str =
    "vllm/benchmarks/lib/endpoint_request_func.py, async_request_openai_chat_completions";
const EARLIER: &str = "the same file before it had _choice_has_streamed_output";

fn first_chunk(request: &BenchRequest) -> Option<u64> {
    request.first_event.or(request.first_token)
}

fn last_chunk(request: &BenchRequest) -> Option<u64> {
    request.finished.max(request.last_token)
}

/// When each chunk with `choices` came. Chunks before the first and after the last text are known by their stamps: one
/// that came in the same read as text is not told apart from it.
fn chunks(request: &BenchRequest) -> Vec<u64> {
    let since = |at: u64| at.saturating_sub(request.started);
    let mut times = pieces(request);
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return times;
    };
    // Arrivals are kept in whole microseconds.
    let is_before = |at: &u64| at / 1_000 < first / 1_000;
    let is_after = |at: &u64| at / 1_000 > last / 1_000;
    if let Some(at) = request.first_event.map(since).filter(is_before) {
        times.insert(0, at);
    }
    times.extend(request.finished.map(since).filter(is_after));
    times
}

pub(super) static FIGURES: &[CompatFigure] = &[
    CompatFigure {
        name: "ttft",
        unit: "ms",
        formula: "first token − started",
        source: REQUEST,
        differs: "Ours",
        values: Values::Each(BenchRequest::ttft_ms),
    },
    CompatFigure {
        name: "tpot",
        unit: "ms",
        formula: "(last token − first token) ÷ (output tokens − 1)",
        source: SERVE,
        differs: "Ours; without usage, tokens are counted by a tokenizer (here: the pieces that came)",
        values: Values::Each(|request| {
            let time = ms_between(request.first_token, request.last_token)?;
            Some(time / tokens_after_first(request)?)
        }),
    },
    CompatFigure {
        name: "itl",
        unit: "ms",
        formula: "times between pieces that follow each other, of all answers together",
        source: REQUEST,
        differs: "Pieces that one read brought are some microseconds apart (here: 0), so that a burst lowers the median; our read gap is between reads",
        values: Values::Gaps(pieces),
    },
    CompatFigure {
        name: "e2el",
        unit: "ms",
        formula: "last token − started",
        source: REQUEST,
        differs: "Our total",
        values: Values::Each(BenchRequest::total_ms),
    },
    CompatFigure {
        name: "ttft, earlier versions",
        unit: "ms",
        formula: "first event − started",
        source: EARLIER,
        differs: "The first chunk counted even if it held a role and no text: earlier than our TTFT on servers that send one at once",
        values: Values::Each(|request| ms_since_start(request, first_chunk(request))),
    },
    CompatFigure {
        name: "tpot, earlier versions",
        unit: "ms",
        formula: "(last chunk − first event) ÷ (output tokens − 1), where the last chunk may be the one with the finish reason",
        source: SERVE,
        differs: "From the first chunk to the one with the finish reason",
        values: Values::Each(|request| {
            let time = ms_between(first_chunk(request), last_chunk(request))?;
            Some(time / tokens_after_first(request)?)
        }),
    },
    CompatFigure {
        name: "itl, earlier versions",
        unit: "ms",
        formula: "times between chunks that follow each other, of all answers together",
        source: EARLIER,
        differs: "Chunks with a role or a finish reason counted",
        values: Values::Gaps(chunks),
    },
    CompatFigure {
        name: "e2el, earlier versions",
        unit: "ms",
        formula: "last chunk − started, where the last chunk may be the one with the finish reason",
        source: EARLIER,
        differs: "Our total ends with the last token",
        values: Values::Each(|request| ms_since_start(request, last_chunk(request))),
    },
    CompatFigure {
        name: "request_throughput",
        unit: "req/s",
        formula: "complete answers ÷ (last end − first start)",
        source: SERVE,
        differs: "As our completed rate, but for the time until the first request",
        values: Values::Rate(|totals| (totals.complete, totals.started_to_ended)),
    },
    CompatFigure {
        name: "output_throughput",
        unit: "tok/s",
        formula: "output tokens ÷ (last end − first start)",
        source: SERVE,
        differs: "The time in which only the last answers still come lowers it, as it does ours",
        values: Values::Rate(|totals| (totals.output_tokens, totals.started_to_ended)),
    },
    CompatFigure {
        name: "total_token_throughput",
        unit: "tok/s",
        formula: "(input + output tokens) ÷ (last end − first start)",
        source: SERVE,
        differs: "We have no such figure: input tokens cost a server far less than output tokens",
        values: Values::Rate(|totals| {
            let tokens = totals.input_tokens + totals.output_tokens;
            (tokens, totals.started_to_ended)
        }),
    },
];
