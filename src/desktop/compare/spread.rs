//! The plots of the arms' distributions: ECDFs, and quantiles against quantiles.

use egui::{Mesh, Pos2, Rect, Response, Shape, Ui};
use egui_plot::{
    GridInput, GridMark, Line, PlotBounds, PlotPoint, PlotPoints, PlotTransform, Points,
};

use super::{arms::ShownArm, data::ArmsData};
use crate::{
    compare::ComparedFigure,
    desktop::{
        axes::{AXIS, Scale, fixed_plot, show_plot},
        theme::{Theme, caption, strong},
        tooltip::tooltip,
        widgets::{count, ms_text},
    },
};

/// Width of a line, in points.
const LINE: f32 = 1.6;
/// About how many markers a line gets.
const MARKERS: usize = 8;
/// How close the pointer must be, in points.
const REACH: f32 = 24.0;

/// What both plots show.
#[derive(Clone, Copy, Debug)]
pub struct SpreadFrame<'a> {
    pub data: &'a ArmsData,
    pub arms: &'a [ShownArm],
    pub figure: ComparedFigure,
    pub scale: Scale,
}

impl SpreadFrame<'_> {
    /// The ends of all times, on the axis.
    fn ends(&self) -> (f64, f64) {
        let all = || self.data.steps.iter().flatten().map(|step| step[0]);
        let low = all().reduce(f64::min).unwrap_or(100.0);
        let high = all().reduce(f64::max).unwrap_or(1_000.0);
        let (low, high) = (self.scale.y(low), self.scale.y(high));
        let room = ((high - low) * 0.04).max(1e-3);
        (low - room, high + room)
    }
}

/// Draws the distributions in all the space that is left.
pub fn distributions_ui(ui: &mut Ui, theme: &Theme, frame: SpreadFrame<'_>) {
    let scale = frame.scale;
    let plot = fixed_plot("compare.spread", theme)
        .x_grid_spacer(move |input| marks_across(scale, &input))
        .x_axis_formatter(move |mark, _| scale.label(mark))
        .y_axis_formatter(|mark, _| percent(mark.value))
        .y_axis_min_width(AXIS);
    let name = format!("Share of runs by {}", frame.figure.label());
    let (low, high) = frame.ends();
    let answer = show_plot(ui, theme, plot, &name, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([low, -0.03], [high, 1.03]));
    });
    stairs_ui(ui, theme, frame, &answer.transform);
    let response = answer.response;
    if let Some((arm, ms, share, at)) = line_under_pointer(frame, &answer.transform, &response) {
        let shown = &frame.arms[arm];
        let color = theme.series_color(shown.look.color);
        ui.painter_at(response.rect).circle_filled(at, 3.0, color);
        tooltip(ui, &response, at, |ui| {
            ui.label(strong(shown.letter.to_string()));
            ui.label(format!(
                "{} of the runs took at most {}",
                percent(share),
                ms_text(ms)
            ));
            let runs = count(frame.data.counts[arm] as u64);
            ui.label(caption(theme, format!("n {runs}")));
        });
    }
}

/// Draws each distribution as stairs, with some markers of its arm: a line of the plot would blur where steps are low.
fn stairs_ui(ui: &Ui, theme: &Theme, frame: SpreadFrame<'_>, transform: &PlotTransform) {
    let painter = ui.painter_at(*transform.frame());
    let place = |[ms, share]: [f64; 2]| {
        transform.position_from_point(&PlotPoint::new(frame.scale.y(ms), share))
    };
    for (steps, arm) in frame.data.steps.iter().zip(frame.arms) {
        let color = theme.series_color(arm.look.color);
        let mut stairs = Mesh::default();
        for ends in steps.windows(2) {
            let (from, to) = (place(ends[0]), place(ends[1]));
            stairs.add_colored_rect(Rect::from_two_pos(from, to).expand(LINE / 2.0), color);
        }
        painter.add(Shape::mesh(stairs));
        let stride = steps.len().div_ceil(MARKERS).max(1);
        for step in steps.iter().skip(stride / 2).step_by(stride) {
            painter.add(arm.look.marker(place(*step), color));
        }
    }
}

/// The marks of an axis of times along the bottom. Its labels are wider than high, and at an edge half of one would be cut
/// off.
fn marks_across(scale: Scale, input: &GridInput) -> Vec<GridMark> {
    let half_label = 3.0 * input.base_step_size;
    let (low, high) = input.bounds;
    let mut marks = scale.marks(&GridInput {
        base_step_size: 2.0 * input.base_step_size,
        bounds: input.bounds,
    });
    marks.retain(|mark| (low + half_label..=high - half_label).contains(&mark.value));
    marks
}

