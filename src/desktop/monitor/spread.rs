//! The chart of spread: for each TTFT, which share of a target's runs was at most that slow (an ECDF), side by side.

use egui::{Pos2, Response, Ui};
use egui_plot::{Line, PlotBounds, PlotPoint, PlotPoints, PlotTransform};

use super::{
    axes::{AXIS, Scale, fixed_plot, show_plot},
    targets::percent,
    tooltip::{tooltip, track_ui},
    track::Track,
};
use crate::{
    desktop::{
        theme::{Theme, caption},
        widgets::{count, ms_text},
    },
    history::Distribution,
};

/// Width of a line, in points.
const LINE: f32 = 1.7;
/// How close the pointer must be to a line to read it, in points.
const REACH: f32 = 24.0;

/// Draws the chart in all the space that is left.
pub fn show(ui: &mut Ui, theme: &Theme, rows: &[(&Track, &Distribution)], scale: Scale) {
    let plot = fixed_plot("spread", theme)
        .x_grid_spacer(move |input| scale.marks(&input))
        .x_axis_formatter(move |mark, _| scale.label(mark))
        .y_axis_formatter(|mark, _| percent_mark(mark.value))
        .y_axis_min_width(AXIS);
    let name = "Share of runs by time to first token";
    let answer = show_plot(ui, theme, plot, name, |plot| {
        plot.set_plot_bounds(bounds(rows, scale));
        for (track, row) in rows {
            let line = Line::new("", PlotPoints::from(steps(&row.ecdf, scale)))
                .color(theme.series_color(track.look.color))
                .width(LINE)
                .style(track.look.dash)
                .allow_hover(false);
            plot.line(line);
        }
    });
    let response = answer.response;
    if let Some(found) = under_pointer(rows, scale, &answer.transform, &response) {
        hover_ui(ui, theme, &response, found);
    }
}

/// Labels of the axis of shares; none beyond 0 and 1.
fn percent_mark(share: f64) -> String {
    if (-1e-9..=1.0 + 1e-9).contains(&share) {
        format!("{:.0} %", share * 100.0)
    } else {
        String::new()
    }
}

/// Every TTFT, and all shares.
fn bounds(rows: &[(&Track, &Distribution)], scale: Scale) -> PlotBounds {
    let all = rows.iter().flat_map(|(_, row)| row.ecdf.iter().copied());
    let low = all.clone().reduce(f64::min).unwrap_or(100.0);
    let high = all.reduce(f64::max).unwrap_or(1_000.0);
    let (low, high) = (scale.y(low), scale.y(high));
    let room = ((high - low) * 0.03).max(1e-3);
    PlotBounds::from_min_max([low - room, -0.03], [high + room, 1.03])
}

/// The share of runs of at most a TTFT, as a line of steps. Values are in ascending order.
#[expect(clippy::cast_precision_loss, reason = "at most a few hundred values")]
fn steps(sorted: &[f64], scale: Scale) -> Vec<[f64; 2]> {
    let n = sorted.len() as f64;
    let steps = sorted.iter().enumerate().flat_map(|(index, ms)| {
        let x = scale.y(*ms);
        [[x, index as f64 / n], [x, (index + 1) as f64 / n]]
    });
    steps.collect()
}

/// The share of values that are at most this. Values are in ascending order.
#[expect(clippy::cast_precision_loss, reason = "at most a few hundred values")]
fn share_up_to(sorted: &[f64], ms: f64) -> Option<f64> {
    let below = sorted.partition_point(|value| *value <= ms);
    (!sorted.is_empty()).then(|| below as f64 / sorted.len() as f64)
}

/// The line at the pointer's TTFT that is closest to it.
#[derive(Clone, Copy)]
struct LineUnderPointer<'a> {
    track: &'a Track,
    row: &'a Distribution,
    ms: f64,
    share: f64,
    at: Pos2,
}

fn under_pointer<'a>(
    rows: &[(&'a Track, &'a Distribution)],
    scale: Scale,
    transform: &PlotTransform,
    response: &Response,
) -> Option<LineUnderPointer<'a>> {
    let pointer = response.hover_pos()?;
    let x = transform.value_from_position(pointer).x;
    let ms = scale.ms(x);
    let found = rows.iter().filter_map(|(track, row)| {
        let share = share_up_to(&row.ecdf, ms)?;
        let at = transform.position_from_point(&PlotPoint::new(x, share));
        Some(LineUnderPointer {
            track,
            row,
            ms,
            share,
            at,
        })
    });
    let distance = |found: &LineUnderPointer<'_>| (found.at.y - pointer.y).abs();
    found
        .filter(|found| distance(found) <= REACH && found.ms >= 0.0)
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn hover_ui(ui: &Ui, theme: &Theme, response: &Response, found: LineUnderPointer<'_>) {
    let color = theme.series_color(found.track.look.color);
    ui.painter_at(response.rect)
        .circle_filled(found.at, 3.0, color);
    tooltip(ui, response, found.at, |ui| {
        track_ui(ui, theme, found.track);
        let (share, ms) = (percent(found.share), ms_text(found.ms));
        ui.label(format!("{share} of the runs took at most {ms}"));
        let runs = count(found.row.ttft.runs as u64);
        ui.label(caption(theme, format!("n {runs}")));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_counts_what_is_at_most_that_slow() {
        let sorted = [100.0, 200.0, 200.0, 400.0];
        for (ms, share) in [
            (99.0, 0.0),
            (100.0, 0.25),
            (200.0, 0.75),
            (399.0, 0.75),
            (400.0, 1.0),
        ] {
            assert_eq!(share_up_to(&sorted, ms), Some(share), "{ms}");
        }
        assert_eq!(share_up_to(&[], 1.0), None);
    }

    #[test]
    fn each_value_is_a_step_up() {
        let line = steps(&[10.0, 30.0], Scale::Linear);
        assert_eq!(line, [[10.0, 0.0], [10.0, 0.5], [30.0, 0.5], [30.0, 1.0]]);
        assert_eq!(steps(&[], Scale::Log), Vec::<[f64; 2]>::new());
    }
}
