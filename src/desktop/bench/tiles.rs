//! Single figures of a bench, side by side: a name, a value and what it is to be held against.

use egui::{Align, Layout, RichText, Ui, vec2};

use crate::desktop::theme::{Theme, caption, size, space, strong, tiny};

/// The width of a tile, in points: as all fit beside each other, within these bounds.
const WIDTHS: std::ops::RangeInclusive<f32> = 112.0..=136.0;
/// Its height.
const HEIGHT: f32 = 54.0;

/// One figure.
#[derive(Clone, Debug, Default)]
pub struct Tile {
    pub name: &'static str,
    /// `None` where it is not known.
    pub value: Option<String>,
    /// A line below the value.
    pub below: String,
    /// How it is made.
    pub meaning: &'static str,
}

/// Shows tiles, wrapped where there is no room.
pub fn tiles_ui(ui: &mut Ui, theme: &Theme, tiles: &[Tile]) {
    #[expect(clippy::cast_precision_loss, reason = "a few tiles")]
    let width = (ui.available_width() + space::S) / tiles.len().max(1) as f32 - space::S;
    let width = width.floor().clamp(*WIDTHS.start(), *WIDTHS.end());
    let layout = Layout::left_to_right(Align::TOP).with_main_wrap(true);
    let height = ui.spacing().interact_size.y;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), height), layout, |ui| {
        ui.spacing_mut().item_spacing = vec2(space::S, space::XS);
        for tile in tiles {
            let layout = Layout::top_down(Align::Min);
            ui.allocate_ui_with_layout(vec2(width, HEIGHT), layout, |ui| {
                ui.set_min_size(vec2(width, HEIGHT));
                ui.spacing_mut().item_spacing.y = 1.0;
                ui.label(caption(theme, tile.name))
                    .on_hover_text(tile.meaning);
                let value = match &tile.value {
                    Some(value) => strong(value.clone()).size(size::HEADING),
                    None => RichText::new("\u{2013}").color(theme.text_dim),
                };
                ui.label(value).on_hover_text(tile.meaning);
                ui.label(tiny(theme, tile.below.clone()));
            });
        }
    });
}
