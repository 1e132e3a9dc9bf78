//! The marks of a run on a waterfall: first token, last token, end; lines with names, none of which covers another.

use std::sync::Arc;

use egui::{Color32, FontId, Galley, Rangef, Rect, Stroke, Ui, pos2, vec2};

use super::{
    Plot, ShownRun,
    lane::{LaneRow, WaterfallLane},
};
use crate::{
    desktop::{
        inspector::time_axis::{TimeRange, ns},
        theme::{Theme, size},
        widgets::{Outcome, ms_text},
    },
    run::{OffsetNs, Run, ms},
};

/// Height of a row of names.
const LABEL_ROW: f32 = 14.0;
/// A mark this close to a more important one is not told apart from it, in points.
const CLOSE: f32 = 4.0;

/// The names of marks, placed so that none is on another.
#[derive(Debug, Default)]
pub struct MarkLabels {
    /// How many rows they take.
    pub rows: u8,
    placed: Vec<PlacedLabel>,
}

#[derive(Debug)]
struct PlacedLabel {
    at: OffsetNs,
    color: Color32,
    /// The name with its place relative to the axis' begin and the strip's top; `None` if there is no room for it.
    name: Option<(Arc<Galley>, f32, f32)>,
}

impl MarkLabels {
    /// How high they are together.
    pub fn height(&self) -> f32 {
        f32::from(self.rows) * LABEL_ROW + 3.0
    }
}

/// What is marked: name, time, colour, the most important first.
fn marks(theme: &Theme, run: &Run) -> Vec<(String, OffsetNs, Color32)> {
    let stamps = &run.stamps;
    let visible = stamps
        .first_visible
        .filter(|at| Some(*at) != stamps.first_token);
    let end = run.answer.fault.as_ref().map_or_else(
        || ("end".to_owned(), theme.text_dim),
        |fault| {
            let outcome = Outcome::of(run.state, Some(fault.class));
            (outcome.word.replace('_', " "), outcome.color(theme))
        },
    );
    let all = [
        ("first token".to_owned(), stamps.first_token, theme.accent),
        (end.0, stamps.closed, end.1),
        ("first visible".to_owned(), visible, theme.text_dim),
        ("last token".to_owned(), stamps.last_token, theme.text_dim),
    ];
    let known = all
        .into_iter()
        .filter_map(|(name, at, color)| Some((name, at?, color)));
    known.collect()
}

/// Places the names of a run's marks on an axis of this width: in two rows at most; what does not fit has no name.
pub fn labels(
    ui: &Ui,
    theme: &Theme,
    shown: &ShownRun<'_>,
    range: TimeRange,
    width: f32,
) -> MarkLabels {
    let plot = Plot {
        rect: Rect::from_min_size(pos2(0.0, 0.0), vec2(width, 1.0)),
        range,
    };
    let mut labels = MarkLabels::default();
    let mut taken: Vec<(u8, Rangef)> = Vec::new();
    for (name, at, color) in marks(theme, shown.run) {
        let is_close = |other: &PlacedLabel| (plot.x(ns(other.at)) - plot.x(ns(at))).abs() < CLOSE;
        if !range.holds(at) || labels.placed.iter().any(is_close) {
            continue;
        }
        let text = format!("{name} {}", ms_text(ms(at)));
        let font = FontId::proportional(size::TINY);
        let galley = ui.painter().layout_no_wrap(text, font, color);
        let x = plot.x(ns(at));
        let right = Rangef::new(x + 4.0, x + 4.0 + galley.size().x);
        let left = Rangef::new(x - 4.0 - galley.size().x, x - 4.0);
        let places = [(0, right), (0, left), (1, right), (1, left)];
        let is_free = |(row, span): &(u8, Rangef)| {
            let meets = |(other, taken): &(u8, Rangef)| {
                other == row && taken.min - 8.0 < span.max && span.min < taken.max + 8.0
            };
            span.min >= 0.0 && span.max <= width && !taken.iter().any(meets)
        };
        let place = places.into_iter().find(is_free);
        taken.extend(place);
        labels.rows = labels.rows.max(place.map_or(1, |(row, _)| row + 1));
        labels.placed.push(PlacedLabel {
            at,
            color,
            name: place.map(|(row, span)| (galley, span.min, f32::from(row) * LABEL_ROW)),
        });
    }
    labels
}

/// Draws a run's marks as lines through all of its strips, with their names.
pub fn show(ui: &Ui, plot: Plot, rows: &[LaneRow], labels: &MarkLabels) {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return;
    };
    let top = rows
        .iter()
        .find(|row| row.lane == WaterfallLane::Marks)
        .unwrap_or(first);
    let bottom = last.y.max - 2.0;
    let painter = ui.painter();
    for label in &labels.placed {
        let x = plot.x(ns(label.at));
        let stroke = Stroke::new(1.0, label.color.gamma_multiply(0.7));
        painter.vline(x, Rangef::new(top.y.min + 1.0, bottom), stroke);
        if let Some((galley, x, y)) = &label.name {
            let at = pos2(plot.rect.left() + x, top.y.min + y);
            painter.galley(at, Arc::clone(galley), label.color);
        }
    }
}
