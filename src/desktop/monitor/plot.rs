//! The plot: points, rolling medians, error marks, and what is under the pointer.

use egui::{Color32, Mesh, Pos2, Rect, Response, Shape, Stroke, Ui, vec2};
use egui_plot::{Line, LineStyle, PlotPoint, PlotPoints, PlotTransform, PlotUi, Points};

use super::{
    axes::{plain_plot, show_plot},
    changes,
    cloud::{self, Cloud},
    gaps,
    mark::{Mark, MarkKind},
    plot_frame::PlotFrame,
    tooltip::{tooltip, track_ui},
    track::Track,
    zoom::{edges, is_moved, zoom_by_wheel},
};
use crate::{
    desktop::{
        theme::{Theme, caption},
        widgets::{Outcome, connection_icon, date_time, ms_text},
    },
    endpoint::{TargetId, local_gateway},
    history::Median,
    run::{RunId, RunState},
};

/// How close the pointer must be to a mark, in points.
const REACH: f32 = 9.0;
/// More points than this are drawn as a [`Cloud`].
const MANY: usize = 2500;
/// Crosses of one target closer together than this, in points, are drawn as one.
const CROSS_GAP: f32 = 5.0;
/// Radius of a run's marker, in points.
const MARKER: f32 = 2.8;
/// Widths of the medians, in points.
const WARM_LINE: f32 = 1.7;
const COLD_LINE: f32 = 1.0;
/// How many markers a median line gets where points are drawn as a cloud.
const MARKERS_ON_LINE: usize = 10;
/// Height of the strip of error marks above the time axis.
const STRIP: f32 = 16.0;

/// What the user did on the plot in a frame.
#[derive(Clone, Debug)]
pub struct PlotOutput {
    /// A run that was clicked.
    pub clicked: Option<RunId>,
    /// The target under the pointer.
    pub pointed: Option<TargetId>,
    /// Whether the user moved or zoomed the plot in this frame.
    pub moved: bool,
    /// Whether the user asked to reset the zoom.
    pub reset: bool,
    /// Times at the plot's edges, in nanoseconds since 1970.
    pub edges: (i64, i64),
}

/// Draws the plot in all the space that is left.
pub fn show(ui: &mut Ui, theme: &Theme, frame: PlotFrame<'_>) -> PlotOutput {
    let PlotFrame { time, scale, .. } = frame;
    let plot = plain_plot("ttft", theme)
        .x_grid_spacer(move |input| time.marks(&input))
        .x_axis_formatter(move |mark, _| time.label(mark));
    let plot = scale.left_of(plot);
    let name = "Plot of time to first token over time";
    let answer = show_plot(ui, theme, plot, name, |plot| {
        if let Some((min, max)) = frame.bounds {
            plot.set_plot_bounds(egui_plot::PlotBounds::from_min_max(min, max));
        }
        gaps::draw(plot, theme, frame.bands, frame.tracks, time);
        let many = frame
            .shown()
            .map(|(_, series)| series.points.len() + series.hours.len())
            .sum::<usize>()
            > MANY;
        for (track, _) in frame.shown() {
            draw_points(plot, frame.color(theme, track), track, many);
        }
        for (track, _) in frame.shown() {
            draw_medians(plot, frame.color(theme, track), track, many);
        }
        zoom_by_wheel(plot)
    });
    let response = answer.response;
    errors_ui(ui, theme, frame, &answer.transform);
    let change = changes::show(ui, theme, frame, &answer.transform, &response);
    let found = under_pointer(frame, &answer.transform, &response).filter(|_| !change);
    if let Some((track, mark, at)) = found {
        hover_ui(ui, theme, &response, track, &mark, at);
    } else if !change {
        let (bands, axis) = ((frame.bands, frame.tracks), (time, &answer.transform));
        gaps::hover_ui(ui, theme, bands, axis, &response);
    }
    PlotOutput {
        clicked: found
            .filter(|_| response.clicked())
            .and_then(|(_, mark, _)| mark.run),
        pointed: found.map(|(track, ..)| track.target.clone()),
        moved: is_moved(ui, &response, answer.inner),
        reset: response.double_clicked(),
        edges: edges(time, &answer.transform),
    }
}

fn draw_points<'a>(plot: &mut PlotUi<'a>, color: Color32, track: &'a Track, many: bool) {
    let name = local_gateway::shown(&track.target);
    let [warm, cold] = &track.points;
    // Few points are drawn strongly; many are faint, so that their median line shows.
    let strength = if warm.len() < 40 { 0.9 } else { 0.55 };
    for (points, filled) in [(warm, true), (cold, false)] {
        let color = color.gamma_multiply(if filled { strength } else { 0.9 });
        if many {
            plot.add(Cloud::new(name.clone(), points, color, filled));
            continue;
        }
        let points = Points::new(name.clone(), PlotPoints::Borrowed(points))
            .color(color)
            .shape(track.look.marker)
            .filled(filled)
            .radius(MARKER)
            .allow_hover(false);
        plot.points(points);
    }
}

