//! The charts of distributions, beside the legend.

use egui::{Margin, Ui};

use super::{Monitor, bands, chart::Chart, hours, outcomes, spread, targets, track::Track};
use crate::{
    desktop::view::Cx,
    history::{Distribution, Series},
};

impl Monitor {
    /// Shows the chart that was chosen, of the targets that are not hidden.
    pub(super) fn distributions_ui(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(all) = &self.distributions.rows else {
            return;
        };
        let (from, to) = self.asked_range;
        let (first, last) = targets::edges(all);
        let stretch = (from.unwrap_or(first), to.max(last));
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
        egui::Frame::new()
            .inner_margin(margin)
            .show(ui, |ui| match self.kept.chart {
                Chart::Ttft | Chart::Phases | Chart::Targets => {}
                Chart::Bands => {
                    let frame = bands::BandsFrame {
                        rows: &rows,
                        time: self.time,
                        stretch,
                        scale: self.kept.scale,
                    };
                    bands::show(ui, cx.theme, frame);
                }
                Chart::Spread => spread::show(ui, cx.theme, &rows, self.kept.scale),
                Chart::Hours => hours::show(ui, cx.theme, &rows),
                Chart::Errors => {
                    let rows: Vec<_> = rows.iter().map(|(_, row)| *row).collect();
                    outcomes::show(ui, cx.theme, &rows, self.time, stretch);
                }
            });
    }
}

/// The distribution of the same target.
fn of<'a>(all: &'a [Distribution], series: &Series) -> Option<&'a Distribution> {
    let mut all = all.iter();
    all.find(|row| row.target == series.target && row.simulated == series.simulated)
}
