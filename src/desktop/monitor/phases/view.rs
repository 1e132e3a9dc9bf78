//! The chart of phases, beside the legend.

use egui::Ui;

use super::{PhasesFrame, show};
use crate::desktop::{
    monitor::{Monitor, axes::chart_frame, track::shown_of},
    view::Cx,
};

impl Monitor {
    /// Shows the phases of the targets that are not hidden.
    pub(in crate::desktop::monitor) fn phases_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(all) = self.known_phases() else {
            return;
        };
        let rows = shown_of(&self.tracks, all, |row| (&row.target, row.simulated));
        let buckets = all.iter().flat_map(|row| &row.buckets);
        let first = buckets.map(|bucket| bucket.from_unix_ns).min();
        let frame = PhasesFrame {
            rows: &rows,
            view: self.time_view(first),
            rolled_up_until: (self.answered.as_ref()).and_then(|known| known.rolled_up_until),
        };
        let shown = chart_frame().show(ui, |ui| show(ui, cx.theme, frame));
        let moved = shown.inner;
        self.follow(moved);
    }
}
