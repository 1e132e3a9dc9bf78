//! When and what the monitor asks the history.

use egui::Ui;

use super::{Monitor, SeriesWanted, axes::TimeAxis};
use crate::{
    desktop::{range::Range, view::Cx},
    engine::{Command, HistoryCommand, ask},
    history::SeriesQuery,
};

/// How often the history is asked the same question again at most, in seconds.
pub(super) const AGAIN_SECS: f64 = 1.0;
/// The same for a plot that was moved or zoomed, in seconds.
pub(super) const MOVED_SECS: f64 = 0.15;

impl Monitor {
    /// Asks the history if the query has changed, but not too often.
    pub(super) fn ask(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let wanted = SeriesWanted {
            finished: cx.state.finished,
            range: self.kept.range,
            zoomed: self.zoomed,
            pixels: pixels(self.width, ui.pixels_per_point()),
            late_share: cx.state.settings.measuring.late_share,
        };
        if self.answer.is_waiting() || self.asked.as_ref() == Some(&wanted) {
            return;
        }
        let now = ui.input(|input| input.time);
        let only_new_runs = self.asked.as_ref().is_some_and(|asked| {
            SeriesWanted {
                finished: wanted.finished,
                ..asked.clone()
            } == wanted
        });
        let pause = match &self.asked {
            None => 0.0,
            Some(_) if only_new_runs => AGAIN_SECS,
            Some(_) => MOVED_SECS,
        };
        let left = self.asked_at + pause - now;
        if self.asked.is_some() && left > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a second at most")]
            ui.ctx().request_repaint_after_secs(left as f32);
            return;
        }
        let query = self.query(&wanted);
        self.asked = Some(wanted);
        self.asked_at = now;
        let (reply, answer) = ask();
        self.answer = answer;
        let question = HistoryCommand::Series { query, reply };
        cx.commands.push(Command::History(question));
    }

    fn query(&mut self, wanted: &SeriesWanted) -> SeriesQuery {
        let now = now_unix_ns();
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

/// Wall clock: it only places the range on the axis, nothing is measured with it.
fn now_unix_ns() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// The stretch of time that is shown, in nanoseconds since 1970: from (`None` for the first run) and to (`None` for now).
pub(super) fn stretch(zoomed: Option<(i64, i64)>, range: Range) -> (Option<i64>, Option<i64>) {
    match (zoomed, range.length_ns()) {
        (Some((from, to)), _) => (Some(from), Some(to)),
        (None, Some(length)) => (Some(now_unix_ns() - length), None),
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
