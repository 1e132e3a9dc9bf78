//! Design tokens: colours, sizes and type, dark and light, and their installation into egui.
//!
//! Views take colours from [`Theme`] and distances from [`space`], never their own.

mod faults;
mod series;

use std::borrow::Cow;

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, RichText, Shadow, Stroke, Style,
    TextStyle, Visuals,
    style::{ScrollStyle, WidgetVisuals, Widgets},
    vec2,
};

use super::fonts;
use crate::visible::visible;

/// Distances in points, on a grid of 4.
pub mod space {
    /// Between an icon and its word.
    pub const XS: f32 = 4.0;
    /// Between neighbours.
    pub const S: f32 = 8.0;
    /// Inside cards and panels.
    pub const M: f32 = 12.0;
    /// Between groups.
    pub const L: f32 = 16.0;
    /// Between sections.
    pub const XL: f32 = 24.0;
    /// Height of a table row.
    pub const ROW: f32 = 28.0;
}

/// Corner radius of controls.
pub const RADIUS: u8 = 5;
/// Corner radius of cards, menus and dialogs.
pub const RADIUS_L: u8 = 8;

/// The type scale, in points: 11, 12, 13, 15, 20.
pub mod size {
    /// Labels of navigation and badges, units.
    pub const TINY: f32 = 11.0;
    /// Captions, table heads, code.
    pub const SMALL: f32 = 12.0;
    /// Body and controls.
    pub const BODY: f32 = 13.0;
    /// Headings of sections.
    pub const HEADING: f32 = 15.0;
    /// Titles of pages and big figures.
    pub const TITLE: f32 = 20.0;
}

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
    /// A raised thing under the pointer, a selected row.
    pub hover: Color32,
    /// Hairlines.
    pub line: Color32,
    /// Outlines of inputs and buttons.
    pub line_strong: Color32,
    /// Body text.
    pub text: Color32,
    /// Secondary text; still 4.5:1 on `surface`.
    pub text_dim: Color32,
    /// The one accent.
    pub accent: Color32,
    /// Text and icons on `accent`.
    pub on_accent: Color32,
    /// Good, best.
    pub good: Color32,
    /// Warnings, simulated.
    pub warn: Color32,
    /// Errors.
    pub bad: Color32,
    /// Colours of targets, in order. A test checks that colour-blind people can tell them apart.
    pub series: &'static [Color32],
}

/// Near-black blue-grey, one cyan accent.
pub static DARK: Theme = Theme {
    dark: true,
    background: Color32::from_rgb(0x0B, 0x0E, 0x13),
    surface: Color32::from_rgb(0x10, 0x14, 0x1A),
    raised: Color32::from_rgb(0x18, 0x1D, 0x25),
    hover: Color32::from_rgb(0x20, 0x27, 0x31),
    line: Color32::from_rgb(0x1F, 0x26, 0x2F),
    line_strong: Color32::from_rgb(0x31, 0x3B, 0x47),
    text: Color32::from_rgb(0xDC, 0xE2, 0xEA),
    text_dim: Color32::from_rgb(0x93, 0x9E, 0xAD),
    accent: Color32::from_rgb(0x45, 0xC4, 0xD6),
    on_accent: Color32::from_rgb(0x04, 0x16, 0x1A),
    good: Color32::from_rgb(0x5C, 0xC5, 0x8B),
    warn: Color32::from_rgb(0xE3, 0xB3, 0x58),
    bad: Color32::from_rgb(0xF2, 0x7E, 0x7E),
    series: &series::DARK,
};

/// White paper, the same accent darkened.
pub static LIGHT: Theme = Theme {
    dark: false,
    background: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    surface: Color32::from_rgb(0xF7, 0xF8, 0xFA),
    raised: Color32::from_rgb(0xEE, 0xF1, 0xF4),
    hover: Color32::from_rgb(0xE4, 0xE9, 0xEE),
    line: Color32::from_rgb(0xE2, 0xE6, 0xEB),
    line_strong: Color32::from_rgb(0xC6, 0xCE, 0xD7),
    text: Color32::from_rgb(0x1A, 0x21, 0x2A),
    text_dim: Color32::from_rgb(0x56, 0x61, 0x6F),
    accent: Color32::from_rgb(0x07, 0x6B, 0x7C),
    on_accent: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    good: Color32::from_rgb(0x12, 0x6E, 0x3F),
    warn: Color32::from_rgb(0x85, 0x55, 0x00),
    bad: Color32::from_rgb(0xB3, 0x26, 0x2E),
    series: &series::LIGHT,
};

