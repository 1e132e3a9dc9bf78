//! Plots as inline SVG.
//!
//! In: values. Out: elements whose colours are those of the page's style sheet. Where more points fall on one pixel than
//! can be seen, the lowest, the median and the highest of each kind stay.

mod axis;
mod compared;
mod ecdf;
mod faults;
mod over_time;
mod shares;
mod ttft;

use std::fmt::Display;

pub(super) use self::{
    axis::{LinearAxis, LogAxis, UtcAxis},
    compared::{
        PhaseBar, arm_class, arm_ecdfs, differences_over_time, phase_bars, phase_class,
        quantiles_against,
    },
    ecdf::ecdf,
    faults::faults_over_time,
    over_time::{LineOverTime, PlotOverTime, UpwardScale},
    shares::{ShareCurve, share_curves},
    ttft::{PlottedGap, ttft_over_time},
};
use super::html::Html;

/// Space around a plot, in pixels: left for labels, top, right, and bottom for labels.
const LEFT: f64 = 62.0;
const TOP: f64 = 18.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 26.0;

/// A plot over time, and one beside it.
const WIDE: PlotArea = PlotArea {
    width: 760.0,
    height: 230.0,
};
const NARROW: PlotArea = PlotArea {
    width: 420.0,
    height: 230.0,
};

/// The size of a plot.
#[derive(Clone, Copy)]
struct PlotArea {
    width: f64,
    height: f64,
}

impl PlotArea {
    /// The horizontal place of a share of the width.
    fn x(self, share: f64) -> f64 {
        LEFT + share * (self.width - LEFT - RIGHT)
    }

    /// The vertical place of a share of the height, from the bottom.
    fn y(self, share: f64) -> f64 {
        self.height - BOTTOM - share * (self.height - TOP - BOTTOM)
    }

    /// A plot with what is drawn in it, which its label says in words.
    fn svg(self, html: &mut Html, label: &str, draw: impl FnOnce(&mut Html)) {
        let size = format!("0 0 {} {}", self.width, self.height);
        let attributes = [
            ("viewBox", size.as_str()),
            ("role", "img"),
            ("aria-label", label),
        ];
        html.element("svg", &attributes, draw);
        html.end_line();
    }

    /// A line across at a height.
    fn across(self, html: &mut Html, class: &str, share: f64) {
        let d = format!("M{LEFT} {:.1}H{:.1}", self.y(share), self.width - RIGHT);
        path(html, class, &d);
    }

    /// A line of the grid across at a height, with its label.
    fn row(self, html: &mut Html, share: f64, label: &str) {
        self.across(html, "grid", share);
        text(html, "end", (LEFT - 6.0, self.y(share) + 4.0), label);
    }

    /// A line up at a place, with its label.
    fn column(self, html: &mut Html, share: f64, label: &str) {
        let x = self.x(share);
        let (top, bottom) = (self.y(1.0), self.y(0.0));
        path(html, "grid", &format!("M{x:.1} {top:.1}V{bottom:.1}"));
        // A label in the middle of the right edge would be cut off.
        let anchor = if share > 0.96 { "end" } else { "middle" };
        text(html, anchor, (x, bottom + 16.0), label);
    }
}

/// What lines mean: the class and the name of each.
pub(super) fn line_legend<'a>(
    html: &mut Html,
    lines: impl Iterator<Item = (&'a str, impl Display)>,
) {
    html.raw("<ul class=\"legend\">");
    for (class, name) in lines {
        html.raw("<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\">");
        path(html, class, "M1 6H21");
        html.raw("</svg>");
        html.text(name);
        html.raw("</li>");
    }
    html.raw("</ul>\n");
}

fn path(html: &mut Html, class: &str, d: &str) {
    if !d.is_empty() {
        html.element("path", &[("class", class), ("d", d)], |_| {});
    }
}

fn text(html: &mut Html, anchor: &str, (x, y): (f64, f64), label: &str) {
    let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
    let attributes = [
        ("text-anchor", anchor),
        ("x", x.as_str()),
        ("y", y.as_str()),
    ];
    html.element("text", &attributes, |html| html.text(label));
}

/// A rectangle; what it stands for is its tooltip.
fn bar(html: &mut Html, class: &str, [x, y, width, height]: [f64; 4], title: &str) {
    let place = [x, y, width.max(0.5), height].map(|number| format!("{number:.1}"));
    let [x, y, width, height] = place.each_ref().map(String::as_str);
    let attributes = [
        ("class", class),
        ("x", x),
        ("y", y),
        ("width", width),
        ("height", height),
    ];
    html.element("rect", &attributes, |html| html.words("title", "", title));
}
