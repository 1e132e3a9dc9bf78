//! Design tokens: colours, sizes, type and icons, dark and light.

use egui::Color32;

/// The tokens of one theme.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Whether it is the dark one.
    pub dark: bool,
    /// Behind everything.
    pub background: Color32,
    /// Panels and bars.
    pub surface: Color32,
    /// Raised things: cards, inputs, menus.
    pub raised: Color32,
    /// Hairlines.
    pub line: Color32,
    /// Body text.
    pub text: Color32,
    /// Secondary text; still 4.5:1 on `surface`.
    pub text_dim: Color32,
    /// The one accent.
    pub accent: Color32,
    /// Good, best.
    pub good: Color32,
    /// Warnings, simulated.
    pub warn: Color32,
    /// Errors.
    pub bad: Color32,
    /// Colours of targets, in order; told apart by the colour-blind too.
    pub series: &'static [Color32],
}
