//! The plot itself: points, rolling medians, error marks, and what lies under the pointer.

use egui::{Mesh, Pos2, Rect, Response, Shape, Stroke, Tooltip, Ui, Vec2, vec2};
use egui_plot::{Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotTransform, PlotUi, Points};

use super::{
    axes::{Scale, TimeAxis},
    cloud::{self, Cloud},
};
use crate::{
    desktop::{
        theme::{Theme, caption, strong},
        widgets::{connection_icon, date_time, ms_text},
    },
    endpoint::TargetId,
    event::FaultClass,
    history::Series,
    run::{Connection, RunId},
};

/// How near the pointer must be to a mark, in points.
const REACH: f32 = 9.0;
/// More points than this are drawn as a [`Cloud`].
const MANY: usize = 2500;
/// Most points of a median's line.
const LINE: usize = 300;
/// Crosses of one target that would stand closer together than this are one.
const CROSS_GAP: f32 = 5.0;
/// Height of the strip of error marks above the time axis.
const STRIP: f32 = 16.0;

/// One target, ready to be drawn: laid out once per answer of the history, not once per frame.
#[derive(Clone, Debug)]
pub struct Track {
    /// The target.
    pub target: TargetId,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// Its place in the theme's list of colours.
    pub color: usize,
    /// Whether it is drawn.
    pub shown: bool,
    points: [Vec<PlotPoint>; 2],
    medians: [Vec<PlotPoint>; 2],
}

/// Something under the pointer: a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    at_unix_ns: i64,
    what: What,
    /// The run.
    pub run: RunId,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Measured { ms: f64, connection: Connection },
    Failed(FaultClass),
}

impl Mark {
    /// The runs of a stretch of time.
    fn between(series: &Series, from: i64, to: i64) -> impl Iterator<Item = Self> {
        let points = &series.points;
        let first = points.partition_point(|point| point.at_unix_ns < from);
        let points = points[first..].iter().map(|point| Self {
            at_unix_ns: point.at_unix_ns,
            what: What::Measured {
                ms: point.ttft_ms,
                connection: point.connection,
            },
            run: point.run,
        });
        let errors = &series.errors;
        let first = errors.partition_point(|error| error.at_unix_ns < from);
        let errors = errors[first..].iter().map(|error| Self {
            at_unix_ns: error.at_unix_ns,
            what: What::Failed(error.class),
            run: error.run,
        });
        let stays = move |mark: &Self| mark.at_unix_ns <= to;
        points.take_while(stays).chain(errors.take_while(stays))
    }
}

impl Track {
    /// A target's history on these axes.
    #[must_use]
    pub fn new(series: &Series, time: TimeAxis, scale: Scale, color: usize) -> Self {
        let of = |connection: Connection| {
            let points = series.points.iter().filter(|p| p.connection == connection);
            points
                .map(|p| PlotPoint::new(time.x(p.at_unix_ns), scale.y(p.ttft_ms)))
                .collect()
        };
        let line = |median: &[(i64, f64)]| {
            // Of many, some: a line that turns at every pixel costs much and says no more.
            let step = median.len().div_ceil(LINE).max(1);
            let points = median.iter().step_by(step);
            points
                .map(|(at, ms)| PlotPoint::new(time.x(*at), scale.y(*ms)))
                .collect()
        };
        Self {
            target: series.target.clone(),
            simulated: series.simulated,
            color,
            shown: true,
            points: [of(Connection::Warm), of(Connection::Cold)],
            medians: [line(&series.median_warm), line(&series.median_cold)],
        }
    }
}

/// What the plot shows.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The targets.
    pub tracks: &'a [Track],
    /// What the tracks were made of, in the same order.
    pub series: &'a [Series],
    /// Along the bottom.
    pub time: TimeAxis,
    /// At the left.
    pub scale: Scale,
    /// Bounds to show; `None` leaves them as the user has zoomed them.
    pub bounds: Option<([f64; 2], [f64; 2])>,
}

impl<'a> Frame<'a> {
    fn shown(self) -> impl Iterator<Item = (&'a Track, &'a Series)> {
        let all = self.tracks.iter().zip(self.series);
        all.filter(|(track, _)| track.shown)
    }
}

/// What came of a frame.
#[derive(Clone, Debug)]
pub struct Shown {
    /// A run that was clicked.
    pub clicked: Option<RunId>,
    /// Whether the user moved or zoomed the plot in this frame.
    pub moved: bool,
    /// Whether the user asked for the whole again.
    pub reset: bool,
    /// Times at the plot's edges, in nanoseconds since 1970.
    pub edges: (i64, i64),
}

