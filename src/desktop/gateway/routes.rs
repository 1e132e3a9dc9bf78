//! The table of routes: what their requests came to, and under each its targets with their health and TTFT.

use std::time::Duration;

use egui::{Align, Color32, Label, Layout, Margin, Response, RichText, ScrollArea, Ui};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use crate::{
    desktop::{
        chrome::open_path,
        icons,
        theme::{Theme, caption, size, space, strong},
        view::{Action, Cx},
        widgets::{contained, count, figure_text, ghost_button, ms_text, time_of_day},
    },
    gateway::{RouteCounts, RouteStatus, TargetState, TargetStatus},
    visible::visible_line,
};

/// Columns of figures: title, what it means, width.
#[rustfmt::skip]
const FIGURES: [(&str, &str, f32); 8] = [
    ("TTFT p50", "The median TTFT of the last 15 minutes, newer ones counting for more; from five on. One that was given up since another target answered first counts as what it had taken by then", 66.0),
    ("p95", "The 95th percentile of the same; from twenty on", 58.0),
    ("n", "How many TTFTs the two are of", 34.0),
    ("Requests", "Requests of the route that are over", 60.0),
    ("Failed", "Those of them that failed in the end", 44.0),
    ("Retries", "Targets that were asked because another one had failed", 48.0),
    ("Hedges", "Targets that were asked beside a slow one: how many answered first, and how many did not", 60.0),
    ("Cost", "What the requests cost whose cost is known, in US dollars; the prompts of beaten targets included", 66.0),
];
const STATE: f32 = 144.0;
/// Smallest width of the names.
const NAME: f32 = 138.0;

/// Shows the table.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, routes: &[RouteStatus]) {
    let theme = cx.theme;
    let frame = egui::Frame::new().inner_margin(Margin {
        left: 16,
        right: 16,
        top: 0,
        bottom: 4,
    });
    let foot = egui::Frame::new().inner_margin(Margin::symmetric(16, 8));
    egui::Panel::bottom("gateway.routes.foot")
        .frame(foot)
        .show_separator_line(false)
        .show(ui, |ui| foot_ui(ui, cx));
    frame.show(ui, |ui| {
        contained(ui, |ui| {
            let wide = ScrollArea::horizontal().auto_shrink(false);
            wide.show(ui, |ui| table_ui(ui, theme, routes));
        });
    });
}

/// Where routes are made.
fn foot_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(paths) = cx.state.paths.clone()
                && ghost_button(ui, cx.theme, "Open the settings file").clicked()
            {
                let failed = open_path(&paths.settings).err();
                cx.actions.extend(failed.map(Action::Tell));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = "Routes stand in the settings file, under [gateway.route.NAME]. Without one, a model is asked for as ENDPOINT/MODEL";
                ui.add(Label::new(caption(cx.theme, text)).truncate());
            });
        });
    });
}

fn table_ui(ui: &mut Ui, theme: &Theme, routes: &[RouteStatus]) {
    ui.spacing_mut().item_spacing.x = space::S;
    ui.visuals_mut().widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
    let mut table = TableBuilder::new(ui)
        .id_salt("gateway.routes")
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::right_to_left(Align::Center))
        .column(Width::remainder().at_least(NAME).clip(true))
        .column(Width::exact(STATE).clip(true));
    for (_, _, width) in FIGURES {
        table = table.column(Width::exact(width).clip(true));
    }
    let body = table.header(26.0, |mut head| {
        let names = [
            ("Route and its targets", ""),
            ("State", "Whether a target can be asked now"),
        ];
        for (name, meaning) in names {
            head.col(|ui| {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    head_ui(ui, theme, name, meaning);
                });
            });
        }
        for (name, meaning, _) in FIGURES {
            head.col(|ui| head_ui(ui, theme, name, meaning));
        }
    });
    body.body(|mut body| {
        for route in routes {
            body.row(space::ROW + space::XS, |mut row| {
                route_ui(&mut row, theme, route);
            });
            for target in &route.targets {
                body.row(space::ROW - space::XS, |mut row| {
                    target_ui(&mut row, theme, target);
                });
            }
        }
    });
}

fn head_ui(ui: &mut Ui, theme: &Theme, name: &str, meaning: &str) {
    let text = RichText::new(name).size(size::SMALL).color(theme.text_dim);
    let response = ui.add(Label::new(text).selectable(false));
    if !meaning.is_empty() {
        response.on_hover_text(meaning);
    }
}

