//! The inspector's head: which run it is, how it ended, and the way to its neighbours.

use egui::{Align, Label, Layout, Popup, RichText, Ui};

use super::{
    InspectorClick,
    replay::FileReplay,
    replay_ui::{badge_text, meaning},
};
use crate::{
    capture::CaptureFormat,
    desktop::{
        icons,
        theme::{Theme, caption, heading, space},
        widgets::{
            Outcome, badge, badge_with_icon, connection_icon, danger_icon, date_time, icon_button,
            icon_toggle, menu_gap, menu_item, simulated_badge,
        },
    },
    endpoint::local_gateway,
    engine::SavedAs,
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

/// Shows the head of a run, with the file that it is from, if it is from one.
pub fn show(
    ui: &mut Ui,
    theme: &Theme,
    run: &Run,
    file: Option<&FileReplay>,
    neighbours: Neighbours,
    is_wide: &mut bool,
) -> Option<InspectorClick> {
    let mut clicked = None;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            clicked = buttons_ui(ui, theme, (run, file), neighbours, is_wide);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(heading(local_gateway::shown(&run.head.target))).truncate());
            });
        });
    });
    ui.horizontal_wrapped(|ui| {
        if let Some(file) = file {
            badge_with_icon(ui, theme, icons::FILE, badge_text(file), theme.accent)
                .on_hover_text(meaning(file));
        }
        badges_ui(ui, theme, run);
    });
    ui.add_space(space::XS);
    clicked
}

fn buttons_ui(
    ui: &mut Ui,
    theme: &Theme,
    (run, file): (&Run, Option<&FileReplay>),
    neighbours: Neighbours,
    is_wide: &mut bool,
) -> Option<InspectorClick> {
    let is_stored = run.state.is_over() && file.is_none();
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
    if is_stored || file.is_some() {
        let button = icon_button(ui, theme, icons::SAVE, "Save as…");
        Popup::menu(&button).show(|ui| clicked = save_menu_ui(ui, file.is_none()).or(clicked));
    }
    if is_stored && danger_icon(ui, theme, icons::DELETE, "Delete the run…").clicked() {
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

/// What of the wire is saved or copied.
fn save_menu_ui(ui: &mut Ui, has_request: bool) -> Option<InspectorClick> {
    let items = [
        ("HAR 1.2…", SavedAs::Whole(CaptureFormat::Har)),
        (".tscap…", SavedAs::Whole(CaptureFormat::Tscap)),
        ("Response body…", SavedAs::Body),
    ];
    let mut clicked = None;
    for (label, what) in items {
        if menu_item(ui, icons::SAVE, label) {
            clicked = Some(InspectorClick::Save(what));
        }
    }
    if has_request {
        menu_gap(ui);
        if menu_item(ui, icons::COPY, "Copy as cURL") {
            clicked = Some(InspectorClick::CopyCurl);
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
