//! The bar above the panes: the conversation's title, what it cost, and buttons.

use egui::{Frame, Margin, Panel, Popup, TextEdit, Ui, vec2};

use super::{
    Playground,
    export::ExportOf,
    intent::{Change, ConversationIntent, Intent},
    spent::Spent,
};
use crate::{
    conversation::{ConversationId, MAX_PANES},
    desktop::{
        icons,
        theme::{Theme, caption},
        view::Cx,
        widgets::{ghost_button, icon_button, icon_toggle, menu_item},
    },
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
                let buttons = if also_open { 490.0 } else { 310.0 };
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
        let more = icon_button(ui, theme, icons::MORE, "More for this conversation");
        let id = self.conversation.id;
        Popup::menu(&more).show(|ui| menu_ui(ui, id, intents));
        if icon_button(ui, theme, icons::EDIT_BOX, "New conversation").clicked() {
            intents.push(Intent::Conversation(ConversationIntent::New));
        }
        let open = self.strip.open;
        if icon_toggle(ui, theme, icons::SPEED, "Compare the last answers", open).clicked() {
            self.strip.open = !open;
        }
        let room = self.conversation.panes.len() < MAX_PANES;
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

/// What goes to a file and comes from one.
fn menu_ui(ui: &mut Ui, id: ConversationId, intents: &mut Vec<Intent>) {
    let items = [
        (
            icons::EXPORT,
            "Export this conversation…",
            ConversationIntent::Export(ExportOf::One(id)),
        ),
        (
            icons::SAVE,
            "Save the last answers as HTML…",
            ConversationIntent::Export(ExportOf::LastTurn(id)),
        ),
        (
            icons::EXPORT,
            "Export all conversations…",
            ConversationIntent::Export(ExportOf::All),
        ),
        (
            icons::FOLDER,
            "Import conversations…",
            ConversationIntent::Import,
        ),
    ];
    for (icon, label, intent) in items {
        if menu_item(ui, icon, label) {
            intents.push(Intent::Conversation(intent));
        }
    }
}
