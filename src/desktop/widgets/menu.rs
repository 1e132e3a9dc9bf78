//! Lines of menus: an icon and words; what destroys stands apart, last and in its colour.

use egui::{Button, Color32, RichText, Role, TextWrapMode, Ui, WidgetInfo};

use crate::desktop::theme::Theme;

/// A line of a menu.
pub fn menu_item(ui: &mut Ui, icon: &str, label: &str) -> bool {
    let color = ui.visuals().widgets.inactive.fg_stroke.color;
    item_in(ui, icon, label, color)
}

/// A line that destroys something. A separator stands before the first of them: see [`menu_gap`].
pub fn danger_item(ui: &mut Ui, icon: &str, label: &str) -> bool {
    let color = Theme::of(ui.ctx()).bad;
    item_in(ui, icon, label, color)
}

/// What parts the lines that destroy from the others.
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
