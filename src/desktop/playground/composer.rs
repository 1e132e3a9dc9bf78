//! The composer: its text goes to every pane, or to those that are chosen.
//!
//! In: the draft, the panes. Out: which panes it goes to, and the intent to send it, or to ask the last question again
//! if it is empty.

use std::collections::BTreeSet;

use egui::{
    Color32, CornerRadius, Frame, Id, Margin, RichText, ScrollArea, Stroke, TextEdit, Ui, vec2,
};

use super::{
    attachments::{self, Attachments},
    intent::{Intent, RunIntent},
};
use crate::{
    conversation::{Draft, Pane},
    desktop::{
        icons,
        theme::{RADIUS_L, Theme, caption, size},
        widgets::{icon_button, key_hint, primary_button},
    },
};

/// How many lines the composer grows to before it scrolls.
const MAX_LINES: f32 = 8.0;

/// The composer, with what it needs of the playground.
pub struct Composer<'a> {
    /// Colours.
    pub theme: &'a Theme,
    /// All panes.
    pub panes: &'a [Pane],
    /// Their names, in the same order.
    pub names: &'a [String],
    /// The panes it does not send to.
    pub left_out: &'a mut BTreeSet<u32>,
    /// Whether the draft is empty, so that the last question is asked again.
    pub again: bool,
    /// Why nothing can be sent now, if so.
    pub held: Option<String>,
    /// Whether something is to be sent as soon as it is known that it can be.
    pub waits: bool,
    /// Whether something is running.
    pub live: bool,
    /// Files that are being attached.
    pub attachments: &'a mut Attachments,
    /// Receives what the user wants done.
    pub intents: &'a mut Vec<Intent>,
}

/// The id of the composer's text field.
pub fn text_id() -> Id {
    Id::unique("playground composer")
}

impl Composer<'_> {
    /// Shows it. Returns whether the draft changed.
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
                if let Some(index) = attachments::row_ui(ui, theme, &draft.images, true) {
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
        let mut hint = self.hint();
        if self.again {
            hint.push_str(", or leave it empty to ask the last question again");
        }
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
            self.attachments.form_ui(ui.ctx(), theme);
            self.attachments.address_ui(ui, theme);
            self.recipients_ui(ui);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.send_ui(ui);
                let keys = egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::Enter);
                if self.waits {
                    ui.label(caption(theme, "Checking the parameters…"));
                } else if ui.available_width() > 110.0 {
                    key_hint(ui, theme, &ui.ctx().format_shortcut(&keys));
                }
            });
        });
    }

    /// Which panes it asks, in words.
    fn hint(&self) -> String {
        let all = self.panes.len();
        let asked: Vec<usize> = (self.panes.iter().enumerate())
            .filter(|(_, pane)| !self.left_out.contains(&pane.id))
            .map(|(at, _)| at + 1)
            .collect();
        match asked[..] {
            _ if all < 2 => "Ask".to_owned(),
            [one] => format!("Ask only pane {one}"),
            _ if asked.len() == all => format!("Ask {}", all_panes(all).to_lowercase()),
            _ => format!("Ask {} of {all} panes", asked.len()),
        }
    }

    /// Shows a chip for each pane, which is on if the composer sends to it.
    fn recipients_ui(&mut self, ui: &mut Ui) {
        let count = self.panes.len();
        if count < 2 {
            return;
        }
        // The rest of the line, without the buttons at its right.
        let room = ui.available_width() - if self.live { 270.0 } else { 180.0 };
        #[expect(clippy::cast_precision_loss, reason = "eight at most")]
        let named = room / count as f32 > 74.0;
        ui.spacing_mut().item_spacing.x = 4.0;
        for (index, pane) in self.panes.iter().enumerate() {
            let name = self.names.get(index).map_or("", String::as_str);
            let on = !self.left_out.contains(&pane.id);
            let number = index + 1;
            let text = if named {
                format!("{number} {}", shortened(name))
            } else {
                number.to_string()
            };
            let response = chip_ui(ui, self.theme, &text, on);
            response.widget_info(|| {
                let name = format!("Ask pane {number}: {name}");
                egui::WidgetInfo::selected(egui::Role::CheckBox, true, on, name)
            });
            if response.double_clicked() {
                let others = self.panes.iter().map(|p| p.id).filter(|id| *id != pane.id);
                *self.left_out = others.collect();
            } else if response.clicked() {
                choose(self.left_out, self.panes, pane.id);
            }
            let what = if on { "is asked" } else { "is not asked" };
            response.on_hover_text(format!(
                "{name} {what}: click to change that, double-click to ask only this pane"
            ));
        }
        if !self.left_out.is_empty() && chip_ui(ui, self.theme, "all", false).clicked() {
            self.left_out.clear();
        }
    }

    fn send_ui(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        let held = self.held.clone();
        let enabled = held.is_none();
        let response = ui
            .add_enabled_ui(enabled, |ui| {
                let (icon, word) = if self.again {
                    (icons::RETRY, "Ask again")
                } else {
                    (icons::ARROW_UP, "Send")
                };
                primary_button(ui, theme, &format!("{icon} {word}"))
            })
            .inner;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, "Send"));
        let response = match held {
            Some(why) => response.on_disabled_hover_text(why),
            None => response,
        };
        if response.clicked() {
            self.intents.push(Intent::Run(RunIntent::Send));
        }
        if self.live {
            let text = RichText::new(format!("{} Stop", icons::STOP)).color(theme.bad);
            let button = egui::Button::new(text).stroke(Stroke::new(1.0, theme.line_strong));
            let response = ui.add(button.min_size(vec2(76.0, 26.0)));
            response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Stop all"));
            if response.on_hover_text("Stop all answers (Esc)").clicked() {
                self.intents.push(Intent::Run(RunIntent::StopAll));
            }
        }
    }
}

