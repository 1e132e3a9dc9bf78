//! A strip of the waterfall: what it shows, and where.

use egui::Rangef;

use crate::desktop::inspector::phases::Segment;

/// One strip of the waterfall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WaterfallLane {
    /// The name of the run, if there are two.
    Title,
    /// Whether something buffers, if there are two runs.
    Verdict,
    /// The names of the marks: first token, end.
    Marks,
    /// The connection was open already: there is nothing to draw for DNS, TCP and TLS.
    Reused,
    /// A phase as a bar.
    Phase(Segment),
    /// The reads as ticks.
    Stream,
    /// How late this program read them.
    Delay,
    /// The gaps between arrivals of tokens.
    Gaps,
}

/// A strip with its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneRow {
    /// Which of the runs it belongs to.
    pub run: usize,
    /// What it shows.
    pub lane: WaterfallLane,
    /// Its top and bottom.
    pub y: Rangef,
}

impl LaneRow {
    /// The same strip, lower by so many points.
    pub fn moved(&self, by: f32) -> Self {
        Self {
            y: Rangef::new(self.y.min + by, self.y.max + by),
            ..*self
        }
    }
}
