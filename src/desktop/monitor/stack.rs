//! The bars of a chart that stacks them: each part of a column is full of its colour, as its key is.

use egui::Color32;
use egui_plot::{Bar, BarChart};

/// One part of every column. The pointer is left to the chart.
#[must_use]
pub fn part(bars: Vec<Bar>, color: Color32) -> BarChart {
    let filled = bars.into_iter().map(|bar| bar.fill(color));
    BarChart::new("", filled.collect())
        .color(color)
        .allow_hover(false)
}
