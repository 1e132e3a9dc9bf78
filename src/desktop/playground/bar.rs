//! The bar above the panes: the conversation's title, what it cost, and buttons.

use egui::{Frame, Margin, Panel, TextEdit, Ui, vec2};

use super::{
    Playground, edits,
    intent::{Change, ConversationIntent, Intent},
    spent::Spent,
};
use crate::desktop::{
    icons,
    theme::{Theme, caption},
    view::Cx,
    widgets::{ghost_button, icon_button, icon_toggle},
};

impl Playground {
    pub(super) fn bar_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, intents: &mut Vec<Intent>) {
        let theme = cx.theme;
        let spent = Spent::of(&self.conversation.panes, cx.state, &mut self.sheets);
        let frame = Frame::new()
            .fill(theme.surface)
            .inner_margin(Margin::symmetric(8, 6));
        Panel::top("bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let open = self.sessions.open;
                if icon_toggle(ui, theme, icons::LIST, "Conversations", open).clicked() {
                    self.sessions.open = !open;
                }
                let cost = spent.text();
                let also_open = cx.state.elsewhere.also_open;
                let buttons = if also_open { 460.0 } else { 280.0 };
                let buttons = buttons + if cost.is_some() { 150.0 } else { 0.0 };
                let width = ui.available_width() - buttons;
                self.title_ui(ui, theme, width);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    self.buttons_ui(ui, theme, intents);
                    if let Some(cost) = &cost {
                        ui.label(caption(theme, format!("Cost {cost}")))
                            .on_hover_text(spent.explanation());
                    }
                    if also_open {
                        ui.label(caption(theme, "Also open in another window"))
                            .on_hover_text(
                                "Prompts sent there appear here, and prompts sent here appear there",
                            );
                    }
                });
            });
        });
    }

    fn title_ui(&mut self, ui: &mut Ui, theme: &Theme, width: f32) {
        let hint = egui::RichText::new("Untitled").color(theme.text_dim);
        let edit = TextEdit::singleline(&mut self.conversation.title)
            .frame(Frame::NONE)
            .background_color(egui::Color32::TRANSPARENT)
            .hint_text(hint)
            .margin(Margin::symmetric(4, 4))
            .min_size(vec2(0.0, 26.0))
            .align(egui::Align2::LEFT_CENTER)
            .desired_width(width.max(80.0));
        let response = ui.add(edit).accessible_name("Title of the conversation");
        self.changed |= response.changed();
    }

    /// Shows the buttons, from the right on.
    fn buttons_ui(&mut self, ui: &mut Ui, theme: &Theme, intents: &mut Vec<Intent>) {
        if icon_button(ui, theme, icons::EDIT_BOX, "New conversation").clicked() {
            intents.push(Intent::Conversation(ConversationIntent::New));
        }
        let open = self.strip.open;
        if icon_toggle(ui, theme, icons::SPEED, "Compare the last answers", open).clicked() {
            self.strip.open = !open;
        }
        let room = self.conversation.panes.len() < edits::MAX_PANES;
        let add = format!("{} Add pane", icons::ADD);
        let response = ui
            .add_enabled_ui(room, |ui| ghost_button(ui, theme, &add))
            .inner;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, room, "Add pane"));
        if response
            .on_disabled_hover_text("At most eight panes")
            .clicked()
        {
            intents.push(Intent::Change(Change::AddPane));
        }
        if let Some(what) = self.undo.last()
            && icon_button(ui, theme, icons::RESET, &format!("Undo: {what}")).clicked()
        {
            intents.push(Intent::Change(Change::Undo));
        }
    }
}
