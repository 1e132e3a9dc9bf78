//! The bars of a chart that stacks them: each part of a column is full of its colour, as its key is.

use egui::Color32;
use egui_plot::{Bar, BarChart};

use super::axes::TimeAxis;

/// A part of the column over a stretch of time (nanoseconds since 1970): so high, on what stands below it.
#[must_use]
pub fn bar(axis: TimeAxis, (from, to): (i64, i64), below: f64, height: f64) -> Bar {
    let (from, to) = (axis.x(from), axis.x(to));
    Bar::new(from.midpoint(to), height)
        .width((to - from) * 0.9)
        .base_offset(below)
}

/// One part of every column. The pointer is left to the chart.
#[must_use]
pub fn part(bars: Vec<Bar>, color: Color32) -> BarChart {
    let filled = bars.into_iter().map(|bar| bar.fill(color));
    BarChart::new("", filled.collect())
        .color(color)
        .allow_hover(false)
}
