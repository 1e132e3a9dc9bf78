//! The figures of a bench as other load tools define them, from the same stamps, so that numbers can be reconciled.
//!
//! In: the [`BenchRequest`]s of a bench. Out: a [`CompatRow`] for each figure of each [`LoadTool`]. Each figure has its
//! formula, where that stands in the tool, and why it differs from ours. What a tool's own client adds (its event loop,
//! its parser) is not in these: they are what the tool would print if its client took no time.

mod aiperf;
mod distribution;
mod guidellm;
mod llmperf;
mod vllm;

use self::distribution::CompatValues;
use super::{BenchRequest, float, seconds};
use crate::{event::words, run::ms};

words! {
    /// A load tool whose figures are computed.
    LoadTool {
        /// `vllm bench serve`.
        Vllm = "vllm",
        /// `guidellm benchmark`.
        GuideLlm = "guidellm",
        /// `token_benchmark_ray.py` of llmperf.
        LlmPerf = "llmperf",
        /// `aiperf profile`.
        AiPerf = "aiperf",
    }
}

impl LoadTool {
    /// Its name as it writes it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Vllm => "vLLM bench",
            Self::GuideLlm => "GuideLLM",
            Self::LlmPerf => "llmperf",
            Self::AiPerf => "AIPerf",
        }
    }

    /// The version whose formulae these are.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Vllm => vllm::VERSION,
            Self::GuideLlm => guidellm::VERSION,
            Self::LlmPerf => llmperf::VERSION,
            Self::AiPerf => aiperf::VERSION,
        }
    }

    /// Its figures, in the order in which it prints them.
    #[must_use]
    pub fn figures(self) -> &'static [CompatFigure] {
        match self {
            Self::Vllm => vllm::FIGURES,
            Self::GuideLlm => guidellm::FIGURES,
            Self::LlmPerf => llmperf::FIGURES,
            Self::AiPerf => aiperf::FIGURES,
        }
    }
}

/// A figure as a tool defines it.
#[derive(Debug)]
pub struct CompatFigure {
    /// Its name in the tool's output.
    pub name: &'static str,
    /// Its unit, as the tool prints it.
    pub unit: &'static str,
    /// Its formula, in the words of our stamps.
    pub formula: &'static str,
    /// The file of the tool in which it stands.
    pub source: &'static str,
    /// Why it differs from ours.
    pub differs: &'static str,
    values: Values,
}

/// How the values of a figure come about.
#[derive(Debug)]
enum Values {
    /// One of each request.
    Each(fn(&BenchRequest) -> Option<f64>),
    /// One of each request, which counts so many times.
    Weighted(fn(&BenchRequest) -> Option<(f64, f64)>),
    /// Times of the chunks of each request in nanoseconds since it was started; the values are the gaps between them, in
    /// milliseconds.
    Gaps(fn(&BenchRequest) -> Vec<u64>),
    /// One of the whole bench: a count, and the seconds that it is divided by.
    Rate(fn(&Totals) -> (u64, f64)),
}

/// What rates are made of. Times in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    /// Requests that ended with a complete answer.
    complete: u64,
    input_tokens: u64,
    output_tokens: u64,
    /// First start to last end, of all requests.
    started_to_ended: f64,
    /// First request sent to last end, of those.
    sent_to_ended: f64,
}

/// The values of a figure. For a figure of the whole bench there is a mean only, which is the value.
#[derive(Clone, Debug)]
pub struct CompatRow {
    /// The tool.
    pub tool: LoadTool,
    /// The figure.
    pub figure: &'static CompatFigure,
    /// How many values there are: requests, or gaps.
    pub n: usize,
    /// Their mean. Where a tool prints 0 for what it does not know, this is blank.
    pub mean: Option<f64>,
    /// The median, as the tool computes it.
    pub p50: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile; from few values, too, as the tool prints it.
    pub p99: Option<f64>,
}

/// All figures of all tools. Requests of the warm-up are left out, as each of the tools does.
#[must_use]
pub fn rows(requests: &[BenchRequest]) -> Vec<CompatRow> {
    let totals = Totals::of(requests);
    let rows = LoadTool::ALL.iter().flat_map(|&tool| {
        let figures = tool.figures().iter();
        figures.map(move |figure| row(tool, figure, requests, &totals))
    });
    rows.collect()
}

