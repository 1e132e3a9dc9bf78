//! The head of a pane: its target, its settings, its menu, and the grip to drag it.

use egui::{
    Frame, Label, Margin, Panel, Popup, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, pos2, vec2,
};

use super::{PaneView, Spot};
use crate::{
    conversation::{MAX_PANES, Pane},
    desktop::{
        icons,
        playground::{
            intent::{Change, EditIntent, Intent, Show},
            left_out,
            shared::Shared,
        },
        theme::{Theme, size, space, tiny},
        view::{Action, Cx},
        widgets::{danger_item, icon_button, icon_toggle, menu_gap, menu_item},
    },
    endpoint::{
        Endpoint,
        local_gateway::{TargetWay, other_way},
    },
};

impl PaneView {
    pub(super) fn head_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        pane: &mut Pane,
        spot: Spot,
        shared: &mut Shared<'_>,
    ) {
        let theme = cx.theme;
        let endpoint = pane.target.as_ref();
        let endpoint = endpoint.and_then(|t| cx.state.settings.endpoint(&t.endpoint));
        let dialect = endpoint.map(|endpoint| endpoint.dialect);
        let frame = Frame::new().inner_margin(Margin {
            left: 6,
            right: 6,
            top: 6,
            bottom: 4,
        });
        if let Some(head) = self.head {
            grip_ui(ui, theme, pane.id, head, spot, shared);
        }
        let shown = Panel::top("head")
            .frame(frame)
            .show_separator_line(false)
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 2.0;
                    let several = spot.count > 1;
                    ui.add_space(if several { GRIP } else { 0.0 });
                    if let Some(twin) = spot.twin {
                        ui.add(Label::new(tiny(theme, format!("#{twin}"))).selectable(false))
                            .on_hover_text(
                                "The number of this pane among those with the same target",
                            );
                    }
                    let beside = 28.0 * if spot.large { 4.0 } else { 3.0 };
                    // The rest of the width stays free, to drag the pane by.
                    let width = (ui.available_width() - beside).clamp(80.0, MAX_PICKER);
                    let what = format!("Target of pane {}", spot.number);
                    let picked = self.picker.ui(ui, cx, &what, pane.target.as_ref(), width);
                    if let Some(target) = picked {
                        shared
                            .intents
                            .push(Intent::Change(Change::Target(pane.id, target)));
                    }
                    ui.add_space((ui.available_width() - beside).max(0.0));
                    if spot.large {
                        let name = format!("Show all {} panes (Ctrl+M)", spot.count);
                        if icon_button(ui, theme, icons::MINIMIZE, &name).clicked() {
                            shared.intents.push(Intent::Show(Show::Enlarge(pane.id)));
                        }
                    }
                    let name = format!("System prompt of pane {}", spot.number);
                    let on = self.system_open || !pane.system.trim().is_empty();
                    if icon_toggle(ui, theme, icons::SYSTEM, &name, on).clicked() {
                        self.system_open = !self.system_open;
                    }
                    *shared.changed |= self.params.ui(ui, cx, pane, spot.number, dialect);
                    let more = icon_button(
                        ui,
                        theme,
                        icons::MORE,
                        &format!("More for pane {}", spot.number),
                    );
                    let endpoints = &cx.state.settings.endpoints;
                    Popup::menu(&more).show(|ui| menu_ui(ui, pane, spot, endpoints, shared));
                });
                if self.system_open {
                    *shared.changed |= system_ui(ui, theme, pane, spot);
                }
                gone_ui(ui, cx, pane);
                if let Some(dialect) = dialect.filter(|_| spot.asked) {
                    left_out::pane_ui(ui, theme, dialect, pane, shared.attached);
                }
            });
        self.head = Some(shown.response.rect);
        let y = ui.cursor().top();
        ui.painter()
            .hline(ui.max_rect().x_range(), y, theme.hairline());
    }
}

/// Width of the dots that show where to drag a pane.
const GRIP: f32 = 12.0;
/// Maximum width of the target's button.
const MAX_PICKER: f32 = 300.0;

/// Makes the head a grip: dragging it moves the pane, and a double click shows the pane alone.
fn grip_ui(ui: &Ui, theme: &Theme, pane: u32, head: Rect, spot: Spot, shared: &mut Shared<'_>) {
    if spot.count < 2 {
        return;
    }
    let id = ui.scope_id().with("grip");
    // Not reachable by Tab: the pane's menu offers the same.
    let response = ui.interact(head, id, Sense::CLICK | Sense::DRAG);
    response.widget_info(|| {
        let name = format!("Head of pane {}", spot.number);
        egui::WidgetInfo::labeled(egui::Role::Label, true, name)
    });
    let lit = response.hovered() || response.dragged();
    let color = if lit {
        theme.text_dim
    } else {
        theme.line_strong
    };
    let first = pos2(head.left() + 8.0, head.top() + 14.0);
    for (column, row) in (0..2_u8).flat_map(|column| (0..3_u8).map(move |row| (column, row))) {
        let at = first + vec2(f32::from(column) * 4.0, f32::from(row) * 4.5);
        ui.painter().circle_filled(at, 1.2, color);
    }
    if response.double_clicked() {
        shared.intents.push(Intent::Show(Show::Enlarge(pane)));
    }
    if response.dragged() || response.drag_stopped() {
        ui.set_cursor_icon(egui::CursorIcon::Grabbing);
        *shared.dragged = Some((pane, response.drag_stopped()));
    }
    let hover = "Drag to move the pane; double-click to show it alone (Ctrl+M)";
    response.on_hover_text_at_pointer(hover);
}

