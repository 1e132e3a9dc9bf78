//! The list of conversations at the left: search, open, start and delete them.

use std::collections::HashSet;

use egui::{
    Button, Frame, Id, Label, Margin, Panel, Popup, RichText, Role, ScrollArea, Ui, WidgetInfo,
    vec2,
};

use super::{
    edits,
    export::ExportOf,
    intent::{ConversationIntent, Intent},
};
use crate::{
    conversation::{ConversationId, ConversationSummary},
    desktop::{
        icons,
        theme::{Theme, caption, size, space, tiny},
        view::Cx,
        widgets::{
            ago, danger_button, danger_item, ghost_button, icon_button, menu_gap, menu_item,
            search_box,
        },
    },
    engine::{Asked, Command, ConversationCommand, ask},
    visible::visible_line,
};

/// The list and its state.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Whether it is shown.
    pub open: bool,
    /// The conversations, latest first.
    all: Vec<ConversationSummary>,
    listing: Asked<Vec<ConversationSummary>>,
    search: String,
    /// The conversations whose texts hold what is searched for, and the question for them.
    holding: HashSet<ConversationId>,
    searching: Asked<Vec<ConversationId>>,
    /// Whether the search text has changed, so that the list scrolls to the first match.
    searched: bool,
    /// The conversation that the list last scrolled to.
    revealed: Option<ConversationId>,
    /// The conversation whose deletion waits for confirmation.
    deleting: Option<ConversationId>,
}

impl Sessions {
    /// Asks for the list of conversations.
    pub fn list(&mut self, commands: &mut Vec<Command>) {
        let (reply, listing) = ask();
        self.listing = listing;
        let command = ConversationCommand::List(reply);
        commands.push(Command::Conversation(command));
    }

    /// Takes the list, if it has arrived.
    pub fn take_in(&mut self) {
        if let Some(all) = self.listing.take() {
            self.all = all;
        }
        if let Some(found) = self.searching.take() {
            self.holding = found.into_iter().collect();
        }
    }

    /// What is searched for, without blanks around it.
    #[must_use]
    pub fn searched_for(&self) -> &str {
        self.search.trim()
    }

    /// Has the history search the texts of all conversations.
    fn search_texts(&mut self, commands: &mut Vec<Command>) {
        self.holding.clear();
        self.searching = Asked::default();
        if self.searched_for().is_empty() {
            return;
        }
        let (reply, searching) = ask();
        self.searching = searching;
        let text = self.searched_for().to_owned();
        let command = ConversationCommand::Search { text, reply };
        commands.push(Command::Conversation(command));
    }

    /// The latest conversation.
    pub fn latest(&self) -> Option<ConversationId> {
        self.all.first().map(|summary| summary.id)
    }

