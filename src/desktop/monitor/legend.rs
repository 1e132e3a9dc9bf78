//! The legend: every target with its figures, and an eye that hides it.

use egui::{
    CornerRadius, FontId, RichText, ScrollArea, Sense, TextFormat, Ui, text::LayoutJob, vec2,
};

use super::plot::Track;
use crate::{
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong},
        widgets::{icon_button, ms_text, simulated_badge},
    },
    history::Series,
    run::Connection,
};

/// A target's figures over the stretch that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Failed runs.
    pub faults: usize,
    /// Measured ones.
    pub runs: usize,
    /// Warm ones: how many and their median, where every single run is at hand.
    pub warm: Option<(usize, f64)>,
    /// Cold ones, the same.
    pub cold: Option<(usize, f64)>,
    /// Whether the stretch is so dense that single runs were left out.
    pub thinned: bool,
}

impl Summary {
    /// Of a target's series.
    #[must_use]
    pub fn of(series: &Series) -> Self {
        let thinned = series.points.len() < series.runs;
        let median = |connection: Connection| {
            let of_kind = series.points.iter().filter(|p| p.connection == connection);
            let mut ms: Vec<f64> = of_kind.map(|p| p.ttft_ms).collect();
            ms.sort_by(f64::total_cmp);
            // The mean of the two middle values where there is no single one.
            let middle = ms
                .get(ms.len() / 2)
                .zip(ms.get(ms.len().saturating_sub(1) / 2));
            middle
                .filter(|_| !thinned)
                .map(|(a, b)| (ms.len(), f64::midpoint(*a, *b)))
        };
        Self {
            faults: series.faults,
            runs: series.runs,
            warm: median(Connection::Warm),
            cold: median(Connection::Cold),
            thinned,
        }
    }
}

/// Shows the legend; gives the index of a track whose eye was clicked, and whether all are to be shown.
pub fn show(ui: &mut Ui, theme: &Theme, tracks: &[(&Track, Summary)]) -> (Option<usize>, bool) {
    let mut toggled = None;
    let mut show_all = false;
    ui.horizontal(|ui| {
        ui.label(strong("Targets"));
        ui.label(caption(theme, tracks.len().to_string()));
        if tracks.iter().any(|(track, _)| !track.shown) {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                show_all = super::super::widgets::ghost_button(ui, theme, "Show all").clicked();
            });
        }
    });
    ui.add_space(space::XS);
    ScrollArea::vertical()
        .auto_shrink([false, true])
        .show(ui, |ui| {
            for (index, (track, summary)) in tracks.iter().enumerate() {
                if entry(ui, theme, track, summary) {
                    toggled = Some(index);
                }
                ui.add_space(space::S);
            }
        });
    (toggled, show_all)
}

fn entry(ui: &mut Ui, theme: &Theme, track: &Track, summary: &Summary) -> bool {
    let mut clicked = false;
    let dim = if track.shown { 1.0 } else { 0.45 };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 18.0), Sense::hover());
        let swatch = egui::Rect::from_center_size(rect.center(), vec2(10.0, 10.0));
        let color = theme.series_color(track.color).gamma_multiply(dim);
        ui.painter()
            .rect_filled(swatch, CornerRadius::same(3), color);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let (icon, verb) = if track.shown {
                (icons::EYE, "Hide")
            } else {
                (icons::EYE_OFF, "Show")
            };
            clicked = icon_button(ui, theme, icon, &format!("{verb} {}", track.target)).clicked();
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let name =
                    RichText::new(track.target.to_string()).color(theme.text.gamma_multiply(dim));
                ui.add(egui::Label::new(name).truncate().selectable(false));
            });
        });
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::M, 2.0);
        ui.add_space(16.0 - space::M);
        figures(ui, theme, summary);
        if track.simulated {
            simulated_badge(ui, theme);
        }
    });
    clicked
}

fn figures(ui: &mut Ui, theme: &Theme, summary: &Summary) {
    let median = "Median TTFT of the runs in the stretch that is shown; n is how many";
    for (icon, word, value) in [
        (icons::WARM, "warm", summary.warm),
        (icons::COLD, "cold", summary.cold),
    ] {
        if let Some((n, ms)) = value {
            let mut text = LayoutJob::default();
            let figure = TextFormat::simple(FontId::proportional(size::SMALL), theme.text);
            let how_many = TextFormat::simple(FontId::proportional(size::TINY), theme.text_dim);
            text.append(&format!("{icon} {}", ms_text(ms)), 0.0, figure);
            text.append(&format!("n {n}"), 5.0, how_many);
            ui.add(egui::Label::new(text).extend())
                .on_hover_text(format!("{median}; {word} connections alone"));
        }
    }
    if summary.thinned {
        let text = caption(theme, format!("n {}", summary.runs)).size(size::TINY);
        ui.label(text).on_hover_text("Too many runs to draw each: lowest, median and highest of every pixel are shown. Zoom in for a median over the stretch");
    }
    if summary.faults > 0 {
        let errors = if summary.faults == 1 {
            "error"
        } else {
            "errors"
        };
        let text = format!("{} {errors}", summary.faults);
        let text = RichText::new(text).size(size::SMALL).color(theme.bad);
        ui.add(egui::Label::new(text).extend())
            .on_hover_text("Failed runs in the stretch that is shown. They are in no median");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{history::SeriesPoint, run::RunId};

    fn series(warm: &[f64], cold: &[f64], runs: usize) -> Series {
        let point = |ttft_ms: f64, connection| SeriesPoint {
            at_unix_ns: 0,
            ttft_ms,
            connection,
            run: RunId(0),
        };
        let warm = warm.iter().map(|ms| point(*ms, Connection::Warm));
        Series {
            runs,
            points: warm
                .chain(cold.iter().map(|ms| point(*ms, Connection::Cold)))
                .collect(),
            ..Series::default()
        }
    }

    #[test]
    fn warm_and_cold_are_never_averaged_together() {
        let summary = Summary::of(&series(&[30.0, 10.0, 20.0], &[200.0, 100.0], 5));
        assert_eq!(summary.warm, Some((3, 20.0)));
        assert_eq!(summary.cold, Some((2, 150.0)));
    }

    #[test]
    fn a_thinned_series_has_no_median_made_up() {
        let summary = Summary::of(&series(&[10.0, 20.0], &[], 900));
        assert!(summary.thinned);
        assert_eq!(summary.warm, None);
        assert_eq!(summary.runs, 900);
    }

    #[test]
    fn no_runs_no_median() {
        assert_eq!(Summary::of(&series(&[], &[], 0)).warm, None);
    }
}
