//! Whom the keys belong to.

use egui::{Context, Popup, Ui};

/// Whether a view may take keys: no text is edited, no menu is open, and no dialog is open over it. Ask before the view's
/// menus are shown: Esc closes a menu while it is shown.
#[must_use]
pub fn keys_are_free(ui: &Ui) -> bool {
    let is_on_top = ui.memory(|memory| memory.is_above_modal_layer(ui.layer_id()));
    is_on_top && !ui.ctx().text_edit_focused() && !Popup::is_any_open(ui.ctx())
}

/// Whether a popup or dialog is open: keys are for it, Esc closes it.
#[must_use]
pub fn any_popup_open(ctx: &Context) -> bool {
    Popup::is_any_open(ctx) || ctx.memory(|memory| memory.top_modal_layer().is_some())
}