/// Labels of the axis of shares; none beyond 0 and 1.
fn percent(share: f64) -> String {
    if (-1e-9..=1.0 + 1e-9).contains(&share) {
        format!("{:.0} %", share * 100.0)
    } else {
        String::new()
    }
}

/// The line at the pointer's time that is closest to it: the arm, the time, the share and the place.
fn line_under_pointer(
    frame: SpreadFrame<'_>,
    transform: &PlotTransform,
    response: &Response,
) -> Option<(usize, f64, f64, Pos2)> {
    let pointer = response.hover_pos()?;
    let x = transform.value_from_position(pointer).x;
    let ms = frame.scale.ms(x);
    let arms = frame.data.steps.iter().enumerate().take(frame.arms.len());
    let found = arms
        .filter(|(_, steps)| !steps.is_empty())
        .map(|(arm, steps)| {
            let below = steps.partition_point(|step| step[0] <= ms);
            let share = below.checked_sub(1).map_or(0.0, |at| steps[at][1]);
            let at = transform.position_from_point(&PlotPoint::new(x, share));
            (arm, ms, share, at)
        });
    let distance = |at: &Pos2| (at.y - pointer.y).abs();
    found
        .filter(|(.., at)| distance(at) <= REACH && ms >= 0.0)
        .min_by(|(.., a), (.., b)| distance(a).total_cmp(&distance(b)))
}

/// Draws quantiles against quantiles in all the space that is left.
pub fn quantiles_ui(ui: &mut Ui, theme: &Theme, frame: SpreadFrame<'_>) {
    let scale = frame.scale;
    let plot = fixed_plot("compare.quantiles", theme)
        .x_grid_spacer(move |input| marks_across(scale, &input))
        .x_axis_formatter(move |mark, _| scale.label(mark));
    let plot = scale.left_of(plot);
    let name = format!(
        "Quantiles of {} of each arm against those of A",
        frame.figure.label()
    );
    let (low, high) = frame.ends();
    let answer = show_plot(ui, theme, plot, &name, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([low, low], [high, high]));
        let alike = Line::new("", PlotPoints::from(vec![[low, low], [high, high]]));
        plot.line(alike.color(theme.text_dim).width(1.0).allow_hover(false));
        for (quantiles, arm) in frame.data.quantiles.iter().zip(frame.arms) {
            let points = quantiles
                .iter()
                .map(|[across, up]| [scale.y(*across), scale.y(*up)]);
            let points = Points::new("", points.collect::<Vec<[f64; 2]>>())
                .color(theme.series_color(arm.look.color))
                .shape(arm.look.marker)
                .filled(true)
                .radius(2.8)
                .allow_hover(false);
            plot.points(points);
        }
    });
    let response = answer.response;
    let Some((arm, place, at)) = quantile_under_pointer(frame, &answer.transform, &response) else {
        return;
    };
    let (shown, quantiles) = (&frame.arms[arm], &frame.data.quantiles[arm]);
    tooltip(ui, &response, at, |ui| {
        #[expect(clippy::cast_precision_loss, reason = "at most 200 quantiles")]
        let share = (place as f64 + 0.5) / quantiles.len() as f64;
        let [across, up] = quantiles[place].map(ms_text);
        ui.label(strong(format!("{} against A", shown.letter)));
        ui.label(format!(
            "{} of the runs took less than {across} (A), {up} ({})",
            percent(share),
            shown.letter
        ));
    });
}

/// The quantile that is closest to the pointer: the arm, its number and its place.
fn quantile_under_pointer(
    frame: SpreadFrame<'_>,
    transform: &PlotTransform,
    response: &Response,
) -> Option<(usize, usize, Pos2)> {
    let pointer = response.hover_pos()?;
    let arms = frame
        .data
        .quantiles
        .iter()
        .enumerate()
        .take(frame.arms.len());
    let found = arms.flat_map(|(arm, quantiles)| {
        quantiles
            .iter()
            .enumerate()
            .map(move |(place, [across, up])| {
                let point = PlotPoint::new(frame.scale.y(*across), frame.scale.y(*up));
                (arm, place, transform.position_from_point(&point))
            })
    });
    found
        .filter(|(.., at)| at.distance(pointer) <= REACH / 2.0)
        .min_by(|(.., a), (.., b)| a.distance_sq(pointer).total_cmp(&b.distance_sq(pointer)))
}
