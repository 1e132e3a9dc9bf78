//! Lines over the time of a bench, with what each says at the pointer.

use egui::{Color32, Pos2, Response, Ui};
use egui_plot::{
    GridInput, GridMark, HLine, Line, LineStyle, PlotBounds, PlotPoints, PlotTransform, Points,
};

use super::words::rate_text;
use crate::desktop::{
    axes::{AXIS, Scale, fixed_plot, show_plot},
    looks::key_item_ui,
    theme::{Theme, caption, space, strong},
    tooltip::tooltip,
    widgets::ms_text,
};

/// Distances between marks of the time axis, in seconds.
const STEPS: [f64; 17] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0,
    7_200.0, 21_600.0,
];

/// A line.
#[derive(Clone, Debug)]
pub struct TimeLine {
    pub name: &'static str,
    pub color: Color32,
    pub style: LineStyle,
    /// For each time of the plot, in order; blank where there is nothing.
    pub values: Vec<Option<f64>>,
}

/// What the axis at the left counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Upward {
    /// Milliseconds.
    Ms(Scale),
    /// Anything else, in linear scale.
    Number,
}

/// A plot over time.
#[derive(Clone, Debug)]
pub struct TimePlot {
    /// Its id, of its own in the window.
    pub salt: &'static str,
    /// What a screen reader is told.
    pub name: String,
    pub upward: Upward,
    /// The times of the lines’ values, in seconds since the bench’s begin.
    pub at: Vec<f64>,
    pub lines: Vec<TimeLine>,
    /// Single values, as (seconds, value).
    pub points: Vec<[f64; 2]>,
    /// A level to hold the lines against, and what it is.
    pub level: Option<(f64, &'static str)>,
}

impl Upward {
    fn scale(self) -> Scale {
        match self {
            Self::Ms(scale) => scale,
            Self::Number => Scale::Linear,
        }
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::Ms(_) => ms_text(value),
            Self::Number => rate_text(value),
        }
    }

    fn label(self, mark: GridMark) -> String {
        match self {
            Self::Ms(scale) => scale.label(mark),
            Self::Number if mark.value < -1e-9 => String::new(),
            Self::Number => rate_text(mark.value.max(0.0)),
        }
    }
}

impl TimePlot {
    /// Draws its key, and the plot in this height.
    pub fn ui(&self, ui: &mut Ui, theme: &Theme, height: f32) {
        let top = ui.cursor().top();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let known = |line: &&TimeLine| line.values.iter().any(Option::is_some);
            for line in self.lines.iter().filter(known) {
                key_item_ui(ui, line.color, line.name);
            }
        });
        let height = (height - (ui.cursor().top() - top)).max(60.0);
        let (upward, scale) = (self.upward, self.upward.scale());
        let plot = fixed_plot(self.salt, theme)
            .height(height)
            .x_grid_spacer(|input| time_marks(&input))
            .x_axis_formatter(|mark, _| time_text(mark.value))
            .y_grid_spacer(move |input| scale.marks(&input))
            .y_axis_formatter(move |mark, _| upward.label(mark))
            .y_axis_min_width(AXIS);
        let bounds = self.bounds();
        let (lines, points) = (self.drawn(), self.drawn_points());
        let (dim, level) = (theme.text_dim, self.level.map(|(level, _)| scale.y(level)));
        let warn = theme.warn;
        let answer = show_plot(ui, theme, plot, &self.name, move |plot| {
            plot.set_plot_bounds(bounds);
            if !points.is_empty() {
                let points = Points::new("", points)
                    .color(dim.gamma_multiply(0.55))
                    .filled(true)
                    .radius(1.6)
                    .allow_hover(false);
                plot.points(points);
            }
            if let Some(level) = level {
                plot.hline(
                    HLine::new("", level)
                        .color(warn)
                        .width(1.0)
                        .allow_hover(false),
                );
            }
            for (color, style, part) in lines {
                if part.len() == 1 {
                    let one = Points::new("", part).color(color).radius(2.2).filled(true);
                    plot.points(one.allow_hover(false));
                } else {
                    let line = Line::new("", PlotPoints::from(part))
                        .color(color)
                        .style(style);
                    plot.line(line.width(1.6).allow_hover(false));
                }
            }
        });
        self.hover_ui(ui, theme, &answer.response, &answer.transform);
    }

    fn bounds(&self) -> PlotBounds {
        let lines = self
            .lines
            .iter()
            .flat_map(|line| line.values.iter().flatten().copied());
        let values = || {
            lines
                .clone()
                .chain(self.points.iter().map(|[_, value]| *value))
        };
        let low = values().reduce(f64::min).unwrap_or(0.0);
        let level = self.level.map(|(level, _)| level);
        let high = values().chain(level).reduce(f64::max).unwrap_or(1.0);
        let (low, high) = self.upward.scale().bounds(low, high);
        let ends = self
            .at
            .iter()
            .copied()
            .chain(self.points.iter().map(|[at, _]| *at));
        let last = ends.fold(0.1, f64::max);
        PlotBounds::from_min_max([-last * 0.01, low], [last * 1.01, high])
    }

    /// The parts of the lines that have no gap.
    fn drawn(&self) -> Vec<(Color32, LineStyle, Vec<[f64; 2]>)> {
        let scale = self.upward.scale();
        let mut parts = Vec::new();
        for line in &self.lines {
            let mut part: Vec<[f64; 2]> = Vec::new();
            for (at, value) in self.at.iter().zip(&line.values) {
                match value {
                    Some(value) => part.push([*at, scale.y(*value)]),
                    None if part.is_empty() => {}
                    None => parts.push((line.color, line.style, std::mem::take(&mut part))),
                }
            }
            if !part.is_empty() {
                parts.push((line.color, line.style, part));
            }
        }
        parts
    }

    fn drawn_points(&self) -> Vec<[f64; 2]> {
        let scale = self.upward.scale();
        let points = self.points.iter();
        points.map(|[at, value]| [*at, scale.y(*value)]).collect()
    }

    fn hover_ui(&self, ui: &Ui, theme: &Theme, response: &Response, transform: &PlotTransform) {
        let Some((index, pointer)) = self.under_pointer(response, transform) else {
            return;
        };
        let known: Vec<(&TimeLine, f64)> = (self.lines.iter())
            .filter_map(|line| Some((line, (*line.values.get(index)?)?)))
            .collect();
        if known.is_empty() {
            return;
        }
        tooltip(ui, response, pointer, |ui| {
            ui.label(strong(time_text(self.at[index])));
            for (line, value) in known {
                key_item_ui(
                    ui,
                    line.color,
                    &format!("{} {}", line.name, self.upward.text(value)),
                );
            }
            if let Some((level, what)) = self.level {
                ui.label(caption(
                    theme,
                    format!("{what} {}", self.upward.text(level)),
                ));
            }
        });
    }

    /// The time of the lines that is nearest to the pointer.
    fn under_pointer(
        &self,
        response: &Response,
        transform: &PlotTransform,
    ) -> Option<(usize, Pos2)> {
        let pointer = response.hover_pos()?;
        let x = transform.value_from_position(pointer).x;
        let after = self.at.partition_point(|at| *at < x);
        let before = after.saturating_sub(1);
        let distance = |index: usize| self.at.get(index).map(|at| (at - x).abs());
        let nearest = match (distance(before)?, distance(after)) {
            (left, Some(right)) if right < left => after,
            _ => before,
        };
        Some((nearest, pointer))
    }
}