fn route_ui(row: &mut TableRow<'_, '_>, theme: &Theme, route: &RouteStatus) {
    row.col(|ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(strong(visible_line(&route.name))).truncate());
        });
    });
    row.col(|ui| {
        let (word, meaning) = match route.strategy {
            Some(strategy) => (strategy.as_str(), "In which order its targets are asked"),
            None => ("no route", "It was asked for by its target’s own name"),
        };
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let word = Label::new(caption(theme, word)).selectable(false);
            ui.add(word).on_hover_text(meaning);
        });
    });
    for _ in 0..3 {
        row.col(|_| {});
    }
    let counts = &route.counts;
    for (number, color) in [
        (counts.requests, theme.text),
        (
            counts.failed,
            if counts.failed > 0 {
                theme.bad
            } else {
                theme.text
            },
        ),
        (counts.retries, theme.text),
    ] {
        row.col(|ui| drop(number_ui(ui, &count(number), color)));
    }
    row.col(|ui| {
        let (won, lost) = (count(counts.hedges_won), count(counts.hedges_lost()));
        let hover = format!("{won} won, {lost} lost");
        number_ui(ui, &won_and_lost(counts), theme.text).on_hover_text(hover);
    });
    row.col(|ui| {
        if counts.priced > 0 {
            let text = figure_text(counts.cost_usd, "USD");
            let (priced, all) = (count(counts.priced), count(counts.requests));
            let hover = format!("Of {priced} of {all} requests: the cost of others is not known");
            number_ui(ui, &text, theme.text).on_hover_text(hover);
        }
    });
}

/// Hedges that won and lost; blank if there were none.
fn won_and_lost(counts: &RouteCounts) -> String {
    if counts.hedges == 0 {
        return String::new();
    }
    let (won, lost) = (counts.hedges_won, counts.hedges_lost());
    format!("{} / {}", count(won), count(lost))
}

fn target_ui(row: &mut TableRow<'_, '_>, theme: &Theme, target: &TargetStatus) {
    row.col(|ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add_space(space::L);
            let name = target.target.to_string();
            let text = RichText::new(visible_line(&name)).color(theme.text_dim);
            ui.add(Label::new(text).truncate());
        });
    });
    let (icon, word, color, meaning) = state_of(theme, target);
    row.col(|ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let text = RichText::new(format!("{icon} {word}")).color(color);
            ui.add(Label::new(text).selectable(false).truncate())
                .on_hover_text(meaning);
        });
    });
    let ttfts = &target.ttfts;
    for ttft in [ttfts.median, ttfts.p95] {
        let text = ttft.map(ttft_text).unwrap_or_default();
        row.col(|ui| drop(number_ui(ui, &text, theme.text)));
    }
    row.col(|ui| drop(number_ui(ui, &count(ttfts.count as u64), theme.text_dim)));
    for _ in 3..FIGURES.len() {
        row.col(|_| {});
    }
}

fn ttft_text(ttft: Duration) -> String {
    ms_text(ttft.as_secs_f64() * 1e3)
}

/// A target's state as an icon, a word, a colour and what it means.
fn state_of(theme: &Theme, target: &TargetStatus) -> (&'static str, String, Color32, &'static str) {
    if !target.is_there {
        let meaning = "The settings have no such endpoint";
        return (icons::WARN, "no endpoint".to_owned(), theme.bad, meaning);
    }
    match target.state {
        TargetState::Ready => {
            let meaning = "It can be asked";
            (icons::OK, "ready".to_owned(), theme.good, meaning)
        }
        TargetState::Trial => {
            let meaning =
                "It failed five times in a row, its pause is over: the next request tries it";
            (icons::HELP, "on trial".to_owned(), theme.warn, meaning)
        }
        TargetState::Paused(_) => {
            let until = target.paused_until_unix_ns.map(time_of_day);
            let word = format!("paused to {}", until.unwrap_or_default());
            let meaning = "It failed five times in a row, or named this time itself (a rate limit): until then it is asked last";
            (icons::CLOCK, word, theme.warn, meaning)
        }
    }
}

fn number_ui(ui: &mut Ui, text: &str, color: Color32) -> Response {
    ui.add(Label::new(RichText::new(text).color(color)).selectable(false))
}
