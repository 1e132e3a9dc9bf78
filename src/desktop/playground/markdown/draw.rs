//! Draws the elements that [`parse`](super::parse) makes of a block.

use std::sync::Arc;

use egui::{
    Align, Color32, CornerRadius, FontFamily, Frame, Galley, Label, Margin, Rect, ScrollArea,
    Sense, Stroke, Ui, UiBuilder, pos2, scroll_area::ScrollBarVisibility, text::LayoutJob, vec2,
};

use super::{
    element::{Code, Element, INDENT, Place, Text},
    growing,
    highlight::Highlight,
    ink::Ink,
    links::{faux_bold_ui, links_ui},
    marks::marks_ui,
    math::formulas_ui,
    table,
};
use crate::desktop::{
    theme::{RADIUS, Theme, size, tiny},
    widgets::copy_button,
};

/// One piece of a fenced code block.
pub struct Piece<'a> {
    /// The fence's language.
    pub language: &'a str,
    /// The code of this piece.
    pub code: String,
    /// Whether it is the first piece, which has a head with language and copy button.
    pub first: bool,
    /// Whether it is the last piece.
    pub ends: bool,
    /// Whether its code is complete.
    pub finished: bool,
    /// Space at the left.
    pub indent: f32,
    /// Pieces with the same id scroll horizontally together.
    pub scroll: egui::Id,
}

/// The horizontal scroll offset of all pieces of a fence, and the width of the widest piece.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sideways {
    offset: f32,
    width: f32,
}

/// Shows a text unchanged, in the monospace font if `fixed`.
pub fn plain_ui(ui: &mut Ui, ink: &Ink, source: &str, fixed: bool) {
    let format = if fixed {
        Ink::format(FontFamily::Monospace, size::SMALL, ink.text)
    } else {
        Ink::format(FontFamily::Proportional, ink.size, ink.text)
    };
    let text = source.strip_suffix('\n').unwrap_or(source);
    let job = LayoutJob::single_section(text.to_owned(), format);
    let galley = growing::galley(ui, "plain", &job, ui.available_width());
    let response = ui.add(Label::new(galley.clone()));
    marks_ui(ui, &galley, response.rect.min);
}

/// Shows the elements of one block below each other.
pub fn elements_ui(
    ui: &mut Ui,
    theme: &Theme,
    ink: &Ink,
    elements: &[Element],
    indent: f32,
    highlights: &mut Vec<Highlight>,
    budget: &mut u32,
) {
    let mut codes = 0;
    for (index, element) in elements.iter().enumerate() {
        match element {
            Element::Text(text) => {
                ui.add_space(text.gap * ink.size);
                let place = text.place;
                placed_ui(ui, theme, place, indent, |ui| text_ui(ui, ink, text, index));
            }
            Element::Code(code) => {
                ui.add_space(if index == 0 { 0.0 } else { 6.0 });
                highlights.resize_with(highlights.len().max(codes + 1), Highlight::default);
                let scroll = ui.scope_id().with(("code", codes));
                let highlight = &mut highlights[codes];
                nested_code_ui(ui, theme, code, (indent, scroll), highlight, budget);
                codes += 1;
            }
            Element::Table(table) => {
                ui.push_id(index, |ui| {
                    placed_ui(ui, theme, table.place, indent, |ui| {
                        table::table_ui(ui, theme, table);
                    });
                });
            }
            Element::Rule => {
                let (rect, _) =
                    ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover());
                ui.painter().hline(
                    rect.x_range(),
                    rect.center().y,
                    Stroke::new(1.0, theme.line_strong),
                );
            }
        }
    }
}

/// Shows `content` indented for its lists and quotes, and draws the bars of the quotes.
fn placed_ui(ui: &mut Ui, theme: &Theme, place: Place, indent: f32, content: impl FnOnce(&mut Ui)) {
    let left = indent + f32::from(place.lists) * INDENT + f32::from(place.quotes) * 12.0;
    if left == 0.0 {
        return content(ui);
    }
    let left = left.min(ui.available_width() * 0.6);
    let outer = ui.available_rect_before_wrap();
    let rect = Rect::from_min_max(pos2(outer.left() + left, outer.top()), outer.max);
    let inner = ui
        .scope_builder(UiBuilder::new().max_rect(rect), content)
        .response
        .rect;
    for quote in 0..place.quotes {
        let x = outer.left() + left - 11.0 - f32::from(quote) * 12.0;
        ui.painter()
            .vline(x, inner.y_range(), Stroke::new(2.0, theme.line_strong));
    }
}

fn text_ui(ui: &mut Ui, ink: &Ink, text: &Text, index: usize) {
    if text.display {
        return display_ui(ui, ink, text, index);
    }
    let galley = growing::galley(ui, ("text", index), &text.job, ui.available_width());
    galley_ui(ui, ink, text, &galley, index);
}

/// Shows a formula on lines of its own: in the middle, or scrolled sideways if it is too wide.
fn display_ui(ui: &mut Ui, ink: &Ink, text: &Text, index: usize) {
    let galley = growing::galley(ui, ("text", index), &text.job, f32::INFINITY);
    let free = ui.available_width() - galley.size().x;
    if free < 0.0 {
        let area = ScrollArea::horizontal().id_salt(("formula", index));
        area.show(ui, |ui| galley_ui(ui, ink, text, &galley, index));
        return;
    }
    // Beside the marker of a list item it stands at the left.
    let left = if text.marker.is_some() {
        0.0
    } else {
        (free / 2.0).floor()
    };
    let place = Rect::from_min_size(ui.cursor().min + vec2(left, 0.0), galley.size());
    ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
        galley_ui(ui, ink, text, &galley, index);
    });
}

