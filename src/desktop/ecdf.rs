//! The plot of distributions: for each time, the share of runs that took at most that (an ECDF), as stairs.

use egui::{Color32, Mesh, Pos2, Rect, Response, Shape, Ui};
use egui_plot::{GridInput, GridMark, LineStyle, PlotBounds, PlotPoint, PlotTransform};

use super::{
    axes::{AXIS, Scale, fixed_plot, show_plot},
    looks::Look,
    theme::{Theme, caption},
    tooltip::tooltip,
    widgets::{count, ms_text},
};

/// Width of a line, in points.
const LINE: f32 = 1.6;
/// About how many markers a line gets.
const MARKERS: usize = 8;
/// How close to a line the pointer must be, in points.
const REACH: f32 = 24.0;

/// A distribution.
#[derive(Clone, Debug)]
pub struct EcdfLine<'a> {
    /// Times in milliseconds, and the share that took at most that; both ascend.
    pub steps: &'a [[f64; 2]],
    /// Of how many runs or answers it is.
    pub n: u64,
    pub color: Color32,
    pub style: LineStyle,
    /// Whose markers stand on it.
    pub markers: Option<Look>,
}

impl EcdfLine<'_> {
    /// The share that took at most so long, in milliseconds.
    fn share_at(&self, ms: f64) -> f64 {
        let below = self.steps.partition_point(|[at, _]| *at <= ms);
        let last = below.checked_sub(1).and_then(|at| self.steps.get(at));
        last.map_or(0.0, |[_, share]| *share)
    }
}

/// The plot.
#[derive(Clone, Debug)]
pub struct Ecdf<'a> {
    pub salt: &'static str,
    /// What a screen reader says.
    pub name: &'a str,
    /// What the shares are of, in the plural.
    pub of: &'a str,
    pub scale: Scale,
    pub lines: Vec<EcdfLine<'a>>,
}

impl Ecdf<'_> {
    /// Draws it in all the space that is left. `head` says in the tooltip which line (by its index) is pointed at.
    pub fn ui(&self, ui: &mut Ui, theme: &Theme, head: impl FnOnce(&mut Ui, usize)) {
        let scale = self.scale;
        let plot = fixed_plot(self.salt, theme)
            .x_grid_spacer(move |input| marks_across(scale, &input))
            .x_axis_formatter(move |mark, _| scale.label(mark))
            .y_axis_formatter(|mark, _| mark_text(mark.value))
            .y_axis_min_width(AXIS);
        let times = self.lines.iter().flat_map(|line| line.steps);
        let (low, high) = ends(scale, times.map(|[ms, _]| *ms));
        let answer = show_plot(ui, theme, plot, self.name, |plot| {
            plot.set_plot_bounds(PlotBounds::from_min_max([low, -0.03], [high, 1.03]));
        });
        for line in &self.lines {
            line_ui(ui, scale, line, &answer.transform);
        }
        let response = answer.response;
        let Some((index, ms, at)) = self.under_pointer(&answer.transform, &response) else {
            return;
        };
        let line = &self.lines[index];
        let painter = ui.painter_at(response.rect);
        painter.circle_filled(at, 3.0, line.color);
        tooltip(ui, &response, at, |ui| {
            head(ui, index);
            let share = share_text(line.share_at(ms));
            ui.label(format!(
                "{share} of the {} took at most {}",
                self.of,
                ms_text(ms)
            ));
            ui.label(caption(theme, format!("n {}", count(line.n))));
        });
    }

    /// The line at the pointer's time that is closest to it: its index, the time and the place.
    fn under_pointer(
        &self,
        transform: &PlotTransform,
        response: &Response,
    ) -> Option<(usize, f64, Pos2)> {
        let pointer = response.hover_pos()?;
        let x = transform.value_from_position(pointer).x;
        let ms = self.scale.ms(x);
        let lines = self.lines.iter().enumerate();
        let places = lines
            .filter(|(_, line)| !line.steps.is_empty() && ms >= 0.0)
            .map(|(index, line)| {
                let point = PlotPoint::new(x, line.share_at(ms));
                (index, ms, transform.position_from_point(&point))
            });
        let distance = |at: &Pos2| (at.y - pointer.y).abs();
        places
            .filter(|(.., at)| distance(at) <= REACH)
            .min_by(|(.., a), (.., b)| distance(a).total_cmp(&distance(b)))
    }
}

/// Draws stairs of rectangles, with some markers: a line of the plot would blur where steps are low.
fn line_ui(ui: &Ui, scale: Scale, line: &EcdfLine<'_>, transform: &PlotTransform) {
    let painter = ui.painter_at(*transform.frame());
    let place =
        |ms: f64, share: f64| transform.position_from_point(&PlotPoint::new(scale.y(ms), share));
    let mut stairs = Stairs {
        mesh: Mesh::default(),
        color: line.color,
        dash: Dash::of(line.style),
    };
    let mut before = 0.0;
    let mut from: Option<Pos2> = None;
    for [ms, share] in line.steps {
        let (foot, top) = (place(*ms, before), place(*ms, *share));
        if let Some(from) = from {
            stairs.add(from, foot);
        }
        stairs.add(foot, top);
        (before, from) = (*share, Some(top));
    }
    painter.add(Shape::mesh(stairs.mesh));
    let Some(look) = line.markers else { return };
    let stride = line.steps.len().div_ceil(MARKERS).max(1);
    for [ms, share] in line.steps.iter().skip(stride / 2).step_by(stride) {
        painter.add(look.marker(place(*ms, *share), line.color));
    }
}

