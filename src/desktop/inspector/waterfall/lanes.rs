//! What stands where on a waterfall, from top to bottom.

use egui::Rangef;

use super::{
    ShownRun,
    lane::{LaneRow, WaterfallLane},
    marks::MarkLabels,
};
use crate::{
    desktop::inspector::phases::{Segment, segments},
    run::ConnectionKind,
};

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
            if shown.facts.longest_delay.is_some() {
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
