//! llmperf's `token_benchmark_ray.py` with its client of OpenAI's chat completions.
//!
//! Only `content` counts as text: reasoning and tool calls are waited through. Each request opens a connection of its
//! own, whose time is part of all its latencies.

use super::{
    CompatFigure, Values, output_tokens, quotient, seconds_since_start, tokens_per_second,
};

pub(super) const VERSION: &str = "main of 2024-12 (its last)";

const CLIENT: &str = "src/llmperf/ray_clients/openai_chat_completions_client.py";
const SUMMARY: &str = "token_benchmark_ray.py";

pub(super) static FIGURES: &[CompatFigure] = &[
    CompatFigure {
        name: "inter_token_latency_s",
        unit: "s",
        formula: "(last token − started) ÷ output tokens",
        source: SUMMARY,
        differs: "Contains the time to the first token: no time between tokens, and no TPOT of ours. It counts tokens of the text with a tokenizer of Llama's; here they are the provider's",
        values: Values::Each(|request| {
            let tokens = f64::from(output_tokens(request)?);
            quotient(seconds_since_start(request, request.last_token)?, tokens)
        }),
    },
    CompatFigure {
        name: "ttft_s",
        unit: "s",
        formula: "first visible token − started",
        source: CLIENT,
        differs: "Our TTFO: reasoning is no token to it. Without text it is 0, here blank",
        values: Values::Each(|request| seconds_since_start(request, request.first_visible)),
    },
    CompatFigure {
        name: "end_to_end_latency_s",
        unit: "s",
        formula: "end − started",
        source: CLIENT,
        differs: "Ends with the body; our total ends with the last token",
        values: Values::Each(|request| seconds_since_start(request, Some(request.ended))),
    },
    CompatFigure {
        name: "request_output_throughput_token_per_s",
        unit: "tok/s",
        formula: "output tokens ÷ (end − started)",
        source: SUMMARY,
        differs: "Contains the time to the first token; our output speed does not",
        values: Values::Each(|request| {
            let time = seconds_since_start(request, Some(request.ended));
            tokens_per_second(request, time)
        }),
    },
    CompatFigure {
        name: "mean_output_throughput_token_per_s",
        unit: "tok/s",
        formula: "output tokens ÷ (last end − first start)",
        source: SUMMARY,
        differs: "Its time also has that of the program between requests",
        values: Values::Rate(|totals| (totals.output_tokens, totals.started_to_ended)),
    },
    CompatFigure {
        name: "num_completed_requests_per_min",
        unit: "req/min",
        formula: "60 × complete answers ÷ (last end − first start)",
        source: SUMMARY,
        differs: "Our completed rate, a minute",
        values: Values::Rate(|totals| (60 * totals.complete, totals.started_to_ended)),
    },
];