fn menu_ui(ui: &mut Ui, pane: &Pane, spot: Spot, endpoints: &[Endpoint], shared: &mut Shared<'_>) {
    let mut items = vec![(
        icons::COPY,
        "Copy the conversation as Markdown",
        Intent::Show(Show::Copy(pane.id)),
    )];
    if pane.target.is_some() {
        items.push((
            icons::EDIT,
            "Edit the raw body and send it…",
            Intent::Edit(EditIntent::Raw(pane.id, None)),
        ));
    }
    let way = pane.target.as_ref();
    if let Some((way, target)) = way.and_then(|target| other_way(target, endpoints)) {
        let label = match way {
            TargetWay::Direct => "Ask directly, not through the gateway",
            TargetWay::ViaGateway => "Ask the same through the gateway",
        };
        items.push((
            icons::GATEWAY,
            label,
            Intent::Change(Change::Target(pane.id, target)),
        ));
    }
    if spot.count < MAX_PANES {
        items.push((
            icons::COLUMNS,
            "Duplicate this pane",
            Intent::Change(Change::Duplicate(pane.id)),
        ));
    }
    if spot.count > 1 {
        let (icon, label) = if spot.large {
            (icons::MINIMIZE, "Show all panes")
        } else {
            (icons::MAXIMIZE, "Show this pane alone")
        };
        items.push((icon, label, Intent::Show(Show::Enlarge(pane.id))));
    }
    if spot.number > 1 {
        items.push((
            icons::CHEVRON_LEFT,
            "Move left",
            Intent::Change(Change::Move(pane.id, -1)),
        ));
    }
    if spot.number < spot.count {
        items.push((
            icons::CHEVRON_RIGHT,
            "Move right",
            Intent::Change(Change::Move(pane.id, 1)),
        ));
    }
    for (icon, label, intent) in items {
        if menu_item(ui, icon, label) {
            shared.intents.push(intent);
        }
    }
    danger_ui(ui, pane, spot, shared);
}

/// Menu items that delete something, behind a separator. Undo restores it.
fn danger_ui(ui: &mut Ui, pane: &Pane, spot: Spot, shared: &mut Shared<'_>) {
    let clear = (
        icons::CLEAR,
        "Clear this pane",
        Intent::Change(Change::Clear(pane.id)),
    );
    let remove = (
        icons::CLOSE,
        "Remove this pane",
        Intent::Change(Change::Remove(pane.id)),
    );
    let clear = (!pane.turns.is_empty()).then_some(clear);
    let remove = (spot.count > 1).then_some(remove);
    if clear.is_some() || remove.is_some() {
        menu_gap(ui);
    }
    for (icon, label, intent) in clear.into_iter().chain(remove) {
        if danger_item(ui, icon, label) {
            shared.intents.push(intent);
        }
    }
}

fn system_ui(ui: &mut Ui, theme: &Theme, pane: &mut Pane, spot: Spot) -> bool {
    ui.add_space(space::XS);
    let scroll = ScrollArea::vertical()
        .id_salt("system")
        .max_height(120.0)
        .min_scrolled_height(120.0);
    scroll
        .show(ui, |ui| {
            let hint = RichText::new("System prompt (not sent if empty)").color(theme.text_dim);
            let edit = TextEdit::multiline(&mut pane.system)
                .hint_text(hint)
                .desired_rows(2)
                .desired_width(f32::INFINITY)
                .margin(vec2(8.0, 5.0));
            ui.add(edit)
                .accessible_name(format!("System prompt text of pane {}", spot.number))
                .changed()
        })
        .inner
}

/// Warns if the target's endpoint is no longer in the settings.
fn gone_ui(ui: &mut Ui, cx: &mut Cx<'_>, pane: &Pane) {
    let Some(target) = &pane.target else { return };
    if cx.state.settings.endpoints.is_empty()
        || cx.state.settings.endpoint(&target.endpoint).is_some()
    {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let text = format!(
            "{} There is no endpoint “{}” in the settings any more",
            icons::WARN,
            target.endpoint
        );
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(cx.theme.warn)).wrap());
        if ui.small_button("Settings").clicked() {
            cx.actions.push(Action::EditEndpoint(None));
        }
    });
}
