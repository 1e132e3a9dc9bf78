//! A bench in words and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::compat::{self, CompatLine};
use crate::{
    bench::{BenchId, BenchPlan, BenchRequest, BenchSummary, TimeFigures, search::SearchStep},
    engine::BenchProgress,
    event::FaultClass,
    price::Usd,
    visible::visible_line,
};

/// The line of JSON of a bench.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct BenchLine<'a> {
    r#type: &'static str,
    /// Its key in the history; `None` if it is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    target: String,
    #[serde(flatten)]
    summary: &'a BenchSummary,
    plan: &'a BenchPlan,
    /// The figures as other tools define them, where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    compatibility: Option<Vec<CompatLine>>,
}

impl<'a> BenchLine<'a> {
    pub(in crate::cli) fn new(
        id: Option<BenchId>,
        plan: &'a BenchPlan,
        summary: &'a BenchSummary,
    ) -> Self {
        Self {
            r#type: "bench",
            id: id.map(|id| id.0),
            target: plan.target.to_string(),
            summary,
            plan,
            compatibility: None,
        }
    }

    /// With the figures as other tools define them, of these requests.
    pub(super) fn with_compatibility(mut self, requests: Option<&[BenchRequest]>) -> Self {
        self.compatibility = requests.map(compat::lines);
        self
    }
}

/// The line of JSON of a kept text.
#[derive(Debug, Serialize)]
pub(super) struct TextLine<'a> {
    r#type: &'static str,
    /// The request, by its number in the schedule.
    number: u64,
    /// The prompt, by its number in the prompt set.
    prompt: u32,
    outcome: &'static str,
    text: &'a str,
    /// Whether more came than is kept of one answer.
    is_cut: bool,
}

impl<'a> TextLine<'a> {
    /// The text of a request; `None` if none is kept.
    pub(super) fn of(request: &'a BenchRequest) -> Option<Self> {
        let kept = request.text.as_deref()?;
        Some(Self {
            r#type: "text",
            number: request.number,
            prompt: request.prompt,
            outcome: request.fault().map_or("ok", FaultClass::as_str),
            text: &kept.text,
            is_cut: kept.is_cut,
        })
    }
}

/// The line of JSON at the end of a search.
#[derive(Debug, Serialize)]
pub(super) struct SearchLine<'a> {
    pub r#type: &'static str,
    pub target: String,
    /// The highest rate that held; `None` if none did.
    pub highest_rate: Option<f64>,
    /// The share of requests that had to be good.
    pub share: f64,
    pub steps: &'a [SearchStep],
}

/// How a bench goes, in one line.
pub(super) fn progress(progress: &BenchProgress) -> String {
    let counts = progress.counts;
    let mut line = format!("{:6.1} s", progress.elapsed_ms / 1e3);
    // Writing to a string can't fail.
    let _ = write!(
        line,
        "  {} over, {} under way",
        counts.sent, progress.under_way
    );
    if let Some(rate) = progress.rate {
        let _ = write!(line, ", {rate:.1} sent/s");
    }
    for (name, value) in [
        ("TTFT p50", progress.ttft_p50_ms),
        ("p99", progress.ttft_p99_ms),
        ("lag max", progress.lag_max_ms),
    ] {
        if let Some(value) = value {
            let _ = write!(line, ", {name} {value:.1} ms");
        }
    }
    if counts.failed > 0 {
        let _ = write!(line, ", {} failed", counts.failed);
    }
    if let Some(cost) = progress.cost.filter(|cost| *cost != Usd::default()) {
        let _ = write!(line, ", {cost}");
    }
    if progress.stopping.is_some() {
        line.push_str(", waiting for the last");
    }
    line
}