impl Theme {
    /// The tokens of the theme that egui shows now.
    #[must_use]
    pub fn of(ctx: &Context) -> &'static Self {
        match ctx.theme() {
            egui::Theme::Dark => &DARK,
            egui::Theme::Light => &LIGHT,
        }
    }

    /// The colour with this index; indices past the last start over.
    #[must_use]
    pub fn series_color(&self, index: usize) -> Color32 {
        (self.series.get(index % self.series.len().max(1)).copied()).unwrap_or(self.accent)
    }

    /// A faint tint of a colour, for the background of badges and banners.
    #[must_use]
    pub fn wash(&self, color: Color32) -> Color32 {
        color.gamma_multiply(if self.dark { 0.13 } else { 0.10 })
    }

    /// A hairline.
    #[must_use]
    pub fn hairline(&self) -> Stroke {
        Stroke::new(1.0, self.line)
    }
}

/// Puts fonts and both themes into egui.
pub fn install(ctx: &Context) {
    fonts::install(ctx);
    ctx.set_style_of(egui::Theme::Dark, style(&DARK));
    ctx.set_style_of(egui::Theme::Light, style(&LIGHT));
}

/// The same text, semi-bold.
#[must_use]
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(shown(text)).family(fonts::strong_family())
}

/// Small secondary text.
#[must_use]
pub fn caption(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(shown(text))
        .size(size::SMALL)
        .color(theme.text_dim)
}

/// Tiny secondary text.
#[must_use]
pub fn tiny(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(shown(text))
        .size(size::TINY)
        .color(theme.text_dim)
}

/// The text with control and invisible characters escaped.
fn shown(text: impl Into<String>) -> String {
    let text = text.into();
    match visible(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(safe) => safe,
    }
}

/// The heading of a section.
#[must_use]
pub fn heading(text: impl Into<String>) -> RichText {
    strong(text).size(size::HEADING)
}

/// The title of a page.
#[must_use]
pub fn title(text: impl Into<String>) -> RichText {
    strong(text).size(size::TITLE)
}

fn style(theme: &Theme) -> Style {
    let mut style = Style {
        text_styles: [
            (TextStyle::Small, FontId::proportional(size::TINY)),
            (TextStyle::Body, FontId::proportional(size::BODY)),
            (TextStyle::Button, FontId::proportional(size::BODY)),
            (
                TextStyle::Heading,
                FontId::new(size::HEADING, fonts::strong_family()),
            ),
            (
                TextStyle::Monospace,
                FontId::new(size::SMALL, FontFamily::Monospace),
            ),
        ]
        .into(),
        visuals: visuals(theme),
        animation_time: 0.1,
        ..Style::default()
    };
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(space::S, space::XS);
    spacing.button_padding = vec2(10.0, 4.0);
    spacing.interact_size = vec2(28.0, 26.0);
    spacing.menu_margin = Margin::same(6);
    spacing.window_margin = Margin::same(16);
    spacing.combo_height = 320.0;
    spacing.tooltip_width = 340.0;
    spacing.icon_width = 16.0;
    spacing.icon_width_inner = 10.0;
    spacing.icon_spacing = 6.0;
    spacing.scroll = ScrollStyle {
        bar_width: 8.0,
        floating_width: 4.0,
        ..ScrollStyle::floating()
    };
    style.interaction.tooltip_delay = 0.35;
    style.interaction.selectable_labels = true;
    style
}

