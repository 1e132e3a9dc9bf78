//! Tables: heads, rows, and cells with an interval or with counts by class.

use std::fmt::Display;

use super::{html::Html, number::count_text};
use crate::measure::evidence::IntervalEstimate;

/// A table with a head and what its rows are.
pub(super) fn table(html: &mut Html, head: &[&str], rows: impl FnOnce(&mut Html)) {
    html.raw("<div class=\"wide\">\n<table>\n<thead><tr>");
    for name in head {
        html.element("th", &[("scope", "col")], |html| html.text(name));
    }
    html.raw("</tr></thead>\n<tbody>\n");
    rows(html);
    html.raw("</tbody>\n</table>\n</div>\n");
}

/// A row with its cells.
pub(super) fn row(html: &mut Html, cells: impl FnOnce(&mut Html)) {
    html.element("tr", &[], cells);
    html.end_line();
}

/// A cell with a value and its interval.
pub(super) fn estimate(html: &mut Html, found: &IntervalEstimate, shown: impl Fn(f64) -> String) {
    html.element("td", &[("class", "num")], |html| {
        html.text(found.value.map_or_else(String::new, &shown));
        if *found == IntervalEstimate::default() {
            return;
        }
        html.words("small", "", interval_text(found.low, found.high, shown));
    });
}

/// An interval, whose ends may be open.
pub(super) fn interval_text(
    low: Option<f64>,
    high: Option<f64>,
    shown: impl Fn(f64) -> String,
) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} to {}", shown(low), shown(high)),
        (Some(low), None) => format!("{} or more", shown(low)),
        (None, Some(high)) => format!("up to {}", shown(high)),
        (None, None) => "no interval".to_owned(),
    }
}

/// A cell with a count and what it is made of.
pub(super) fn counts_cell(
    html: &mut Html,
    sum: usize,
    parts: impl Iterator<Item = (impl Display, usize)>,
) {
    html.element("td", &[("class", "num")], |html| {
        html.text(count_text(sum));
        for (name, count) in parts {
            html.words("small", "", format!("{name} {}", count_text(count)));
        }
    });
}
