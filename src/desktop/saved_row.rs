//! A row of a list of what is kept (benches, comparisons): a click anywhere on it opens it; buttons may stand at its end.

use egui::{
    Align, Color32, Label, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, vec2,
};

use super::theme::{RADIUS, Theme, size, space};
use crate::visible::visible_line;

/// A row as it is shown.
#[derive(Debug)]
pub struct SavedRow<'a> {
    /// What a screen reader says, and the hover text.
    pub name: String,
    pub title: &'a str,
    /// What stands below the title, each line in its colour.
    pub lines: &'a [(String, Color32)],
    pub is_shown: bool,
}

/// Height of the title and of what surrounds it, in points.
const TITLE: f32 = 26.0;
/// Height of a line below it, in points.
const LINE: f32 = 16.0;

/// Height of a row with so many lines below its title, in points.
#[must_use]
pub const fn height(lines: u8) -> f32 {
    TITLE + LINE * lines as f32
}

impl SavedRow<'_> {
    /// Shows the row, with these buttons at its end, from right to left; returns whether the row was clicked.
    pub fn ui(self, ui: &mut Ui, theme: &Theme, buttons: impl FnOnce(&mut Ui)) -> bool {
        let lines = u8::try_from(self.lines.len()).unwrap_or(u8::MAX);
        let room = vec2(ui.available_width() - space::S, height(lines));
        let (rect, response) = ui.allocate_exact_size(room, Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(Role::Button, true, self.is_shown, visible_line(&self.name))
        });
        let fill = match (self.is_shown, response.hovered() || response.has_focus()) {
            (true, _) => theme.hover,
            (false, true) => theme.raised,
            (false, false) => Color32::TRANSPARENT,
        };
        ui.painter().rect_filled(rect, RADIUS, fill);
        if response.has_focus() {
            let line = Stroke::new(1.5, theme.accent);
            ui.painter()
                .rect_stroke(rect, RADIUS, line, StrokeKind::Inside);
        }
        let inside = rect.shrink2(vec2(space::S, 3.0));
        let from_right = Layout::right_to_left(Align::Center);
        let at_end = UiBuilder::new().max_rect(inside).layout(from_right);
        let taken = ui.scope_builder(at_end, buttons).response.rect;
        let end = if taken.width() > 0.0 {
            taken.left() - space::S
        } else {
            inside.right()
        };
        self.texts_ui(ui, theme, inside.with_max_x(end));
        response.on_hover_text(visible_line(&self.name)).clicked()
    }

    fn texts_ui(&self, ui: &mut Ui, theme: &Theme, room: Rect) {
        ui.scope_builder(UiBuilder::new().max_rect(room), |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            let text = |text: RichText| Label::new(text).selectable(false).truncate();
            let title = visible_line(self.title);
            ui.add(text(RichText::new(title).color(theme.text)));
            for (line, color) in self.lines {
                let line = visible_line(line);
                ui.add(text(RichText::new(line).size(size::SMALL).color(*color)));
            }
        });
    }
}
