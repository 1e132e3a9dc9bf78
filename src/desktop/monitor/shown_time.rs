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
            TimeMove::To(edges) => self.zoomed = Some(edges),
            TimeMove::Reset => self.zoomed = None,
        }
    }
}
