//! The legend: every target with its look and its figures. A click shows a target alone; its eye button hides it.

use egui::{
    Color32, FontId, RichText, Role, ScrollArea, Sense, TextFormat, Ui, WidgetInfo,
    text::LayoutJob, vec2,
};

use super::{certificate::certificate_text, changes, target_facts::endpoint_of, track::Track};
use crate::{
    clock::wall_clock_ns,
    desktop::{
        icons,
        looks::{SAMPLE, sample_ui},
        theme::{Theme, caption, size, space, strong},
        widgets::{count, counted, ghost_button, icon_button, ms_text, simulated_badge},
    },
    endpoint::local_gateway,
    history::{Availability, Median, Series},
    visible::visible_line,
};

/// What the user did in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendAction {
    /// Shows this target alone, or all targets if it is alone already.
    Isolate(usize),
    /// Shows or hides this target.
    Toggle(usize),
    /// Shows all targets.
    ShowAll,
}

/// Shows the legend; returns what the user did and the index of the entry under the pointer. Samples of the lines are
/// left out beside a chart that has no colours of targets.
pub fn show(
    ui: &mut Ui,
    theme: &Theme,
    tracks: &[(&Track, &Series)],
    availability: &[Availability],
    has_samples: bool,
) -> (Option<LegendAction>, Option<usize>) {
    let mut act = None;
    let mut pointed = None;
    ui.horizontal(|ui| {
        ui.label(strong("Targets"));
        ui.label(caption(theme, tracks.len().to_string()));
        if tracks.iter().any(|(track, _)| !track.shown) {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ghost_button(ui, theme, "Show all").clicked() {
                    act = Some(LegendAction::ShowAll);
                }
            });
        }
    });
    ui.add_space(space::XS);
    ScrollArea::vertical()
        .auto_shrink([false, true])
        .show(ui, |ui| {
            for (index, (track, series)) in tracks.iter().enumerate() {
                let of_endpoint = endpoint_of(availability, &track.target);
                let told = (*track, *series, of_endpoint);
                let (done, hovered) = entry(ui, theme, index, told, has_samples);
                act = act.or(done);
                pointed = hovered.then_some(index).or(pointed);
                ui.add_space(space::S);
            }
        });
    (act, pointed)
}

/// Shows an entry; returns what the user did with it and whether the pointer is on it.
fn entry(
    ui: &mut Ui,
    theme: &Theme,
    index: usize,
    (track, series, availability): (&Track, &Series, Option<&Availability>),
    has_sample: bool,
) -> (Option<LegendAction>, bool) {
    let mut act = None;
    let dim = if track.shown { 1.0 } else { 0.45 };
    let shown = ui.scope(|ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            if has_sample {
                let color = theme.series_color(track.look.color).gamma_multiply(dim);
                sample_ui(ui, track.look, color);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let (icon, verb) = if track.shown {
                    (icons::EYE, "Hide")
                } else {
                    (icons::EYE_OFF, "Show")
                };
                if icon_button(ui, theme, icon, &format!("{verb} {}", track.target)).clicked() {
                    act = Some(LegendAction::Toggle(index));
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    act = act.or(name_ui(ui, theme.text.gamma_multiply(dim), index, track));
                });
            });
        });
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing = vec2(space::S, 2.0);
            // Figures begin below the name, their icons a little before it.
            if has_sample {
                ui.add_space(SAMPLE + 6.0 - space::M);
            }
            ui.vertical(|ui| {
                ui.horizontal_wrapped(|ui| {
                    figures(ui, theme, series);
                    if let Some(availability) = availability {
                        availability_ui(ui, theme, availability);
                    }
                    if track.simulated {
                        simulated_badge(ui, theme);
                    }
                });
            });
        });
    });
    (act, ui.rect_contains_pointer(shown.response.rect))
}

