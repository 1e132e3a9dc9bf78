//! The panes in their places, and the borders between them.

use egui::{Rect, ScrollArea, Ui, vec2};

use super::{
    Playground,
    compare::Comparison,
    intent::Intent,
    layout::{self, Drag},
    pane::{self, Shared, Spot},
};
use crate::{
    conversation::Pane,
    desktop::{theme::Theme, view::Cx},
    run::Run,
};

impl Playground {
    /// The run that each pane shows in its turn `turn`.
    pub(super) fn run_of<'a>(pane: &Pane, turn: usize, cx: &'a Cx<'_>) -> Option<&'a Run> {
        cx.state.runs.get(&pane.turns.get(turn)?.run()?)
    }

    /// Panes whose turn `turn` asks the same as that of `pane`.
    fn asking_the_same<'a>(
        &'a self,
        pane: &'a Pane,
        turn: usize,
    ) -> impl Iterator<Item = &'a Pane> {
        let asked = pane.turns.get(turn).map(|t| &t.user);
        let panes = self.conversation.panes.iter();
        panes.filter(move |p| asked.is_some() && p.turns.get(turn).map(|t| &t.user) == asked)
    }

    /// Compares the last answer of a pane with those of the panes that asked the same.
    fn comparison(&self, pane: &Pane, cx: &Cx<'_>) -> Comparison {
        let Some(last) = pane.turns.len().checked_sub(1) else {
            return Comparison::default();
        };
        let same = self.asking_the_same(pane, last);
        let runs: Vec<&Run> = same.filter_map(|p| Self::run_of(p, last, cx)).collect();
        Comparison::of(&runs)
    }

    /// Shows all panes in the room that is left.
    pub(super) fn panes_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, intents: &mut Vec<Intent>) {
        let area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, cx.theme.background);
        let rows = layout::rows(self.conversation.panes.len(), area.width());
        #[expect(clippy::cast_precision_loss, reason = "eight at most")]
        let count = rows.len() as f32;
        let height = if rows.len() == 1 {
            area.height()
        } else {
            (area.height() / count).max(layout::MIN_HEIGHT)
        };
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
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            pane::drop_hint_ui(ui, cx.theme, area);
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
        let comparison = self.comparison(pane, cx);
        let editing = self
            .panes
            .get(&pane.id)
            .and_then(|view| view.editing.as_ref());
        let same_question =
            editing.map_or(0, |(turn, _)| self.asking_the_same(pane, *turn).count());
        let now = ui.input(|input| input.time);
        let pane = &mut self.conversation.panes[index];
        let mut shared = Shared {
            answers: &mut self.answers,
            attachments: &mut self.attachments,
            comparison: &comparison,
            same_question,
            attached: &self.conversation.draft.images,
            sent_at: &self.sent_at,
            now,
            intents,
            changed: &mut self.changed,
            focus_edit: &mut self.focus_edit,
            edit_focused: &mut self.edit_focused,
        };
        let spot = Spot {
            number: index + 1,
            count,
            alone: count > 1 && self.only == Some(pane.id),
            asked: self.only.is_none_or(|only| only == pane.id),
        };
        let view = self.panes.entry(pane.id).or_default();
        view.ui(ui, cx, pane, area, spot, &mut shared);
    }
}
