//! The list of frames: rows of one height, of which only those on screen are laid out.

use egui::{
    Align2, FontId, Key, Modifiers, Painter, Rect, Response, Role, ScrollArea, Sense, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{ShownWire, events_line, filter::Matched, raw_line};
use crate::{
    desktop::{
        theme::{Theme, size, space},
        widgets::{any_popup_open, count, exact_ms},
    },
    event::EventKind,
};

/// Height of a row, and of the head.
const ROW: f32 = 21.0;
const HEAD: f32 = 20.0;
/// How many rows a page is, for keys.
const PAGE: usize = 20;
/// Widths of the columns before raw and decoded.
const NUMBER: f32 = 54.0;
const AT: f32 = 92.0;
const GAP: f32 = 78.0;
/// About the width of a character.
const CHARACTER: f32 = 5.5;

/// The list's state.
#[derive(Debug, Default)]
pub struct FrameList {
    /// The chosen row.
    selected: Option<usize>,
    /// Whether it is to be brought into view.
    reveal: bool,
    /// The places that were on screen.
    seen: std::ops::Range<usize>,
}

/// Where the columns are.
#[derive(Clone, Copy)]
struct Columns {
    number: f32,
    at: f32,
    gap: f32,
    raw: (f32, f32),
    decoded: (f32, f32),
}

impl Columns {
    fn of(rect: Rect) -> Self {
        let number = rect.left() + NUMBER;
        let at = number + AT;
        let gap = at + GAP;
        let room = (rect.right() - gap - space::M).max(0.0);
        let raw = (gap + space::M, gap + space::M + room * 0.54);
        Self {
            number,
            at,
            gap,
            raw,
            decoded: (raw.1 + space::M, rect.right() - space::XS),
        }
    }
}

impl FrameList {
    /// The chosen row.
    #[must_use]
    pub fn selected(&self) -> Option<usize> {
        self.selected
    }

    /// Chooses a row, and brings it into view.
    pub fn select(&mut self, row: usize) {
        self.selected = Some(row);
        self.reveal = true;
    }

    /// Goes from row to row by keys, while no text has the focus and nothing is open above.
    pub fn keys(&mut self, ui: &Ui, matched: &Matched<'_>) {
        if ui.ctx().text_edit_focused() || any_popup_open(ui.ctx()) {
            return;
        }
        let Some(last) = matched.len().checked_sub(1) else {
            return;
        };
        let selected = self.selected;
        let place = selected.map(|row| matched.place(row));
        let is_shown = selected.is_some_and(|row| matched.place(row) < matched.len());
        let keys = [
            Key::ArrowLeft,
            Key::ArrowRight,
            Key::PageUp,
            Key::PageDown,
            Key::Home,
            Key::End,
        ];
        let pressed = |key: &Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, *key));
        for key in keys.into_iter().filter(pressed) {
            let to = match (place, key) {
                (_, Key::End) => last,
                (_, Key::Home) | (None, _) => 0,
                (Some(place), Key::ArrowLeft) => place.saturating_sub(1),
                (Some(place), Key::PageUp) => place.saturating_sub(PAGE),
                (Some(place), Key::ArrowRight) => place + usize::from(is_shown),
                (Some(place), _) => place + PAGE,
            };
            if let Some(row) = matched.row(to.min(last)) {
                self.select(row);
            }
        }
    }

    /// Shows the rows.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, shown: ShownWire<'_>, matched: &Matched<'_>) {
        head_ui(ui, theme);
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut area = ScrollArea::vertical()
            .id_salt("inspector.wire.frames")
            .auto_shrink(false)
            .stick_to_bottom(shown.follows);
        if let (true, Some(row)) = (std::mem::take(&mut self.reveal), self.selected) {
            let place = matched.place(row);
            let is_seen = self.seen.contains(&place) && place + 2 < self.seen.end;
            if !is_seen {
                area = area.vertical_scroll_offset(offset(place, ui.available_height()));
            }
        }
        area.show_rows(ui, ROW, matched.len(), |ui, places| {
            self.seen = places.clone();
            for place in places {
                let Some(row) = matched.row(place) else {
                    continue;
                };
                if self.row_ui(ui, theme, shown, row).clicked() {
                    self.selected = Some(row);
                }
            }
        });
        if matched.len() == 0 && *matched != Matched::Awaited {
            let text = if shown.decoded.rows() == 0 {
                "The response has no body"
            } else {
                "No frame matches"
            };
            let at = ui.min_rect().center_top() + vec2(0.0, HEAD + space::L);
            let font = FontId::proportional(size::BODY);
            (ui.painter()).text(at, Align2::CENTER_TOP, text, font, theme.text_dim);
        }
    }

    fn row_ui(&self, ui: &mut Ui, theme: &Theme, shown: ShownWire<'_>, row: usize) -> Response {
        let size = vec2(ui.available_width(), ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let decoded = shown.decoded;
        let is_selected = self.selected == Some(row);
        let painter = ui.painter();
        if is_selected || response.hovered() || response.has_focus() {
            painter.rect_filled(rect, 3, theme.hover);
        }
        let columns = Columns::of(rect);
        let kinds = decoded.kinds(row);
        let number = match decoded.frame(row) {
            Some(_) => count(row as u64 + 1),
            None => "end".to_owned(),
        };
        let (at, gap) = (exact(decoded.at(row)), exact(decoded.gap(row)));
        let y = rect.center().y;
        let gap_color = if ends_stall(shown, row) {
            theme.bad
        } else {
            theme.text_dim
        };
        let figures = [
            (columns.number, &number, theme.text_dim),
            (columns.at, &at, theme.text),
            (columns.gap, &gap, gap_color),
        ];
        for (right, text, color) in figures {
            let font = FontId::proportional(size::SMALL);
            painter.text(pos2(right, y), Align2::RIGHT_CENTER, text, font, color);
        }
        let raw = raw_line(decoded.bytes(row), characters(columns.raw));
        cell(painter, columns.raw, rect, &raw, theme.text_dim);
        let said = events_line(decoded.events(row), characters(columns.decoded));
        let color = if kinds.has(EventKind::Fault) {
            theme.bad
        } else if kinds.has(EventKind::Unknown) {
            theme.warn
        } else {
            theme.text
        };
        let said_or = if said.is_empty() { "no event" } else { &said };
        let color = if said.is_empty() {
            theme.text_dim
        } else {
            color
        };
        cell(painter, columns.decoded, rect, said_or, color);
        let mark = if kinds.has(EventKind::Unknown) {
            ", unknown to this program"
        } else {
            ""
        };
        response.widget_info(|| {
            let name = format!("Frame {number} at {at} ms: {said_or}{mark}");
            WidgetInfo::selected(Role::Row, true, is_selected, name)
        });
        response
    }
}

