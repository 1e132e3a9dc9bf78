//! Marks where a target's median TTFT changed.

use egui::{Align2, Color32, FontId, Pos2, Rect, Response, Shape, Stroke, Ui, pos2};
use egui_plot::PlotTransform;

use super::{
    plot_frame::PlotFrame,
    tooltip::{tooltip, track_ui},
    track::Track,
};
use crate::{
    desktop::{
        theme::{Theme, caption, size},
        widgets::{connection_icon, date_time, ms_text},
    },
    history::SeriesChange,
    measure::{
        change::{FALSE_ONCE_IN, MedianChange},
        percentile::Percentile,
    },
};

/// How close the pointer must be to a mark, in points.
const REACH: f32 = 8.0;
/// Marks closer together than this have no text, in points.
const TEXT_WIDTH: f32 = 52.0;
/// Length of a dash of a mark's line, and of the gap after it, in points.
const DASH: (f32, f32) = (3.0, 4.0);

/// A change on the screen.
struct ShownChange<'a> {
    track: &'a Track,
    change: &'a SeriesChange,
    color: Color32,
    x: f32,
}

/// Draws the marks, and the tooltip of the one that the pointer is on; returns whether it is on one.
pub fn show(
    ui: &Ui,
    theme: &Theme,
    frame: PlotFrame<'_>,
    transform: &PlotTransform,
    response: &Response,
) -> bool {
    let area = *transform.frame();
    let mut shown: Vec<ShownChange<'_>> = frame
        .shown()
        .flat_map(|(track, series)| series.changes.iter().map(move |change| (track, change)))
        .map(|(track, change)| ShownChange {
            track,
            change,
            color: frame.color(theme, track),
            x: transform.position_from_point_x(frame.time.x(change.at_unix_ns)),
        })
        .filter(|mark| area.x_range().contains(mark.x))
        .collect();
    shown.sort_by(|one, other| one.x.total_cmp(&other.x));
    let painter = ui.painter_at(area);
    let mut free_from = f32::NEG_INFINITY;
    for mark in &shown {
        let line = [pos2(mark.x, area.top() + 14.0), pos2(mark.x, area.bottom())];
        let stroke = Stroke::new(1.0, mark.color.gamma_multiply(0.8));
        painter.extend(Shape::dashed_line(&line, stroke, DASH.0, DASH.1));
        if mark.x >= free_from {
            let font = FontId::proportional(size::TINY);
            let text = size_text(&mark.change.change);
            let at = mark.x.min(area.right() - TEXT_WIDTH / 2.0);
            let at = at.max(area.left() + TEXT_WIDTH / 2.0);
            painter.text(
                pos2(at, area.top()),
                Align2::CENTER_TOP,
                text,
                font,
                theme.text,
            );
            free_from = mark.x + TEXT_WIDTH;
        }
    }
    let near = (response.hover_pos()).and_then(|at| under(&shown, area, at));
    if let Some(mark) = near {
        hover_ui(ui, theme, response, mark, area);
    }
    near.is_some()
}

/// The mark under the pointer. Only its upper end counts: further down, the pointer is on runs.
fn under<'a, 'b>(
    shown: &'a [ShownChange<'b>],
    area: Rect,
    pointer: Pos2,
) -> Option<&'a ShownChange<'b>> {
    let is_above = pointer.y < area.top() + 28.0;
    let near = shown
        .iter()
        .filter(|mark| (mark.x - pointer.x).abs() <= REACH && is_above);
    near.min_by(|one, other| {
        (one.x - pointer.x)
            .abs()
            .total_cmp(&(other.x - pointer.x).abs())
    })
}

/// By how much the median changed, as `▲ 38 %`.
pub fn size_text(change: &MedianChange) -> String {
    let arrow = |ratio: f64| if ratio > 1.0 { '\u{25b2}' } else { '\u{25bc}' };
    let text = |ratio: f64| match ratio {
        0.5..2.0 => format!("{} {:.0} %", arrow(ratio), (ratio - 1.0).abs() * 100.0),
        _ => format!("{} × {ratio:.1}", arrow(ratio)),
    };
    change.ratio().map(text).unwrap_or_default()
}

fn hover_ui(ui: &Ui, theme: &Theme, response: &Response, mark: &ShownChange<'_>, area: Rect) {
    tooltip(ui, response, pos2(mark.x, area.top() + 14.0), |ui| {
        track_ui(ui, theme, mark.track);
        told_ui(ui, theme, mark.change);
    });
}

/// Says what changed and when, and the medians before and after.
pub fn told_ui(ui: &mut Ui, theme: &Theme, mark: &SeriesChange) {
    let SeriesChange {
        change,
        connection,
        at_unix_ns,
    } = mark;
    ui.set_max_width(320.0);
    let icon = connection_icon(*connection);
    ui.label(format!(
        "Median TTFT changed: {}   {icon} {connection}",
        size_text(change)
    ));
    ui.label(format!("from {}", median_text(&change.before)));
    ui.label(format!("to {}", median_text(&change.after)));
    ui.label(caption(theme, date_time(*at_unix_ns)));
    let rate = format!(
        "While nothing changes, there is less than one such mark in {FALSE_ONCE_IN:.0} runs, if the runs are \
         independent of each other"
    );
    ui.label(caption(theme, rate));
}

fn median_text(median: &Percentile) -> String {
    let value = median.value.map(ms_text).unwrap_or_default();
    let interval = (median.low.zip(median.high))
        .map(|(low, high)| format!(", 95 % interval {} to {}", ms_text(low), ms_text(high)));
    format!("{value} (n {}{})", median.n, interval.unwrap_or_default())
}
