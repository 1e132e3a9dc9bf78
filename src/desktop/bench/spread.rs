//! The plot of distributions: the share of answers that took at most a time.

use egui::{Color32, Ui};
use egui_plot::LineStyle;

use crate::{
    bench::{BenchCharts, charts::ShareSteps},
    desktop::{
        axes::Scale,
        ecdf::{Ecdf, EcdfLine},
        looks::key_item_ui,
        theme::{Theme, space, strong},
    },
};

/// A distribution that is drawn.
struct SpreadLine<'a> {
    name: String,
    steps: &'a ShareSteps,
    color: Color32,
    style: LineStyle,
}

/// Draws the distributions of a bench, and of one beside it, in all the space that is left.
pub fn spread_ui(
    ui: &mut Ui,
    theme: &Theme,
    charts: &BenchCharts,
    beside: Option<&BenchCharts>,
    scale: Scale,
) {
    let lines = lines(theme, charts, beside);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        for line in &lines {
            key_item_ui(ui, line.color, &line.name);
        }
    });
    let drawn = lines.iter().map(|line| EcdfLine {
        steps: &line.steps.steps,
        n: line.steps.n,
        color: line.color,
        style: line.style,
        markers: None,
    });
    let plot = Ecdf {
        salt: "bench.spread",
        name: "Share of answers by TTFT and total",
        of: "answers",
        scale,
        lines: drawn.collect(),
    };
    plot.ui(ui, theme, |ui, line| {
        ui.label(strong(lines[line].name.clone()));
    });
}

fn lines<'a>(
    theme: &Theme,
    charts: &'a BenchCharts,
    beside: Option<&'a BenchCharts>,
) -> Vec<SpreadLine<'a>> {
    let mut lines = Vec::new();
    for (charts, which, first) in [(Some(charts), "A ", 0), (beside, "B ", 4)] {
        let Some(charts) = charts else { continue };
        let which = if beside.is_some() { which } else { "" };
        let all = [
            (
                "TTFT from schedule",
                charts.ttft_from_schedule.as_ref(),
                0,
                true,
            ),
            ("TTFT from start", Some(&charts.ttft), 0, false),
            (
                "total from schedule",
                charts.total_from_schedule.as_ref(),
                1,
                true,
            ),
            ("total from start", Some(&charts.total), 1, false),
        ];
        for (name, steps, color, is_from_schedule) in all {
            if let Some(steps) = steps.filter(|steps| steps.n > 0) {
                lines.push(SpreadLine {
                    name: format!("{which}{name}"),
                    steps,
                    color: theme.series_color(first + color + 2 * usize::from(is_from_schedule)),
                    style: if is_from_schedule {
                        LineStyle::Dashed { length: 7.0 }
                    } else {
                        LineStyle::Solid
                    },
                });
            }
        }
    }
    lines
}
