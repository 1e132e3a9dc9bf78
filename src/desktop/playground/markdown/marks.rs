//! Marks the places of a text that is looked for, in every text that is shown.
//!
//! The words stand in egui's memory for a frame, so that what lays texts out need not hand them on.

use std::sync::Arc;

use egui::{Context, CornerRadius, Galley, Id, Pos2, Ui};

use super::links::rects_of;
use crate::{conversation::find::matches, desktop::theme::Theme};

fn key() -> Id {
    Id::unique("words that are looked for")
}

/// Says what is looked for; an empty text is nothing.
pub fn look_for(ctx: &Context, words: &str) {
    ctx.data_mut(|data| {
        if words.is_empty() {
            data.remove::<Arc<str>>(key());
        } else {
            data.insert_temp(key(), Arc::<str>::from(words));
        }
    });
}

/// Marks the places in a text that was laid out at `at`.
pub fn marks_ui(ui: &Ui, galley: &Galley, at: Pos2) {
    let Some(words) = ui.data(|data| data.get_temp::<Arc<str>>(key())) else {
        return;
    };
    let text = galley.text();
    let color = Theme::of(ui.ctx()).warn.gamma_multiply(0.35);
    for range in matches(text, &words) {
        for rect in rects_of(galley, text, &range) {
            let rect = rect.translate(at.to_vec2());
            ui.painter().rect_filled(rect, CornerRadius::same(2), color);
        }
    }
}
