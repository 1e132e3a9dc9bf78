//! Toasts: short messages that disappear after a few seconds. They are shown in the status bar, where they cover
//! nothing and move nothing.

use std::sync::{Arc, Mutex, PoisonError};

use egui::{Context, CornerRadius, Frame, Id, Label, Margin, RichText, Role, Ui, WidgetInfo};

use super::theme::{RADIUS, Theme, size};
use crate::visible::visible;

/// How long a toast stays, in seconds; longer while the pointer is on it.
const STAYS_SECS: f64 = 5.0;

/// Toasts from threads and plugins; in egui's memory, so that anyone with a context can add one.
#[derive(Clone, Default)]
struct PendingToasts(Arc<Mutex<Vec<String>>>);

impl PendingToasts {
    fn of(ctx: &Context) -> Self {
        ctx.data_mut(|data| data.get_temp_mut_or_default::<Self>(Id::NULL).clone())
    }
}

/// Shows a toast with the next frame. Can be called from any thread.
pub fn tell(ctx: &Context, text: String) {
    let told = PendingToasts::of(ctx);
    (told.0.lock().unwrap_or_else(PoisonError::into_inner)).push(text);
    ctx.request_repaint();
}

/// The toasts that are shown now.
#[derive(Debug, Default)]
pub struct Toasts {
    /// Each text and when it disappears, by egui's clock; `None` until it was shown once.
    shown: Vec<(String, Option<f64>)>,
}

impl Toasts {
    /// Adds a toast; one with the same text only stays longer.
    pub fn tell(&mut self, text: &str) {
        let text = visible(text).into_owned();
        self.shown.retain(|(known, _)| *known != text);
        self.shown.push((text, None));
    }

    /// Shows the toasts, the latest first, and requests a repaint for when the next one disappears.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let told = std::mem::take(
            &mut *(PendingToasts::of(ui.ctx()).0.lock()).unwrap_or_else(PoisonError::into_inner),
        );
        for text in &told {
            self.tell(text);
        }
        let now = ui.input(|input| input.time);
        for (_, goes) in &mut self.shown {
            goes.get_or_insert(now + STAYS_SECS);
        }
        self.shown
            .retain(|(_, goes)| goes.is_none_or(|goes| goes > now));
        let Some(next) = (self.shown.iter().filter_map(|(_, goes)| *goes)).reduce(f64::min) else {
            return;
        };
        #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
        ui.ctx().request_repaint_after_secs((next - now) as f32);
        if self.row_ui(ui, theme).contains_pointer() {
            for (_, goes) in &mut self.shown {
                *goes = goes.map(|goes| goes.max(now + 1.0));
            }
        }
    }

    fn row_ui(&self, ui: &mut Ui, theme: &Theme) -> egui::Response {
        let texts: Vec<&str> = (self.shown.iter().rev())
            .map(|(text, _)| text.as_str())
            .collect();
        let line = texts.join("  ·  ").replace('\n', " ");
        let frame = Frame::new()
            .fill(theme.raised)
            .corner_radius(CornerRadius::same(RADIUS))
            .inner_margin(Margin::symmetric(8, 2));
        let shown = frame.show(ui, |ui| {
            let text = RichText::new(line).size(size::SMALL).color(theme.text);
            let label = ui.add(Label::new(text).selectable(false).truncate());
            label.widget_info(|| WidgetInfo::labeled(Role::Status, true, texts.join("\n")));
        });
        shown.response.on_hover_text(texts.join("\n"))
    }
}
