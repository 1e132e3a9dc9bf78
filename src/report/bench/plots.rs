//! The plots of a bench: TTFT over time and its distribution, rates, requests under way, our own lag.

use super::{
    super::{
        html::Html,
        plot::{
            LineOverTime, LinearAxis, LogAxis, PlotOverTime, ShareCurve, UpwardScale, arm_class,
            line_legend, share_curves,
        },
    },
    ReportedBench,
};
use crate::{
    bench::{
        BenchCharts,
        charts::{ChartBin, TtftOfBin},
        validity::LEAST_LAG_MS,
    },
    measure::late,
};

/// The line of what failed.
const FAILED: &str = "fault";

/// All plots, if there is anything to draw.
pub(super) fn section(html: &mut Html, bench: &ReportedBench) {
    let charts = &bench.charts;
    html.raw("<h3>Over time, and distributions</h3>\n");
    if charts.bins.is_empty() {
        html.raw(
            "<p>Its requests are not known one by one, so that there is nothing to draw.</p>\n",
        );
        return;
    }
    let plots = BenchPlots {
        charts,
        at_s: middles(charts),
    };
    plots.ttft(html);
    plots.rates(html);
    let median = bench.summary.ttft_ms.p50.unwrap_or_default();
    plots.lag(html, (median * late::SHARE).max(LEAST_LAG_MS));
}

/// The middles of the bins, in seconds.
fn middles(charts: &BenchCharts) -> Vec<f64> {
    let middle = |bin: &ChartBin| (bin.from_ms + charts.bin_ms / 2.0) / 1e3;
    charts.bins.iter().map(middle).collect()
}

struct BenchPlots<'a> {
    charts: &'a BenchCharts,
    at_s: Vec<f64>,
}

