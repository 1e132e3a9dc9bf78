//! The figures of an answer: one row each, which serves hover texts, tables, exports and `--json`.

#[cfg(test)]
mod tests;

use std::num::NonZeroU64;

use super::{
    Better, Figure, FigureGroup,
    arrivals::{arrivals, gaps_ms},
    cost, percentile,
};
use crate::{
    price::Usd,
    run::{OffsetNs, Run, Span, ms},
};

/// In the order in which they are shown. A failed run has the values that were stamped before it failed; they are left
/// out of averages.
pub static FIGURES: &[Figure] = &[
    Figure {
        key: "ttft_ms",
        group: FigureGroup::Latency,
        label: "TTFT",
        unit: "ms",
        definition: "First token − start: the first non-empty piece of reasoning, text or tool call; \
                     a cold run's contains its handshakes",
        better: Better::Lower,
        value: |run, _| run.stamps.first_token.map(ms),
    },
    Figure {
        key: "ttft_net_ms",
        group: FigureGroup::Latency,
        label: "TTFT net",
        unit: "ms",
        definition: "First token − request sent: without connecting, so that cold and warm runs compare",
        better: Better::Lower,
        value: |run, _| after(run.stamps.request_sent, run.stamps.first_token),
    },
    Figure {
        key: "ttfo_ms",
        group: FigureGroup::Latency,
        label: "TTFO",
        unit: "ms",
        definition: "First visible piece (anything but reasoning) − start",
        better: Better::Lower,
        value: |run, _| run.stamps.first_visible.map(ms),
    },
    Figure {
        key: "ttfb_ms",
        group: FigureGroup::Latency,
        label: "TTFB",
        unit: "ms",
        definition: "First byte of the response body − request sent",
        better: Better::Lower,
        value: |run, _| after(run.stamps.request_sent, run.stamps.first_byte),
    },
    Figure {
        key: "headers_ms",
        group: FigureGroup::Latency,
        label: "Headers",
        unit: "ms",
        definition: "Response head − request sent",
        better: Better::Lower,
        value: |run, _| after(run.stamps.request_sent, run.stamps.headers),
    },
    Figure {
        key: "dns_ms",
        group: FigureGroup::Connection,
        label: "DNS",
        unit: "ms",
        definition: "Name resolution of this run's connection; blank on a warm one",
        better: Better::Lower,
        value: |run, _| run.stamps.dns.map(Span::ms),
    },
    Figure {
        key: "tcp_ms",
        group: FigureGroup::Connection,
        label: "TCP",
        unit: "ms",
        definition: "TCP handshake of this run's connection, including the proxy's exchange if there \
                     is one; blank on a warm one",
        better: Better::Lower,
        value: |run, _| run.stamps.tcp.map(Span::ms),
    },
    Figure {
        key: "tls_ms",
        group: FigureGroup::Connection,
        label: "TLS",
        unit: "ms",
        definition: "TLS handshake of this run's connection; blank on a warm one",
        better: Better::Lower,
        value: |run, _| run.stamps.tls.map(Span::ms),
    },
    Figure {
        key: "tpot_ms",
        group: FigureGroup::Speed,
        label: "TPOT",
        unit: "ms",
        definition: "(Last token − first token) ÷ (output tokens − 1), where the provider reported \
                     usage and more than one read carried tokens; reasoning that was not shown is left out",
        better: Better::Lower,
        value: |run, _| {
            let (tokens, streaming_ms) = streamed(run)?;
            Some(streaming_ms / count(tokens - 1))
        },
    },
    Figure {
        key: "output_speed_tps",
        group: FigureGroup::Speed,
        label: "Output speed",
        unit: "tok/s",
        definition: "Output tokens ÷ (last token − first token), where the provider reported usage and \
                     more than one read carried tokens; reasoning that was not shown is left out",
        better: Better::Higher,
        value: |run, _| {
            let (tokens, streaming_ms) = streamed(run)?;
            Some(count(tokens) / streaming_ms * 1e3)
        },
    },
    Figure {
        key: "total_ms",
        group: FigureGroup::Latency,
        label: "Total",
        unit: "ms",
        definition: "Last token − start; the lag to the stream's end is a separate figure",
        better: Better::Lower,
        value: |run, _| run.stamps.last_token.map(ms),
    },
    Figure {
        key: cost::KEY,
        group: FigureGroup::Cost,
        label: "Cost",
        unit: "USD",
        definition: "Reported tokens × list price per million (input, cached, written to the cache, output), or × your \
                     price in the settings; blank if a price or a count is not known. Fees for each call, discounts and \
                     free tiers are not in it",
        better: Better::Lower,
        value: |run, prices| cost::of(run, prices).ok().map(Usd::dollars),
    },
    Figure {
        key: "closed_lag_ms",
        group: FigureGroup::Latency,
        label: "Closing lag",
        unit: "ms",
        definition: "End of the response (usage and end mark included) − last token",
        better: Better::Lower,
        value: |run, _| after(run.stamps.last_token, run.stamps.closed),
    },
    Figure {
        key: "gap_p50_ms",
        group: FigureGroup::Speed,
        label: "Read gap, median",
        unit: "ms",
        definition: "Median time between arrivals of tokens; reads less than 0.2 ms apart are one arrival. \
                     Not the time between tokens",
        better: Better::Lower,
        value: |run, _| gap(run, 0.5),
    },
    Figure {
        key: "gap_p99_ms",
        group: FigureGroup::Speed,
        label: "Read gap, P99",
        unit: "ms",
        definition: "99th percentile of the time between arrivals of tokens; blank under 100 gaps",
        better: Better::Lower,
        value: |run, _| gap(run, 0.99),
    },
    Figure {
        key: "gap_max_ms",
        group: FigureGroup::Speed,
        label: "Read gap, longest",
        unit: "ms",
        definition: "Longest time between arrivals of tokens",
        better: Better::Lower,
        value: |run, _| gaps(run).into_iter().reduce(f64::max),
    },
    Figure {
        key: "burst_share",
        group: FigureGroup::Speed,
        label: "In bursts",
        unit: "",
        definition: "Share of tokens that arrived together with another; near 1 when something buffers",
        better: Better::Lower,
        value: |run, _| {
            let arrivals = arrivals(&run.reads);
            let all: u64 = arrivals.iter().map(|arrival| arrival.tokens).sum();
            let together = arrivals.iter().filter(|arrival| arrival.tokens > 1);
            share(together.map(|arrival| arrival.tokens).sum(), all)
        },
    },
    Figure {
        key: "gap_under_5ms_share",
        group: FigureGroup::Speed,
        label: "Gaps under 5 ms",
        unit: "",
        definition: "Share of the gaps between arrivals that are under 5 ms; near 1 if everything arrives at once",
        better: Better::Neutral,
        value: |run, _| {
            let gaps = gaps(run);
            let short = gaps.iter().filter(|gap| **gap < 5.0).count();
            share(short as u64, gaps.len() as u64)
        },
    },
    Figure {
        key: "ttft_from_schedule_ms",
        group: FigureGroup::Latency,
        label: "TTFT from schedule",
        unit: "ms",
        definition: "First token − when the run was due, so that waiting in a queue counts; blank for a \
                     run that was not scheduled",
        better: Better::Lower,
        value: |run, _| from_schedule(run, run.stamps.first_token),
    },
    Figure {
        key: "total_from_schedule_ms",
        group: FigureGroup::Latency,
        label: "Total from schedule",
        unit: "ms",
        definition: "Last token − when the run was due; blank for a run that was not scheduled",
        better: Better::Lower,
        value: |run, _| from_schedule(run, run.stamps.last_token),
    },
];

