//! Toasts: what is told in passing, at the lower right, for a few seconds.

use egui::{
    Align2, Area, Context, CornerRadius, Frame, Id, Margin, Order, Role, Stroke, WidgetInfo,
};

use super::theme::{RADIUS_L, Theme};
use crate::visible::visible;

/// How long a toast stays, in seconds.
const STAYS_SECS: f64 = 4.5;

/// The toasts that are shown now.
#[derive(Debug, Default)]
pub struct Toasts {
    /// Text and the time (of egui) when it goes; `None` until it was shown once.
    shown: Vec<(String, Option<f64>)>,
}

impl Toasts {
    /// Tells something; what is told already only stays longer.
    pub fn tell(&mut self, text: String) {
        let text = visible(&text).into_owned();
        self.shown.retain(|(known, _)| *known != text);
        self.shown.push((text, None));
    }

    /// Shows what is to be told, and wakes the window when the next one goes.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) {
        let now = ctx.input(|input| input.time);
        for (_, goes) in &mut self.shown {
            goes.get_or_insert(now + STAYS_SECS);
        }
        self.shown
            .retain(|(_, goes)| goes.is_none_or(|goes| goes > now));
        let Some(next) = self
            .shown
            .iter()
            .filter_map(|(_, goes)| *goes)
            .reduce(f64::min)
        else {
            return;
        };
        #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
        ctx.request_repaint_after_secs((next - now) as f32);
        Area::new(Id::unique("toasts"))
            .order(Order::Tooltip)
            .anchor(Align2::RIGHT_BOTTOM, [-16.0, -40.0])
            .interactable(false)
            .show(ctx, |ui| {
                for (text, _) in &self.shown {
                    let response = Frame::new()
                        .fill(theme.raised)
                        .stroke(Stroke::new(1.0, theme.line_strong))
                        .corner_radius(CornerRadius::same(RADIUS_L))
                        .inner_margin(Margin::symmetric(12, 8))
                        .shadow(ui.visuals().popup_shadow)
                        .show(ui, |ui| {
                            ui.set_max_width(420.0);
                            ui.label(text);
                        })
                        .response;
                    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, text));
                }
            });
    }
}
