//! `guidellm benchmark`, backend `openai_http`, chat completions.
//!
//! Its clock starts when the request's head is written, after connecting. Averages of tokens weigh each request by its
//! number of tokens, and percentiles are values that occurred.

use super::{CompatFigure, Values, ms_between, output_tokens, seconds_between, tokens_after_first};

pub(super) const VERSION: &str = "0.8.1";

const STATS: &str = "guidellm/schemas/base/request_stats.py";
const METRICS: &str = "guidellm/benchmark/schemas/metrics.py, GenerativeMetrics.compile";

pub(super) static FIGURES: &[CompatFigure] = &[
    CompatFigure {
        name: "request_latency",
        unit: "s",
        formula: "end − request sent",
        source: STATS,
        differs: "Ends with the body, and leaves out connecting; our total is last token − started",
        values: Values::Each(|request| seconds_between(request.request_sent, Some(request.ended))),
    },
    CompatFigure {
        name: "time_to_first_token_ms",
        unit: "ms",
        formula: "first token − request sent",
        source: STATS,
        differs: "Leaves out connecting: our “TTFT, net of connecting”. It starts with the request's first byte, ours with its last",
        values: Values::Each(|request| ms_between(request.request_sent, request.first_token)),
    },
    CompatFigure {
        name: "time_to_first_output_token_ms",
        unit: "ms",
        formula: "first visible token − request sent",
        source: STATS,
        differs: "Leaves out connecting; our TTFO is from the start",
        values: Values::Each(|request| ms_between(request.request_sent, request.first_visible)),
    },
    CompatFigure {
        name: "time_per_output_token_ms",
        unit: "ms",
        formula: "(last token − request sent) ÷ output tokens, weighted by output tokens",
        source: STATS,
        differs: "Contains the time to the first token, unlike our TPOT, and long answers count more",
        values: Values::Weighted(|request| {
            let tokens = f64::from(output_tokens(request)?);
            let last = request.last_token.or(Some(request.ended));
            let time = ms_between(request.request_sent, last)?;
            (tokens > 0.0).then(|| (time / tokens, tokens))
        }),
    },
    CompatFigure {
        name: "inter_token_latency_ms",
        unit: "ms",
        formula: "(last token − first token) ÷ (output tokens − 1), weighted by output tokens − 1",
        source: STATS,
        differs: "Our TPOT of each request; here long answers count more",
        values: Values::Weighted(|request| {
            let gaps = tokens_after_first(request)?;
            let time = ms_between(request.first_token, request.last_token)?;
            Some((time / gaps, gaps))
        }),
    },
    CompatFigure {
        name: "requests_per_second",
        unit: "req/s",
        formula: "complete answers ÷ (last end − first request sent)",
        source: METRICS,
        differs: "The mean of a rate over time; nearly our completed rate",
        values: Values::Rate(|totals| (totals.complete, totals.sent_to_ended)),
    },
    CompatFigure {
        name: "output_tokens_per_second",
        unit: "tok/s",
        formula: "output tokens ÷ (last end − first request sent)",
        source: METRICS,
        differs: "The mean of a rate over time; nearly ours",
        values: Values::Rate(|totals| (totals.output_tokens, totals.sent_to_ended)),
    },
];
