//! The plot of paired differences over time, with their median and its interval.

use egui::{Pos2, Response, Stroke, Ui};
use egui_plot::{HLine, PlotBounds, PlotPoint, PlotPoints, PlotTransform, Points, Polygon};

use super::{
    arms::ShownArm,
    data::{ArmsData, PairPoint},
    signed::{signed_marks, signed_ms},
};
use crate::{
    compare::{ComparedFigure, KindComparison},
    desktop::{
        axes::{AXIS, TimeAxis, fixed_plot, show_plot},
        theme::{Theme, caption, strong},
        tooltip::tooltip,
        widgets::{counted, ms_text, time_of_day},
    },
    measure::evidence::{IntervalEstimate, Quantile},
    run::RunId,
};

/// How close the pointer must be to a point, in points.
const REACH: f32 = 10.0;
/// The share of differences at either end that the plot may leave out, so that a few far ones do not flatten the rest.
const FAR: f64 = 0.01;

/// What the plot shows.
#[derive(Clone, Copy, Debug)]
pub struct DifferencesFrame<'a> {
    pub data: &'a ArmsData,
    pub arms: &'a [ShownArm],
    pub kind: &'a KindComparison,
    pub figure: ComparedFigure,
}

impl DifferencesFrame<'_> {
    fn pairs(&self) -> impl Iterator<Item = (usize, &PairPoint)> {
        let arms = self.data.pairs.iter().enumerate();
        arms.flat_map(|(arm, pairs)| pairs.iter().map(move |pair| (arm, pair)))
    }

    /// The median of an arm's differences, with its interval.
    fn median(&self, arm: usize) -> Option<IntervalEstimate> {
        let against = self.kind.against_first.iter().find(|it| it.arm == arm)?;
        let mut found = against.figures.iter().filter(|it| it.figure == self.figure);
        let found = found.find(|it| it.verdict.quantile == Quantile::Median)?;
        Some(found.verdict.difference)
    }

    fn axis(&self) -> TimeAxis {
        let first = self.pairs().map(|(_, pair)| pair.at_unix_ns).min();
        TimeAxis {
            base_ns: first.unwrap_or_default(),
        }
    }

    /// All of the time, and 0, the intervals and nearly all differences.
    fn bounds(&self) -> PlotBounds {
        let time = self.axis();
        let last = self
            .pairs()
            .map(|(_, pair)| time.x(pair.at_unix_ns))
            .fold(1.0, f64::max);
        let mut all: Vec<f64> = self.pairs().map(|(_, pair)| pair.difference_ms()).collect();
        all.sort_by(f64::total_cmp);
        let near = |at: f64| super::at_share(&all, at);
        let ends = (0..self.arms.len()).filter_map(|arm| self.median(arm));
        let ends = ends.flat_map(|median| [median.low, median.high, median.value]);
        let all = [near(FAR), near(1.0 - FAR), Some(0.0)]
            .into_iter()
            .chain(ends)
            .flatten();
        let (low, high) = all.fold((0.0_f64, 0.0_f64), |(low, high), ms| {
            (low.min(ms), high.max(ms))
        });
        let room = ((high - low) * 0.08).max(0.01);
        PlotBounds::from_min_max([-last * 0.01, low - room], [last * 1.01, high + room])
    }
}

