//! Moving and zooming along the time axis, the same in all charts over time.

use egui::{Response, Ui, vec2};
use egui_plot::{Plot, PlotBounds, PlotTransform, PlotUi};

use super::axes::{TimeAxis, fixed_plot};
use crate::desktop::theme::Theme;

/// The stretch of time that a chart shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeView {
    /// The axis along the bottom.
    pub axis: TimeAxis,
    /// From and to, in nanoseconds since 1970.
    pub stretch: (i64, i64),
    /// Whether the user has moved or zoomed it.
    pub is_zoomed: bool,
}

/// What the user did with the time axis in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeMove {
    /// Nothing.
    #[default]
    None,
    /// Moved or zoomed it: from and to, in nanoseconds since 1970.
    To((i64, i64)),
    /// Asked to reset the zoom.
    Reset,
}

impl TimeMove {
    /// This, or what was done on another chart if nothing was done on this one.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::None => other,
            moved => moved,
        }
    }
}

impl TimeView {
    /// The bounds of the time axis: the stretch, with some room at its ends unless the user has set them.
    #[must_use]
    pub fn x_range(self) -> (f64, f64) {
        let (from, to) = (self.axis.x(self.stretch.0), self.axis.x(self.stretch.1));
        let room = if self.is_zoomed {
            0.0
        } else {
            (to - from).max(1.0) * 0.01
        };
        (from - room, to + room)
    }

    /// The bounds of a plot from `bottom` to `top`.
    #[must_use]
    pub fn bounds(self, (bottom, top): (f64, f64)) -> PlotBounds {
        let (from, to) = self.x_range();
        PlotBounds::from_min_max([from, bottom], [to, top])
    }

    /// A plot whose time axis can be moved and zoomed; the other one always shows all of its data.
    #[must_use]
    pub fn plot(self, name: &'static str, theme: &Theme) -> Plot<'static> {
        let axis = self.axis;
        fixed_plot(name, theme)
            .allow_drag([true, false])
            .allow_zoom([true, false])
            .x_grid_spacer(move |input| axis.marks(&input))
            .x_axis_formatter(move |mark, _| axis.label(mark))
    }

    /// What the user did on a plot. `by_wheel` is what [`zoom_by_wheel`] gave.
    #[must_use]
    pub fn moved(
        self,
        ui: &Ui,
        response: &Response,
        transform: &PlotTransform,
        by_wheel: bool,
    ) -> TimeMove {
        if response.double_clicked() {
            return TimeMove::Reset;
        }
        if !is_moved(ui, response, by_wheel) {
            return TimeMove::None;
        }
        TimeMove::To(edges(self.axis, transform))
    }
}

/// Whether the user moved or zoomed a plot in this frame.
#[must_use]
pub fn is_moved(ui: &Ui, response: &Response, by_wheel: bool) -> bool {
    let pinched = || ui.input(|input| (input.zoom_delta() - 1.0).abs() > f32::EPSILON);
    by_wheel || response.dragged() || response.drag_stopped() || response.hovered() && pinched()
}

/// The times at a plot's edges, in nanoseconds since 1970.
#[must_use]
pub fn edges(axis: TimeAxis, transform: &PlotTransform) -> (i64, i64) {
    let bounds = transform.bounds();
    (axis.unix_ns(bounds.min()[0]), axis.unix_ns(bounds.max()[0]))
}

/// The wheel zooms the time axis around the pointer. Returns whether it did.
pub fn zoom_by_wheel(plot: &mut PlotUi<'_>) -> bool {
    if !plot.response().hovered() {
        return false;
    }
    let wheel = plot.ctx().input(|input| input.smooth_scroll_delta().y);
    if wheel == 0.0 {
        return false;
    }
    plot.zoom_bounds_around_hovered(vec2((wheel / 240.0).exp(), 1.0));
    true
}
