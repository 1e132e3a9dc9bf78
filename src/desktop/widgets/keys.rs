//! Whom the keys belong to.

use egui::{Context, Popup, Ui};

/// Whether a view may take keys: no text is edited, and no dialog is open over it.
#[must_use]
pub fn keys_are_free(ui: &Ui) -> bool {
    let is_on_top = ui.memory(|memory| memory.is_above_modal_layer(ui.layer_id()));
    is_on_top && !ui.ctx().text_edit_focused()
}

/// Whether a popup or dialog is open: keys are for it, Esc closes it.
#[must_use]
pub fn any_popup_open(ctx: &Context) -> bool {
    Popup::is_any_open(ctx) || ctx.memory(|memory| memory.top_modal_layer().is_some())
}
