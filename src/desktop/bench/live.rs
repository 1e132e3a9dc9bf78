//! A bench that runs: how far it is, what is asked for and what is reached, with a button that stops it.

use egui::{Label, ProgressBar, Ui};
use egui_plot::LineStyle;

use super::{
    heading::plan_ui,
    tiles::{Tile, tiles_ui},
    time_plot::{TimeLine, TimePlot, Upward},
    words::rate_text,
};
use crate::{
    bench::{BenchPlan, Load},
    desktop::{
        axes::Scale,
        icons,
        looks::key_item_ui,
        theme::{Theme, caption, space, strong},
        view::Cx,
        widgets::{card, count, counted, ms_text},
    },
    engine::BenchProgress,
    price::Usd,
};

/// Shows it; returns whether it is to be stopped.
pub fn live_ui(ui: &mut Ui, cx: &Cx<'_>, plan: &BenchPlan, is_stopping: bool) -> bool {
    let (theme, live) = (cx.theme, &cx.state.bench);
    let empty = BenchProgress::default();
    let progress = live.progress.as_deref().unwrap_or(&empty);
    let stop = head_ui(ui, cx, plan, progress, is_stopping);
    ui.add_space(space::S);
    tiles_ui(ui, theme, &tiles(plan, progress));
    if !progress.faults.is_empty() {
        ui.horizontal_wrapped(|ui| {
            for (class, failed) in &progress.faults {
                let text = format!("{} {}", class.as_str().replace('_', " "), count(*failed));
                key_item_ui(ui, theme.fault_color(*class), &text);
            }
        });
    }
    ui.add_space(space::S);
    if live.course.len() > 1 {
        let height = ui.available_height() / 2.0 - space::XS;
        rate_plot(theme, plan, &live.course).ui(ui, theme, height);
        ttft_plot(theme, &live.course).ui(ui, theme, height);
    }
    stop
}

fn head_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    plan: &BenchPlan,
    progress: &BenchProgress,
    is_stopping: bool,
) -> bool {
    let theme = cx.theme;
    card(ui, theme, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            let button = ui.add_enabled_ui(!is_stopping, |ui| {
                ui.button(format!("{} Stop", icons::STOP)).on_hover_text(
                    "Sends nothing more, and ends what is under way. What was measured is kept",
                )
            });
            let stop = button.inner.clicked();
            ui.vertical(|ui| {
                plan_ui(ui, cx, plan, strong);
                if let Some(share) = share_done(plan, progress) {
                    let bar = ProgressBar::new(share)
                        .desired_height(6.0)
                        .fill(theme.accent);
                    ui.add(bar);
                    ui.add_space(space::XS);
                }
                let text = under_way_text(plan, progress, is_stopping);
                ui.add(Label::new(caption(theme, text)).wrap());
            });
            stop
        })
        .inner
    })
    .inner
}

/// How far it is, by the rule that will stop it first; `None` if none can be foreseen.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a share of a bar on screen"
)]
fn share_done(plan: &BenchPlan, progress: &BenchProgress) -> Option<f32> {
    let stop = &plan.stop;
    let requests = stop
        .requests
        .map(|most| progress.counts.sent as f64 / most.max(1) as f64);
    let time = stop
        .time_ms
        .map(|most| progress.elapsed_ms / most.max(1) as f64);
    let cost = progress.cost.map(Usd::dollars);
    let cost = stop.cost_usd.zip(cost).map(|(most, cost)| cost / most);
    let all = [requests, time, cost].into_iter().flatten();
    let most = all.filter(|share| share.is_finite()).reduce(f64::max)?;
    Some(most.clamp(0.0, 1.0) as f32)
}

fn under_way_text(plan: &BenchPlan, progress: &BenchProgress, is_stopping: bool) -> String {
    let counts = progress.counts;
    let what = match progress.stopping {
        Some(reason) => format!("{}: waiting for the last answers", reason.in_words()),
        None if is_stopping => "Stopping".to_owned(),
        None if progress.elapsed_ms <= 0.0 => "Opening connections".to_owned(),
        None if counts.sent == 0 && plan.warm_up > 0 => "Warming up".to_owned(),
        None => "Under way".to_owned(),
    };
    let sent = match plan.stop.requests {
        Some(most) => format!(
            "{} of {} over",
            count(counts.sent),
            counted(most, "request")
        ),
        None => format!("{} over", counted(counts.sent, "request")),
    };
    format!("{what} · {sent} · {}", ms_text(progress.elapsed_ms))
}