/// A bench in words.
pub(in crate::cli) fn summary(plan: &BenchPlan, found: &BenchSummary) -> String {
    let mut out = format!(
        "{}: {}\n",
        visible_line(&plan.target.to_string()),
        plan.load
    );
    if let Some(why) = found.why_invalid() {
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "INVALID: {why}. The figures below are not the server's."
        );
    }
    out.push_str(&counts(found));
    let _ = writeln!(
        out,
        "\n{:22}{:>8}{:>10}{:>10}{:>10}{:>10}   95 % interval of p50",
        "ms", "n", "p50", "p90", "p95", "p99"
    );
    let mut row = |name: &str, figures: &TimeFigures| {
        if figures.n > 0 {
            out.push_str(&figures_row(name, figures));
        }
    };
    row("TTFT", &found.ttft_ms);
    if found.ttft_by_connection.cold.n > 0 && found.ttft_by_connection.warm.n > 0 {
        row("  over warm ones", &found.ttft_by_connection.warm);
        row("  over cold ones", &found.ttft_by_connection.cold);
    }
    row("TPOT", &found.tpot_ms);
    row("Total", &found.total_ms);
    row("Read gap", &found.read_gap_ms);
    row("Connect and send", &found.connect_ms);
    if let Some(from_schedule) = &found.from_schedule {
        row("TTFT from schedule", &from_schedule.ttft_ms);
        row("Total from schedule", &from_schedule.total_ms);
    }
    out.push_str(&ending(found));
    out
}

fn counts(found: &BenchSummary) -> String {
    let counts = found.requests;
    let mut out = format!(
        "{} requests: {} ok, {} failed",
        counts.sent, counts.ok, counts.failed
    );
    for (count, name) in [
        (counts.cancelled, "cancelled"),
        (counts.held_back, "held back after 429"),
        (counts.warm_up, "of the warm-up"),
    ] {
        if count > 0 {
            // Writing to a string can't fail.
            let _ = write!(out, ", {count} {name}");
        }
    }
    let faults: Vec<String> = (found.faults.iter())
        .map(|(class, count)| format!("{count} {class}"))
        .collect();
    if !faults.is_empty() {
        let _ = write!(out, " ({})", faults.join(", "));
    }
    out.push('\n');
    let rates = [
        ("sent/s", found.achieved_rate),
        ("asked for", found.requested_rate),
        ("ok/s", found.completed_rate),
        ("under way on average", found.achieved_concurrency),
        ("tokens/s", found.tokens_per_second),
    ];
    let rates: Vec<String> = (rates.iter())
        .filter_map(|(name, value)| value.map(|value| format!("{value:.2} {name}")))
        .collect();
    if !rates.is_empty() {
        let _ = writeln!(out, "{}", rates.join(", "));
    }
    out
}

fn figures_row(name: &str, figures: &TimeFigures) -> String {
    let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.1}"));
    let interval = match (figures.p50_low, figures.p50_high) {
        (Some(low), Some(high)) => format!("   {low:.1} to {high:.1}"),
        _ => String::new(),
    };
    format!(
        "{name:22}{:>8}{:>10}{:>10}{:>10}{:>10}{interval}\n",
        figures.n,
        cell(figures.p50),
        cell(figures.p90),
        cell(figures.p95),
        cell(figures.p99),
    )
}

fn ending(found: &BenchSummary) -> String {
    let mut out = String::from("\n");
    // Writing to a string can't fail.
    if let Some(goodput) = found.goodput {
        let share = goodput
            .share
            .map_or_else(String::new, |share| format!(", {:.2} %", share * 100.0));
        let interval = match (goodput.share_low, goodput.share_high) {
            (Some(low), Some(high)) => {
                format!(" (95 % interval {:.2} to {:.2})", low * 100.0, high * 100.0)
            }
            _ => String::new(),
        };
        let rate = goodput
            .per_second
            .map_or_else(String::new, |rate| format!(", {rate:.2} good/s"));
        let _ = writeln!(
            out,
            "Goodput: {} of {}{share}{interval}{rate}",
            goodput.good, goodput.of
        );
    }
    let lag = found.lag_ms;
    if let (Some(p50), Some(p99), Some(max)) = (lag.p50, lag.p99, lag.max) {
        let _ = writeln!(
            out,
            "Our own lag: p50 {p50:.2}, p99 {p99:.2}, max {max:.2} ms; {} first tokens read late",
            found.late_deliveries
        );
    }
    if let Some(why) = &found.from_schedule_note {
        let _ = writeln!(out, "From schedule: {why}.");
    }
    if let Some(cost) = found
        .cost_usd
        .and_then(Usd::of_dollars)
        .filter(|cost| *cost != Usd::default())
    {
        let _ = writeln!(out, "Cost: {cost}");
    }
    if let Some(texts) = found.texts {
        let _ = writeln!(
            out,
            "Texts: {} kept, {} of them cut; {} left out, as there was no more room",
            texts.kept, texts.cut, texts.left_out
        );
    }
    if let Some(reason) = found.stopped {
        let _ = writeln!(out, "Stopped by: {}", reason.as_str().replace('_', " "));
    }
    out
}