/// Draws the plot in all the space that is left; gives the run that was clicked.
pub fn show(ui: &mut Ui, theme: &Theme, frame: DifferencesFrame<'_>) -> Option<RunId> {
    let (time, bounds) = (frame.axis(), frame.bounds());
    let ([_, low], [_, high]) = (bounds.min(), bounds.max());
    let beyond = frame
        .pairs()
        .filter(|(_, pair)| !(low..=high).contains(&pair.difference_ms()));
    let beyond = beyond.count();
    if beyond > 0 {
        let text = format!(
            "{} beyond the plot, and in every verdict",
            counted(beyond as u64, "pair")
        );
        ui.label(caption(theme, text));
    }
    let plot = fixed_plot("compare.differences", theme)
        .x_grid_spacer(move |input| time.marks(&input))
        .x_axis_formatter(move |mark, _| time.label(mark))
        .y_grid_spacer(|input| signed_marks(&input))
        .y_axis_formatter(|mark, _| signed_ms(mark.value))
        .y_axis_min_width(AXIS);
    let name = format!("Paired differences of {} over time", frame.figure.label());
    let answer = show_plot(ui, theme, plot, &name, |plot| {
        plot.set_plot_bounds(bounds);
        plot.hline(
            HLine::new("", 0.0)
                .color(theme.text_dim)
                .width(1.0)
                .allow_hover(false),
        );
        let edges = (bounds.min()[0], bounds.max()[0]);
        for (arm, shown) in frame.arms.iter().enumerate().skip(1) {
            let color = theme.series_color(shown.look.color);
            if let Some(IntervalEstimate {
                value,
                low: Some(low),
                high: Some(high),
            }) = frame.median(arm)
            {
                let corners = [
                    [edges.0, low],
                    [edges.1, low],
                    [edges.1, high],
                    [edges.0, high],
                ];
                let band = Polygon::new("", PlotPoints::from(corners.to_vec()));
                let band = band
                    .fill_color(color.gamma_multiply(0.18))
                    .stroke(Stroke::NONE);
                plot.polygon(band.allow_hover(false));
                if let Some(value) = value {
                    plot.hline(
                        HLine::new("", value)
                            .color(color)
                            .width(1.7)
                            .allow_hover(false),
                    );
                }
            }
            let points = frame.data.pairs[arm].iter();
            let points: Vec<[f64; 2]> = points
                .map(|pair| [time.x(pair.at_unix_ns), pair.difference_ms()])
                .collect();
            let points = Points::new("", points)
                .color(color.gamma_multiply(0.9))
                .shape(shown.look.marker)
                .filled(true)
                .radius(2.8)
                .allow_hover(false);
            plot.points(points);
        }
    });
    let response = answer.response;
    let (arm, pair, at) = under_pointer(&frame, time, &answer.transform, &response)?;
    hover_ui(ui, theme, &response, (&frame, arm, pair), at);
    response.clicked().then_some(pair.run)
}

fn under_pointer<'a>(
    frame: &'a DifferencesFrame<'_>,
    time: TimeAxis,
    transform: &PlotTransform,
    response: &Response,
) -> Option<(usize, &'a PairPoint, Pos2)> {
    let pointer = response.hover_pos()?;
    let found = frame.pairs().map(|(arm, pair)| {
        let point = PlotPoint::new(time.x(pair.at_unix_ns), pair.difference_ms());
        (arm, pair, transform.position_from_point(&point))
    });
    found
        .filter(|(.., at)| at.distance(pointer) <= REACH)
        .min_by(|(.., a), (.., b)| a.distance_sq(pointer).total_cmp(&b.distance_sq(pointer)))
}

fn hover_ui(
    ui: &Ui,
    theme: &Theme,
    response: &Response,
    (frame, arm, pair): (&DifferencesFrame<'_>, usize, &PairPoint),
    at: Pos2,
) {
    let Some(shown) = frame.arms.get(arm) else {
        return;
    };
    let color = theme.series_color(shown.look.color);
    ui.painter_at(response.rect)
        .circle_stroke(at, 6.0, Stroke::new(1.5, color));
    ui.ctx().set_cursor_icon(egui::CursorIcon::PointingHand);
    tooltip(ui, response, at, |ui| {
        let difference = signed_ms(pair.difference_ms());
        ui.label(strong(format!("{} against A: {difference}", shown.letter)));
        let (first, own) = (ms_text(pair.first_ms), ms_text(pair.arm_ms));
        ui.label(format!(
            "{} A {first}, {} {own}",
            frame.figure.label(),
            shown.letter
        ));
        let when = time_of_day(pair.at_unix_ns);
        ui.label(caption(theme, format!("Round {}, {when}", pair.round)));
        ui.label(caption(
            theme,
            format!("Click to open the run of {}", shown.letter),
        ));
    });
}
