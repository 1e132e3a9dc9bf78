//! From the open run to its neighbours. Rows move while it is open, so that its row is found anew by its id.

use egui::{Key, Modifiers, Ui};

use super::Runs;
use crate::{
    desktop::{inspector::Neighbours, view::Cx, widgets::keys_are_free},
    run::RunId,
};

impl Runs {
    /// Handles the arrow keys and Escape.
    pub(super) fn keys(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        if !keys_are_free(ui) {
            return;
        }
        let (up, down, escape) = ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            (
                pressed(Key::ArrowUp),
                pressed(Key::ArrowDown),
                pressed(Key::Escape),
            )
        });
        if escape {
            self.close_inspector();
        }
        if up || down {
            self.walk(down, cx);
        }
    }

    /// Closes the file that is inspected, or else the run.
    pub(super) fn close_inspector(&mut self) {
        if self.inspector.has_file() {
            self.inspector.close_file();
        } else {
            self.close_run();
        }
    }

    /// Closes the run; nothing that was clicked in it is waited for. A file that is shown over it stays.
    pub(super) fn close_run(&mut self) {
        self.selected = None;
        self.step = None;
        self.inspector.stop_waiting();
    }

    /// Finds the row of the open run after pages have come, and takes the step that waited for them.
    pub(super) fn follow_rows(&mut self, cx: &mut Cx<'_>) {
        let total = self.pages.total().unwrap_or_default();
        if let Some(row) = self.selected.and_then(|run| self.pages.fresh_place(run)) {
            (self.row, self.rows_then) = (row, total);
        } else if self.rows_then > 0 && total > self.rows_then {
            // Most likely, the new rows stand above it.
            self.row += total - self.rows_then;
            self.rows_then = total;
        }
        if let Some(down) = self.step.take() {
            self.walk(down, cx);
        }
    }

    /// Shows the run in the row above or below; the first step shows the row of the cursor.
    pub(super) fn walk(&mut self, down: bool, cx: &mut Cx<'_>) {
        let last = self.pages.total().unwrap_or_default().saturating_sub(1);
        let (to, run) = match self.selected {
            None => (self.row, self.pages.row(self.row).map(|row| row.id)),
            Some(selected) => {
                let from = self.pages.place(selected).unwrap_or(self.row);
                let to = if down {
                    (from + 1).min(last)
                } else {
                    from.saturating_sub(1)
                };
                (to, self.pages.beside(from, to))
            }
        };
        match run {
            Some(run) => {
                self.select(run, cx);
                self.reveal = Some(to);
            }
            // The page of that row is asked for.
            None => self.step = self.selected.map(|_| down),
        }
    }

    /// The rows whose pages must be here while a run is open: its own and those beside it.
    pub(super) fn rows_beside(&self) -> Option<(usize, usize)> {
        self.selected?;
        let last = self.pages.total().unwrap_or(1).saturating_sub(1);
        Some((
            self.row.saturating_sub(1),
            (self.row + 1).min(last.max(self.row)),
        ))
    }

    /// Whether there are rows above and below that of the open run.
    pub(super) fn neighbours(&self) -> Neighbours {
        Neighbours {
            previous: self.row > 0,
            next: self.row + 1 < self.pages.total().unwrap_or_default(),
        }
    }

    /// Runs were deleted: they are shown no longer.
    pub(super) fn forget(&mut self, runs: &[RunId]) {
        if self.selected.is_some_and(|run| runs.contains(&run)) {
            self.close_run();
        }
        for run in runs {
            self.inspector.forget(*run);
        }
        self.pages.outdate();
    }
}
