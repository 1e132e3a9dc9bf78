//! One pane: its target and settings at the top, its turns in the middle, its figures at the bottom.

mod head;

use egui::{
    Align2, Frame, Margin, Panel, Rect, RichText, ScrollArea, Stroke, Ui, UiBuilder, pos2, vec2,
};

use super::{
    first_steps::offers_ui,
    follow::{Follow, ScrollSnapshot},
    layout,
    params::ParamsPopover,
    shared::{Shared, run_line_ui},
    turn::{TurnCx, TurnView},
};
use crate::{
    conversation::{Draft, Pane},
    desktop::{
        icons,
        target_picker::Picker,
        theme::{Theme, size, space, tiny},
        view::Cx,
        widgets::simulated_badge,
    },
};

/// The UI state of one pane.
#[derive(Debug, Default)]
pub struct PaneView {
    picker: Picker,
    /// The settings popover.
    pub params: ParamsPopover,
    system_open: bool,
    turns: Vec<TurnView>,
    /// The turn whose prompt is edited, and the edited prompt.
    pub editing: Option<(usize, Draft)>,
    /// Its scroll position, and whether it follows the end.
    pub follow: Follow,
    /// Where its head was when last shown.
    head: Option<Rect>,
}

/// A pane's position and role among the others.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// Its number among the panes with the same target, if there are several.
    pub twin: Option<usize>,
    /// Whether it is shown alone.
    pub large: bool,
    /// Whether the composer sends to it only.
    pub alone: bool,
    /// Whether the composer sends to it.
    pub asked: bool,
}

impl PaneView {
    /// Scrolls to a byte of a turn's question in the next frames, or shows the turn so that its answer can.
    pub fn go_to(&mut self, turn: usize, byte: Option<usize>) {
        if let Some(view) = self.turns.get_mut(turn) {
            view.go_to(byte);
        }
    }

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

    fn turns_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, pane: &Pane, shared: &mut Shared<'_>) {
        self.turns.resize_with(pane.turns.len(), TurnView::default);
        if pane.turns.is_empty() {
            self.follow = Follow::default();
            return empty_ui(ui, cx, pane, shared);
        }
        let mut scroll = ScrollArea::vertical().id_salt("turns").auto_shrink(false);
        if let Some(offset) = self.follow.offset(ui.available_height()) {
            // The offset may lie beyond the end as laid out last: rubber-banding would pull it back.
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
        let seen = ScrollSnapshot {
            offset: out.state.clamped_offset().y,
            content: out.content_size.y,
            room: out.inner_rect.height(),
        };
        let behind = self.follow.note(seen);
        if behind && seen.below() > LATE {
            ui.ctx()
                .request_discard("the end that is followed is out of view");
        } else if behind {
            // Without another frame, the last line would stay out of view.
            ui.ctx().request_repaint();
        } else if self.follow.shifted(shift) {
            ui.ctx().request_discard("a block above was measured");
        }
        if self.follow.is_away() && jump_ui(ui, cx.theme, out.inner_rect) {
            self.follow.go_to_end();
        }
    }
}

/// How far the followed end may be out of view for one frame: a line. If it is further, the frame is laid out again at
/// once.
const LATE: f32 = 24.0;

/// Pages to scroll down, or up if negative, by Page Up and Page Down in the pane under the pointer.
fn pages_turned(ui: &Ui) -> f32 {
    if !ui.rect_contains_pointer(ui.available_rect_before_wrap()) {
        return 0.0;
    }
    ui.input(|input| {
        let pressed = |key| f32::from(u8::from(input.key_pressed(key)));
        // A line or two stay in view, for orientation.
        0.9 * (pressed(egui::Key::PageDown) - pressed(egui::Key::PageUp))
    })
}

fn empty_ui(ui: &mut Ui, cx: &mut Cx<'_>, pane: &Pane, shared: &mut Shared<'_>) {
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
        offers_ui(ui, cx, pane, shared);
    });
}

/// Shows the figures of the last turn, always visible and in the same place in every pane.
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

/// Shows the button that jumps to the end; returns whether it was clicked.
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

/// Draws the hint that files can be dropped here.
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