/// Milliseconds from one stamp to a later one.
fn after(from: Option<OffsetNs>, to: Option<OffsetNs>) -> Option<f64> {
    to?.checked_sub(from?).map(ms)
}

fn from_schedule(run: &Run, at: Option<OffsetNs>) -> Option<f64> {
    let waited = NonZeroU64::new(run.stamps.scheduled_before)?;
    at?.checked_add(waited.get()).map(ms)
}

/// The number of streamed tokens (more than one), and the milliseconds that they took (more than 0).
pub(crate) fn streamed(run: &Run) -> Option<(u64, f64)> {
    // If an answer broke off, its counts may not cover all tokens that came.
    let usage = run.answer.usage.filter(|_| run.answer.fault.is_none())?;
    // OpenAI's reasoning models count reasoning that they never send.
    let hidden = if run.answer.reasoning.is_empty() {
        usage.reasoning.unwrap_or(0)
    } else {
        0
    };
    let tokens = usage.generated()?.checked_sub(hidden)?;
    let streaming_ms = after(run.stamps.first_token, run.stamps.last_token)?;
    let reads = run.reads.iter().filter(|read| read.tokens > 0).count();
    (tokens > 1 && reads > 1 && streaming_ms > 0.0).then_some((tokens, streaming_ms))
}

/// The times between arrivals, in milliseconds.
fn gaps(run: &Run) -> Vec<f64> {
    gaps_ms(&arrivals(&run.reads)).collect()
}

fn gap(run: &Run, p: f64) -> Option<f64> {
    percentile::percentile(gaps(run), p).value
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| count(part) / count(whole))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn count(n: u64) -> f64 {
    n as f64
}
