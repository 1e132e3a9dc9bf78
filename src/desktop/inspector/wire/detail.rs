//! One frame whole: its bytes as they came, beside what was made of them.

use std::ops::Range;

use egui::{Align, FontId, Label, Layout, ScrollArea, TextFormat, Ui, text::LayoutJob};

use super::{
    ShownWire,
    excerpt::{copied, raw_text},
    frames::exact,
};
use crate::{
    capture::DecodedCapture,
    desktop::{
        inspector::part::title_ui,
        theme::{Theme, caption, size, space},
        widgets::{badge, copy_button, count, counted},
    },
    event::EventKind,
    visible::visible,
};

/// Most characters of a frame, and of an event, that are shown; copies are whole.
const MOST_RAW: usize = 16_000;
const MOST_SAID: usize = 4_000;
/// Most events of a frame that are shown.
const MOST_EVENTS: usize = 100;

/// What is shown of the chosen frame, made once.
#[derive(Debug, Default)]
pub struct FrameDetail {
    of: Option<(usize, String, bool)>,
    raw: LayoutJob,
    is_all: bool,
    said: Vec<(EventKind, String)>,
}

impl FrameDetail {
    /// Shows a row, with what is searched for marked.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        shown: ShownWire<'_>,
        row: Option<usize>,
        text: &str,
    ) {
        // A panel is as high as what is in it: it keeps its height when that is little.
        ui.set_min_height(ui.max_rect().height());
        ui.add_space(space::XS);
        let Some(row) = row else {
            let hint = "Click a frame, or go from frame to frame by ← →";
            ui.label(caption(theme, hint));
            return;
        };
        let of = Some((row, text.to_owned(), theme.dark));
        if self.of != of {
            self.of = of;
            self.make(theme, shown.decoded, row, text);
        }
        head_ui(ui, theme, shown.decoded, row);
        ui.add_space(space::XS);
        ui.columns_const(|[raw, said]| {
            part_ui(raw, theme, "Raw", |ui| {
                if self.raw.is_empty() {
                    ui.label(caption(theme, "The end brought no bytes"));
                } else {
                    ui.add(Label::new(self.raw.clone()).wrap());
                }
                if !self.is_all {
                    ui.label(caption(theme, "Cut here; the copy is whole"));
                }
            });
            part_ui(said, theme, "Decoded", |ui| self.said_ui(ui, theme));
        });
    }

    fn make(&mut self, theme: &Theme, decoded: &DecodedCapture, row: usize, text: &str) {
        let (raw, is_all) = raw_text(decoded.bytes(row), MOST_RAW);
        let marks = marks(&raw, decoded.unknown(), text);
        self.raw = marked(theme, &raw, &marks);
        self.is_all = is_all;
        let events = decoded.events(row).iter().take(MOST_EVENTS);
        let said = events.map(|event| {
            let says: String = event.says().chars().take(MOST_SAID).collect();
            (event.kind(), visible(&says).into_owned())
        });
        self.said = said.collect();
    }

    fn said_ui(&self, ui: &mut Ui, theme: &Theme) {
        if self.said.is_empty() {
            ui.label(caption(theme, "No event: it completes none"));
        }
        for (kind, says) in &self.said {
            let color = match kind {
                EventKind::Unknown => theme.warn,
                EventKind::Fault => theme.bad,
                _ => theme.text_dim,
            };
            ui.horizontal_wrapped(|ui| {
                let badge = badge(ui, theme, kind.as_str(), color);
                if *kind == EventKind::Unknown {
                    badge.on_hover_text(
                        "Tokenscope does not know this in the protocol: it is kept word for word",
                    );
                }
                if !says.is_empty() {
                    ui.add(Label::new(says).wrap());
                }
            });
        }
    }
}

fn head_ui(ui: &mut Ui, theme: &Theme, decoded: &DecodedCapture, row: usize) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            copy_button(ui, theme, "Copy the frame", || copied(decoded.bytes(row)));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = caption(theme, which(decoded, row));
                ui.add(Label::new(text).truncate());
            });
        });
    });
}

