//! What is added to a text after layout: links, and bold drawn as a second copy.

use egui::{
    Color32, Galley, OpenUrl, Rect, Role, Sense, Stroke, Ui, WidgetInfo,
    epaint::text::cursor::CCursor, pos2, vec2,
};

use super::{element::Text, growing, parse::is_faux_bold};
use crate::{
    desktop::{fonts, outside::is_openable},
    visible::visible,
};

/// The offset of the second copy of bold text, in points.
const STROKE: f32 = 0.45;

/// Draws strong text a second time if its font has no bold face: Chinese, Japanese, Korean.
pub fn faux_bold_ui(ui: &Ui, text: &Text, galley: &Galley, index: usize, at: egui::Pos2) {
    if !text.faux_bold {
        return;
    }
    // The same text at the same width has the same glyph positions.
    let mut job = (*galley.job).clone();
    let strong = fonts::strong_family();
    for section in &mut job.sections {
        let run = &job.text[section.byte_range.start.0..section.byte_range.end.0];
        let format = &mut section.format;
        if format.font_id.family != strong || !is_faux_bold(run) {
            format.color = Color32::TRANSPARENT;
        }
        format.background = Color32::TRANSPARENT;
        format.strikethrough = Stroke::NONE;
    }
    let again = growing::galley(ui, ("bold", index), &job, job.wrap.max_width);
    ui.painter()
        .galley(at + vec2(STROKE, 0.0), again, Color32::TRANSPARENT);
}

/// Makes a text's links clickable. Hovering shows the address; only web and mail addresses open.
pub fn links_ui(ui: &Ui, text: &Text, galley: &Galley, rect: Rect, index: usize) {
    for (number, (range, url)) in text.links.iter().enumerate() {
        let label = text.job.text.get(range.clone()).unwrap_or_default();
        for (row, area) in rects_of(galley, &text.job.text, range)
            .into_iter()
            .enumerate()
        {
            let id = ui.scope_id().with(("link", index, number, row));
            let area = area.translate(rect.min.to_vec2());
            let response = ui.interact(area, id, Sense::click());
            // egui's underline is at the bottom of the line: too low with this line height.
            let foot = area.center().y
                + text
                    .job
                    .sections
                    .first()
                    .map_or(6.0, |s| s.format.font_id.size * 0.55);
            let strength = if response.hovered() { 1.0 } else { 0.5 };
            let color = ui.visuals().hyperlink_color.gamma_multiply(strength);
            ui.painter()
                .hline(area.x_range(), foot, Stroke::new(1.0, color));
            response.widget_info(|| WidgetInfo::labeled(Role::Link, true, label));
            let opens = is_openable(url);
            let response = response.on_hover_ui(|ui| {
                ui.label(visible(url).into_owned());
                if !opens {
                    ui.label("Not opened: only http, https and mailto addresses are");
                }
            });
            if opens && response.hovered() {
                ui.set_cursor_icon(egui::CursorIcon::PointingHand);
            }
            if opens && response.clicked() {
                ui.ctx().open_url(OpenUrl::new_tab(url));
            }
        }
    }
}

/// The rectangles of some bytes of a text in its galley, one for each row.
pub fn rects_of(galley: &Galley, text: &str, range: &std::ops::Range<usize>) -> Vec<Rect> {
    let cursor = |byte: usize| {
        let chars = text.get(..byte).map_or(0, |head| head.chars().count());
        galley.pos_from_cursor(CCursor::new(chars))
    };
    let (start, end) = (cursor(range.start), cursor(range.end));
    let mut rects = Vec::new();
    for row in &galley.rows {
        let rect = row.rect();
        let middle = rect.center().y;
        if middle < start.top() || middle > end.bottom() {
            continue;
        }
        let left = if rect.y_range().contains(start.center().y) {
            start.left()
        } else {
            rect.left()
        };
        let right = if rect.y_range().contains(end.center().y) {
            end.left()
        } else {
            rect.right()
        };
        if right > left {
            rects.push(Rect::from_min_max(
                pos2(left, rect.top()),
                pos2(right, rect.bottom()),
            ));
        }
    }
    rects
}
