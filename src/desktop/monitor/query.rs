//! When and what the monitor asks the history.

use egui::Ui;

use super::{Monitor, SeriesWanted, axes::TimeAxis};
use crate::{
    clock::wall_clock_ns,
    desktop::{range::Range, view::Cx},
    engine::{Command, HistoryCommand, ask},
    history::SeriesQuery,
};

impl Monitor {
    /// Asks the history if the query has changed, but not too often.
    pub(super) fn ask(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let wanted = SeriesWanted {
            range: self.kept.range,
            zoomed: self.zoomed,
            pixels: pixels(self.width, ui.pixels_per_point()),
            late_share: cx.state.settings.measuring.late_share,
        };
        let finished = cx.state.finished;
        if self.answer.is_waiting() || !self.pacing.is_due(ui, &wanted, finished) {
            return;
        }
        let query = self.query(&wanted);
        self.pacing.note(ui, wanted, finished);
        let (reply, answer) = ask();
        self.answer = answer;
        let question = HistoryCommand::Series { query, reply };
        cx.commands.push(Command::History(question));
    }

    fn query(&mut self, wanted: &SeriesWanted) -> SeriesQuery {
        let now = wall_clock_ns();
        let (from, to) = stretch(wanted.zoomed, wanted.range);
        self.asked_range = (from, to.unwrap_or(now));
        if self.time.base_ns == 0 {
            self.time = TimeAxis { base_ns: now };
        }
        SeriesQuery {
            from_unix_ns: from,
            to_unix_ns: to,
            pixels: wanted.pixels,
            late_share: wanted.late_share,
        }
    }
}

/// The stretch of time that is shown, in nanoseconds since 1970: from (`None` for the first run) and to (`None` for now).
pub(super) fn stretch(zoomed: Option<(i64, i64)>, range: Range) -> (Option<i64>, Option<i64>) {
    match (zoomed, range.length_ns()) {
        (Some((from, to)), _) => (Some(from), Some(to)),
        (None, Some(length)) => (Some(wall_clock_ns() - length), None),
        (None, None) => (None, None),
    }
}

/// Width in whole pixels, rounded up to a step so that dragging a border does not change it at each frame.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a width on screen"
)]
fn pixels(points: f32, per_point: f32) -> usize {
    let pixels = (points * per_point).clamp(64.0, 16_384.0) as usize;
    pixels.next_multiple_of(64)
}