/// Whether a stall ended with a row. What came together with the row before waited for nothing.
fn ends_stall(shown: ShownWire<'_>, row: usize) -> bool {
    let ShownWire { decoded, facts, .. } = shown;
    let is_first = decoded.gap(row) != Some(0);
    is_first && decoded.at(row).is_some_and(|at| facts.is_stall(at))
}

/// Where the list is scrolled to so that a row is in its middle.
fn offset(place: usize, height: f32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a place on screen")]
    let top = place as f32 * ROW;
    (top - height / 2.0).max(0.0)
}

/// About how many characters fit.
fn characters((left, right): (f32, f32)) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a hundred or two"
    )]
    let fitting = ((right - left).max(0.0) / CHARACTER) as usize;
    fitting + 8
}

fn cell(painter: &Painter, (left, right): (f32, f32), row: Rect, text: &str, color: egui::Color32) {
    let clip = Rect::from_x_y_ranges(left..=right, row.y_range());
    let painter = painter.with_clip_rect(clip.intersect(painter.clip_rect()));
    let font = FontId::monospace(size::TINY);
    let at = pos2(left, row.center().y);
    painter.text(at, Align2::LEFT_CENTER, text, font, color);
}

/// A time in milliseconds, to the microsecond; empty where it is not known.
pub fn exact(ns: Option<u64>) -> String {
    ns.map_or_else(String::new, exact_ms)
}

fn head_ui(ui: &mut Ui, theme: &Theme) {
    let size = vec2(ui.available_width(), HEAD);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let columns = Columns::of(rect);
    let heads = [
        (
            columns.number,
            Align2::RIGHT_CENTER,
            "Frame",
            "A unit of the protocol: an event of a stream, a line, a message; or a read, where it has none",
        ),
        (
            columns.at,
            Align2::RIGHT_CENTER,
            "At, ms",
            "When its last byte arrived, since the run’s start",
        ),
        (
            columns.gap,
            Align2::RIGHT_CENTER,
            "Gap, ms",
            "Since the frame before, or since the head; red where the stream stalled",
        ),
        (
            columns.raw.0,
            Align2::LEFT_CENTER,
            "Raw",
            "The bytes as they came, secrets covered",
        ),
        (
            columns.decoded.0,
            Align2::LEFT_CENTER,
            "Decoded",
            "What the decoder of the protocol made of them; yellow where it does not know them",
        ),
    ];
    for (x, align, text, why) in heads {
        let font = FontId::proportional(size::SMALL);
        let at = pos2(x, rect.center().y);
        let taken = ui.painter().text(at, align, text, font, theme.text_dim);
        let response = ui.interact(taken, egui::Id::unique(("wire head", text)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
        response.on_hover_text(why);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        capture::{CapturedRead, tests as samples},
        desktop::inspector::facts::Derived,
        dialect::DialectId,
        engine::OpenedCapture,
    };

    #[test]
    fn of_frames_that_came_together_after_a_silence_the_first_ends_the_stall() {
        let chunk = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
        let body = chunk.repeat(12);
        let mut at = 2_000_000_000;
        // The last two frames come in one read.
        let reads = [vec![1; 10], vec![2]].concat().into_iter();
        let mut frames = 0;
        let reads = reads.map(|more| {
            at += if more == 1 { 20_000_000 } else { 900_000_000 };
            frames += more;
            CapturedRead {
                at,
                delay: None,
                is_at_most: false,
                end: frames * chunk.len(),
            }
        });
        let kind = "text/event-stream";
        let mut capture = samples::of(DialectId::OpenaiChat, 200, kind, body.as_bytes(), 100);
        capture.response.as_mut().unwrap().reads = reads.collect();
        let opened = OpenedCapture::of("a".into(), capture).unwrap();
        let mut derived = Derived::default();
        derived.update(&opened.run, &Arc::default(), 0.0);
        let shown = ShownWire {
            decoded: &opened.decoded,
            facts: derived.of(opened.run.head.id).unwrap(),
            rows: opened.decoded.rows(),
            follows: false,
        };
        let ending: Vec<usize> = (0..shown.rows)
            .filter(|row| ends_stall(shown, *row))
            .collect();
        assert_eq!(ending, [10]);
    }
}
