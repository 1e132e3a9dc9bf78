//! The picker of a target: the models of all endpoints, with a search field.

mod rows;

use std::collections::HashSet;

use egui::{
    Button, Key, Modifiers, Popup, PopupCloseBehavior, RichText, Role, ScrollArea, Ui, WidgetInfo,
    vec2,
};

use self::rows::{Group, PickerRow, groups};
use crate::{
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong, tiny},
        view::{Action, Cx},
        widgets::{icon_button, search_box, simulated_badge},
    },
    endpoint::{TargetId, local_gateway},
    engine::{Command, EndpointCommand},
    visible::{visible, visible_line},
};

/// Width of search field and list.
const LIST_WIDTH: f32 = 324.0;

/// What the list scrolls to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reveal {
    Nothing,
    /// The top, for the first match.
    Top,
    /// The chosen row, centred, for the current target.
    Middle,
    /// The chosen row, by the shortest way, after an arrow key.
    Near,
}

/// One picker.
#[derive(Debug, Default)]
pub struct Picker {
    search: String,
    chosen: usize,
    was_open: bool,
    /// For how many frames the list still scrolls to the chosen row.
    reveal: u8,
    asked: HashSet<String>,
}

impl Picker {
    /// Shows the button and, if open, the popup. `what` says which target it is. Returns the one that was picked.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        what: &str,
        target: Option<&TargetId>,
        width: f32,
    ) -> Option<TargetId> {
        let name = match target {
            Some(target) => {
                format!("{what}: {}", local_gateway::shown(target))
            }
            None => format!("{what}: not chosen"),
        };
        let button = Button::new(button_text(cx, target))
            .frame_when_inactive(target.is_none())
            .truncate();
        let layout = egui::Layout::left_to_right(egui::Align::Center)
            .with_main_justify(true)
            .with_main_align(egui::Align::Min);
        let response = ui
            .allocate_ui_with_layout(vec2(width, 26.0), layout, |ui| ui.add(button))
            .inner;
        response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, &name));
        let response = response.on_hover_text(match target {
            None => "Choose a model".to_owned(),
            Some(target) => visible_line(&local_gateway::shown(target)).into_owned(),
        });
        let popup_id = Popup::default_response_id(&response);
        let open = Popup::is_id_open(ui.ctx(), popup_id);
        if open && !self.was_open {
            self.search.clear();
            self.chosen = 0;
        }
        let just_opened = open && !self.was_open;
        self.was_open = open;
        let picked = Popup::from_toggle_button_response(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name("Choose a target")
            .width(340.0)
            .show(|ui| self.popup_ui(ui, cx, target, just_opened))
            .and_then(|shown| shown.inner);
        if picked.is_some() {
            Popup::close_id(ui.ctx(), popup_id);
        }
        picked
    }

    fn popup_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        target: Option<&TargetId>,
        just_opened: bool,
    ) -> Option<TargetId> {
        self.ask_for_lists(cx);
        let id = ui.scope_id().with("search");
        let (down, up, enter) = ui.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        let search = search_box(
            ui,
            cx.theme,
            id,
            "Search models, or type a name",
            &mut self.search,
            LIST_WIDTH,
        );
        if just_opened {
            search.request_focus();
        }
        let searched = search.changed();
        let groups = groups(cx.state, &self.search, target);
        let rows: Vec<&PickerRow> = groups.iter().flat_map(|g| &g.rows).collect();
        if just_opened || searched {
            let current = rows.iter().position(|row| target == Some(&row.target));
            self.chosen = current.filter(|_| just_opened).unwrap_or(0);
            // A popup needs some frames to find its size.
            self.reveal = 3;
        }
        let last = rows.len().saturating_sub(1);
        self.chosen = match (down, up) {
            (true, _) => (self.chosen + 1).min(last),
            (_, true) => self.chosen.saturating_sub(1),
            _ => self.chosen.min(last),
        };
        if enter && let Some(row) = rows.get(self.chosen) {
            return Some(row.target.clone());
        }
        let reveal = match self.reveal {
            _ if down || up => Reveal::Near,
            0 => Reveal::Nothing,
            _ if self.chosen == 0 => Reveal::Top,
            _ => Reveal::Middle,
        };
        if self.reveal > 0 {
            self.reveal -= 1;
            ui.ctx().request_repaint();
        }
        self.list_ui(ui, cx, &groups, target, reveal)
    }

    fn list_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        groups: &[Group],
        target: Option<&TargetId>,
        reveal: Reveal,
    ) -> Option<TargetId> {
        let mut picked = None;
        ui.add_space(space::XS);
        let mut area = ScrollArea::vertical()
            .max_height(380.0)
            .min_scrolled_height(380.0);
        if reveal == Reveal::Top {
            area = area.vertical_scroll_offset(0.0);
        }
        area.show(ui, |ui| {
            ui.set_width(LIST_WIDTH);
            ui.spacing_mut().item_spacing.y = 1.0;
            let mut index = 0;
            for group in groups {
                group_head_ui(ui, cx, group);
                for row in &group.rows {
                    let response = row_ui(ui, cx.theme, row, index == self.chosen, target);
                    match reveal {
                        Reveal::Near if index == self.chosen => response.scroll_to_me(None),
                        Reveal::Middle if index == self.chosen => {
                            response.scroll_to_me(Some(egui::Align::Center));
                        }
                        _ => {}
                    }
                    if response.clicked() {
                        picked = Some(row.target.clone());
                    }
                    index += 1;
                }
                if group.left_out > 0 {
                    ui.label(tiny(
                        cx.theme,
                        format!("and {} more: type to find them", group.left_out),
                    ));
                }
                ui.add_space(space::XS);
            }
            if groups.is_empty() {
                no_endpoints_ui(ui, cx);
            }
        });
        picked
    }

    /// Asks for the endpoints' lists of models once, when the picker is first opened.
    fn ask_for_lists(&mut self, cx: &mut Cx<'_>) {
        for endpoint in &cx.state.settings.endpoints {
            if !cx.state.models.contains_key(&endpoint.id) && self.asked.insert(endpoint.id.clone())
            {
                cx.commands
                    .push(Command::Endpoint(EndpointCommand::ListModels {
                        endpoint: endpoint.id.clone(),
                        refresh: false,
                    }));
            }
        }
    }
}