/// Collects the rectangles of stairs.
struct Stairs {
    mesh: Mesh,
    color: Color32,
    dash: Option<Dash>,
}

impl Stairs {
    /// Adds a level or upright line.
    fn add(&mut self, from: Pos2, to: Pos2) {
        let pieces = match &mut self.dash {
            Some(dash) => dash.pieces(from.distance(to)),
            None => vec![(0.0, 1.0)],
        };
        for (begin, end) in pieces {
            let piece = Rect::from_two_pos(from.lerp(to, begin), from.lerp(to, end));
            let piece = piece.expand(LINE / 2.0);
            self.mesh.add_colored_rect(piece, self.color);
        }
    }
}

/// A line of dashes that goes on around corners.
struct Dash {
    /// Length of a dash, and of a dash with the gap behind it, in points.
    on: f32,
    period: f32,
    /// How far into a period the line is.
    at: f32,
}

impl Dash {
    fn of(style: LineStyle) -> Option<Self> {
        let (on, gap) = match style {
            LineStyle::Solid => return None,
            LineStyle::Dashed { length } => (length, length * 0.6),
            LineStyle::Dotted { spacing } => (0.1, spacing),
        };
        let (on, period) = (on.max(0.1), (on + gap).max(1.0));
        Some(Self {
            on,
            period,
            at: 0.0,
        })
    }

    /// The drawn pieces of a line of this length, as shares of it.
    fn pieces(&mut self, length: f32) -> Vec<(f32, f32)> {
        if length <= 0.0 {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        let mut begin = -self.at;
        while begin < length {
            let end = (begin + self.on).min(length);
            if end > 0.0 {
                pieces.push((begin.max(0.0) / length, end / length));
            }
            begin += self.period;
        }
        self.at = (self.at + length) % self.period;
        pieces
    }
}

/// The ends of an axis of times with all of these, with a little room.
pub fn ends(scale: Scale, times_ms: impl Iterator<Item = f64>) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = times_ms.fold(none, |(low, high), ms| (low.min(ms), high.max(ms)));
    let (low, high) = if low <= high {
        (low, high)
    } else {
        (100.0, 1_000.0)
    };
    let (low, high) = (scale.y(low), scale.y(high));
    let room = ((high - low) * 0.04).max(1e-3);
    (low - room, high + room)
}

/// The marks of an axis of times along the bottom. Its labels are wider than high, and at an edge half of one would be cut
/// off.
pub fn marks_across(scale: Scale, input: &GridInput) -> Vec<GridMark> {
    let half_label = 3.0 * input.base_step_size;
    let (low, high) = input.bounds;
    let mut marks = scale.marks(&GridInput {
        base_step_size: 2.0 * input.base_step_size,
        bounds: input.bounds,
    });
    marks.retain(|mark| (low + half_label..=high - half_label).contains(&mark.value));
    marks
}

/// Labels of the axis of shares; none beyond 0 and 1.
fn mark_text(share: f64) -> String {
    if (-1e-9..=1.0 + 1e-9).contains(&share) {
        format!("{:.0} %", share * 100.0)
    } else {
        String::new()
    }
}

/// A share with as many digits as it takes to tell it from all.
fn share_text(share: f64) -> String {
    if share > 0.99 && share < 1.0 {
        format!("{:.2} %", share * 100.0)
    } else {
        format!("{:.1} %", share * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_counts_what_took_at_most_that() {
        let line = EcdfLine {
            steps: &[[100.0, 0.25], [200.0, 0.75], [400.0, 1.0]],
            n: 4,
            color: Color32::WHITE,
            style: LineStyle::Solid,
            markers: None,
        };
        for (ms, share) in [
            (99.0, 0.0),
            (100.0, 0.25),
            (200.0, 0.75),
            (399.0, 0.75),
            (400.0, 1.0),
        ] {
            let found = line.share_at(ms);
            assert!((found - share).abs() < 1e-12, "{ms}: {found}");
        }
    }

    #[test]
    fn dashes_go_on_around_corners() {
        let mut dash = Dash::of(LineStyle::Dashed { length: 10.0 }).unwrap();
        assert_eq!(dash.pieces(5.0), [(0.0, 1.0)]);
        // Five points of the dash are left; the gap ends beyond the line, a point into the next one.
        assert_eq!(dash.pieces(10.0), [(0.0, 0.5)]);
        assert_eq!(dash.pieces(2.0), [(0.5, 1.0)]);
        assert!(dash.pieces(0.0).is_empty());
        assert!(Dash::of(LineStyle::Solid).is_none());
    }

    #[test]
    fn a_share_near_all_is_told_from_all() {
        assert_eq!(share_text(0.9987), "99.87 %");
        assert_eq!(share_text(1.0), "100.0 %");
    }
}