/// Which row it is, in words.
fn which(decoded: &DecodedCapture, row: usize) -> String {
    let at = exact(decoded.at(row));
    let gap = exact(decoded.gap(row));
    let Some(frame) = decoded.frame(row) else {
        return format!("The end, at {at} ms");
    };
    let all = count(decoded.frames().len() as u64);
    let number = count(row as u64 + 1);
    let bytes = counted(frame.bytes.len() as u64, "byte");
    let read = count(frame.read as u64 + 1);
    let after = match gap.as_str() {
        "" => String::new(),
        gap => format!(", {gap} ms after what came before"),
    };
    format!("Frame {number} of {all} · at {at} ms{after} · {bytes} · in read {read}")
}

fn part_ui(ui: &mut Ui, theme: &Theme, title: &str, content: impl FnOnce(&mut Ui)) {
    title_ui(ui, theme, title);
    ScrollArea::vertical()
        .id_salt(("inspector.wire", title))
        .auto_shrink(false)
        .show(ui, |ui| {
            // Columns are justified; text of the wire is not.
            ui.with_layout(Layout::top_down(Align::LEFT), content);
        });
}

/// What of a text is marked: what is unknown, and what is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextMark {
    Unknown,
    Found,
}

/// The marks of a text, in order, none within another.
fn marks<'a>(
    text: &str,
    unknown: impl Iterator<Item = &'a str>,
    sought: &str,
) -> Vec<(Range<usize>, TextMark)> {
    let mut marks = Vec::new();
    for name in unknown {
        for quoted in [format!("\"{name}\""), format!("event: {name}")] {
            let found = text.match_indices(&quoted);
            marks.extend(found.map(|(at, hit)| (at..at + hit.len(), TextMark::Unknown)));
        }
    }
    // Letters of ASCII alone are folded here: places in the text stay what they are.
    if !sought.is_empty() {
        let folded = text.to_ascii_lowercase();
        let sought = sought.to_ascii_lowercase();
        let found = folded.match_indices(&sought);
        marks.extend(found.map(|(at, hit)| (at..at + hit.len(), TextMark::Found)));
    }
    marks.sort_by_key(|(range, _)| range.start);
    let mut end = 0;
    marks.retain(|(range, _)| {
        let is_free = range.start >= end;
        if is_free {
            end = range.end;
        }
        is_free
    });
    marks
}

fn marked(theme: &Theme, text: &str, marks: &[(Range<usize>, TextMark)]) -> LayoutJob {
    let font = FontId::monospace(size::TINY);
    let plain = TextFormat::simple(font, theme.text);
    let mut job = LayoutJob::default();
    let mut at = 0;
    for (range, mark) in marks {
        let color = match mark {
            TextMark::Unknown => theme.warn,
            TextMark::Found => theme.accent,
        };
        let format = TextFormat {
            color,
            background: theme.wash(color),
            ..plain.clone()
        };
        job.append(&text[at..range.start], 0.0, plain.clone());
        job.append(&text[range.clone()], 0.0, format);
        at = range.end;
    }
    job.append(&text[at..], 0.0, plain);
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_and_what_is_sought_is_marked() {
        let text = "event: odd\ndata: {\"odd\":\"An ODD one\"}";
        let marked = |sought: &str| {
            let marks = marks(text, ["odd"].into_iter(), sought);
            let words = marks.into_iter().map(|(range, mark)| (&text[range], mark));
            words.collect::<Vec<_>>()
        };
        let unknown = [
            ("event: odd", TextMark::Unknown),
            ("\"odd\"", TextMark::Unknown),
        ];
        assert_eq!(marked(""), unknown);
        let found = marked("an odd");
        assert_eq!(found[2], ("An ODD", TextMark::Found));
        assert_eq!(found.len(), 3);
    }
}
