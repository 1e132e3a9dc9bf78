//! Buttons: one primary button per view, ghost buttons for the rest; every icon button has a name.

use egui::{Button, Color32, Response, RichText, Role, Stroke, Ui, WidgetInfo, vec2};

use crate::desktop::{
    icons, outside,
    theme::{Theme, size, strong},
};

/// The most important button of a view.
pub fn primary_button(ui: &mut Ui, theme: &Theme, text: &str) -> Response {
    let text = strong(text).color(theme.on_accent);
    let enabled = ui.is_enabled();
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        widgets.inactive.bg_stroke = Stroke::NONE;
        // egui draws focus as `active`: on the accent colour a ring is visible only in the text's colour.
        widgets.active.bg_stroke = Stroke::new(1.5, theme.text);
        ui.add_enabled(enabled, Button::new(text).fill(theme.accent))
    })
    .inner
}

/// A button that has a frame only under the pointer.
pub fn ghost_button(ui: &mut Ui, theme: &Theme, text: &str) -> Response {
    let text = RichText::new(text).color(theme.text_dim);
    ui.add(Button::new(text).frame_when_inactive(false))
}

/// A button that deletes something.
pub fn danger_button(ui: &mut Ui, theme: &Theme, text: &str) -> Response {
    let text = RichText::new(text).color(theme.bad);
    ui.add(
        Button::new(text)
            .fill(theme.wash(theme.bad))
            .stroke(Stroke::new(1.0, theme.wash(theme.bad))),
    )
}

/// An icon button; `name` is its accessible name and its hover text.
pub fn icon_button(ui: &mut Ui, theme: &Theme, icon: &str, name: &str) -> Response {
    icon_button_in(ui, icon, name, theme.text_dim)
}

/// An icon button that deletes something.
pub fn danger_icon(ui: &mut Ui, theme: &Theme, icon: &str, name: &str) -> Response {
    icon_button_in(ui, icon, name, theme.bad)
}

/// An icon button that is on (accent) or off (dim).
pub fn icon_toggle(ui: &mut Ui, theme: &Theme, icon: &str, name: &str, on: bool) -> Response {
    let color = if on { theme.accent } else { theme.text_dim };
    let response = icon_button_in(ui, icon, name, color);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, name));
    response
}

/// How long a copy button shows that it copied, in seconds.
const COPIED_SECS: f64 = 1.5;

/// Copies `text` when clicked, and shows a check mark for a moment if that worked.
pub fn copy_button(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    text: impl FnOnce() -> String,
) -> Response {
    let now = ui.input(|input| input.time);
    let id = ui.next_auto_id().with("copied");
    let until = ui.data(|data| data.get_temp::<f64>(id));
    let left = until.map_or(0.0, |until| until - now);
    let response = if left > 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "a second or two")]
        ui.ctx().request_repaint_after_secs(left as f32);
        let response = icon_button_in(ui, icons::COPIED, name, theme.good);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, true, name));
        response.on_hover_text("Copied")
    } else {
        icon_button(ui, theme, icons::COPY, name)
    };
    if response.clicked() && outside::copy(ui.ctx(), text()) {
        ui.data_mut(|data| data.insert_temp(id, now + COPIED_SECS));
        ui.ctx().request_repaint();
    }
    response
}

fn icon_button_in(ui: &mut Ui, icon: &str, name: &str, color: Color32) -> Response {
    let enabled = ui.is_enabled();
    let icon = RichText::new(icon).size(size::HEADING).color(color);
    let response = ui
        .scope(|ui| {
            ui.spacing_mut().button_padding = vec2(4.0, 3.0);
            let button = Button::new(icon)
                .frame_when_inactive(false)
                .min_size(vec2(26.0, 26.0));
            ui.add_enabled(enabled, button)
        })
        .inner;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    response.on_hover_text(name).on_disabled_hover_text(name)
}

/// A row of buttons to choose one of several values. Returns whether the value changed.
pub fn segmented<T: Copy + PartialEq>(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    value: &mut T,
    choices: &[(T, &str)],
) -> bool {
    let before = *value;
    egui::Frame::new()
        .fill(theme.raised)
        .stroke(Stroke::new(1.0, theme.line_strong))
        .corner_radius(egui::CornerRadius::same(crate::desktop::theme::RADIUS))
        .inner_margin(egui::Margin::same(1))
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 1.0;
            ui.spacing_mut().button_padding = vec2(8.0, 2.0);
            ui.spacing_mut().interact_size.y = 22.0;
            ui.horizontal(|ui| {
                // In a right-to-left layout the last choice is added first.
                let backwards = ui.layout().prefer_right_to_left();
                for index in 0..choices.len() {
                    let place = if backwards {
                        choices.len() - 1 - index
                    } else {
                        index
                    };
                    let Some((choice, label)) = choices.get(place) else {
                        continue;
                    };
                    let on = *value == *choice;
                    let color = if on { theme.text } else { theme.text_dim };
                    let text = RichText::new(*label).size(size::SMALL).color(color);
                    let fill = if on {
                        theme.hover
                    } else {
                        Color32::TRANSPARENT
                    };
                    let border = if on {
                        theme.line_strong
                    } else {
                        Color32::TRANSPARENT
                    };
                    let button = Button::new(text)
                        .fill(fill)
                        .stroke(Stroke::new(1.0, border));
                    let response = ui.add(button);
                    response.widget_info(|| {
                        WidgetInfo::selected(
                            Role::RadioButton,
                            true,
                            on,
                            format!("{name}: {label}"),
                        )
                    });
                    if response.clicked() {
                        *value = *choice;
                    }
                }
            });
        });
    *value != before
}

/// A line that expands and collapses what follows it.
pub fn fold_ui(ui: &mut Ui, theme: &Theme, icon: &str, label: &str, open: &mut bool) -> Response {
    let chevron = if *open {
        icons::CHEVRON_DOWN
    } else {
        icons::CHEVRON_RIGHT
    };
    let text = RichText::new(format!("{chevron} {icon} {label}")).size(size::SMALL);
    let button = Button::new(text.color(theme.text_dim)).frame_when_inactive(false);
    let response = ui
        .scope(|ui| {
            ui.spacing_mut().button_padding = vec2(4.0, 2.0);
            ui.add(button)
        })
        .inner;
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, *open, label));
    if response.clicked() {
        *open = !*open;
    }
    response
}