impl BenchPlots<'_> {
    fn line(
        &self,
        name: &'static str,
        class: &'static str,
        value: impl Fn(&ChartBin) -> Option<f64>,
    ) -> LineOverTime {
        LineOverTime {
            name,
            class,
            values: self.charts.bins.iter().map(value).collect(),
        }
    }

    /// TTFT over time beside the distributions of TTFT and total, on one scale.
    fn ttft(&self, html: &mut Html) {
        let charts = self.charts;
        let curves = curves(charts);
        let times = curves.iter().flat_map(|(_, curve)| &curve.steps);
        let Some(scale) = LogAxis::of(times.map(|[ms, _]| *ms)) else {
            html.raw("<p>No request was answered with a token.</p>\n");
            return;
        };
        let is_open = charts.ttft_from_schedule.is_some();
        let of_bin = |bin: &ChartBin| bin.ttft_from_schedule.unwrap_or(bin.ttft);
        let line = |name, class, value: fn(TtftOfBin) -> Option<f64>| {
            self.line(name, class, move |bin| value(of_bin(bin)))
        };
        let lines = [
            line("median", arm_class(0), |found| found.p50),
            line("p95", arm_class(1), |found| found.p95),
            line("p99", arm_class(2), |found| found.p99),
            line("slowest", arm_class(5), |found| found.max),
        ];
        let points = charts.points.iter().map(|point| {
            let ms = if is_open {
                point.ttft_from_schedule_ms
            } else {
                point.ttft_ms
            };
            [point.at_ms / 1e3, ms]
        });
        let points: Vec<[f64; 2]> = points.collect();
        let from = if is_open { "schedule" } else { "start" };
        html.element("div", &[("class", "pair")], |html| {
            let title = format!("TTFT from {from} over time");
            self.draw(
                html,
                &title,
                UpwardScale::Ms(scale),
                (lines.into(), &points, None),
            );
            let title = "Distributions of TTFT and total";
            let names = curves.iter().map(|(name, curve)| (curve.class, *name));
            let names: Vec<_> = names.collect();
            let curves: Vec<ShareCurve> = curves.into_iter().map(|(_, curve)| curve).collect();
            titled(html, title, &names, |html| {
                share_curves(html, title, &curves, scale);
            });
        });
        html.end_line();
    }

    /// Rates beside requests under way.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    fn rates(&self, html: &mut Html) {
        let seconds = (self.charts.bin_ms / 1e3).max(1e-9);
        let a_second = |n: u64| Some(n as f64 / seconds);
        let mut lines = vec![
            self.line("sent", arm_class(0), |bin| a_second(bin.begun)),
            self.line("answered", arm_class(3), |bin| a_second(bin.ok)),
        ];
        if self.charts.bins.iter().any(|bin| bin.due.is_some()) {
            let due = self.line("due", arm_class(5), |bin| bin.due.and_then(a_second));
            lines.insert(0, due);
        }
        if self.charts.bins.iter().any(|bin| bin.failed > 0) {
            lines.push(self.line("failed", FAILED, |bin| a_second(bin.failed)));
        }
        let under_way = self.line("under way", arm_class(2), |bin| Some(bin.under_way));
        html.element("div", &[("class", "halves")], |html| {
            for (title, lines) in [
                ("Requests a second over time", lines),
                ("Requests under way over time", vec![under_way]),
            ] {
                let scale = LinearAxis::of(values(&lines));
                self.draw(html, title, UpwardScale::Number(scale), (lines, &[], None));
            }
        });
        html.end_line();
    }

    /// Our own lag, with the most that its 99th percentile may be.
    fn lag(&self, html: &mut Html, allowed_ms: f64) {
        let lines = [
            self.line("median", arm_class(0), |bin| bin.lag_p50_ms),
            self.line("largest", arm_class(1), |bin| bin.lag_max_ms),
        ];
        let Some(scale) = LogAxis::of(values(&lines).chain([allowed_ms])) else {
            return;
        };
        html.element("div", &[("class", "halves")], |html| {
            let lag = (lines.into(), &[][..], Some(allowed_ms));
            self.draw(html, "Our own lag over time", UpwardScale::Ms(scale), lag);
        });
        html.raw(
            "<p class=\"quiet\">The dotted line across is the most that the 99th percentile of the lag may be: beyond it no \
             figure counts.</p>\n",
        );
    }

    /// Draws a plot of lines, single points, and a level across. Lines without a value are left out.
    fn draw(
        &self,
        html: &mut Html,
        title: &str,
        upward: UpwardScale,
        (mut lines, points, level): (Vec<LineOverTime>, &[[f64; 2]], Option<f64>),
    ) {
        lines.retain(|line| line.values.iter().any(Option::is_some));
        let names: Vec<_> = lines.iter().map(|line| (line.class, line.name)).collect();
        let plot = PlotOverTime {
            label: title,
            upward,
            at_s: &self.at_s,
            lines: &lines,
            points,
            level,
        };
        titled(html, title, &names, |html| plot.draw(html));
    }
}

/// A plot below its title and what its lines mean: the class and the name of each.
fn titled(
    html: &mut Html,
    title: &str,
    lines: &[(&'static str, &'static str)],
    plot: impl FnOnce(&mut Html),
) {
    html.element("div", &[], |html| {
        html.words("p", "quiet", title);
        line_legend(html, lines.iter().copied());
        plot(html);
    });
}

/// The distributions, each with its name.
fn curves(charts: &BenchCharts) -> Vec<(&'static str, ShareCurve)> {
    let all = [
        ("TTFT from start", Some(&charts.ttft)),
        ("TTFT from schedule", charts.ttft_from_schedule.as_ref()),
        ("total from start", Some(&charts.total)),
        ("total from schedule", charts.total_from_schedule.as_ref()),
    ];
    // Each keeps its look where another one is missing.
    let all = all.into_iter().enumerate();
    let known = all.filter_map(|(at, (name, found))| {
        let found = found.filter(|found| found.n > 0)?;
        let curve = ShareCurve {
            class: arm_class(at),
            steps: found.steps.clone(),
        };
        Some((name, curve))
    });
    known.collect()
}

fn values(lines: &[LineOverTime]) -> impl Iterator<Item = f64> + Clone {
    let all = lines.iter().flat_map(|line| &line.values);
    all.flatten().copied()
}