fn draw_medians<'a>(plot: &mut PlotUi<'a>, color: Color32, track: &'a Track, many: bool) {
    let name = local_gateway::shown(&track.target);
    let [warm, cold] = &track.medians;
    for (lines, width, strength) in [(warm, WARM_LINE, 1.0), (cold, COLD_LINE, 0.7)] {
        for line in lines {
            // A single point is no line; it is drawn as a point anyway.
            if line.len() < 2 {
                continue;
            }
            let line = Line::new(name.clone(), PlotPoints::Borrowed(line))
                .color(color.gamma_multiply(strength))
                .width(width)
                .style(with_gaps(track.look.dash, many))
                .allow_hover(false);
            plot.line(line);
        }
        if many {
            // A cloud shows no markers, so the line gets some.
            let all = lines.iter().flatten();
            let step = all.clone().count().div_ceil(MARKERS_ON_LINE).max(1);
            let some: Vec<[f64; 2]> = all
                .skip(step / 2)
                .step_by(step)
                .map(|p| [p.x, p.y])
                .collect();
            let markers = Points::new(name.clone(), some)
                .color(color)
                .shape(track.look.marker)
                .filled(width == WARM_LINE)
                .radius(MARKER + 1.0)
                .allow_hover(false);
            plot.points(markers);
        }
    }
}

/// The line style, with longer dashes and gaps where there are many points: each dash costs as much as a line.
fn with_gaps(dash: LineStyle, many: bool) -> LineStyle {
    match dash {
        LineStyle::Dashed { length } if many => LineStyle::Dashed {
            length: length * 1.5,
        },
        LineStyle::Dotted { spacing } if many => LineStyle::Dotted {
            spacing: spacing * 1.5,
        },
        other => other,
    }
}

fn strip(transform: &PlotTransform) -> Rect {
    let frame = *transform.frame();
    Rect::from_min_max(frame.left_bottom() - vec2(0.0, STRIP), frame.right_bottom())
}

/// Draws failed runs as crosses on a strip above the time axis.
fn errors_ui(ui: &Ui, theme: &Theme, frame: PlotFrame<'_>, transform: &PlotTransform) {
    let strip = strip(transform);
    let mut mesh = Mesh::default();
    for (track, series) in frame.shown() {
        let color = frame.color(theme, track);
        let mut last = f32::NEG_INFINITY;
        for error in &series.errors {
            let x = transform.position_from_point_x(frame.time.x(error.at_unix_ns));
            if x - last >= CROSS_GAP {
                cloud::cross(&mut mesh, Pos2::new(x, strip.center().y), 3.2, color);
                last = x;
            }
        }
    }
    if !mesh.is_empty() {
        let painter = ui.painter_at(*transform.frame());
        painter.rect_filled(strip, 0.0, theme.wash(theme.bad));
        painter.add(Shape::mesh(mesh));
    }
}

fn under_pointer<'a>(
    frame: PlotFrame<'a>,
    transform: &PlotTransform,
    response: &Response,
) -> Option<(&'a Track, Mark, Pos2)> {
    let pointer = response.hover_pos()?;
    let strip_y = strip(transform).center().y;
    let [from, to] = [-REACH, REACH].map(|reach| {
        let at = pointer + vec2(reach, 0.0);
        frame.time.unix_ns_at(transform, at)
    });
    let place = |mark: &Mark| {
        let x = frame.time.x(mark.at_unix_ns);
        match mark.kind {
            MarkKind::Measured { ms, .. }
            | MarkKind::Hour {
                median: Median { ms, .. },
                ..
            } => transform.position_from_point(&PlotPoint::new(x, frame.scale.y(ms))),
            MarkKind::Failed(_) => Pos2::new(transform.position_from_point_x(x), strip_y),
        }
    };
    frame
        .shown()
        .flat_map(|(track, series)| Mark::between(series, from, to).map(move |mark| (track, mark)))
        .map(|(track, mark)| (track, mark, place(&mark)))
        .filter(|(.., at)| at.distance(pointer) <= REACH)
        .min_by(|(.., a), (.., b)| a.distance_sq(pointer).total_cmp(&b.distance_sq(pointer)))
}

fn hover_ui(ui: &Ui, theme: &Theme, response: &Response, track: &Track, mark: &Mark, at: Pos2) {
    let color = theme.series_color(track.look.color);
    ui.painter_at(response.rect)
        .circle_stroke(at, 6.0, Stroke::new(1.5, color));
    if mark.run.is_some() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::PointingHand);
    }
    tooltip(ui, response, at, |ui| {
        track_ui(ui, theme, track);
        match mark.kind {
            MarkKind::Measured { ms, connection } => {
                let icon = connection_icon(connection);
                ui.label(format!("TTFT {}   {icon} {connection}", ms_text(ms)));
            }
            MarkKind::Hour {
                median: Median { runs, ms },
                connection,
            } => {
                let icon = connection_icon(connection);
                ui.label(format!(
                    "Median TTFT of an hour {}   n {runs}   {icon} {connection}",
                    ms_text(ms)
                ));
            }
            MarkKind::Failed(class) => {
                Outcome::of(RunState::Fault, Some(class)).ui(ui, theme);
            }
        }
        let simulated = if track.simulated { ", simulated" } else { "" };
        ui.label(caption(
            theme,
            format!("{}{simulated}", date_time(mark.at_unix_ns)),
        ));
        ui.label(caption(
            theme,
            match mark.run {
                Some(_) => "Click to open the run",
                None => "Its probes are kept as figures of the hour",
            },
        ));
    });
}
