//! One pane: its target and settings above, its turns between, its figures below.

use std::collections::HashMap;

use egui::{
    Align2, Frame, Label, Margin, Panel, Popup, Rect, RichText, ScrollArea, Sense, Stroke,
    TextEdit, Ui, UiBuilder, pos2, vec2,
};

use super::{
    answer::AnswerView,
    comparisons::Comparisons,
    figures::{self, Line},
    follow::{Follow, Seen},
    intent::Intent,
    layout, left_out,
    params::ParamsPopover,
    sheet::Sheets,
    target_picker::Picker,
    turn::{TurnCx, TurnView, item_ui},
};
use crate::{
    chat::Media,
    conversation::{Draft, Pane},
    desktop::{
        icons,
        theme::{Theme, size, space, tiny},
        view::{Action, Cx},
        widgets::{icon_button, icon_toggle, simulated_badge},
    },
    run::{Run, RunId},
};

/// What is known of one pane between frames.
#[derive(Debug, Default)]
pub struct PaneView {
    picker: Picker,
    /// The settings popover.
    pub params: ParamsPopover,
    system_open: bool,
    turns: Vec<TurnView>,
    /// The turn whose question is edited, and what it became.
    pub editing: Option<(usize, Draft)>,
    /// Whether it keeps to the end of its last turn.
    pub follow: Follow,
    /// Where its head was when last shown.
    head: Option<Rect>,
}

/// What all panes share while they are shown.
pub struct Shared<'a> {
    /// Answers by run.
    pub answers: &'a mut HashMap<RunId, AnswerView>,
    /// How the answers compare with those of other panes to the same questions.
    pub comparisons: &'a Comparisons,
    /// The figures of runs.
    pub sheets: &'a mut Sheets,
    /// How many panes asked what is being edited here.
    pub same_question: usize,
    /// Files of the draft.
    pub attached: &'a [Media],
    /// When each live run was sent, on egui's clock.
    pub sent_at: &'a HashMap<RunId, f64>,
    /// Now, on egui's clock.
    pub now: f64,
    /// What is wished for.
    pub intents: &'a mut Vec<Intent>,
    /// Whether something was changed in place.
    pub changed: &'a mut bool,
    /// The pane that is being dragged, and whether it was let go.
    pub dragged: &'a mut Option<(u32, bool)>,
    /// Whether a field that was just opened wants the focus.
    pub focus_edit: &'a mut bool,
    /// Whether such a field has it.
    pub edit_focused: &'a mut bool,
}

impl Shared<'_> {
    /// How long a live run has been going, in seconds.
    pub fn elapsed(&self, id: RunId) -> Option<f64> {
        self.sent_at.get(&id).map(|sent| (self.now - sent).max(0.0))
    }
}

/// Where a pane stands among the others.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// Which of the panes with its model it is, if there are more.
    pub twin: Option<usize>,
    /// Whether it is shown alone.
    pub large: bool,
    /// Whether the composer writes to it alone.
    pub alone: bool,
    /// Whether the composer writes to it at all.
    pub asked: bool,
}