fn button_text(cx: &Cx<'_>, target: Option<&TargetId>) -> egui::text::LayoutJob {
    let theme = cx.theme;
    let mut job = egui::text::LayoutJob::default();
    let style = egui::Style::default();
    let mut add = |text: RichText| {
        let font = egui::FontSelection::Default;
        text.append_to(&mut job, &style, font, egui::Align::Center);
    };
    match target {
        None => add(
            RichText::new(format!("Choose a model {}", icons::CHEVRON_DOWN))
                .size(size::BODY)
                .color(theme.text_dim),
        ),
        Some(target) => {
            let behind = local_gateway::behind(target);
            let way = match &behind {
                Some(_) => format!("· {} ", local_gateway::ROUTE),
                None => String::new(),
            };
            let target = behind.as_ref().unwrap_or(target);
            let endpoint = cx.state.settings.endpoint(&target.endpoint);
            let label = endpoint.map_or(target.endpoint.as_str(), |e| e.label.as_str());
            add(strong(target.model.as_str())
                .size(size::BODY)
                .color(theme.text));
            add(RichText::new(format!("  {} {way}", visible_line(label)))
                .size(size::SMALL)
                .color(theme.text_dim));
            add(RichText::new(icons::CHEVRON_DOWN)
                .size(size::SMALL)
                .color(theme.text_dim));
        }
    }
    job
}

fn group_head_ui(ui: &mut Ui, cx: &mut Cx<'_>, group: &Group) {
    let theme = cx.theme;
    let head = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 26.0), head, |ui| {
        ui.label(
            strong(group.label.as_str())
                .size(size::SMALL)
                .color(theme.text_dim),
        );
        if group.simulated {
            simulated_badge(ui, theme);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let name = format!("Fetch the models of {} again", group.label);
            if icon_button(ui, theme, icons::REFRESH, &name).clicked() {
                cx.commands
                    .push(Command::Endpoint(EndpointCommand::ListModels {
                        endpoint: group.id.clone(),
                        refresh: true,
                    }));
            }
        });
    });
    if let Some(Err(fault)) = cx.state.models.get(&group.id) {
        let text = format!("No list: {}", visible(&fault.message));
        ui.add(egui::Label::new(RichText::new(text).size(size::SMALL).color(theme.bad)).wrap());
    } else if group.rows.is_empty() {
        let text = match cx.state.models.get(&group.id) {
            None => "Asking for its models…",
            Some(_) => "It lists no models: type a name",
        };
        ui.label(caption(theme, text));
    }
}

fn row_ui(
    ui: &mut Ui,
    theme: &Theme,
    row: &PickerRow,
    chosen: bool,
    target: Option<&TargetId>,
) -> egui::Response {
    let current = target == Some(&row.target);
    let text = if row.typed {
        format!("Use “{}” at {}", row.target.model, row.target.endpoint)
    } else if row.label.is_empty() || row.label == row.target.model {
        row.target.model.clone()
    } else {
        format!("{}  {}", row.target.model, row.label)
    };
    let text = if current {
        format!("{text}  {}", icons::CHECK)
    } else {
        text
    };
    let color = match row {
        _ if current => theme.accent,
        PickerRow { typed: true, .. } => theme.text_dim,
        PickerRow { .. } => theme.text,
    };
    let fill = if chosen {
        theme.hover
    } else {
        egui::Color32::TRANSPARENT
    };
    let button = Button::new(RichText::new(visible_line(&text)).color(color))
        .fill(fill)
        .frame_when_inactive(chosen)
        .truncate();
    let size = vec2(ui.available_width(), 26.0);
    let layout = egui::Layout::left_to_right(egui::Align::Center)
        .with_main_justify(true)
        .with_main_align(egui::Align::Min);
    let response = ui
        .allocate_ui_with_layout(size, layout, |ui| ui.add(button))
        .inner;
    let name = if row.typed {
        format!("Use “{}” at {}", row.target.model, row.target.endpoint)
    } else {
        row.target.to_string()
    };
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, current, &name));
    response
}

fn no_endpoints_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.label(caption(cx.theme, "There are no endpoints yet"));
    if ui.button("Add an endpoint…").clicked() {
        cx.actions.push(Action::EditEndpoint(None));
    }
}
