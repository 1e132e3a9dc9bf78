//! What the views of comparisons and of benches have in common: two panels at the side, one with the form of a new one and
//! one with those of the history; and the question before requests go to other machines.

use egui::{
    Align, Button, Context, Frame, Label, Layout, Margin, Panel, RichText, Role, ScrollArea, Ui,
    WidgetInfo,
};
use serde::{Deserialize, Serialize};

use super::{
    icons,
    theme::{Theme, caption, heading, space, title},
    widgets::{card, contained, dialog, empty, fold_ui, primary_button},
};

/// What stands in an empty field for a limit.
pub const NO_LIMIT: &str = "no limit";

/// The panels at the side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SidePanel {
    /// The form of a new one.
    SetUp,
    /// Those of the history.
    Saved,
}

/// The heading of a view.
#[derive(Clone, Copy, Debug)]
pub struct ViewHead {
    /// Tells its parts from those of other views.
    pub id: &'static str,
    pub title: &'static str,
    /// What the view is for, in a sentence.
    pub meaning: &'static str,
    /// The names of the panels.
    pub set_up: &'static str,
    pub saved: &'static str,
}

impl ViewHead {
    /// Shows it with the buttons of the panels, and with `acts` at its right.
    pub fn ui(self, ui: &mut Ui, side: &mut Option<SidePanel>, acts: impl FnOnce(&mut Ui)) {
        let frame = Frame::new().inner_margin(Margin::symmetric(16, 10));
        let panel = Panel::top((self.id, "head")).frame(frame);
        panel.show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(title(self.title)).on_hover_text(self.meaning);
                ui.add_space(space::S);
                for (panel, icon, word, name) in [
                    (SidePanel::SetUp, icons::PARAMS, "Set up", self.set_up),
                    (SidePanel::Saved, icons::HISTORY, "Saved", self.saved),
                ] {
                    let is_open = *side == Some(panel);
                    let button = Button::selectable(is_open, format!("{icon} {word}"));
                    let response = ui.add(button);
                    response
                        .widget_info(|| WidgetInfo::selected(Role::Button, true, is_open, name));
                    if response.on_hover_text(name).clicked() {
                        *side = (!is_open).then_some(panel);
                    }
                }
                ui.with_layout(Layout::right_to_left(Align::Center), acts);
            });
        });
    }
}

/// What is shown where nothing is.
#[derive(Clone, Copy, Debug)]
pub struct Nothing {
    pub icon: &'static str,
    pub heading: &'static str,
    pub text: &'static str,
}

impl Nothing {
    /// Shows it, with buttons for the panels that are not open.
    pub fn ui(self, ui: &mut Ui, theme: &Theme, head: ViewHead, side: &mut Option<SidePanel>) {
        empty(ui, theme, self.icon, self.heading, self.text, |ui| {
            if *side != Some(SidePanel::SetUp) && primary_button(ui, theme, head.set_up).clicked() {
                *side = Some(SidePanel::SetUp);
            }
            if *side != Some(SidePanel::Saved) {
                ui.add_space(space::S);
                if ui.button("Open a saved one").clicked() {
                    *side = Some(SidePanel::Saved);
                }
            }
        });
    }
}

/// Shows a panel at the side.
pub fn side_ui<R>(ui: &mut Ui, theme: &Theme, id: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    let frame = Frame::new()
        .fill(theme.surface)
        .inner_margin(Margin::symmetric(12, 10));
    let panel = Panel::left((id, "side"))
        .default_size(276.0)
        .size_range(250.0..=420.0)
        .frame(frame);
    panel.show(ui, |ui| contained(ui, content)).inner
}

/// Shows what is beside the panels.
pub fn content_ui(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let frame = Frame::new().inner_margin(Margin {
        left: 16,
        right: 12,
        top: 4,
        bottom: 8,
    });
    frame.show(ui, |ui| contained(ui, content));
}

/// The frame of a form.
#[derive(Debug)]
pub struct NewForm<'a> {
    /// Tells its parts from those of other views.
    pub id: &'static str,
    pub heading: &'a str,
    /// What it will send and cost, or what is missing.
    pub forecast: Vec<String>,
    /// Why it can't be started; `None` if it can.
    pub why_not: Option<&'a str>,
}

impl NewForm<'_> {
    /// Shows it around its fields; returns whether it is to be started.
    pub fn ui(self, ui: &mut Ui, theme: &Theme, fields: impl FnOnce(&mut Ui)) -> bool {
        let foot = Panel::bottom((self.id, "forecast")).frame(Frame::new());
        let started = foot.show(ui, |ui| {
            ui.set_max_width(ui.available_width() - space::S);
            ui.add_space(space::S);
            card(ui, theme, |ui| {
                ui.set_min_width(ui.available_width());
                for line in self.forecast {
                    ui.add(Label::new(RichText::new(line).color(theme.text)).wrap());
                }
            });
            ui.add_space(space::S);
            let is_ready = self.why_not.is_none();
            let start = ui.add_enabled_ui(is_ready, |ui| primary_button(ui, theme, "Start"));
            let why = self.why_not.unwrap_or_default();
            start.inner.on_disabled_hover_text(why).clicked()
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - space::S);
            ui.label(heading(self.heading));
            ui.add_space(space::S);
            fields(ui);
            ui.add_space(space::M);
        });
        started.inner
    }
}

/// Shows what is seldom changed, if it is unfolded.
pub fn more_ui(ui: &mut Ui, theme: &Theme, is_open: &mut bool, content: impl FnOnce(&mut Ui)) {
    ui.add_space(space::M);
    fold_ui(ui, theme, icons::PARAMS, "More settings", is_open);
    if *is_open {
        ui.add_space(space::XS);
        content(ui);
    }
}

/// A question before requests go to other machines.
#[derive(Debug)]
pub struct SendQuestion<'a> {
    pub heading: &'a str,
    /// What will be sent, and what it costs.
    pub lines: Vec<String>,
    /// What else is to be known.
    pub note: &'a str,
    /// The words on the buttons.
    pub yes: &'a str,
    pub no: &'a str,
}

impl SendQuestion<'_> {
    /// Asks it; `None` until it is answered.
    pub fn ui(&self, ctx: &Context, theme: &Theme) -> Option<bool> {
        let (answer, closed) = dialog(ctx, theme, "send-question", 400.0, |ui| {
            ui.label(heading(self.heading));
            for line in &self.lines {
                ui.add(Label::new(line).wrap());
            }
            ui.add_space(space::XS);
            ui.add(Label::new(caption(theme, self.note)).wrap());
            ui.add_space(space::M);
            let buttons = ui.horizontal(|ui| {
                let yes = primary_button(ui, theme, self.yes).clicked();
                (yes, ui.button(self.no).clicked())
            });
            match buttons.inner {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            }
        });
        answer.or(closed.then_some(false))
    }
}
