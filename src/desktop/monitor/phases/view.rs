//! The chart of phases, beside the legend.

use egui::{Margin, Ui};

use super::{PhasesFrame, show};
use crate::{
    desktop::{
        monitor::{Monitor, track::Track},
        view::Cx,
    },
    history::{Series, TargetPhases},
};

impl Monitor {
    /// Shows the phases of the targets that are not hidden.
    pub(in crate::desktop::monitor) fn phases_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(all) = self.known_phases() else {
            return;
        };
        let shown = (self.series.iter().zip(&self.tracks)).filter(|(_, track)| track.shown);
        let rows: Vec<(&Track, &TargetPhases)> = shown
            .filter_map(|(series, track)| Some((track, of(all, series)?)))
            .collect();
        let buckets = all.iter().flat_map(|row| &row.buckets);
        let first = buckets.map(|bucket| bucket.from_unix_ns).min();
        let frame = PhasesFrame {
            rows: &rows,
            view: self.time_view(first),
            rolled_up_until: (self.answered.as_ref()).and_then(|known| known.rolled_up_until),
        };
        let margin = Margin {
            left: 8,
            right: 16,
            top: 4,
            bottom: 8,
        };
        let frame_ui = egui::Frame::new().inner_margin(margin);
        let moved = frame_ui.show(ui, |ui| show(ui, cx.theme, frame)).inner;
        self.follow(moved);
    }
}

/// The phases of the same target.
fn of<'a>(all: &'a [TargetPhases], series: &Series) -> Option<&'a TargetPhases> {
    let mut all = all.iter();
    all.find(|row| row.target == series.target && row.simulated == series.simulated)
}
