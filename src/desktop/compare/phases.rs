//! Where the difference comes from: the medians of the phases of each arm side by side, and of the paired differences.

use egui::{Grid, Label, Rect, Response, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{arms::ShownArm, signed::signed_ms};
use crate::{
    compare::{ComparePhase, KindComparison, PhaseMedian},
    desktop::{
        looks::key_item_ui,
        theme::{Theme, caption, space, strong},
        widgets::{count, ms_text},
    },
    measure::percentile::Percentile,
};

/// Height of a bar, in points.
const BAR: f32 = 18.0;
/// Room for an arm's letter and for the sum, in points.
const LETTER: f32 = 22.0;
const SUM: f32 = 64.0;

/// The index of a phase's colour: where the monitor has such a phase, the same.
fn color_of(phase: ComparePhase) -> usize {
    match phase {
        ComparePhase::Dns => 3,
        ComparePhase::Tcp => 1,
        ComparePhase::Tls => 5,
        ComparePhase::Network => 7,
        ComparePhase::Provider => 0,
    }
}

/// Shows the bars, then all medians as figures.
pub fn phases_ui(ui: &mut Ui, theme: &Theme, kind: &KindComparison, arms: &[ShownArm]) {
    let is_known = |phase: ComparePhase| {
        let phases = kind.arms.iter().flat_map(|arm| &arm.phases);
        let mut known = phases.filter(|found| found.median.value.is_some());
        known.any(|found| found.phase == phase)
    };
    let known: Vec<ComparePhase> = (ComparePhase::ALL.iter().copied())
        .filter(|phase| is_known(*phase))
        .collect();
    if known.is_empty() {
        let text = "No phase is known: no run was measured over such connections, or this system tells none";
        ui.label(caption(theme, text));
        return;
    }
    ui.horizontal_wrapped(|ui| {
        for phase in &known {
            let color = theme.series_color(color_of(*phase));
            key_item_ui(ui, color, phase.label()).on_hover_text(phase.definition());
        }
    });
    ui.add_space(space::S);
    let sum = |phases: &[PhaseMedian]| {
        phases
            .iter()
            .filter_map(|found| found.median.value)
            .sum::<f64>()
    };
    let most = kind
        .arms
        .iter()
        .map(|arm| sum(&arm.phases))
        .fold(0.0, f64::max);
    for (summary, arm) in kind.arms.iter().zip(arms) {
        bar_ui(
            ui,
            theme,
            arm,
            &summary.phases,
            (sum(&summary.phases), most),
        );
    }
    let text = "The sum of medians is near the median of TTFT, not the same";
    ui.label(caption(theme, text));
    ui.add_space(space::M);
    figures_ui(ui, theme, kind, arms, &known);
}

fn bar_ui(
    ui: &mut Ui,
    theme: &Theme,
    arm: &ShownArm,
    phases: &[PhaseMedian],
    (sum, most): (f64, f64),
) {
    let size = vec2(ui.available_width(), BAR + 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let parts = phases.iter().filter_map(|found| {
        let ms = found.median.value?;
        Some(format!("{} {}", found.phase.label(), ms_text(ms)))
    });
    let name = format!(
        "Phases of {}: {}",
        arm.letter,
        parts.collect::<Vec<_>>().join(", ")
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    let painter = ui.painter();
    let font = egui::TextStyle::Body.resolve(ui.style());
    let (middle, left) = (rect.center().y, rect.left() + LETTER);
    let align = egui::Align2::LEFT_CENTER;
    painter.text(
        pos2(rect.left(), middle),
        align,
        arm.letter,
        font.clone(),
        theme.text,
    );
    #[expect(clippy::cast_possible_truncation, reason = "a width on screen")]
    let width = |ms: f64| (rect.width() - LETTER - SUM) * (ms / most.max(1e-9)) as f32;
    let mut x = left;
    for found in phases {
        let Some(ms) = found.median.value else {
            continue;
        };
        let part = Rect::from_min_size(pos2(x, middle - BAR / 2.0), vec2(width(ms), BAR));
        painter.rect_filled(part, 2.0, theme.series_color(color_of(found.phase)));
        x += width(ms);
    }
    painter.text(
        pos2(x + space::S, middle),
        align,
        ms_text(sum),
        font,
        theme.text,
    );
    response.on_hover_text(name);
}

fn figures_ui(
    ui: &mut Ui,
    theme: &Theme,
    kind: &KindComparison,
    arms: &[ShownArm],
    known: &[ComparePhase],
) {
    let of = |phases: &[PhaseMedian], phase: ComparePhase| {
        let found = phases.iter().find(|found| found.phase == phase);
        found.map(|found| found.median)
    };
    Grid::new("compare.phases")
        .spacing(vec2(space::L, space::XS))
        .show(ui, |ui| {
            ui.label(caption(theme, "Median"));
            for arm in arms {
                ui.label(strong(arm.letter.to_string()));
            }
            for against in &kind.against_first {
                let letter = arms.get(against.arm).map_or('?', |arm| arm.letter);
                let meaning = "The median of the paired differences: above 0 the arm took longer";
                ui.label(strong(format!("{letter} \u{2212} A")))
                    .on_hover_text(meaning);
            }
            ui.end_row();
            for phase in known {
                ui.label(caption(theme, phase.label()))
                    .on_hover_text(phase.definition());
                for summary in &kind.arms {
                    median_ui(ui, theme, of(&summary.phases, *phase), ms_text);
                }
                for against in &kind.against_first {
                    median_ui(ui, theme, of(&against.phases, *phase), signed_ms);
                }
                ui.end_row();
            }
        });
}

/// A median, or a dash; its n and interval on hover.
fn median_ui(
    ui: &mut Ui,
    theme: &Theme,
    median: Option<Percentile>,
    text: impl Fn(f64) -> String,
) -> Response {
    let known = median.and_then(|median| Some((median, median.value?)));
    let Some((median, value)) = known else {
        let dash = Label::new(RichText::new("\u{2013}").color(theme.text_dim));
        return ui
            .add(dash)
            .on_hover_text("Not known, or not there over such connections");
    };
    let runs = count(median.n as u64);
    let hover = match median.low.zip(median.high) {
        Some((low, high)) => format!("n {runs}, 95 % interval {} to {}", text(low), text(high)),
        None => format!("n {runs}: too few for an interval"),
    };
    ui.label(text(value)).on_hover_text(hover)
}
