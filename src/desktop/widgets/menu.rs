//! Menu items: an icon and a label. Items that delete something come last, behind a separator, in the error colour.

use egui::{Button, Color32, RichText, Role, TextWrapMode, Ui, WidgetInfo};

use crate::desktop::theme::Theme;

/// A menu item; returns whether it was clicked.
pub fn menu_item(ui: &mut Ui, icon: &str, label: &str) -> bool {
    let color = ui.visuals().widgets.inactive.fg_stroke.color;
    item_in(ui, icon, label, color)
}

/// An item that deletes something. A [`menu_gap`] comes before the first of them.
pub fn danger_item(ui: &mut Ui, icon: &str, label: &str) -> bool {
    let color = Theme::of(ui.ctx()).bad;
    item_in(ui, icon, label, color)
}

/// The separator before items that delete something.
pub fn menu_gap(ui: &mut Ui) {
    ui.add(egui::Separator::default().spacing(9.0));
}

fn item_in(ui: &mut Ui, icon: &str, label: &str, color: Color32) -> bool {
    let text = RichText::new(format!("{icon}  {label}")).color(color);
    let button = Button::new(text).frame_when_inactive(false);
    let response = ui.add(button.wrap_mode(TextWrapMode::Extend));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    response.clicked()
}
