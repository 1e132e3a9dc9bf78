//! What stands where on a waterfall, from top to bottom.

use egui::Rangef;

use super::{ShownRun, marks::MarkLabels};
use crate::{
    desktop::inspector::phases::{Segment, segments},
    run::ConnectionKind,
};

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

/// The strips of all runs, and how high they are together.
pub fn rows(shown: &[ShownRun<'_>], labels: &[MarkLabels]) -> (Vec<LaneRow>, f32) {
    let two = shown.len() > 1;
    let mut rows = Vec::new();
    let mut top = 0.0;
    for (run, (shown, labels)) in shown.iter().zip(labels).enumerate() {
        let mut add = |lane, height: f32| {
            let y = Rangef::new(top, top + height);
            rows.push(LaneRow { run, lane, y });
            top += height;
        };
        if two {
            add(WaterfallLane::Title, 26.0);
            if shown.facts.burst.is_some() {
                add(WaterfallLane::Verdict, 20.0);
            }
        }
        if labels.rows > 0 {
            add(WaterfallLane::Marks, labels.height());
        }
        if shown.run.connection == Some(ConnectionKind::Warm) {
            add(WaterfallLane::Reused, 17.0);
        }
        let stamps = &shown.run.stamps;
        let phases = segments(stamps);
        let is_stream = |segment: &&Segment| segment.name == Segment::STREAM;
        for segment in phases.iter().filter(|segment| !is_stream(segment)) {
            let is_last = Some(segment.begin) == stamps.last_token && segment.name == Segment::TAIL;
            if !is_last {
                add(WaterfallLane::Phase(*segment), 17.0);
            }
        }
        if !shown.run.reads.is_empty() {
            add(WaterfallLane::Stream, if two { 48.0 } else { 64.0 });
            if shown.run.reads.iter().any(|read| read.delay.is_some()) {
                add(WaterfallLane::Delay, 20.0);
            }
        }
        let tail = phases.iter().find(|segment| segment.name == Segment::TAIL);
        if let Some(tail) = tail {
            add(WaterfallLane::Phase(*tail), 17.0);
        }
        if !two && !shown.facts.gaps.is_empty() {
            add(WaterfallLane::Gaps, 84.0);
        }
    }
    (rows, top + 4.0)
}