fn row(
    tool: LoadTool,
    figure: &'static CompatFigure,
    requests: &[BenchRequest],
    totals: &Totals,
) -> CompatRow {
    let complete = || counted(requests).filter(|request| request.is_ok());
    let distribution = match figure.values {
        Values::Each(value) => CompatValues::new(complete().filter_map(value).collect()),
        Values::Weighted(value) => CompatValues::weighted(complete().filter_map(value).collect()),
        Values::Gaps(times) => {
            let mut gaps = Vec::new();
            for request in complete() {
                let times = times(request);
                gaps.extend(
                    times
                        .windows(2)
                        .map(|pair| ms(pair[1].saturating_sub(pair[0]))),
                );
            }
            CompatValues::new(gaps)
        }
        Values::Rate(parts) => {
            let (count, seconds) = parts(totals);
            CompatValues::single(quotient(float(count), seconds))
        }
    };
    let distribution = match tool {
        LoadTool::GuideLlm => distribution.in_steps(),
        _ => distribution,
    };
    CompatRow {
        tool,
        figure,
        n: distribution.len(),
        mean: distribution.mean(),
        p50: distribution.quantile(0.5),
        p90: distribution.quantile(0.9),
        p95: distribution.quantile(0.95),
        p99: distribution.quantile(0.99),
    }
}

fn counted(requests: &[BenchRequest]) -> impl Iterator<Item = &BenchRequest> + Clone {
    requests.iter().filter(|request| !request.is_warm_up)
}

impl Totals {
    fn of(requests: &[BenchRequest]) -> Self {
        let complete = || counted(requests).filter(|request| request.is_ok());
        let sum = |tokens: fn(&BenchRequest) -> Option<u32>| {
            complete().filter_map(tokens).map(u64::from).sum()
        };
        let first_start = |request: &BenchRequest| Some(request.started);
        let end = |request: &BenchRequest| Some(request.ended);
        Self {
            complete: complete().count() as u64,
            input_tokens: sum(|request| request.input_tokens),
            output_tokens: sum(output_tokens),
            started_to_ended: span(counted(requests), first_start, end),
            sent_to_ended: span(complete(), |request| request.request_sent, end),
        }
    }
}

/// The time between the first of one stamp and the last of another, in seconds; 0 if there is none.
fn span<'a>(
    requests: impl Iterator<Item = &'a BenchRequest> + Clone,
    begin: impl Fn(&BenchRequest) -> Option<u64>,
    end: impl Fn(&BenchRequest) -> Option<u64>,
) -> f64 {
    let first = requests.clone().filter_map(begin).min();
    let last = requests.filter_map(end).max();
    let (Some(first), Some(last)) = (first, last) else {
        return 0.0;
    };
    seconds(last.saturating_sub(first))
}

/// Output tokens: as the provider counted them, else the pieces that we counted, as each of the tools does in its way.
fn output_tokens(request: &BenchRequest) -> Option<u32> {
    let pieces = Some(request.pieces).filter(|pieces| *pieces > 0);
    request.output_tokens.or(pieces)
}

/// Output tokens after the first; `None` if there is none.
fn tokens_after_first(request: &BenchRequest) -> Option<f64> {
    let gaps = output_tokens(request)?.checked_sub(1)?;
    (gaps > 0).then_some(f64::from(gaps))
}

/// Output tokens a second of this time, in seconds.
fn tokens_per_second(request: &BenchRequest, time: Option<f64>) -> Option<f64> {
    quotient(f64::from(output_tokens(request)?), time?)
}

/// `None` where it would be divided by nothing.
fn quotient(of: f64, by: f64) -> Option<f64> {
    (by > 0.0).then(|| of / by)
}

/// `to` − `from` in milliseconds.
fn ms_between(from: Option<u64>, to: Option<u64>) -> Option<f64> {
    Some(ms(to?.saturating_sub(from?)))
}

/// `to` − started in milliseconds.
fn ms_since_start(request: &BenchRequest, to: Option<u64>) -> Option<f64> {
    ms_between(Some(request.started), to)
}

/// `to` − started in seconds.
fn seconds_since_start(request: &BenchRequest, to: Option<u64>) -> Option<f64> {
    seconds_between(Some(request.started), to)
}

/// `to` − `from` in seconds.
fn seconds_between(from: Option<u64>, to: Option<u64>) -> Option<f64> {
    Some(seconds(to?.saturating_sub(from?)))
}

/// When each piece with text came, in nanoseconds since the request was started: those of one read at the same time.
fn pieces(request: &BenchRequest) -> Vec<u64> {
    let reads = request.arrivals.iter();
    let times =
        reads.flat_map(|read| std::iter::repeat_n(read.since_started, read.tokens as usize));
    times.collect()
}

#[cfg(test)]
mod tests;
