//! The plots of a bench over its time: TTFT, rates, requests under way, our own lag.

use egui::Ui;
use egui_plot::LineStyle;

use super::{
    time_plot::{TimeLine, TimePlot, Upward},
    verb::TimesFrom,
};
use crate::{
    bench::{
        BenchCharts, BenchSummary,
        charts::{ChartBin, TtftOfBin},
        validity::LEAST_LAG_MS,
    },
    desktop::{
        axes::Scale,
        theme::{Theme, caption},
    },
    measure::late,
};

/// Dashes of a line that says what was asked for.
const ASKED: LineStyle = LineStyle::Dashed { length: 6.0 };

/// The middles of the bins, in seconds.
fn middles(charts: &BenchCharts) -> Vec<f64> {
    let middle = |bin: &ChartBin| (bin.from_ms + charts.bin_ms / 2.0) / 1e3;
    charts.bins.iter().map(middle).collect()
}

fn values(charts: &BenchCharts, of: impl Fn(&ChartBin) -> Option<f64>) -> Vec<Option<f64>> {
    charts.bins.iter().map(of).collect()
}

/// Draws TTFT over time.
pub fn ttft_ui(ui: &mut Ui, theme: &Theme, charts: &BenchCharts, from: TimesFrom, scale: Scale) {
    let has_schedule = charts.ttft_from_schedule.is_some();
    let is_from_schedule = has_schedule && from == TimesFrom::Schedule;
    let of_bin = move |bin: &ChartBin| match (is_from_schedule, bin.ttft_from_schedule) {
        (true, Some(found)) => found,
        _ => bin.ttft,
    };
    let line = |name, color, of: fn(TtftOfBin) -> Option<f64>| TimeLine {
        name,
        color: theme.series_color(color),
        style: LineStyle::Solid,
        values: values(charts, |bin| of(of_bin(bin))),
    };
    let points = charts.points.iter().map(|point| {
        let ms = if is_from_schedule {
            point.ttft_from_schedule_ms
        } else {
            point.ttft_ms
        };
        [point.at_ms / 1e3, ms]
    });
    let from = if is_from_schedule {
        "schedule"
    } else {
        "start"
    };
    let plot = TimePlot {
        salt: "bench.ttft",
        name: format!("TTFT from {from} over time"),
        upward: Upward::Ms(scale),
        at: middles(charts),
        lines: vec![
            line("median", 0, |found| found.p50),
            line("p95", 1, |found| found.p95),
            line("p99", 2, |found| found.p99),
            line("slowest", 3, |found| found.max),
        ],
        points: points.collect(),
        level: None,
    };
    plot.ui(ui, theme, ui.available_height());
}

/// Draws rates, and requests under way below them.
#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
pub fn rate_ui(ui: &mut Ui, theme: &Theme, charts: &BenchCharts) {
    let a_second = |n: u64| n as f64 / (charts.bin_ms / 1e3).max(1e-9);
    let line = |name, color, style, values| TimeLine {
        name,
        color,
        style,
        values,
    };
    let begun = values(charts, |bin| Some(a_second(bin.begun)));
    let ok = values(charts, |bin| Some(a_second(bin.ok)));
    let failed = values(charts, |bin| Some(a_second(bin.failed)));
    let due = values(charts, |bin| bin.due.map(a_second));
    let mut lines = vec![
        line("sent/s", theme.series_color(0), LineStyle::Solid, begun),
        line("ok/s", theme.series_color(1), LineStyle::Solid, ok),
    ];
    if due.iter().any(Option::is_some) {
        lines.insert(0, line("due/s", theme.text_dim, ASKED, due));
    }
    if charts.bins.iter().any(|bin| bin.failed > 0) {
        lines.push(line("failed/s", theme.bad, LineStyle::Solid, failed));
    }
    let plot = |salt, name: &str, lines| TimePlot {
        salt,
        name: name.to_owned(),
        upward: Upward::Number,
        at: middles(charts),
        lines,
        points: Vec::new(),
        level: None,
    };
    let height = ui.available_height() / 2.0 - 6.0;
    plot("bench.rate", "Requests a second over time", lines).ui(ui, theme, height);
    let under_way = values(charts, |bin| Some(bin.under_way));
    let color = theme.series_color(4);
    let lines = vec![line("under way", color, LineStyle::Solid, under_way)];
    plot("bench.under-way", "Requests under way over time", lines).ui(ui, theme, height);
}

/// Draws our own lag over time, with what is allowed of it.
pub fn lag_ui(
    ui: &mut Ui,
    theme: &Theme,
    charts: &BenchCharts,
    found: Option<&BenchSummary>,
    scale: Scale,
) {
    let line = |name, color, values| TimeLine {
        name,
        color: theme.series_color(color),
        style: LineStyle::Solid,
        values,
    };
    let ttft = found.and_then(|found| found.ttft_ms.p50);
    let allowed = (ttft.unwrap_or_default() * late::SHARE).max(LEAST_LAG_MS);
    let text =
        "The line across is the most that the 99th percentile may be: beyond it, no figure counts";
    ui.label(caption(theme, text));
    let plot = TimePlot {
        salt: "bench.lag",
        name: "Our own lag over time".to_owned(),
        upward: Upward::Ms(scale),
        at: middles(charts),
        lines: vec![
            line("median", 0, values(charts, |bin| bin.lag_p50_ms)),
            line("largest", 1, values(charts, |bin| bin.lag_max_ms)),
        ],
        points: Vec::new(),
        level: Some((allowed, "p99 may be")),
    };
    plot.ui(ui, theme, ui.available_height());
}
