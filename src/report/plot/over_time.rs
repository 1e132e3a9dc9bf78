//! Lines and points over the seconds of a measurement.

use std::fmt::Write as _;

use super::{LogAxis, WIDE, axis::LinearAxis, path};
use crate::report::html::Html;

/// What stands upward.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) enum UpwardScale {
    /// Milliseconds on a logarithmic scale.
    Ms(LogAxis),
    /// Numbers on a plain scale.
    Number(LinearAxis),
}

impl UpwardScale {
    fn share(self, value: f64) -> f64 {
        match self {
            Self::Ms(axis) => axis.share(value),
            Self::Number(axis) => axis.share(value),
        }
    }

    fn labels(self) -> Vec<(f64, String)> {
        match self {
            Self::Ms(axis) => axis.labels(),
            Self::Number(axis) => axis.labels(""),
        }
    }
}

/// A line: what it means, its class, and a value for each time; where there is none it is broken.
pub(in crate::report) struct LineOverTime {
    pub name: &'static str,
    pub class: &'static str,
    pub values: Vec<Option<f64>>,
}

/// A plot.
pub(in crate::report) struct PlotOverTime<'a> {
    /// What it shows, in words.
    pub label: &'a str,
    pub upward: UpwardScale,
    /// The times of the lines, in seconds.
    pub at_s: &'a [f64],
    pub lines: &'a [LineOverTime],
    /// Single values: when, in seconds, and how much.
    pub points: &'a [[f64; 2]],
    /// A level across, such as a limit.
    pub level: Option<f64>,
}

impl PlotOverTime<'_> {
    /// Draws it.
    pub(in crate::report) fn draw(&self, html: &mut Html) {
        let points = self.points.iter().map(|[at, _]| *at);
        let time = LinearAxis::of(self.at_s.iter().copied().chain(points));
        WIDE.svg(html, self.label, |html| {
            for (share, label) in self.upward.labels() {
                WIDE.row(html, share, &label);
            }
            for (share, label) in time.labels(" s") {
                WIDE.column(html, share, &label);
            }
            let place = |at: f64, value: f64| {
                let (x, y) = (time.share(at), self.upward.share(value));
                (WIDE.x(x), WIDE.y(y))
            };
            let mut dots = String::new();
            for [at, value] in self.points {
                let (x, y) = place(*at, *value);
                // Writing to a string can't fail.
                let _ = write!(dots, "M{x:.1} {y:.1}h0");
            }
            path(html, "sample dots", &dots);
            if let Some(level) = self.level {
                WIDE.across(html, "level", self.upward.share(level));
            }
            for line in self.lines {
                let values = self.at_s.iter().zip(&line.values);
                let places = values.map(|(at, value)| value.map(|value| place(*at, value)));
                path(html, line.class, &broken_line(places));
            }
        });
    }
}

/// A line through these places. One that stands alone between two gaps is a dot.
fn broken_line(places: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let (mut d, mut is_begun) = (String::new(), false);
    for place in places {
        if let Some((x, y)) = place {
            let step = if is_begun { "L" } else { "M" };
            let _ = write!(d, "{step}{x:.1} {y:.1}");
            if !is_begun {
                d.push_str("h0");
            }
        }
        is_begun = place.is_some();
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_a_line_and_a_value_alone_stays() {
        let places = [Some((1.0, 2.0)), None, Some((3.0, 4.0)), Some((5.0, 6.0))];
        let d = broken_line(places.into_iter());
        assert_eq!(d, "M1.0 2.0h0M3.0 4.0h0L5.0 6.0");
    }

    #[test]
    fn a_plot_of_nothing_is_drawn() {
        let mut html = Html::default();
        let plot = PlotOverTime {
            label: "nothing",
            upward: UpwardScale::Number(LinearAxis::of([].into_iter())),
            at_s: &[],
            lines: &[],
            points: &[],
            level: None,
        };
        plot.draw(&mut html);
        let drawn = html.into_string();
        assert!(
            drawn.contains("nothing") && !drawn.contains("NaN"),
            "{drawn}"
        );
    }
}
