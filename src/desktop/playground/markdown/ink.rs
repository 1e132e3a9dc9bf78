//! The colours and font sizes of Markdown.

use egui::{Color32, FontFamily, FontId, text::TextFormat};

use crate::desktop::theme::{Theme, size};

/// Colours and the font size of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink {
    /// Body text.
    pub text: Color32,
    /// Quotes, list markers, HTML.
    pub dim: Color32,
    /// Links.
    pub link: Color32,
    /// Background of inline code.
    pub code_ground: Color32,
    /// Font size of body text.
    pub size: f32,
}

impl Ink {
    /// For answers.
    #[must_use]
    pub fn of(theme: &Theme) -> Self {
        Self {
            text: theme.text,
            dim: theme.text_dim,
            link: theme.accent,
            code_ground: theme.raised,
            size: size::BODY,
        }
    }

    /// For reasoning: dimmer and smaller.
    #[must_use]
    pub fn quiet(theme: &Theme) -> Self {
        Self {
            text: theme.text_dim,
            size: size::SMALL,
            ..Self::of(theme)
        }
    }

    /// The format of plain text in these colours.
    #[must_use]
    pub fn format(family: FontFamily, size: f32, color: Color32) -> TextFormat {
        TextFormat {
            line_height: Some((size * 1.5).round()),
            valign: egui::Align::Center,
            ..TextFormat::simple(FontId::new(size, family), color)
        }
    }
}
