//! The plot itself: points, rolling medians, error marks, and what lies under the pointer.

use egui::{Color32, Pos2, Rect, Response, Stroke, Tooltip, Ui, Vec2, vec2};
use egui_plot::{Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotTransform, PlotUi, Points};

use super::axes::{Scale, TimeAxis};
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
    marks: Vec<Mark>,
}

/// Something under the pointer: a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    at_unix_ns: i64,
    x: f64,
    what: What,
    /// The run.
    pub run: RunId,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Measured {
        y: f64,
        ms: f64,
        connection: Connection,
    },
    Failed(FaultClass),
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
            let points = median.iter();
            points
                .map(|(at, ms)| PlotPoint::new(time.x(*at), scale.y(*ms)))
                .collect()
        };
        let measured = series.points.iter().map(|p| Mark {
            at_unix_ns: p.at_unix_ns,
            x: time.x(p.at_unix_ns),
            what: What::Measured {
                y: scale.y(p.ttft_ms),
                ms: p.ttft_ms,
                connection: p.connection,
            },
            run: p.run,
        });
        let failed = series.errors.iter().map(|e| Mark {
            at_unix_ns: e.at_unix_ns,
            x: time.x(e.at_unix_ns),
            what: What::Failed(e.class),
            run: e.run,
        });
        Self {
            target: series.target.clone(),
            simulated: series.simulated,
            color,
            shown: true,
            points: [of(Connection::Warm), of(Connection::Cold)],
            medians: [line(&series.median_warm), line(&series.median_cold)],
            marks: measured.chain(failed).collect(),
        }
    }
}

/// What the plot shows.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The targets.
    pub tracks: &'a [Track],
    /// Along the bottom.
    pub time: TimeAxis,
    /// At the left.
    pub scale: Scale,
    /// Bounds to show; `None` leaves them as the user has zoomed them.
    pub bounds: Option<([f64; 2], [f64; 2])>,
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
        for track in frame.tracks.iter().filter(|track| track.shown) {
            draw(plot, theme, track);
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
    errors_ui(ui, theme, frame.tracks, &answer.transform);
    let found = under_pointer(frame.tracks, &answer.transform, &response);
    if let Some((track, mark, at)) = found {
        hover_ui(ui, theme, &response, track, mark, at);
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

fn draw<'a>(plot: &mut PlotUi<'a>, theme: &Theme, track: &'a Track) {
    let color = theme.series_color(track.color);
    let name = track.target.to_string();
    let [warm, cold] = &track.points;
    // Few points stand out, many make way for their median.
    let strength = if warm.len() < 40 { 0.9 } else { 0.55 };
    for (points, filled) in [(warm, true), (cold, false)] {
        let points = Points::new(name.clone(), PlotPoints::Borrowed(points))
            .color(color.gamma_multiply(if filled { strength } else { 0.9 }))
            .filled(filled)
            .radius(2.8)
            .allow_hover(false);
        plot.points(points);
    }
    let [warm, cold] = &track.medians;
    for (median, style) in [(warm, LineStyle::Solid), (cold, LineStyle::dashed_dense())] {
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
fn errors_ui(ui: &Ui, theme: &Theme, tracks: &[Track], transform: &PlotTransform) {
    let strip = strip(transform);
    let painter = ui.painter_at(*transform.frame());
    let mut any = false;
    for track in tracks.iter().filter(|track| track.shown) {
        for mark in &track.marks {
            if let What::Failed(_) = mark.what {
                if !any {
                    painter.rect_filled(strip, 0.0, theme.wash(theme.bad));
                    any = true;
                }
                let at = Pos2::new(transform.position_from_point_x(mark.x), strip.center().y);
                cross(&painter, at, 3.2, theme.series_color(track.color));
            }
        }
    }
}

fn cross(painter: &egui::Painter, at: Pos2, arm: f32, color: Color32) {
    let stroke = Stroke::new(1.8, color);
    painter.line_segment([at + vec2(-arm, -arm), at + vec2(arm, arm)], stroke);
    painter.line_segment([at + vec2(-arm, arm), at + vec2(arm, -arm)], stroke);
}

fn under_pointer<'a>(
    tracks: &'a [Track],
    transform: &PlotTransform,
    response: &Response,
) -> Option<(&'a Track, &'a Mark, Pos2)> {
    let pointer = response.hover_pos()?;
    let strip_y = strip(transform).center().y;
    tracks
        .iter()
        .filter(|track| track.shown)
        .flat_map(|track| track.marks.iter().map(move |mark| (track, mark)))
        .map(|(track, mark)| {
            let at = match mark.what {
                What::Measured { y, .. } => {
                    transform.position_from_point(&PlotPoint::new(mark.x, y))
                }
                What::Failed(_) => Pos2::new(transform.position_from_point_x(mark.x), strip_y),
            };
            (track, mark, at)
        })
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
            What::Measured { ms, connection, .. } => {
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