/// Shows the name. A click shows its target alone; with the command key, a click shows or hides it.
fn name_ui(ui: &mut Ui, color: Color32, index: usize, track: &Track) -> Option<LegendAction> {
    let name = RichText::new(visible_line(&local_gateway::shown(&track.target))).color(color);
    let label = egui::Label::new(name).truncate().selectable(false);
    let response = ui
        .add(label.sense(Sense::click()))
        .on_hover_text("Click: show this target alone, or all again. Ctrl+click: show or hide it")
        .on_hover_cursor(egui::CursorIcon::PointingHand);
    let alone = format!("Only {}", track.target);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &alone));
    let with_command = ui.input(|input| input.modifiers.command);
    response.clicked().then_some(if with_command {
        LegendAction::Toggle(index)
    } else {
        LegendAction::Isolate(index)
    })
}

/// In which share of its free checks the target's endpoint was there.
fn availability_ui(ui: &mut Ui, theme: &Theme, availability: &Availability) {
    let Availability { up, checks, .. } = availability;
    #[expect(clippy::cast_precision_loss, reason = "a share on screen")]
    let share = *up as f64 * 100.0 / (*checks).max(1) as f64;
    // Nothing but all is 100 %.
    let share = if up < checks { share.min(99.99) } else { share };
    let text = RichText::new(format!("up {share:.2} %")).size(size::SMALL);
    let color = if up < checks {
        theme.warn
    } else {
        theme.text_dim
    };
    let mut hover = format!(
        "In {} of {} free checks in the range shown, the endpoint “{}” answered, and not by an error of its own",
        count(*up),
        count(*checks),
        availability.endpoint
    );
    if let Some(until) = availability.certificate_until {
        hover.extend([". ", &certificate_text(until, wall_clock_ns())]);
    }
    ui.add(egui::Label::new(text.color(color)).extend())
        .on_hover_text(hover);
}

fn figures(ui: &mut Ui, theme: &Theme, series: &Series) {
    let median = "Median TTFT and P95 of the runs in the range shown; n is their number. P95 is blank below 20 runs";
    let [p95_warm, p95_cold] = series.p95_ms;
    for (icon, word, value, p95) in [
        (icons::WARM, "warm", series.warm, p95_warm),
        (icons::COLD, "cold", series.cold, p95_cold),
    ] {
        if let Some(Median { runs, ms }) = value {
            let mut text = LayoutJob::default();
            let figure = TextFormat::simple(FontId::proportional(size::SMALL), theme.text);
            let how_many = TextFormat::simple(FontId::proportional(size::TINY), theme.text_dim);
            text.append(&format!("{icon} {}", ms_text(ms)), 0.0, figure);
            if let Some(p95) = p95 {
                text.append(&format!("P95 {}", ms_text(p95)), 5.0, how_many.clone());
            }
            text.append(&format!("n {runs}"), 5.0, how_many);
            ui.add(egui::Label::new(text).extend())
                .on_hover_text(format!("{median}; {word} connections only"));
        }
    }
    if let Some(last) = series.changes.last() {
        let text = RichText::new(changes::size_text(&last.change)).size(size::SMALL);
        ui.add(egui::Label::new(text.color(theme.text)).extend())
            .on_hover_ui(|ui| changes::told_ui(ui, theme, last));
    }
    if series.late > 0 {
        let text = format!("{} late here", series.late);
        let text = RichText::new(text).size(size::SMALL).color(theme.warn);
        ui.add(egui::Label::new(text).extend()).on_hover_text(
            "Runs whose first token this machine read late, by more than the share of their TTFT that the settings \
             allow (late_share). They are not in any median",
        );
    }
    if series.faults > 0 {
        let text = counted(series.faults as u64, "error");
        let text = RichText::new(text).size(size::SMALL).color(theme.bad);
        ui.add(egui::Label::new(text).extend())
            .on_hover_text("Failed runs in the range shown. They are not in any median");
    }
}
