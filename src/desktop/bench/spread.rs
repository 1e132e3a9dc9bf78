//! The plot of distributions: the share of answers that took at most a time.

use egui::{Color32, Pos2, Response, Ui};
use egui_plot::{
    GridInput, GridMark, Line, LineStyle, PlotBounds, PlotPoint, PlotPoints, PlotTransform,
};

use crate::{
    bench::{BenchCharts, charts::ShareSteps},
    desktop::{
        axes::{AXIS, Scale, fixed_plot, show_plot},
        looks::key_item_ui,
        theme::{Theme, caption, space, strong},
        tooltip::tooltip,
        widgets::{count, ms_text},
    },
};

/// How close to a line the pointer must be, in points.
const REACH: f32 = 24.0;

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
    let plot = fixed_plot("bench.spread", theme)
        .x_grid_spacer(move |input| marks(scale, &input))
        .x_axis_formatter(move |mark, _| scale.label(mark))
        .y_axis_formatter(|mark, _| percent(mark.value))
        .y_axis_min_width(AXIS);
    let (low, high) = ends(&lines, scale);
    let name = "Share of answers by TTFT and total";
    let drawn: Vec<Line<'_>> = lines.iter().map(|line| drawn(line, scale)).collect();
    let answer = show_plot(ui, theme, plot, name, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([low, -0.03], [high, 1.03]));
        for line in drawn {
            plot.line(line);
        }
    });
    let response = answer.response;
    if let Some((line, ms, at)) = under_pointer(&lines, scale, &answer.transform, &response) {
        ui.painter_at(response.rect)
            .circle_filled(at, 3.0, line.color);
        tooltip(ui, &response, at, |ui| {
            ui.label(strong(line.name.clone()));
            let share = percent_text(line.steps.share_at(ms));
            ui.label(format!(
                "{share} of the answers took at most {}",
                ms_text(ms)
            ));
            ui.label(caption(theme, format!("n {}", count(line.steps.n))));
        });
    }
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

/// A line of steps: level up to a time, then up.
fn drawn<'a>(line: &SpreadLine<'_>, scale: Scale) -> Line<'a> {
    let mut before = 0.0;
    let mut points = Vec::with_capacity(2 * line.steps.steps.len());
    for [ms, share] in &line.steps.steps {
        points.push([scale.y(*ms), before]);
        points.push([scale.y(*ms), *share]);
        before = *share;
    }
    Line::new("", PlotPoints::from(points))
        .color(line.color)
        .style(line.style)
        .width(1.7)
        .allow_hover(false)
}

/// The ends of all times, on the axis.
fn ends(lines: &[SpreadLine<'_>], scale: Scale) -> (f64, f64) {
    let all = || {
        lines
            .iter()
            .flat_map(|line| line.steps.steps.iter().map(|[ms, _]| *ms))
    };
    let low = all().reduce(f64::min).unwrap_or(100.0);
    let high = all().reduce(f64::max).unwrap_or(1_000.0);
    let (low, high) = (scale.y(low), scale.y(high));
    let room = ((high - low) * 0.04).max(1e-3);
    (low - room, high + room)
}

/// The line at the pointer’s time that is nearest to it.
fn under_pointer<'a, 'b>(
    lines: &'b [SpreadLine<'a>],
    scale: Scale,
    transform: &PlotTransform,
    response: &Response,
) -> Option<(&'b SpreadLine<'a>, f64, Pos2)> {
    let pointer = response.hover_pos()?;
    let x = transform.value_from_position(pointer).x;
    let ms = scale.ms(x);
    let places = lines.iter().map(|line| {
        let share = line.steps.share_at(ms);
        let at = transform.position_from_point(&PlotPoint::new(x, share));
        (line, ms, at)
    });
    places
        .filter(|(.., at)| at.distance(pointer) <= REACH)
        .min_by(|(.., a), (.., b)| a.distance_sq(pointer).total_cmp(&b.distance_sq(pointer)))
}

/// Marks of the axis of times. Its labels stand beside each other, and need more room than those of an axis at the left.
fn marks(scale: Scale, input: &GridInput) -> Vec<GridMark> {
    scale.marks(&GridInput {
        base_step_size: 2.0 * input.base_step_size,
        bounds: input.bounds,
    })
}

/// Labels of the axis of shares; none beyond 0 and 1.
fn percent(share: f64) -> String {
    if (-1e-9..=1.0 + 1e-9).contains(&share) {
        format!("{:.0} %", share * 100.0)
    } else {
        String::new()
    }
}

/// A share with as many digits as it takes to tell it from all.
fn percent_text(share: f64) -> String {
    if share > 0.99 && share < 1.0 {
        format!("{:.2} %", share * 100.0)
    } else {
        format!("{:.1} %", share * 100.0)
    }
}
