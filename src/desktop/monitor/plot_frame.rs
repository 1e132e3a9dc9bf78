//! What the plot shows in a frame.

use egui::Color32;

use super::{
    axes::{Scale, TimeAxis},
    gaps::GapBand,
    track::Track,
};
use crate::{desktop::theme::Theme, endpoint::TargetId, history::Series};

/// What the plot shows.
#[derive(Clone, Copy, Debug)]
pub struct PlotFrame<'a> {
    /// The targets.
    pub tracks: &'a [Track],
    /// The series that the tracks were made from, in the same order.
    pub series: &'a [Series],
    /// The times in which targets were not asked.
    pub bands: &'a [GapBand],
    /// The axis along the bottom.
    pub time: TimeAxis,
    /// The scale at the left.
    pub scale: Scale,
    /// Bounds to show; `None` leaves them as the user has zoomed them.
    pub bounds: Option<([f64; 2], [f64; 2])>,
    /// The target under the pointer: the others fade.
    pub pointed: Option<&'a TargetId>,
}

impl<'a> PlotFrame<'a> {
    /// The targets that are not hidden.
    pub fn shown(self) -> impl Iterator<Item = (&'a Track, &'a Series)> {
        let all = self.tracks.iter().zip(self.series);
        all.filter(|(track, _)| track.shown)
    }

    /// The colour of a track: faded while the pointer is on another.
    pub fn color(self, theme: &Theme, track: &Track) -> Color32 {
        let pointed = self.pointed.filter(|_| self.shown().count() > 1);
        let strength = match pointed {
            Some(target) if *target != track.target => 0.15,
            _ => 1.0,
        };
        theme
            .series_color(track.look.color)
            .gamma_multiply(strength)
    }
}
