//! A formula, typeset: what to draw where.

use egui::{Color32, FontFamily, Pos2, Rect};

/// A typeset formula. Lengths are in ems; `x` grows from its left end, `y` downwards from its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// Whether it stands on lines of its own.
    pub display: bool,
    /// Its width.
    pub width: f32,
    /// How far it reaches above its baseline.
    pub ascent: f32,
    /// How far it reaches below its baseline.
    pub descent: f32,
    /// What to draw, the lowest first.
    pub marks: Vec<FormulaMark>,
}

/// Something to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct FormulaMark {
    /// Its shape.
    pub shape: MarkShape,
    /// Its colour; the text's own if the formula names none.
    pub color: Option<Color32>,
}

/// The shape of a mark.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkShape {
    /// A character.
    Glyph {
        /// Its font.
        family: FontFamily,
        /// The character.
        character: char,
        /// Where its baseline begins.
        at: Pos2,
        /// Its size.
        size: f32,
    },
    /// A filled rectangle: the bar of a fraction, a rule, a background.
    Rect(Rect),
    /// Filled polygons, such as a brace over some terms.
    Polygons(Vec<Vec<Pos2>>),
}
