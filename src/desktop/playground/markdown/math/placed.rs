//! Formulas in their texts: the room that they take, and where they are drawn.

use std::{ops::Range, sync::Arc};

use egui::{
    Color32, FontFamily, Galley, Pos2, Ui, epaint::text::cursor::CCursor, pos2, text::TextFormat,
};

use super::{Formula, drawing};
use crate::desktop::{
    fonts::{blank_family, wide_family},
    playground::markdown::{element::Text, ink::Ink},
};

/// How much larger a formula's font is than the text's: then its small letters are as high as those of the text.
const SCALE: f32 = 1.18;
/// How far the baseline of text is below the middle of its row, in ems of the text's font.
const BELOW_MIDDLE: f32 = 0.364;
/// Room above and below a formula on lines of its own, in points.
const MARGIN: f32 = 2.0;

/// A formula in a text.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The bytes of its source.
    pub range: Range<usize>,
    /// The formula.
    pub formula: Arc<Formula>,
    /// The size of the text's font, in points.
    pub size: f32,
    /// The colour of the text.
    pub color: Color32,
}

impl Placed {
    /// Points to the em.
    fn em(&self) -> f32 {
        self.size * SCALE
    }
}

/// The formats of a formula's source: of its first character, which is as wide as the formula, and of the rest.
/// One that stands `alone` decides the height of its row.
pub fn room_for(formula: &Formula, alone: bool, size: f32, color: Color32) -> [TextFormat; 2] {
    let em = size * SCALE;
    let (above, below) = (formula.ascent * em, formula.descent * em);
    let height = if alone {
        above + below + 2.0 * MARGIN
    } else {
        // Text stands in the middle of its row, and the formula on the same baseline.
        let middle = BELOW_MIDDLE * size;
        2.0 * (above - middle).max(below + middle)
    };
    let blank = Ink::format(blank_family(), size, color);
    let row = blank.line_height.unwrap_or_default();
    let wide = TextFormat {
        line_height: Some(height.ceil().max(row)),
        ..Ink::format(wide_family(), (formula.width * em).max(1.0), color)
    };
    [wide, blank]
}

/// Draws the formulas of a text that was shown at `at`.
pub fn formulas_ui(ui: &Ui, text: &Text, galley: &Galley, at: Pos2) {
    for placed in &text.formulas {
        let before = text.job.text.get(..placed.range.start).unwrap_or_default();
        let start = galley.pos_from_cursor(CCursor {
            prefer_next_row: true,
            ..CCursor::new(before.chars().count())
        });
        let start = start.translate(at.to_vec2());
        let baseline = if text.display {
            start.center().y + (placed.formula.ascent - placed.formula.descent) * placed.em() / 2.0
        } else {
            start.top() + baseline_in_row(ui, placed.size, start.height())
        };
        let origin = pos2(start.left(), baseline);
        drawing::paint(ui, &placed.formula, placed.em(), origin, placed.color);
    }
}

/// How far the baseline of text is below the top of a row of this height.
fn baseline_in_row(ui: &Ui, size: f32, height: f32) -> f32 {
    let format = TextFormat {
        line_height: Some(height),
        ..Ink::format(FontFamily::Proportional, size, Color32::WHITE)
    };
    let job = egui::text::LayoutJob::single_section("x".to_owned(), format);
    let letter = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let glyph = letter.rows.first().and_then(|row| row.glyphs.first());
    glyph.map_or(height, |glyph| glyph.pos.y)
}
