//! Axes of the plot: local time along the bottom, milliseconds (linear or logarithmic) at the left.
//!
//! The time axis counts seconds from a base time, so that `f64` keeps every microsecond.

use egui::{Frame, Margin, Pos2, Role, Ui, Vec2, WidgetInfo};
use egui_plot::{GridInput, GridMark, Plot, PlotResponse, PlotTransform, PlotUi};
use serde::{Deserialize, Serialize};

use crate::desktop::{
    theme::Theme,
    widgets::{ms_text, zoned},
};

/// A plot that always shows all of its data: it can't be moved or zoomed.
#[must_use]
pub fn fixed_plot(name: &'static str, theme: &Theme) -> Plot<'static> {
    plain_plot(name, theme)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
}

/// A plot in our look. The wheel, a double click and its bounds are left to us.
#[must_use]
pub fn plain_plot(name: &'static str, theme: &Theme) -> Plot<'static> {
    Plot::new(name)
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
}

/// Least room for the marks of the axis at the left, in points.
pub const AXIS: f32 = 56.0;

/// The room around a chart beside the legend.
pub fn chart_frame() -> Frame {
    Frame::new().inner_margin(Margin {
        left: 8,
        right: 16,
        top: 4,
        bottom: 8,
    })
}

/// Shows a plot with quiet marks. A screen reader says its name.
pub fn show_plot<'a, R>(
    ui: &mut Ui,
    theme: &Theme,
    plot: Plot<'a>,
    name: &str,
    draw: impl FnOnce(&mut PlotUi<'a>) -> R + 'a,
) -> PlotResponse<R> {
    ui.visuals_mut().override_text_color = Some(theme.text_dim);
    let answer = plot.show(ui, draw);
    ui.visuals_mut().override_text_color = None;
    let response = &answer.response;
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    answer
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Possible distances between marks of the time axis, in seconds.
const STEPS: &[f64] = &[
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    7.0 * DAY,
    14.0 * DAY,
    30.0 * DAY,
    90.0 * DAY,
    365.0 * DAY,
];

/// The plot's time axis: seconds since `base_ns`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeAxis {
    /// The time at x = 0, in nanoseconds since 1970.
    pub base_ns: i64,
}

impl TimeAxis {
    /// The x coordinate of a time.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "differences of years keep their microseconds"
    )]
    pub fn x(self, unix_ns: i64) -> f64 {
        unix_ns.saturating_sub(self.base_ns) as f64 / 1e9
    }

    /// The time at an x coordinate.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, which is right at the ends"
    )]
    pub fn unix_ns(self, x: f64) -> i64 {
        self.base_ns.saturating_add((x * 1e9) as i64)
    }

    /// The time at a place on screen.
    #[must_use]
    pub fn unix_ns_at(self, transform: &PlotTransform, place: Pos2) -> i64 {
        self.unix_ns(transform.value_from_position(place).x)
    }

    /// Marks at round local times.
    #[must_use]
    pub fn marks(self, input: &GridInput) -> Vec<GridMark> {
        let (from, to) = input.bounds;
        // A label needs about 90 points; `base_step_size` is about 8 points.
        let wanted = input.base_step_size * 11.0;
        let step = (STEPS.iter().copied().find(|step| *step >= wanted)).unwrap_or(365.0 * DAY);
        let offset = f64::from(zoned(self.unix_ns(from)).offset().seconds());
        // Seconds from local midnight of 1970 to x = 0.
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
        let base = self.base_ns as f64 / 1e9 + offset;
        let first = ((from + base) / step).ceil() * step - base;
        // At an edge, half of a label would stand on the other axis or beyond the plot.
        let half_label = input.base_step_size * 3.0;
        (0..200)
            .map(|index| first + f64::from(index) * step)
            .take_while(|value| *value <= to - half_label)
            .filter(|value| *value >= from + half_label)
            .map(|value| GridMark {
                value,
                step_size: step,
            })
            .collect()
    }

    /// The label of a mark.
    #[must_use]
    pub fn label(self, mark: GridMark) -> String {
        // Rounding may put a mark slightly before its round time.
        let time = zoned(self.unix_ns(mark.value + 0.01));
        let midnight = time.hour() == 0 && time.minute() == 0 && time.second() == 0;
        let format = if mark.step_size >= 90.0 * DAY {
            "%Y-%m"
        } else if midnight || mark.step_size >= DAY {
            "%b %d"
        } else if mark.step_size >= MINUTE {
            "%H:%M"
        } else {
            "%H:%M:%S"
        };
        time.strftime(format).to_string()
    }
}