fn tiles(plan: &BenchPlan, progress: &BenchProgress) -> Vec<Tile> {
    let counts = progress.counts;
    let asked = match &plan.load {
        Load::Closed { concurrency } => format!("by {}", counted((*concurrency).into(), "stream")),
        load => load.requested_rate().map_or_else(String::new, |rate| {
            format!("of {} asked for", rate_text(rate))
        }),
    };
    let p99 = progress
        .ttft_p99_ms
        .map(|ms| format!("p99 {}", ms_text(ms)));
    let mut tiles = vec![
        Tile {
            name: "Sent a second",
            value: progress.rate.map(rate_text),
            below: asked,
            meaning: "Requests sent, over the last second or so",
        },
        Tile {
            name: "Under way",
            value: Some(count(progress.under_way)),
            below: String::new(),
            meaning: "Requests under way now",
        },
        Tile {
            name: "TTFT, median",
            value: progress.ttft_p50_ms.map(ms_text),
            below: p99.unwrap_or_default(),
            meaning: "From start, of all complete answers so far, to within 0.4 %",
        },
        Tile {
            name: "Largest lag",
            value: progress.lag_max_ms.map(ms_text),
            below: "of this machine".to_owned(),
            meaning: "The longest that a request was begun after it was due. Whether the bench counts is judged at its end",
        },
        Tile {
            name: "Failed",
            value: Some(count(counts.failed)),
            below: format!("of {}", count(counts.sent)),
            meaning: "Requests that failed, of those that are over",
        },
    ];
    if let Some(cost) = progress.cost.filter(|cost| *cost != Usd::default()) {
        tiles.push(Tile {
            name: "Cost",
            value: Some(cost.to_string()),
            below: "so far".to_owned(),
            meaning: "As far as token counts and prices are known",
        });
    }
    tiles
}

fn times(course: &[BenchProgress]) -> Vec<f64> {
    course.iter().map(|one| one.elapsed_ms / 1e3).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
fn rate_plot(theme: &Theme, plan: &BenchPlan, course: &[BenchProgress]) -> TimePlot {
    let values = |of: fn(&BenchProgress) -> Option<f64>| course.iter().map(of).collect();
    let line = |name, color, values| TimeLine {
        name,
        color,
        style: LineStyle::Solid,
        values,
    };
    let under_way = values(|one| Some(one.under_way as f64));
    let mut lines = vec![
        line("sent/s", theme.series_color(0), values(|one| one.rate)),
        line(
            "ok/s",
            theme.series_color(1),
            values(|one| one.completed_rate),
        ),
        line("under way", theme.series_color(4), under_way),
    ];
    if let Some(rate) = plan.load.requested_rate() {
        let asked = vec![Some(rate); course.len()];
        lines.insert(
            0,
            TimeLine {
                style: LineStyle::Dashed { length: 6.0 },
                ..line("asked for", theme.text_dim, asked)
            },
        );
    }
    TimePlot {
        salt: "bench.live.rate",
        name: "Requests a second, and under way, over time".to_owned(),
        upward: Upward::Number,
        at: times(course),
        lines,
        points: Vec::new(),
        level: None,
    }
}

fn ttft_plot(theme: &Theme, course: &[BenchProgress]) -> TimePlot {
    TimePlot {
        salt: "bench.live.ttft",
        name: "Median TTFT over time".to_owned(),
        upward: Upward::Ms(Scale::Linear),
        at: times(course),
        lines: vec![TimeLine {
            name: "TTFT, median of the last second or so",
            color: theme.series_color(0),
            style: LineStyle::Solid,
            values: course.iter().map(|one| one.recent_ttft_p50_ms).collect(),
        }],
        points: Vec::new(),
        level: None,
    }
}
