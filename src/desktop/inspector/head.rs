//! The inspector's head: which run it is, how it ended, and the way to its neighbours.

use egui::{Align, Label, Layout, RichText, Ui};

use super::InspectorClick;
use crate::{
    desktop::{
        icons,
        theme::{Theme, caption, heading, space},
        widgets::{
            Outcome, badge, badge_with_icon, connection_icon, danger_icon, date_time, icon_button,
            icon_toggle, simulated_badge,
        },
    },
    endpoint::local_gateway,
    run::{Origin, Run},
};

const CLOSE: &str = "Close the inspector";

/// Whether there are rows above and below that of the shown run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// A row above.
    pub previous: bool,
    /// A row below.
    pub next: bool,
}

/// Shows that a run is awaited, or that there is none.
pub fn absent_ui(ui: &mut Ui, theme: &Theme, missing: bool) -> Option<InspectorClick> {
    let mut clicked = None;
    ui.horizontal(|ui| {
        let text = if missing {
            "This run is not in the history"
        } else {
            "Loading the run…"
        };
        ui.label(RichText::new(text).color(theme.text_dim));
        let close = icon_button(ui, theme, icons::CLOSE, CLOSE).clicked();
        clicked = close.then_some(InspectorClick::Close);
    });
    clicked
}

/// Shows the head of a run.
pub fn show(
    ui: &mut Ui,
    theme: &Theme,
    run: &Run,
    neighbours: Neighbours,
    is_wide: &mut bool,
) -> Option<InspectorClick> {
    let mut clicked = None;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            clicked = buttons_ui(ui, theme, run.state.is_over(), neighbours, is_wide);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(heading(local_gateway::shown(&run.head.target))).truncate());
            });
        });
    });
    ui.horizontal_wrapped(|ui| badges_ui(ui, theme, run));
    ui.add_space(space::XS);
    clicked
}

fn buttons_ui(
    ui: &mut Ui,
    theme: &Theme,
    is_over: bool,
    neighbours: Neighbours,
    is_wide: &mut bool,
) -> Option<InspectorClick> {
    ui.spacing_mut().item_spacing.x = 2.0;
    let mut clicked = None;
    if icon_button(ui, theme, icons::CLOSE, CLOSE).clicked() {
        clicked = Some(InspectorClick::Close);
    }
    let (icon, name) = if *is_wide {
        (icons::MINIMIZE, "Show the table, too")
    } else {
        (icons::MAXIMIZE, "Show the inspector alone")
    };
    if icon_toggle(ui, theme, icon, name, *is_wide).clicked() {
        *is_wide = !*is_wide;
    }
    if icon_button(ui, theme, icons::COPY, "Copy the run as JSON").clicked() {
        clicked = Some(InspectorClick::CopyJson);
    }
    if is_over && danger_icon(ui, theme, icons::DELETE, "Delete the run…").clicked() {
        clicked = Some(InspectorClick::Delete);
    }
    // From right to left.
    let ways = [
        (
            neighbours.next,
            icons::CHEVRON_DOWN,
            "Next run",
            InspectorClick::Next,
        ),
        (
            neighbours.previous,
            icons::CHEVRON_UP,
            "Previous run",
            InspectorClick::Previous,
        ),
    ];
    for (is_there, icon, name, click) in ways {
        let button = ui.add_enabled_ui(is_there, |ui| icon_button(ui, theme, icon, name));
        if button.inner.clicked() {
            clicked = Some(click);
        }
    }
    clicked
}

fn badges_ui(ui: &mut Ui, theme: &Theme, run: &Run) {
    let fault = run.answer.fault.as_ref();
    let outcome = Outcome::of(run.state, fault.map(|fault| fault.class));
    let word = outcome.word.replace('_', " ");
    badge_with_icon(ui, theme, outcome.icon, &word, outcome.color(theme));
    if let Some(connection) = run.connection {
        let icon = connection_icon(connection);
        badge_with_icon(ui, theme, icon, connection.as_str(), theme.text_dim);
    }
    if run.head.simulated {
        simulated_badge(ui, theme);
    }
    if run.head.origin == Origin::Gateway {
        badge(ui, theme, "gateway", theme.text_dim)
            .on_hover_text("A client of the gateway asked for it");
    }
    if !run.head.route.is_empty() {
        badge(ui, theme, &run.head.route, theme.text_dim).on_hover_text("The endpoint’s route");
    }
    ui.label(caption(theme, date_time(run.stamps.started_unix_ns)));
}