/// Marks at round numbers of seconds, minutes and hours.
fn time_marks(input: &GridInput) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    // A label needs about 70 points; `base_step_size` is about 8 points.
    let wanted = input.base_step_size * 9.0;
    let step = STEPS.iter().copied().find(|step| *step >= wanted);
    let step = step.unwrap_or_else(|| (wanted / 86_400.0).ceil() * 86_400.0);
    let first = (from.max(0.0) / step).ceil();
    (0..200)
        .map(|index| (first + f64::from(index)) * step)
        .take_while(|value| *value <= to - input.base_step_size * 2.0)
        .map(|value| GridMark {
            value,
            step_size: step,
        })
        .collect()
}

/// Seconds since the begin: `0 s`, `2.5 s`, `90 s`, `12 min`, `1 h 30 min`.
pub fn time_text(seconds: f64) -> String {
    if seconds < 119.5 {
        let text = format!("{seconds:.1}");
        let text = text.strip_suffix(".0").unwrap_or(&text);
        return format!("{text} s");
    }
    let (minutes, rest) = ((seconds / 60.0).floor(), (seconds % 60.0).floor());
    if minutes < 120.0 && rest > 0.0 {
        format!("{minutes} min {rest:02} s")
    } else if minutes < 120.0 {
        format!("{minutes} min")
    } else {
        format!("{} h {:02} min", (minutes / 60.0).floor(), minutes % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.25, "0.2 s"),
            (90.0, "90 s"),
            (120.0, "2 min"),
            (150.0, "2 min 30 s"),
            (7_200.0, "2 h 00 min"),
        ] {
            assert_eq!(time_text(seconds), text);
        }
    }

    #[test]
    fn marks_fit_beside_each_other() {
        for span in [0.5, 10.0, 100.0, 3_000.0, 90_000.0, 9e6] {
            let marks = time_marks(&GridInput {
                bounds: (-span * 0.01, span * 1.01),
                base_step_size: span / 70.0,
            });
            assert!((2..=9).contains(&marks.len()), "{span}: {}", marks.len());
        }
    }

    #[test]
    fn a_line_has_gaps_where_nothing_is_known() {
        let plot = TimePlot {
            salt: "test",
            name: String::new(),
            upward: Upward::Number,
            at: vec![0.0, 1.0, 2.0, 3.0],
            lines: vec![TimeLine {
                name: "one",
                color: Color32::RED,
                style: LineStyle::Solid,
                values: vec![Some(1.0), None, Some(2.0), Some(3.0)],
            }],
            points: Vec::new(),
            level: None,
        };
        let parts: Vec<usize> = plot.drawn().iter().map(|(_, _, part)| part.len()).collect();
        assert_eq!(parts, [1, 2]);
    }
}
