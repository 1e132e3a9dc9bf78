//! The one composer: what is written here goes to every pane, or to one alone.

use egui::{
    Color32, CornerRadius, Frame, Id, Margin, RichText, ScrollArea, Stroke, TextEdit, Ui, vec2,
};

use super::{attachments::Attachments, intent::Intent};
use crate::{
    conversation::{Draft, Pane},
    desktop::{
        icons,
        theme::{RADIUS_L, Theme, size},
        widgets::{choice_box, icon_button, key_hint, primary_button},
    },
};

/// Lines that the composer grows to before it scrolls.
const MAX_LINES: f32 = 8.0;

/// What the composer needs to know of the rest.
pub struct Composer<'a> {
    /// Colours.
    pub theme: &'a Theme,
    /// The panes it may write to.
    pub panes: &'a [Pane],
    /// The one pane it writes to, if not to all.
    pub only: &'a mut Option<u32>,
    /// Why nothing can be sent now.
    pub held: Option<String>,
    /// Whether something is running.
    pub live: bool,
    /// Images on their way.
    pub attachments: &'a mut Attachments,
    /// What is wished for.
    pub intents: &'a mut Vec<Intent>,
}

/// The composer's text field.
pub fn text_id() -> Id {
    Id::unique("playground composer")
}

impl Composer<'_> {
    /// Shows it. Gives whether the draft changed.
    pub fn ui(mut self, ui: &mut Ui, draft: &mut Draft) -> bool {
        let theme = self.theme;
        let focused = ui.memory(|memory| memory.has_focus(text_id()));
        let border = if focused {
            theme.accent
        } else {
            theme.line_strong
        };
        let mut changed = false;
        Frame::new()
            .fill(if theme.dark {
                theme.raised
            } else {
                theme.background
            })
            .stroke(Stroke::new(1.0, border))
            .corner_radius(CornerRadius::same(RADIUS_L))
            .inner_margin(Margin::symmetric(10, 8))
            .show(ui, |ui| {
                if let Some(index) = self.attachments.row_ui(ui, theme, &draft.images, true) {
                    draft.images.remove(index);
                    changed = true;
                }
                changed |= self.text_ui(ui, draft);
                ui.add_space(2.0);
                self.bar_ui(ui);
            });
        changed
    }

    fn text_ui(&self, ui: &mut Ui, draft: &mut Draft) -> bool {
        let theme = self.theme;
        let line = (size::BODY * 1.5).round();
        let hint = match *self.only {
            None if self.panes.len() > 1 => {
                format!("Ask {}", all_panes(self.panes.len()).to_lowercase())
            }
            _ => "Ask".to_owned(),
        };
        let scroll = ScrollArea::vertical()
            .max_height(line * MAX_LINES)
            .min_scrolled_height(line * MAX_LINES)
            .id_salt("composer");
        scroll
            .show(ui, |ui| {
                let edit = TextEdit::multiline(&mut draft.text)
                    .id(text_id())
                    .frame(Frame::NONE)
                    .background_color(Color32::TRANSPARENT)
                    .hint_text(RichText::new(hint).color(theme.text_dim))
                    .desired_rows(2)
                    .desired_width(f32::INFINITY)
                    .margin(Margin::symmetric(2, 2));
                ui.add(edit).accessible_name("Prompt").changed()
            })
            .inner
    }

    fn bar_ui(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        ui.horizontal(|ui| {
            if icon_button(ui, theme, icons::ATTACH, "Attach files…").clicked() {
                self.attachments.pick(ui.ctx());
            }
            self.attachments.address_ui(ui, theme);
            self.recipients_ui(ui);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.send_ui(ui);
                let keys = egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::Enter);
                if ui.available_width() > 110.0 {
                    key_hint(ui, theme, &ui.ctx().format_shortcut(&keys));
                }
            });
        });
    }

    /// Whom it writes to.
    fn recipients_ui(&mut self, ui: &mut Ui) {
        if self.panes.len() < 2 {
            return;
        }
        let all = all_panes(self.panes.len());
        let label = |index: usize, pane: &Pane| {
            let model = pane
                .target
                .as_ref()
                .map_or("no model", |t| t.model.as_str());
            format!("Pane {}: {model}", index + 1)
        };
        let found = self
            .only
            .and_then(|id| self.panes.iter().position(|p| p.id == id));
        let shown = found.and_then(|at| Some(label(at, self.panes.get(at)?)));
        let text = shown.unwrap_or_else(|| all.clone());
        let combo = choice_box("to")
            .selected_text(RichText::new(text).size(size::SMALL))
            .width(150.0)
            .truncate();
        let response = combo.show_ui(ui, |ui| {
            ui.selectable_value(self.only, None, all);
            for (index, pane) in self.panes.iter().enumerate() {
                ui.selectable_value(self.only, Some(pane.id), label(index, pane));
            }
        });
        response
            .response
            .accessible_name("Send to")
            .on_hover_text("Send to all panes, or to one alone");
    }

    fn send_ui(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        let held = self.held.clone();
        let enabled = held.is_none();
        let response = ui
            .add_enabled_ui(enabled, |ui| {
                primary_button(ui, theme, &format!("{} Send", icons::ARROW_UP))
            })
            .inner;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, "Send"));
        let response = match held {
            Some(why) => response.on_disabled_hover_text(why),
            None => response,
        };
        if response.clicked() {
            self.intents.push(Intent::Send);
        }
        if self.live {
            let text = RichText::new(format!("{} Stop", icons::STOP)).color(theme.bad);
            let button = egui::Button::new(text).stroke(Stroke::new(1.0, theme.line_strong));
            let response = ui.add(button.min_size(vec2(76.0, 26.0)));
            response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Stop all"));
            if response.on_hover_text("Stop all answers (Esc)").clicked() {
                self.intents.push(Intent::StopAll);
            }
        }
    }
}

/// All of so many panes, in words.
pub(super) fn all_panes(count: usize) -> String {
    match count {
        2 => "Both panes".to_owned(),
        count => format!("All {count} panes"),
    }
}
