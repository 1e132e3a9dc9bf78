//! The charts of distributions, beside the legend.

use egui::{Margin, Ui};

use super::{
    Monitor, bands, chart::Chart, hours, outcomes, spread, targets, track::Track, zoom::TimeMove,
};
use crate::{
    desktop::view::Cx,
    history::{Distribution, Series},
};

impl Monitor {
    /// Shows the chart that was chosen, of the targets that are not hidden.
    pub(super) fn distributions_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(all) = &self.distributions.rows else {
            return;
        };
        let (first, _) = targets::edges(all);
        let view = self.time_view((!all.is_empty()).then_some(first));
        let shown = (self.series.iter().zip(&self.tracks)).filter(|(_, track)| track.shown);
        let rows: Vec<(&Track, &Distribution)> = shown
            .filter_map(|(series, track)| Some((track, of(all, series)?)))
            .collect();
        let margin = Margin {
            left: 8,
            right: 16,
            top: 4,
            bottom: 8,
        };
        let shown = egui::Frame::new()
            .inner_margin(margin)
            .show(ui, |ui| match self.kept.chart {
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

/// The distribution of the same target.
fn of<'a>(all: &'a [Distribution], series: &Series) -> Option<&'a Distribution> {
    let mut all = all.iter();
    all.find(|row| row.target == series.target && row.simulated == series.simulated)
}