fn galley_ui(ui: &mut Ui, ink: &Ink, text: &Text, galley: &Arc<Galley>, index: usize) {
    let response = ui.add(Label::new(Arc::clone(galley)));
    faux_bold_ui(ui, text, galley, index, response.rect.min);
    formulas_ui(ui, text, galley, response.rect.min);
    marks_ui(ui, galley, response.rect.min);
    if let Some(marker) = &text.marker {
        let format = Ink::format(FontFamily::Proportional, ink.size, ink.dim);
        let job = LayoutJob::single_section(marker.clone(), format);
        let marker = ui.fonts_mut(|fonts| fonts.layout_job(job));
        let width = marker.size().x;
        // A wide marker is closer to its text, so that it stays inside the list.
        let gap = (INDENT - width).clamp(2.0, 6.0);
        let at = response.rect.left_top() - vec2(width + gap, 0.0);
        ui.painter().galley(at, marker, ink.dim);
    }
    links_ui(ui, text, galley, response.rect, index);
}

fn nested_code_ui(
    ui: &mut Ui,
    theme: &Theme,
    code: &Code,
    (indent, scroll): (f32, egui::Id),
    highlight: &mut Highlight,
    budget: &mut u32,
) {
    let piece = Piece {
        language: &code.language,
        code: code.text.clone(),
        first: true,
        ends: true,
        finished: false,
        indent: indent + f32::from(code.place.lists) * INDENT + f32::from(code.place.quotes) * 12.0,
        scroll,
    };
    code_ui(ui, theme, &piece, None, highlight, budget, || {
        code.text.clone()
    });
}

/// Shows a piece of code: the first with a head; highlighted as far as the frame's budget allows.
pub fn code_ui(
    ui: &mut Ui,
    theme: &Theme,
    piece: &Piece<'_>,
    before: Option<&Highlight>,
    highlight: &mut Highlight,
    budget: &mut u32,
    whole: impl FnOnce() -> String,
) {
    let ctx = ui.ctx().clone();
    if highlight.read_on(
        &ctx,
        piece.language,
        &piece.code,
        piece.finished,
        before,
        budget,
    ) {
        ctx.request_repaint();
    }
    let radius = |on: bool| if on { RADIUS } else { 0 };
    let corners = CornerRadius {
        nw: radius(piece.first),
        ne: radius(piece.first),
        sw: radius(piece.ends),
        se: radius(piece.ends),
    };
    let outer = Margin {
        left: margin(piece.indent),
        ..Margin::ZERO
    };
    let frame = Frame::new()
        .fill(theme.raised)
        .corner_radius(corners)
        .outer_margin(outer);
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        if piece.first {
            code_head_ui(ui, theme, piece.language, whole);
        }
        sideways_ui(ui, piece, |ui| {
            let code = piece.code.strip_suffix('\n').unwrap_or(&piece.code);
            if !code.is_empty() {
                let job = code_job(theme, code, highlight);
                let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
                let response = ui.add(Label::new(galley.clone()));
                marks_ui(ui, &galley, response.rect.min);
            }
        });
    });
}

/// Shows code that scrolls horizontally; all pieces of a fence scroll together, with one scroll bar under the last.
fn sideways_ui(ui: &mut Ui, piece: &Piece<'_>, content: impl FnOnce(&mut Ui)) {
    let inner = Margin {
        left: 10,
        right: 10,
        top: i8::from(piece.first),
        bottom: if piece.ends { 10 } else { 0 },
    };
    let before: Sideways = ui.data(|data| data.get_temp(piece.scroll).unwrap_or_default());
    let bar = if piece.ends {
        ScrollBarVisibility::VisibleWhenNeeded
    } else {
        ScrollBarVisibility::AlwaysHidden
    };
    let mut width = 0.0;
    let shown = ScrollArea::horizontal()
        .id_salt("sideways")
        .auto_shrink([false, true])
        .scroll_bar_visibility(bar)
        .horizontal_scroll_offset(before.offset)
        .show(ui, |ui| {
            let code = Frame::new().inner_margin(inner).show(ui, content);
            width = code.response.rect.width();
            ui.set_min_width(before.width);
        });
    let now = Sideways {
        offset: shown.state.clamped_offset().x,
        width: before.width.max(width),
    };
    if now != before {
        ui.data_mut(|data| data.insert_temp(piece.scroll, now));
        ui.ctx().request_repaint();
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an indent of a few levels")]
fn margin(points: f32) -> i8 {
    points.clamp(0.0, 120.0) as i8
}

fn code_head_ui(ui: &mut Ui, theme: &Theme, language: &str, whole: impl FnOnce() -> String) {
    ui.horizontal(|ui| {
        ui.set_height(26.0);
        ui.add_space(10.0);
        let language = if language.is_empty() {
            "text"
        } else {
            language
        };
        ui.add(Label::new(tiny(theme, language)).selectable(false));
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            copy_button(ui, theme, "Copy code", whole);
        });
    });
}

fn code_job(theme: &Theme, code: &str, highlight: &Highlight) -> LayoutJob {
    let format = |color: Color32| Ink::format(FontFamily::Monospace, size::SMALL, color);
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    let mut start = 0;
    for (end, class) in &highlight.spans {
        let end = (*end).min(code.len());
        if let Some(span) = code.get(start..end) {
            job.append(span, 0.0, format(class.color(theme)));
            start = end;
        }
    }
    job.append(&code[start..], 0.0, format(theme.text));
    job
}
