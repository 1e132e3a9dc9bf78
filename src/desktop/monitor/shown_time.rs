//! Which stretch of time the charts show, and how it follows what the user does on one of them.

use super::{
    Monitor,
    zoom::{TimeMove, TimeView},
};

impl Monitor {
    /// The stretch that the charts over time show. Without a begin of its own it goes from the `first` time that is
    /// known.
    pub(super) fn time_view(&self, first: Option<i64>) -> TimeView {
        let (from, to) = self.asked_range;
        let whole = (from.or(first).unwrap_or(to), to);
        TimeView {
            axis: self.time,
            stretch: self.zoomed.unwrap_or(whole),
            is_zoomed: self.zoomed.is_some(),
        }
    }

    /// Shows the stretch to which the user has moved a chart.
    pub(super) fn follow(&mut self, moved: TimeMove) {
        match moved {
            TimeMove::None => {}
            TimeMove::To(edges) => {
                self.zoomed = Some(edges);
                self.zoomed_elsewhere = true;
            }
            TimeMove::Reset => self.zoomed = None,
        }
    }

    /// The bounds that the plot of TTFT is to show; `None` leaves them as the user has set them there.
    pub(super) fn ttft_bounds(&mut self) -> Option<([f64; 2], [f64; 2])> {
        let is_new = std::mem::take(&mut self.zoomed_elsewhere);
        let Some((from, to)) = self.zoomed else {
            return Some(self.bounds());
        };
        let ([_, bottom], [_, top]) = self.bounds();
        let edges = ([self.time.x(from), bottom], [self.time.x(to), top]);
        is_new.then_some(edges)
    }
}