/// Draws the plot over the whole of what is left.
pub fn show(ui: &mut Ui, theme: &Theme, frame: Frame<'_>) -> Shown {
    let Frame { time, scale, .. } = frame;
    let plot = Plot::new("ttft")
        .allow_scroll(false)
        .allow_double_click_reset(false)
        .auto_bounds(false)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .show_background(false)
        .grid_color(theme.line)
        .grid_fade(0.0)
        .set_margin_fraction(Vec2::ZERO)
        .label_formatter(|_| None)
        .x_grid_spacer(move |input| time.marks(&input))
        .x_axis_formatter(move |mark, _| time.label(mark))
        .y_grid_spacer(move |input| scale.marks(&input))
        .y_axis_formatter(move |mark, _| scale.label(mark))
        .y_axis_min_width(56.0);
    ui.visuals_mut().override_text_color = Some(theme.text_dim);
    let answer = plot.show(ui, |plot| {
        if let Some((min, max)) = frame.bounds {
            plot.set_plot_bounds(egui_plot::PlotBounds::from_min_max(min, max));
        }
        let many = frame
            .shown()
            .map(|(_, series)| series.points.len())
            .sum::<usize>()
            > MANY;
        for (track, _) in frame.shown() {
            draw_points(plot, theme, track, many);
        }
        for (track, _) in frame.shown() {
            draw_medians(plot, theme, track, many);
        }
        zoom_by_wheel(plot)
    });
    ui.visuals_mut().override_text_color = None;
    let response = answer.response;
    response.widget_info(|| {
        egui::WidgetInfo::labeled(
            egui::Role::Image,
            true,
            "Plot of time to first token over time",
        )
    });
    errors_ui(ui, theme, frame, &answer.transform);
    let found = under_pointer(frame, &answer.transform, &response);
    if let Some((track, mark, at)) = found {
        hover_ui(ui, theme, &response, track, &mark, at);
    }
    let bounds = answer.transform.bounds();
    Shown {
        clicked: found
            .filter(|_| response.clicked())
            .map(|(_, mark, _)| mark.run),
        moved: answer.inner
            || response.dragged()
            || response.drag_stopped()
            || pinched(ui, &response),
        reset: response.double_clicked(),
        edges: (time.unix_ns(bounds.min()[0]), time.unix_ns(bounds.max()[0])),
    }
}

fn draw_points<'a>(plot: &mut PlotUi<'a>, theme: &Theme, track: &'a Track, many: bool) {
    let color = theme.series_color(track.color);
    let name = track.target.to_string();
    let [warm, cold] = &track.points;
    // Few points stand out, many make way for their median.
    let strength = if warm.len() < 40 { 0.9 } else { 0.55 };
    for (points, filled) in [(warm, true), (cold, false)] {
        let color = color.gamma_multiply(if filled { strength } else { 0.9 });
        if many {
            plot.add(Cloud::new(name.clone(), points, color, filled));
            continue;
        }
        let points = Points::new(name.clone(), PlotPoints::Borrowed(points))
            .color(color)
            .filled(filled)
            .radius(2.8)
            .allow_hover(false);
        plot.points(points);
    }
}

fn draw_medians<'a>(plot: &mut PlotUi<'a>, theme: &Theme, track: &'a Track, many: bool) {
    let color = theme.series_color(track.color);
    let name = track.target.to_string();
    let [warm, cold] = &track.medians;
    // A dash costs as much as a line.
    let dashed = if many {
        LineStyle::dashed_loose()
    } else {
        LineStyle::dashed_dense()
    };
    for (median, style) in [(warm, LineStyle::Solid), (cold, dashed)] {
        let line = Line::new(name.clone(), PlotPoints::Borrowed(median))
            .color(color)
            .width(1.6)
            .style(style)
            .allow_hover(false);
        plot.line(line);
    }
}

/// The wheel zooms time around the pointer, with the command key both axes.
fn zoom_by_wheel(plot: &mut PlotUi<'_>) -> bool {
    if !plot.response().hovered() {
        return false;
    }
    let wheel = plot.ctx().input(|input| input.smooth_scroll_delta().y);
    if wheel == 0.0 {
        return false;
    }
    plot.zoom_bounds_around_hovered(vec2((wheel / 240.0).exp(), 1.0));
    true
}

fn pinched(ui: &Ui, response: &Response) -> bool {
    response.hovered() && ui.input(|input| (input.zoom_delta() - 1.0).abs() > f32::EPSILON)
}

fn strip(transform: &PlotTransform) -> Rect {
    let frame = *transform.frame();
    Rect::from_min_max(frame.left_bottom() - vec2(0.0, STRIP), frame.right_bottom())
}

/// Failed runs as crosses on a strip above the time axis.
fn errors_ui(ui: &Ui, theme: &Theme, frame: Frame<'_>, transform: &PlotTransform) {
    let strip = strip(transform);
    let mut mesh = Mesh::default();
    for (track, series) in frame.shown() {
        let color = theme.series_color(track.color);
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
    frame: Frame<'a>,
    transform: &PlotTransform,
    response: &Response,
) -> Option<(&'a Track, Mark, Pos2)> {
    let pointer = response.hover_pos()?;
    let strip_y = strip(transform).center().y;
    let [from, to] = [-REACH, REACH].map(|reach| {
        let at = transform.value_from_position(pointer + vec2(reach, 0.0));
        frame.time.unix_ns(at.x)
    });
    let place = |mark: &Mark| {
        let x = frame.time.x(mark.at_unix_ns);
        match mark.what {
            What::Measured { ms, .. } => {
                transform.position_from_point(&PlotPoint::new(x, frame.scale.y(ms)))
            }
            What::Failed(_) => Pos2::new(transform.position_from_point_x(x), strip_y),
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
    let color = theme.series_color(track.color);
    ui.painter_at(response.rect)
        .circle_stroke(at, 6.0, Stroke::new(1.5, color));
    ui.ctx().set_cursor_icon(egui::CursorIcon::PointingHand);
    let place = Rect::from_center_size(at, Vec2::splat(14.0));
    Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), response.id, place).show(|ui| {
        ui.horizontal(|ui| {
            ui.label(egui::RichText::new("\u{25cf}").color(color));
            ui.label(strong(track.target.to_string()));
        });
        let what = match mark.what {
            What::Measured { ms, connection } => {
                format!(
                    "TTFT {}   {} {connection}",
                    ms_text(ms),
                    connection_icon(connection)
                )
            }
            What::Failed(class) => format!("Failed: {}", class.as_str().replace('_', " ")),
        };
        ui.label(what);
        let simulated = if track.simulated { ", simulated" } else { "" };
        ui.label(caption(
            theme,
            format!("{}{simulated}", date_time(mark.at_unix_ns)),
        ));
        ui.label(caption(theme, "Click to open the run"));
    });
}
