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
    history::{Median, Series},
    visible::visible_line,
};

/// Shows the legend; gives the index of a track whose eye was clicked, and whether all are to be shown.
pub fn show(ui: &mut Ui, theme: &Theme, tracks: &[(&Track, &Series)]) -> (Option<usize>, bool) {
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
            for (index, (track, series)) in tracks.iter().enumerate() {
                if entry(ui, theme, track, series) {
                    toggled = Some(index);
                }
                ui.add_space(space::S);
            }
        });
    (toggled, show_all)
}

fn entry(ui: &mut Ui, theme: &Theme, track: &Track, series: &Series) -> bool {
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
                let name = RichText::new(visible_line(&track.target.to_string()))
                    .color(theme.text.gamma_multiply(dim));
                ui.add(egui::Label::new(name).truncate().selectable(false));
            });
        });
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::M, 2.0);
        ui.add_space(16.0 - space::M);
        figures(ui, theme, series);
        if track.simulated {
            simulated_badge(ui, theme);
        }
    });
    clicked
}

fn figures(ui: &mut Ui, theme: &Theme, series: &Series) {
    let median = "Median TTFT of the runs in the stretch that is shown; n is how many";
    for (icon, word, value) in [
        (icons::WARM, "warm", series.warm),
        (icons::COLD, "cold", series.cold),
    ] {
        if let Some(Median { runs, ms }) = value {
            let mut text = LayoutJob::default();
            let figure = TextFormat::simple(FontId::proportional(size::SMALL), theme.text);
            let how_many = TextFormat::simple(FontId::proportional(size::TINY), theme.text_dim);
            text.append(&format!("{icon} {}", ms_text(ms)), 0.0, figure);
            text.append(&format!("n {runs}"), 5.0, how_many);
            ui.add(egui::Label::new(text).extend())
                .on_hover_text(format!("{median}; {word} connections alone"));
        }
    }
    if series.faults > 0 {
        let errors = if series.faults == 1 {
            "error"
        } else {
            "errors"
        };
        let text = format!("{} {errors}", series.faults);
        let text = RichText::new(text).size(size::SMALL).color(theme.bad);
        ui.add(egui::Label::new(text).extend())
            .on_hover_text("Failed runs in the stretch that is shown. They are in no median");
    }
}