/// The scale of the TTFT axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Proportional to the value.
    #[default]
    Linear,
    /// Powers of ten at equal distances.
    Log,
}

/// The smallest value on a logarithmic axis, in milliseconds.
const LOG_FLOOR_MS: f64 = 0.01;

impl Scale {
    /// A plot with this scale at the left.
    #[must_use]
    pub fn left_of(self, plot: Plot<'_>) -> Plot<'_> {
        plot.y_grid_spacer(move |input| self.marks(&input))
            .y_axis_formatter(move |mark, _| self.label(mark))
            .y_axis_min_width(AXIS)
    }

    /// The y coordinate of a TTFT.
    #[must_use]
    pub fn y(self, ms: f64) -> f64 {
        match self {
            Self::Linear => ms,
            Self::Log => ms.max(LOG_FLOOR_MS).log10(),
        }
    }

    /// The TTFT at a y coordinate, in milliseconds.
    #[must_use]
    pub fn ms(self, y: f64) -> f64 {
        match self {
            Self::Linear => y,
            Self::Log => 10_f64.powf(y),
        }
    }

    /// Bounds of the axis around values from `low_ms` to `high_ms`, with room for the error marks below.
    #[must_use]
    pub fn bounds(self, low_ms: f64, high_ms: f64) -> (f64, f64) {
        match self {
            Self::Linear => {
                let high = high_ms.max(1.0) * 1.1;
                (-high * 0.06, high)
            }
            Self::Log => {
                let (low, high) = (self.y(low_ms), self.y(high_ms));
                let room = (high - low).max(0.5) * 0.12;
                (low - room, high + room)
            }
        }
    }

    /// Marks at even distances, or at 1, 2 and 5 of each power of ten.
    #[must_use]
    pub fn marks(self, input: &GridInput) -> Vec<GridMark> {
        match self {
            Self::Linear => linear_marks(input),
            Self::Log => log_marks(input.bounds),
        }
    }

    /// The label of a mark; empty below zero.
    #[must_use]
    pub fn label(self, mark: GridMark) -> String {
        let ms = self.ms(mark.value);
        if self == Self::Linear && ms < -f64::EPSILON {
            String::new()
        } else if ms.abs() < 1e-9 {
            "0".to_owned()
        } else {
            ms_text(ms)
        }
    }
}

fn linear_marks(input: &GridInput) -> Vec<GridMark> {
    let wanted = input.base_step_size * 6.0;
    let power = 10_f64.powf(wanted.max(1e-6).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
    let wide = steps.into_iter().find(|step| *step >= wanted);
    // A low plot has a mark above 0, too, even where that is a little near.
    let most = input.bounds.1;
    let fits = |step: &f64| *step <= most;
    let step = (wide.filter(fits))
        .or_else(|| steps.into_iter().rev().find(fits))
        .unwrap_or(power);
    let first = (input.bounds.0.max(0.0) / step).ceil() * step;
    (0..100)
        .map(|index| first + f64::from(index) * step)
        .take_while(|value| *value <= input.bounds.1)
        .map(|value| GridMark {
            value,
            step_size: step,
        })
        .collect()
}

fn log_marks((low, high): (f64, f64)) -> Vec<GridMark> {
    // Over more than three powers of ten, marks at 2 and 5 would be too close.
    let digits: &[f64] = if high - low > 3.0 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "powers of ten of milliseconds"
    )]
    let powers = (low.floor() as i32)..=(high.ceil() as i32);
    powers
        .flat_map(|power| {
            digits
                .iter()
                .map(move |digit| f64::from(power) + digit.log10())
        })
        .filter(|value| (low..=high).contains(value))
        .map(|value| GridMark {
            value,
            step_size: 1.0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(low: f64, high: f64) -> GridInput {
        GridInput {
            bounds: (low, high),
            base_step_size: (high - low) / 100.0,
        }
    }

    #[test]
    fn marks_of_time_stand_at_round_local_times() {
        let axis = TimeAxis {
            base_ns: 1_795_000_123_456_789_000,
        };
        for span in [20.0, 900.0, HOUR, DAY, 7.0 * DAY, 365.0 * DAY] {
            let marks = axis.marks(&input(-span, 0.0));
            assert!((2..=20).contains(&marks.len()), "{span}: {}", marks.len());
            for mark in marks {
                let time = zoned(axis.unix_ns(mark.value + 0.001));
                assert_eq!(
                    time.second() % 5 * i8::from(mark.step_size >= 5.0),
                    0,
                    "{time}"
                );
                if mark.step_size >= MINUTE {
                    assert_eq!(time.second(), 0, "{time}");
                }
            }
        }
    }

    #[test]
    fn no_mark_of_time_is_so_near_an_edge_that_its_label_would_leave_the_plot() {
        let axis = TimeAxis::default();
        for shift in 0..24 {
            let (from, to) = (f64::from(shift) * HOUR, f64::from(shift) * HOUR + 7.0 * DAY);
            let input = input(from, to);
            let marks = axis.marks(&input);
            assert!(marks.len() >= 3, "{}", marks.len());
            let room = 3.0 * input.base_step_size;
            let inside = |mark: &GridMark| (from + room..=to - room).contains(&mark.value);
            assert!(marks.iter().all(inside), "{shift}");
        }
    }

    #[test]
    fn time_comes_back_to_the_microsecond() {
        let axis = TimeAxis {
            base_ns: 1_795_000_000_000_000_000,
        };
        let moment = axis.base_ns - 86_400 * 365 * 1_000_000_000 + 123_456_000;
        assert!((axis.unix_ns(axis.x(moment)) - moment).abs() < 10_000);
    }

    #[test]
    fn a_log_axis_has_one_two_five() {
        let marks = log_marks((1.0, 3.0));
        let ms: Vec<_> = marks
            .iter()
            .map(|m| Scale::Log.ms(m.value).round())
            .collect();
        assert_eq!(ms, [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]);
    }

    #[test]
    fn every_value_lies_within_its_bounds() {
        for scale in [Scale::Linear, Scale::Log] {
            for (low, high) in [(0.3, 0.4), (5.0, 5.0), (1.0, 90_000.0)] {
                let (from, to) = scale.bounds(low, high);
                assert!(
                    from < scale.y(low) && scale.y(high) < to,
                    "{scale:?} {low} {high}"
                );
            }
        }
    }

    #[test]
    fn linear_marks_are_even_and_start_at_zero() {
        let marks = linear_marks(&input(-30.0, 500.0));
        assert_eq!(Scale::Linear.label(marks[0]), "0");
        assert!(marks.len() >= 5);
    }

    #[test]
    fn a_low_plot_has_a_mark_above_zero() {
        // As high as the chart of one of many targets: about nine times the least distance of lines.
        for top in [101.0, 145.0, 199.0, 430.0, 990.0, 1_450.0] {
            let marks = linear_marks(&GridInput {
                bounds: (0.0, top),
                base_step_size: top / 9.0,
            });
            assert!((2..=4).contains(&marks.len()), "{top}: {}", marks.len());
        }
    }
}
