//! Shows the panes in their grid, and the borders between them.

use std::collections::HashMap;

use egui::{Rect, ScrollArea, Ui, vec2};

use super::{
    Playground,
    intent::{Change, Intent},
    layout::{self, Drag},
    names,
    pane::{self, Spot},
    shared::Shared,
    strip::BarRow,
};
use crate::{
    chat::Part,
    conversation::{Pane, title_of},
    desktop::{theme::Theme, view::Cx},
    run::{Run, RunId},
};

impl Playground {
    /// The run that a pane shows in its turn `turn`.
    pub(super) fn run_of<'a>(
        pane: &Pane,
        turn: usize,
        runs: &'a HashMap<RunId, Run>,
    ) -> Option<&'a Run> {
        runs.get(&pane.turns.get(turn)?.run()?)
    }

    /// Panes whose turn `turn` asks the same as that turn of `pane`.
    fn asking_the_same<'a>(
        &'a self,
        pane: &'a Pane,
        turn: usize,
    ) -> impl Iterator<Item = &'a Pane> {
        let asked = pane.turns.get(turn).map(|t| &t.user);
        let panes = self.conversation.panes.iter();
        panes.filter(move |p| asked.is_some() && p.turns.get(turn).map(|t| &t.user) == asked)
    }

    /// A row for the last answer of each pane that has one.
    pub(super) fn strip_rows(&mut self, names: &[String], cx: &Cx<'_>) -> Vec<BarRow> {
        let mut questions: Vec<&[Part]> = Vec::new();
        let mut rows = Vec::new();
        for (place, pane) in self.conversation.panes.iter().enumerate() {
            let Some((last, turn)) = pane.turns.iter().enumerate().next_back() else {
                continue;
            };
            let Some(run) = Self::run_of(pane, last, &cx.state.runs) else {
                continue;
            };
            let known = questions.iter().position(|asked| *asked == turn.user);
            let question = known.unwrap_or_else(|| {
                questions.push(&turn.user);
                questions.len() - 1
            });
            rows.push(BarRow {
                place,
                name: names.get(place).cloned().unwrap_or_default(),
                look: cx.state.looks.of(&run.head.target),
                question,
                asked: title_of(&turn.user),
                sheet: self.sheets.of(run),
                fault: run.answer.fault.as_ref().map(|fault| fault.class),
                comparison: self.comparisons.of(pane.id, last),
            });
        }
        rows
    }

    /// Updates the comparisons, and shows the strip if it is open.
    pub(super) fn strip_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, names: &[String]) {
        let (panes, runs) = (&self.conversation.panes, &cx.state.runs);
        (self.comparisons).follow(panes, runs, self.recents.rows(), &mut self.sheets);
        if self.strip.open {
            let rows = self.strip_rows(names, cx);
            self.strip.ui(ui, cx.theme, &rows);
        }
    }

    /// Shows all panes in the space that is left.
    pub(super) fn panes_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, intents: &mut Vec<Intent>) {
        let area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, cx.theme.background);
        self.places.clear();
        self.pointed = None;
        match self.large_at() {
            Some(at) => self.pane_ui(ui, cx, intents, at, area),
            None => self.all_ui(ui, cx, intents, area),
        }
        self.drag_ui(ui, cx.theme, intents);
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            pane::drop_hint_ui(ui, cx.theme, area);
        }
    }

    fn all_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, intents: &mut Vec<Intent>, area: Rect) {
        let rows = layout::rows(self.conversation.panes.len(), area.width());
        #[expect(clippy::cast_precision_loss, reason = "eight at most")]
        let count = rows.len() as f32;
        let height = layout::row_height(rows.len(), area.height());
        if height * count > area.height() + 0.5 {
            ScrollArea::vertical()
                .id_salt("grid")
                .auto_shrink(false)
                .show(ui, |ui| {
                    let (whole, _) = ui.allocate_exact_size(
                        vec2(area.width(), height * count),
                        egui::Sense::hover(),
                    );
                    self.grid_ui(ui, cx, intents, whole, &rows, height);
                });
        } else {
            self.grid_ui(ui, cx, intents, area, &rows, height);
        }
    }

    /// The index of the pane that is shown alone, if any.
    fn large_at(&self) -> Option<usize> {
        let panes = &self.conversation.panes;
        let at = panes.iter().position(|pane| self.large == Some(pane.id))?;
        (panes.len() > 1).then_some(at)
    }

    /// Shows where a dragged pane would go, and moves it there when it is dropped.
    fn drag_ui(&mut self, ui: &Ui, theme: &Theme, intents: &mut Vec<Intent>) {
        let Some((dragged, over)) = self.dragged.take() else {
            return;
        };
        let Some(at) = ui.input(|input| input.pointer.latest_pos()) else {
            return;
        };
        let under = self.places.iter().find(|(_, place)| place.contains(at));
        let Some((under, place)) = under.filter(|(id, _)| *id != dragged) else {
            return;
        };
        if over {
            intents.push(Intent::Change(Change::Place(dragged, *under)));
        } else {
            let stroke = egui::Stroke::new(2.0, theme.accent);
            let inside = egui::StrokeKind::Inside;
            let painter = ui.ctx().layer_painter(egui::LayerId::new(
                egui::Order::Foreground,
                ui.scope_id().with("drag"),
            ));
            painter.rect(*place, 0.0, theme.wash(theme.accent), stroke, inside);
        }
    }

    fn grid_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        intents: &mut Vec<Intent>,
        area: Rect,
        rows: &[usize],
        height: f32,
    ) {
        let mut first = 0;
        for (row, count) in rows.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "eight at most")]
            let top = area.top() + row as f32 * height;
            let line =
                Rect::from_min_size(egui::pos2(area.left(), top), vec2(area.width(), height));
            let ids: Vec<u32> = self
                .conversation
                .panes
                .iter()
                .skip(first)
                .take(*count)
                .map(|p| p.id)
                .collect();
            let weights: Vec<f32> = ids
                .iter()
                .map(|id| self.weights.get(id).copied().unwrap_or(1.0))
                .collect();
            let widths = layout::widths(&weights, area.width());
            for (offset, rect) in layout::row_rects(line, &widths).into_iter().enumerate() {
                let id = ids.get(offset).copied();
                if self.reveal.is_some() && self.reveal == id {
                    self.reveal = None;
                    let at_once = egui::style::ScrollAnimation::none();
                    ui.scroll_to_rect_animation(rect, None, at_once);
                }
                if ui.is_rect_visible(rect) {
                    self.pane_ui(ui, cx, intents, first + offset, rect);
                }
            }
            self.splitters_ui(ui, cx.theme, line, &ids, widths);
            if row > 0 {
                ui.painter().hline(line.x_range(), top, cx.theme.hairline());
            }
            first += count;
        }
    }

    fn splitters_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        line: Rect,
        ids: &[u32],
        mut widths: Vec<f32>,
    ) {
        let mut x = line.left();
        let mut dragged = None;
        for (index, width) in widths.iter().enumerate().take(ids.len().saturating_sub(1)) {
            x += width;
            let salt = index + ids.first().map_or(0, |id| *id as usize) * 16;
            if let Some(drag) = layout::splitter_ui(ui, theme, x, line, salt) {
                dragged = Some((index, drag));
            }
        }
        match dragged {
            None => {}
            Some((_, Drag::Even)) => self.weights.retain(|id, _| !ids.contains(id)),
            Some((index, Drag::By(by))) => {
                layout::drag(&mut widths, index, by);
                #[expect(clippy::cast_precision_loss, reason = "eight at most")]
                let mean = line.width() / widths.len().max(1) as f32;
                self.weights.extend(
                    ids.iter()
                        .zip(&widths)
                        .map(|(id, width)| (*id, width / mean)),
                );
            }
        }
    }

    fn pane_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        intents: &mut Vec<Intent>,
        index: usize,
        area: Rect,
    ) {
        let count = self.conversation.panes.len();
        let Some(pane) = self.conversation.panes.get(index) else {
            return;
        };
        let editing = self
            .panes
            .get(&pane.id)
            .and_then(|view| view.editing.as_ref());
        let same_question =
            editing.map_or(0, |(turn, _)| self.asking_the_same(pane, *turn).count());
        let now = ui.input(|input| input.time);
        let twin = names::number(&self.conversation.panes, index);
        self.places.push((pane.id, area));
        if ui.rect_contains_pointer(area) {
            self.pointed = Some(pane.id);
        }
        let pane = &mut self.conversation.panes[index];
        let mut shared = Shared {
            answers: &mut self.answers,
            comparisons: &self.comparisons,
            sheets: &mut self.sheets,
            same_question,
            first_steps: &mut self.first_steps,
            attached: &self.conversation.draft.images,
            sent_at: &self.sent_at,
            now,
            intents,
            changed: &mut self.changed,
            dragged: &mut self.dragged,
            focus_edit: &mut self.focus_edit,
            edit_focused: &mut self.edit_focused,
        };
        let spot = Spot {
            number: index + 1,
            count,
            twin,
            large: self.large == Some(pane.id),
            alone: count > 1
                && count - self.left_out.len() == 1
                && !self.left_out.contains(&pane.id),
            asked: !self.left_out.contains(&pane.id),
        };
        let view = self.panes.entry(pane.id).or_default();
        view.ui(ui, cx, pane, area, spot, &mut shared);
    }
}