    /// Shows the list, if it is open.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        current: ConversationId,
        intents: &mut Vec<Intent>,
    ) {
        let theme = cx.theme;
        let frame = Frame::new()
            .fill(theme.surface)
            .inner_margin(Margin::symmetric(8, 8));
        let panel = Panel::left("conversations")
            .frame(frame)
            .default_size(220.0)
            .size_range(180.0..=360.0);
        let mut open = self.open;
        if !open {
            self.revealed = None;
        }
        panel.show_collapsible(ui, &mut open, |ui| {
            ui.horizontal(|ui| {
                ui.label(caption(theme, "Conversations"));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if icon_button(ui, theme, icons::EDIT_BOX, "New conversation").clicked() {
                        intents.push(Intent::Conversation(ConversationIntent::New));
                    }
                });
            });
            let width = ui.available_width();
            let search = search_box(
                ui,
                theme,
                Id::unique("search conversations"),
                "Search conversations",
                &mut self.search,
                width,
            );
            if search.changed() {
                self.searched = true;
                self.search_texts(cx.commands);
            }
            ui.add_space(space::XS);
            self.list_ui(ui, cx, current, intents);
        });
        self.open = open;
    }

    fn list_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        current: ConversationId,
        intents: &mut Vec<Intent>,
    ) {
        let wanted = self.search.to_lowercase();
        let holding = std::mem::take(&mut self.holding);
        let found = |summary: &&ConversationSummary| {
            summary.title.to_lowercase().contains(&wanted) || holding.contains(&summary.id)
        };
        let now = edits::now_unix_ns();
        let mut area = ScrollArea::vertical().auto_shrink(false);
        if std::mem::take(&mut self.searched) {
            area = area.vertical_scroll_offset(0.0);
        }
        area.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            let mut none = true;
            let all = std::mem::take(&mut self.all);
            for summary in all.iter().filter(found) {
                none = false;
                if self.deleting == Some(summary.id) {
                    self.confirm_ui(ui, cx.theme, summary, intents);
                } else {
                    self.row_ui(ui, cx.theme, summary, summary.id == current, now, intents);
                }
            }
            self.all = all;
            if none {
                let text = if wanted.is_empty() {
                    "Your conversations are stored here"
                } else if self.searching.is_waiting() {
                    "Searching…"
                } else {
                    "No conversation matches"
                };
                ui.label(caption(cx.theme, text));
            }
        });
        self.holding = holding;
    }

    fn row_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        summary: &ConversationSummary,
        current: bool,
        now: i64,
        intents: &mut Vec<Intent>,
    ) {
        let title = title_of(summary);
        let row = vec2(ui.available_width(), 40.0);
        let (rect, _) = ui.allocate_exact_size(row, egui::Sense::hover());
        let fill = if current {
            theme.hover
        } else {
            egui::Color32::TRANSPARENT
        };
        let open = ui.put(
            rect,
            Button::new("")
                .fill(fill)
                .frame_when_inactive(current)
                .min_size(row),
        );
        open.widget_info(|| {
            WidgetInfo::selected(Role::Button, true, current, format!("Open “{title}”"))
        });
        if current && self.search.is_empty() && self.revealed != Some(summary.id) {
            self.revealed = Some(summary.id);
            open.scroll_to_me(None);
        }
        if open.clicked() && !current {
            intents.push(Intent::Conversation(ConversationIntent::Open(summary.id)));
        }
        let inner = rect.shrink2(vec2(8.0, 3.0));
        ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
            ui.set_max_width(inner.width() - 26.0);
            ui.spacing_mut().item_spacing.y = 0.0;
            let label = |text: RichText| Label::new(text).selectable(false).truncate();
            ui.add(label(
                RichText::new(visible_line(title))
                    .size(size::BODY)
                    .color(theme.text),
            ));
            let panes = if summary.panes == 1 {
                "1 pane".to_owned()
            } else {
                format!("{} panes", summary.panes)
            };
            ui.add(label(tiny(
                theme,
                format!("{} · {panes}", ago(summary.updated_unix_ns, now)),
            )));
        });
        let corner =
            egui::Rect::from_min_size(rect.right_center() - vec2(30.0, 13.0), vec2(26.0, 26.0));
        let more = ui.scope_builder(egui::UiBuilder::new().max_rect(corner), |ui| {
            icon_button(ui, theme, icons::MORE, &format!("More for “{title}”"))
        });
        Popup::menu(&more.inner).show(|ui| {
            if menu_item(ui, icons::EXPORT, "Export…") {
                let of = ExportOf::One(summary.id);
                intents.push(Intent::Conversation(ConversationIntent::Export(of)));
            }
            menu_gap(ui);
            if danger_item(ui, icons::DELETE, "Delete…") {
                self.deleting = Some(summary.id);
            }
        });
    }

    fn confirm_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        summary: &ConversationSummary,
        intents: &mut Vec<Intent>,
    ) {
        ui.label(caption(
            theme,
            format!(
                "Delete “{}”? Its runs stay in the history",
                title_of(summary)
            ),
        ));
        ui.horizontal(|ui| {
            if danger_button(ui, theme, "Delete").clicked() {
                intents.push(Intent::Conversation(ConversationIntent::Delete(summary.id)));
                self.deleting = None;
            }
            if ghost_button(ui, theme, "Keep").clicked() {
                self.deleting = None;
            }
        });
        ui.add_space(space::XS);
    }
}

fn title_of(summary: &ConversationSummary) -> &str {
    if summary.title.is_empty() {
        "Untitled"
    } else {
        &summary.title
    }
}
