//! The panel with the legend, and what is done in it.

use egui::{Margin, Panel, RichText, Ui};

use super::{
    Monitor,
    chart::Chart,
    legend::{self, LegendAction},
};
use crate::{
    desktop::{
        theme::{Theme, caption},
        view::Cx,
    },
    history::Availability,
};

/// Height that the legend needs to have room for the key, in points.
const KEY_FROM: f32 = 340.0;

impl Monitor {
    /// What free checks found of each endpoint in the range shown, as the history last answered.
    pub(super) fn availability(&self) -> &[Availability] {
        let answered = self.answered.as_ref();
        answered.map_or(&[], |known| &known.availability)
    }

    /// Shows the legend, beside the chart.
    pub(super) fn legend_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let frame = egui::Frame::new()
            .fill(cx.theme.surface)
            .inner_margin(Margin::symmetric(12, 10));
        Panel::right("monitor.legend")
            .default_size(272.0)
            .size_range(200.0..=460.0)
            .frame(frame)
            .show(ui, |ui| {
                let rows: Vec<_> = self.tracks.iter().zip(&self.series).collect();
                // It explains the points and lines of this chart alone.
                let has_key = self.kept.chart == Chart::Ttft;
                if has_key && ui.available_height() > KEY_FROM {
                    Panel::bottom("monitor.key")
                        .frame(egui::Frame::new().inner_margin(Margin {
                            top: 8,
                            ..Margin::ZERO
                        }))
                        .show(ui, |ui| key_ui(ui, cx.theme));
                }
                let availability = self.availability();
                // The chart of errors counts the targets together, in the colours of the faults.
                let has_samples = self.kept.chart != Chart::Errors;
                let (action, pointed) =
                    legend::show(ui, cx.theme, &rows, availability, has_samples);
                if let Some((track, _)) = pointed.and_then(|index| rows.get(index)) {
                    self.pointed = Some(track.target.clone());
                }
                if let Some(action) = action {
                    self.take(action);
                }
            });
    }

    fn take(&mut self, action: LegendAction) {
        let only = |index: usize| {
            let others = self
                .tracks
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != index);
            others.into_iter().all(|(_, track)| !track.shown)
        };
        match action {
            LegendAction::Isolate(index) if self.tracks[index].shown && only(index) => {
                self.show_all();
            }
            LegendAction::Isolate(index) => {
                for at in 0..self.tracks.len() {
                    self.set_shown(at, at == index);
                }
            }
            LegendAction::Toggle(index) => self.set_shown(index, !self.tracks[index].shown),
            LegendAction::ShowAll => self.show_all(),
        }
    }

    fn set_shown(&mut self, index: usize, shown: bool) {
        let track = &mut self.tracks[index];
        track.shown = shown;
        let name = track.target.to_string();
        if shown {
            self.kept.hidden.remove(&name);
        } else {
            self.kept.hidden.insert(name);
        }
    }

    /// Shows all targets again.
    pub(super) fn show_all(&mut self) {
        self.kept.hidden.clear();
        self.tracks.iter_mut().for_each(|track| track.shown = true);
    }
}

/// Explains points and lines.
fn key_ui(ui: &mut Ui, theme: &Theme) {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().interact_size.y = 20.0;
    for (icon, text) in [
        ("\u{25cf}", "filled: warm, the connection was open"),
        ("\u{25cb}", "hollow: cold, this run opened it"),
        ("\u{2013}", "rolling median; thin if cold"),
        ("\u{d7}", "failed run, not in any median"),
    ] {
        ui.horizontal(|ui| {
            ui.label(RichText::new(icon).color(theme.text_dim).monospace());
            ui.add(egui::Label::new(caption(theme, text)).truncate());
        });
    }
}