fn visuals(theme: &Theme) -> Visuals {
    let mut visuals = if theme.dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    visuals.widgets = widgets(theme);
    visuals.weak_text_color = Some(theme.text_dim);
    visuals.hyperlink_color = theme.accent;
    visuals.selection.bg_fill = theme
        .accent
        .gamma_multiply(if theme.dark { 0.32 } else { 0.22 });
    visuals.selection.stroke = Stroke::new(1.0, theme.accent);
    visuals.text_cursor.stroke = Stroke::new(1.5, theme.accent);
    // A blinking caret would wake an idle window twice a second.
    visuals.text_cursor.blink = false;
    visuals.faint_bg_color = theme.surface;
    visuals.extreme_bg_color = theme.background;
    visuals.text_edit_bg_color = Some(if theme.dark {
        theme.raised
    } else {
        theme.background
    });
    visuals.code_bg_color = theme.raised;
    visuals.warn_fg_color = theme.warn;
    visuals.error_fg_color = theme.bad;
    visuals.panel_fill = theme.surface;
    visuals.window_fill = if theme.dark {
        theme.raised
    } else {
        theme.background
    };
    visuals.window_stroke = Stroke::new(1.0, theme.line_strong);
    visuals.window_corner_radius = CornerRadius::same(RADIUS_L);
    visuals.menu_corner_radius = CornerRadius::same(RADIUS_L);
    let shade = if theme.dark { 120 } else { 36 };
    visuals.popup_shadow = Shadow {
        offset: [0, 6],
        blur: 20,
        spread: 0,
        color: Color32::from_black_alpha(shade),
    };
    visuals.window_shadow = Shadow {
        offset: [0, 12],
        blur: 40,
        spread: 0,
        color: Color32::from_black_alpha(shade),
    };
    visuals.indent_has_left_vline = false;
    visuals.slider_trailing_fill = true;
    visuals.disabled_alpha = 0.5;
    visuals
}

fn widgets(theme: &Theme) -> Widgets {
    let of = |fill: Color32, border: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, border),
        fg_stroke: Stroke::new(1.0, text),
        corner_radius: CornerRadius::same(RADIUS),
        expansion: 0.0,
    };
    Widgets {
        noninteractive: of(theme.surface, theme.line, theme.text),
        inactive: of(theme.raised, theme.line_strong, theme.text),
        hovered: of(theme.hover, theme.line_strong, theme.text),
        // egui uses this for the focused widget, too: the accent outline is the focus ring.
        active: of(theme.hover, theme.accent, theme.text),
        open: of(theme.hover, theme.line_strong, theme.text),
    }
}

/// Contrast of two opaque colours, 1 to 21 (WCAG 2.2, "contrast ratio").
#[must_use]
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let luminance = |color: Color32| {
        let rgba = egui::Rgba::from(color);
        0.2126 * rgba.r() + 0.7152 * rgba.g() + 0.0722 * rgba.b()
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
        let grey = Color32::from_rgb(0x76, 0x76, 0x76);
        assert!((contrast(grey, Color32::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn text_reads_on_every_ground() {
        for theme in [&DARK, &LIGHT] {
            let grounds = [theme.background, theme.surface, theme.raised, theme.hover];
            let inks = [
                ("text", theme.text),
                ("text_dim", theme.text_dim),
                ("accent", theme.accent),
                ("good", theme.good),
                ("warn", theme.warn),
                ("bad", theme.bad),
            ];
            for ground in grounds {
                for (name, ink) in inks {
                    let ratio = contrast(ink, ground);
                    assert!(
                        ratio >= 4.5,
                        "{name} on {ground:?}: {ratio:.2} (dark: {})",
                        theme.dark
                    );
                }
            }
            assert!(contrast(theme.on_accent, theme.accent) >= 4.5);
        }
    }

    #[test]
    fn badges_read_on_their_wash() {
        for theme in [&DARK, &LIGHT] {
            for ink in [theme.accent, theme.good, theme.warn, theme.bad] {
                for ground in [theme.background, theme.surface, theme.raised] {
                    let washed = ground.blend(theme.wash(ink));
                    let ratio = contrast(ink, washed);
                    assert!(ratio >= 4.5, "{ink:?} washed on {ground:?}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn no_text_acts_or_hides() {
        let hostile = "a\u{202e}b\u{200b}c\u{1b}";
        for text in [
            strong(hostile),
            caption(&DARK, hostile),
            tiny(&DARK, hostile),
            title(hostile),
        ] {
            assert_eq!(text.text(), r"a\u{202e}b\u{200b}c\u{1b}");
        }
    }
}
