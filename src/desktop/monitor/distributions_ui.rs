//! The charts of distributions, beside the legend.

use egui::Ui;

use super::{
    Monitor, axes::chart_frame, bands, chart::Chart, hours, outcomes, spread, targets,
    track::shown_of, zoom::TimeMove,
};
use crate::desktop::view::Cx;

impl Monitor {
    /// Shows the chart that was chosen, of the targets that are not hidden.
    pub(super) fn distributions_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(all) = self.known_distributions() else {
            return;
        };
        let (first, _) = targets::edges(all);
        let view = self.time_view((!all.is_empty()).then_some(first));
        let rows = shown_of(&self.tracks, all, |row| (&row.target, row.simulated));
        let shown = chart_frame().show(ui, |ui| match self.kept.chart {
            Chart::Ttft | Chart::Phases | Chart::Targets => TimeMove::None,
            Chart::Bands => {
                let frame = bands::BandsFrame {
                    rows: &rows,
                    view,
                    scale: self.kept.scale,
                };
                bands::show(ui, cx.theme, frame)
            }
            Chart::Spread => {
                spread::show(ui, cx.theme, &rows, self.kept.scale);
                TimeMove::None
            }
            Chart::Hours => {
                hours::show(ui, cx.theme, &rows);
                TimeMove::None
            }
            Chart::Errors => {
                let rows: Vec<_> = rows.iter().map(|(_, row)| *row).collect();
                outcomes::show(ui, cx.theme, &rows, view)
            }
        });
        let moved = shown.inner;
        self.follow(moved);
    }
}