/// Switches whether a pane is asked. The last asked pane stays on.
fn choose(left_out: &mut BTreeSet<u32>, panes: &[Pane], id: u32) {
    if left_out.remove(&id) {
        return;
    }
    let others = panes.iter().filter(|p| p.id != id);
    if others.clone().any(|pane| !left_out.contains(&pane.id)) {
        left_out.insert(id);
    }
}

/// A small toggle button.
fn chip_ui(ui: &mut Ui, theme: &Theme, text: &str, on: bool) -> egui::Response {
    let (ink, fill, line) = if on {
        (theme.text, theme.wash(theme.accent), theme.accent)
    } else {
        (theme.text_dim, Color32::TRANSPARENT, theme.line_strong)
    };
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(7.0, 2.0);
        let text = RichText::new(text).size(size::SMALL).color(ink);
        let button = egui::Button::new(text).fill(fill);
        ui.add(
            button
                .stroke(Stroke::new(1.0, line))
                .min_size(vec2(22.0, 22.0)),
        )
    })
    .inner
}

/// A name, shortened to fit into a chip.
fn shortened(name: &str) -> String {
    const LETTERS: usize = 16;
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    // Similar names differ at their ends, so both ends are kept.
    let letters: Vec<char> = name.chars().collect();
    let head: String = letters[..LETTERS / 2].iter().collect();
    let tail: String = letters[letters.len() - LETTERS / 2 + 1..].iter().collect();
    format!("{head}…{tail}")
}

/// "Both panes" or "All N panes".
pub(super) fn all_panes(count: usize) -> String {
    match count {
        2 => "Both panes".to_owned(),
        count => format!("All {count} panes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_the_panes_can_be_asked_but_not_none() {
        let panes: Vec<Pane> = (1..=3)
            .map(|id| Pane {
                id,
                ..Pane::default()
            })
            .collect();
        let mut left_out = BTreeSet::new();
        for (clicked, expected) in [
            (2, &[2][..]),
            (1, &[1, 2]),
            (3, &[1, 2]),
            (2, &[1]),
            (1, &[]),
        ] {
            choose(&mut left_out, &panes, clicked);
            assert_eq!(left_out.iter().copied().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shortened("gpt-4o #2"), "gpt-4o #2");
        assert_eq!(shortened("gemini-3-flash-preview #2"), "gemini-3…view #2");
    }
}