impl PaneView {
    /// Shows the pane in `area`.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        pane: &mut Pane,
        area: Rect,
        spot: Spot,
        shared: &mut Shared<'_>,
    ) {
        let builder = UiBuilder::new().max_rect(area).id_salt(("pane", pane.id));
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(area.intersect(ui.clip_rect()));
            self.head_ui(ui, cx, pane, spot, shared);
            footer_ui(ui, cx, pane, shared);
            self.turns_ui(ui, cx, pane, shared);
            if spot.alone {
                let line = area.top() + 1.0;
                ui.painter()
                    .hline(area.x_range(), line, Stroke::new(2.0, cx.theme.accent));
            }
        });
    }

    fn head_ui(
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
                            .on_hover_text("Several panes ask this model; this is one of them");
                    }
                    let beside = 28.0 * if spot.large { 4.0 } else { 3.0 };
                    // What is left free is there to take hold of.
                    let width = (ui.available_width() - beside).clamp(80.0, MAX_PICKER);
                    let picked = self
                        .picker
                        .ui(ui, cx, spot.number, pane.target.as_ref(), width);
                    if let Some(target) = picked {
                        shared.intents.push(Intent::Target(pane.id, target));
                    }
                    ui.add_space((ui.available_width() - beside).max(0.0));
                    if spot.large {
                        let name = format!("Show all {} panes (Ctrl+M)", spot.count);
                        if icon_button(ui, theme, icons::MINIMIZE, &name).clicked() {
                            shared.intents.push(Intent::Enlarge(pane.id));
                        }
                    }
                    let name = format!("System prompt of pane {}", spot.number);
                    let on = self.system_open || !pane.system.trim().is_empty();
                    if icon_toggle(ui, theme, icons::SYSTEM, &name, on).clicked() {
                        self.system_open = !self.system_open;
                    }
                    *shared.changed |= self.params.ui(ui, theme, pane, spot.number, dialect);
                    let more = icon_button(
                        ui,
                        theme,
                        icons::MORE,
                        &format!("More for pane {}", spot.number),
                    );
                    Popup::menu(&more).show(|ui| menu_ui(ui, pane, spot, shared));
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

    fn turns_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, pane: &Pane, shared: &mut Shared<'_>) {
        self.turns.resize_with(pane.turns.len(), TurnView::default);
        if pane.turns.is_empty() {
            self.follow = Follow::default();
            return empty_ui(ui, cx, pane);
        }
        let mut scroll = ScrollArea::vertical().id_salt("turns").auto_shrink(false);
        if let Some(offset) = self.follow.offset(ui.available_height()) {
            // The end that is gone to may lie beyond what is known of the text: no band pulls it back.
            ui.spacing_mut().scroll.kinetic.rubber_band = false;
            scroll = scroll.vertical_scroll_offset(offset);
        }
        let pages = pages_turned(ui);
        let mut shift = 0.0;
        let out = scroll.show(ui, |ui| {
            if pages != 0.0 {
                ui.scroll_with_delta(vec2(0.0, -pages * ui.clip_rect().height()));
            }
            let column = layout::column(ui.available_rect_before_wrap());
            ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
                ui.set_min_width(ui.available_width());
                ui.add_space(10.0);
                for (index, turn) in pane.turns.iter().enumerate() {
                    let at = TurnCx { pane, index, turn };
                    let editing = (self.editing.as_mut()).filter(|e| e.0 == index);
                    let editing = editing.map(|e| &mut e.1);
                    let view = &mut self.turns[index];
                    shift += ui
                        .push_id(index, |ui| view.ui(ui, cx, &at, shared, editing))
                        .inner;
                }
            });
        });
        let seen = Seen {
            offset: out.state.clamped_offset().y,
            content: out.content_size.y,
            room: out.inner_rect.height(),
        };
        let behind = self.follow.note(seen);
        if behind && seen.below() > LATE {
            ui.ctx()
                .request_discard("an end that is followed is out of sight");
        } else if behind {
            // Without another frame, the last line would stay out of sight.
            ui.ctx().request_repaint();
        } else if self.follow.shifted(shift) {
            ui.ctx().request_discard("a block above was measured");
        }
        if self.follow.is_away() && jump_ui(ui, cx.theme, out.inner_rect) {
            self.follow.to_end();
        }
    }
}

/// By how much an end that is followed may be out of sight for a frame: a line, as it comes many times a second. More
/// than that is laid out again at once.
const LATE: f32 = 24.0;

/// Pages to go down, or up if negative, by the keys that do so in the pane under the pointer.
fn pages_turned(ui: &Ui) -> f32 {
    if !ui.rect_contains_pointer(ui.available_rect_before_wrap()) {
        return 0.0;
    }
    ui.input(|input| {
        let pressed = |key| f32::from(u8::from(input.key_pressed(key)));
        // A line or two of what was read stays in sight.
        0.9 * (pressed(egui::Key::PageDown) - pressed(egui::Key::PageUp))
    })
}

/// Room for the dots by which a pane is dragged.
const GRIP: f32 = 12.0;
/// Widest button of a target.
const MAX_PICKER: f32 = 300.0;

/// The head of a pane: dragged, it takes the pane elsewhere; a double click shows it alone.
fn grip_ui(ui: &Ui, theme: &Theme, pane: u32, head: Rect, spot: Spot, shared: &mut Shared<'_>) {
    if spot.count < 2 {
        return;
    }
    let id = ui.scope_id().with("grip");
    let response = ui.interact(head, id, Sense::click_and_drag());
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
        shared.intents.push(Intent::Enlarge(pane));
    }
    if response.dragged() || response.drag_stopped() {
        ui.set_cursor_icon(egui::CursorIcon::Grabbing);
        *shared.dragged = Some((pane, response.drag_stopped()));
    }
    let hover = "Drag it to move the pane; double click to show the pane alone (Ctrl+M)";
    response.on_hover_text_at_pointer(hover);
}

