//! What is said first of a bench that is over: whether it counts, how many requests there were, why it stopped.

use egui::{CornerRadius, Frame, Label, Margin, RichText, Ui};

use super::{
    tiles::{Tile, tiles_ui},
    words::{rate_text, validity_text},
};
use crate::{
    bench::{BenchSummary, Goodput},
    desktop::{
        icons,
        looks::key_item_ui,
        theme::{RADIUS_L, Theme, caption, size, space, strong},
        widgets::{count, counted, date_time, ms_text},
    },
    event::Fault,
    price::Usd,
    visible::visible_line,
};

/// Says whether the figures are the target’s, with what that rests on.
pub fn validity_ui(ui: &mut Ui, theme: &Theme, found: &BenchSummary) {
    let (icon, color) = if found.valid {
        (icons::OK, theme.good)
    } else {
        (icons::FAULT, theme.bad)
    };
    let frame = Frame::new()
        .fill(theme.wash(color))
        .corner_radius(CornerRadius::same(RADIUS_L))
        .inner_margin(Margin::symmetric(12, 8));
    let shown = frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icon).size(size::HEADING).color(color));
            ui.vertical(|ui| {
                ui.add(Label::new(strong(validity_text(found))).wrap());
                let text = lag_text(found);
                if !text.is_empty() {
                    ui.add(Label::new(caption(theme, text)).wrap());
                }
            });
        });
    });
    shown.response.on_hover_text(
        "A bench counts if this machine began its requests in time (99 in 100 within 2 ms, or within a tenth of the \
         median TTFT if that is more), read at most 1 % of first tokens late, did not sleep, and kept 95 % of the rate \
         that was due",
    );
}

fn lag_text(found: &BenchSummary) -> String {
    let lag = found.lag_ms;
    let (Some(p50), Some(p99), Some(max)) = (lag.p50, lag.p99, lag.max) else {
        return String::new();
    };
    let late = match found.late_deliveries {
        0 => "no first token was read late".to_owned(),
        late => format!("{} read late", counted(late, "first token")),
    };
    format!(
        "Requests were begun {} late (median), {} (p99), {} (at most); {late}",
        ms_text(p50),
        ms_text(p99),
        ms_text(max)
    )
}

/// Shows the single figures.
pub fn summary_tiles_ui(ui: &mut Ui, theme: &Theme, found: &BenchSummary) {
    let counts = found.requests;
    let mut tiles = vec![
        Tile {
            name: "Sent a second",
            value: found.achieved_rate.map(rate_text),
            below: found.requested_rate.map_or_else(String::new, |rate| {
                format!("of {} asked for", rate_text(rate))
            }),
            meaning: "Requests that were really begun: (n − 1) / (last start − first start)",
        },
        Tile {
            name: "Complete a second",
            value: found.completed_rate.map(rate_text),
            below: found
                .tokens_per_second
                .map_or_else(String::new, |rate| format!("{} tokens/s", rate_text(rate))),
            meaning: "Answers that came complete, over the time in which any request was under way",
        },
        Tile {
            name: "Under way",
            value: found.achieved_concurrency.map(rate_text),
            below: found.requested_concurrency.map_or_else(
                || "on average".to_owned(),
                |streams| format!("of {}", counted(streams.into(), "stream")),
            ),
            meaning: "Requests under way, averaged over the whole time",
        },
        Tile {
            name: "Complete answers",
            value: Some(count(counts.ok)),
            below: format!("of {}", counted(counts.sent, "request")),
            meaning: "Requests that ended with a complete answer, of all that were sent and count",
        },
    ];
    tiles.extend(found.goodput.map(goodput_tile));
    let cost = found.cost_usd.and_then(Usd::of_dollars);
    if let Some(cost) = cost.filter(|cost| *cost != Usd::default()) {
        tiles.push(Tile {
            name: "Cost",
            value: Some(cost.to_string()),
            below: String::new(),
            meaning: "As far as token counts and prices are known",
        });
    }
    tiles_ui(ui, theme, &tiles);
}

fn goodput_tile(goodput: Goodput) -> Tile {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let interval = goodput.share_low.zip(goodput.share_high);
    Tile {
        name: "Goodput",
        value: goodput.share.map(percent),
        below: interval.map_or_else(String::new, |(low, high)| {
            format!("{} to {}", percent(low), percent(high))
        }),
        meaning: "The share of requests, failures included, that kept all limits, with its 95 % interval (Wilson 1927)",
    }
}

/// Shows what failed, by its class.
pub fn faults_ui(ui: &mut Ui, theme: &Theme, found: &BenchSummary, first: Option<&Fault>) {
    let counts = found.requests;
    if counts.failed > 0 {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let text = format!(
                "{} of {} failed",
                count(counts.failed),
                counted(counts.sent, "request")
            );
            ui.label(caption(theme, text))
                .on_hover_text("What failed is in the denominator of every rate, and in no time");
            for (class, failed) in &found.faults {
                let text = format!("{} {}", class.as_str().replace('_', " "), count(*failed));
                key_item_ui(ui, theme.fault_color(*class), &text);
            }
        });
    }
    if let Some(fault) = first {
        let text = format!("The first: {}", visible_line(&fault.message));
        ui.add(Label::new(caption(theme, text)).wrap());
    }
    let others = [
        (counts.cancelled, "cancelled by the stop"),
        (counts.held_back, "held back after a 429"),
        (counts.warm_up, "of the warm-up"),
    ];
    let others = others.iter().filter(|(n, _)| *n > 0);
    let others: Vec<String> = others
        .map(|(n, what)| format!("{} {what}", counted(*n, "request")))
        .collect();
    if !others.is_empty() {
        let text = format!("In no figure: {}", others.join(", "));
        ui.add(Label::new(caption(theme, text)).wrap());
    }
}

/// Why it stopped, how long it took, when it began.
pub fn ending_text(found: &BenchSummary, started_unix_ns: Option<i64>) -> String {
    let stopped = found.stopped.map(|reason| reason.in_words().to_owned());
    let took = (found.duration_ms > 0.0).then(|| ms_text(found.duration_ms));
    let began = started_unix_ns.map(|at| format!("begun {}", date_time(at)));
    let parts: Vec<String> = [stopped, took, began].into_iter().flatten().collect();
    parts.join(" · ")
}
