//! The plots of the arms' distributions: ECDFs, and quantiles against quantiles.

use egui::{Pos2, Response, Ui};
use egui_plot::{Line, LineStyle, PlotBounds, PlotPoint, PlotPoints, PlotTransform, Points};

use super::{arms::ShownArm, data::ArmsData};
use crate::{
    compare::ComparedFigure,
    desktop::{
        axes::{Scale, fixed_plot, show_plot},
        ecdf::{self, Ecdf, EcdfLine, marks_across},
        theme::{Theme, strong},
        tooltip::tooltip,
        widgets::ms_text,
    },
};

/// How close to a point the pointer must be, in points.
const REACH: f32 = 12.0;

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
        let steps = self.data.steps.iter().flatten();
        ecdf::ends(self.scale, steps.map(|[ms, _]| *ms))
    }
}

/// Draws the distributions in all the space that is left.
pub fn distributions_ui(ui: &mut Ui, theme: &Theme, frame: SpreadFrame<'_>) {
    let SpreadFrame { data, arms, .. } = frame;
    let lines = arms.iter().zip(&data.steps).zip(&data.counts);
    let lines = lines.map(|((arm, steps), count)| EcdfLine {
        steps,
        n: *count as u64,
        color: theme.series_color(arm.look.color),
        style: LineStyle::Solid,
        markers: Some(arm.look),
    });
    let plot = Ecdf {
        salt: "compare.spread",
        name: &format!("Share of runs by {}", frame.figure.label()),
        of: "runs",
        scale: frame.scale,
        lines: lines.collect(),
    };
    plot.ui(ui, theme, |ui, arm| {
        ui.label(strong(arms[arm].letter.to_string()));
    });
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
        let percent = 100.0 * (place as f64 + 0.5) / quantiles.len() as f64;
        let [across, up] = quantiles[place].map(ms_text);
        ui.label(strong(format!("{} against A", shown.letter)));
        ui.label(format!(
            "{percent:.0} % of the runs took less than {across} (A), {up} ({})",
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
        .filter(|(.., at)| at.distance(pointer) <= REACH)
        .min_by(|(.., a), (.., b)| a.distance_sq(pointer).total_cmp(&b.distance_sq(pointer)))
}