fn menu_ui(ui: &mut Ui, pane: &Pane, spot: Spot, shared: &mut Shared<'_>) {
    let mut items = vec![(
        icons::COPY,
        "Copy the conversation as Markdown",
        Intent::CopyPane(pane.id),
    )];
    if pane.target.is_some() {
        items.push((
            icons::EDIT,
            "Edit the raw body and send it…",
            Intent::EditRaw(pane.id, None),
        ));
    }
    if spot.count < super::edits::MAX_PANES {
        items.push((
            icons::COLUMNS,
            "Duplicate this pane",
            Intent::Duplicate(pane.id),
        ));
    }
    if spot.count > 1 {
        let (icon, label) = if spot.large {
            (icons::MINIMIZE, "Show all panes")
        } else {
            (icons::MAXIMIZE, "Show this pane alone")
        };
        items.push((icon, label, Intent::Enlarge(pane.id)));
    }
    if spot.number > 1 {
        items.push((icons::CHEVRON_LEFT, "Move left", Intent::Move(pane.id, -1)));
    }
    if spot.number < spot.count {
        items.push((icons::CHEVRON_RIGHT, "Move right", Intent::Move(pane.id, 1)));
    }
    if !pane.turns.is_empty() {
        items.push((icons::CLEAR, "Clear this pane", Intent::Clear(pane.id)));
    }
    if spot.count > 1 {
        items.push((icons::CLOSE, "Remove this pane", Intent::Remove(pane.id)));
    }
    for (icon, label, intent) in items {
        if item_ui(ui, icon, label) {
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
            let hint = RichText::new("System prompt: not sent while empty").color(theme.text_dim);
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

/// Says if the target's endpoint is not in the settings any more.
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

fn empty_ui(ui: &mut Ui, cx: &mut Cx<'_>, pane: &Pane) {
    let theme = cx.theme;
    let simulated = pane
        .target
        .as_ref()
        .and_then(|t| cx.state.settings.endpoint(&t.endpoint))
        .is_some_and(|e| e.simulated);
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((room * 0.4 - 30.0).max(12.0));
        let text = match &pane.target {
            None => "Choose a model above",
            Some(_) => "Nothing asked yet",
        };
        ui.label(RichText::new(text).color(theme.text_dim));
        if simulated {
            ui.add_space(space::XS);
            ui.allocate_ui(vec2(82.0, 18.0), |ui| simulated_badge(ui, theme));
        }
    });
}

/// The figures of the last turn: always in sight, in the same place in every pane.
fn footer_ui(ui: &mut Ui, cx: &mut Cx<'_>, pane: &Pane, shared: &mut Shared<'_>) {
    let Some(last) = pane.turns.len().checked_sub(1) else {
        return;
    };
    let Some(run) = pane.turns[last].run().and_then(|id| cx.state.runs.get(&id)) else {
        return;
    };
    let frame = Frame::new()
        .fill(cx.theme.surface)
        .inner_margin(Margin::symmetric(0, 4));
    let panel = Panel::bottom("figures")
        .frame(frame)
        .show_separator_line(false)
        .resizable(false);
    let shown = panel.show(ui, |ui| {
        let column = layout::column(ui.available_rect_before_wrap());
        ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
            run_line_ui(ui, cx.theme, run, (pane.id, last), shared);
        });
    });
    let rect = shown.response.rect;
    ui.painter()
        .hline(rect.x_range(), rect.top(), cx.theme.hairline());
}

/// The figures of a run that a turn shows.
pub fn run_line_ui(
    ui: &mut Ui,
    theme: &Theme,
    run: &Run,
    (pane, turn): (u32, usize),
    shared: &mut Shared<'_>,
) {
    let live = !run.state.is_over();
    let sheet = shared.sheets.of(run);
    let line = Line {
        sheet: &sheet,
        fault: run.answer.fault.as_ref().map(|fault| fault.class),
        elapsed_s: shared.elapsed(run.head.id).filter(|_| live),
        comparison: &shared.comparisons.of(pane, turn),
    };
    figures::line_ui(ui, theme, &line);
}

/// The button that shows the end again; gives whether it was pressed.
fn jump_ui(ui: &mut Ui, theme: &Theme, area: Rect) -> bool {
    let size = vec2(134.0, 26.0);
    let rect = Align2::CENTER_BOTTOM.align_size_within_rect(size, area.shrink(8.0));
    let text = tiny(theme, format!("{} Jump to latest", icons::ARROW_DOWN)).color(theme.text);
    let button = egui::Button::new(text)
        .fill(theme.hover)
        .stroke(Stroke::new(1.0, theme.line_strong))
        .corner_radius(13);
    let response = ui.put(rect, button);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Jump to latest"));
    response.clicked()
}

/// Draws where a dragged file would go.
pub fn drop_hint_ui(ui: &Ui, theme: &Theme, area: Rect) {
    let painter = ui.ctx().layer_painter(egui::LayerId::new(
        egui::Order::Foreground,
        ui.scope_id().with("drop"),
    ));
    painter.rect_filled(area, 0.0, theme.background.gamma_multiply(0.8));
    let at = pos2(area.center().x, area.center().y);
    let text = format!("{}  Drop files to attach them", icons::IMAGE);
    painter.text(
        at,
        Align2::CENTER_CENTER,
        text,
        egui::FontId::proportional(size::HEADING),
        theme.text,
    );
}
