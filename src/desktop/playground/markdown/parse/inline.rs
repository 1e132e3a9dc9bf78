//! Inline text: fonts and colours, formulas, addresses, code.

use std::sync::Arc;

use egui::{Color32, FontFamily, Stroke, text::TextFormat};
use pulldown_cmark::HeadingLevel;

use super::{
    super::{
        guard::{TextPart, is_cjk},
        ink::Ink,
        math::{Formula, Placed, formula_of, room_for},
    },
    Builder,
};
use crate::desktop::fonts;

impl Builder<'_> {
    /// Adds text with its protected parts: formulas and addresses.
    pub(super) fn push_parts(&mut self, text: &str) {
        let guarded = self.guarded;
        for part in guarded.parts(text) {
            match part {
                TextPart::Text(text) if self.text.job.text.is_empty() => {
                    // What follows a formula on lines of its own begins a line.
                    self.push(text.trim_start_matches(' '));
                }
                TextPart::Text(text) => self.push(text),
                TextPart::Math(source) => self.push_math(source),
                TextPart::Address(text, _) if self.link.is_some() || self.image.is_some() => {
                    self.push(text);
                }
                TextPart::Address(text, url) => {
                    let start = self.text.job.text.len();
                    self.link = Some((start, url.to_owned()));
                    self.push(text);
                    self.link = None;
                    let range = start..self.text.job.text.len();
                    self.text.links.push((range, url.to_owned()));
                }
            }
        }
    }

    /// Adds a formula, or its source unchanged if it can't be drawn.
    fn push_math(&mut self, source: &str) {
        let source = self.without_prefixes(source);
        if let Some(formula) = formula_of(&source) {
            return self.push_formula(&source, formula);
        }
        let format = Ink::format(FontFamily::Monospace, self.ink.size - 1.0, self.ink.text);
        self.text.job.append(&source, 0.0, format);
    }

    /// A formula's source without the prefixes of quotes and lists before its lines.
    fn without_prefixes(&self, source: &str) -> String {
        let bare = |(index, line)| match index {
            0 => line,
            _ if self.quotes > 0 => str::trim_start_matches(line, ['>', ' ']),
            _ if !self.lists.is_empty() => str::trim_start(line),
            _ => line,
        };
        let lines: Vec<&str> = source.lines().enumerate().map(bare).collect();
        lines.join("\n")
    }

    /// Adds a formula's source, which keeps its room; one on lines of its own becomes an element of its own.
    fn push_formula(&mut self, source: &str, formula: Arc<Formula>) {
        let inside = self.table.is_some() || self.heading.is_some();
        let linked = self.link.is_some() || self.image.is_some();
        let alone = formula.display && !inside && !linked;
        if alone {
            self.flush();
        }
        let (size, color) = (self.size(), self.color());
        let [wide, blank] = room_for(&formula, alone, size, color);
        let start = self.text.job.text.len();
        // In a row, since a line break in the source is none in the formula.
        let source = source.replace('\n', " ");
        let (first, rest) = source.split_at(1);
        self.text.job.append(first, 0.0, wide);
        self.text.job.append(rest, 0.0, blank);
        self.text.formulas.push(Placed {
            range: start..self.text.job.text.len(),
            formula,
            size,
            color,
        });
        if alone {
            self.text.display = true;
            self.flush();
        }
    }

    fn size(&self) -> f32 {
        let heading = self.heading;
        heading.map_or(self.ink.size, |level| heading_size(level, self.ink.size))
    }

    fn color(&self) -> Color32 {
        match () {
            () if self.link.is_some() || self.image.is_some() => self.ink.link,
            () if self.quotes > 0 => self.ink.dim,
            () => self.ink.text,
        }
    }

    pub(super) fn push(&mut self, text: &str) {
        let head_cell = self.table.as_ref().is_some_and(|t| t.rows.len() == 1);
        let family = if self.strong > 0 || self.heading.is_some() || head_cell {
            fonts::strong_family()
        } else {
            FontFamily::Proportional
        };
        let color = self.color();
        let mut format = Ink::format(family, self.size(), color);
        format.italics = self.emphasis > 0;
        if self.strike > 0 {
            format.strikethrough = Stroke::new(1.0, color);
        }
        if format.font_id.family != fonts::strong_family() {
            return self.text.job.append(text, 0.0, format);
        }
        for run in runs_of(text) {
            self.text.faux_bold |= is_faux_bold(run);
            self.text.job.append(run, 0.0, format.clone());
        }
    }

    pub(super) fn push_code(&mut self, code: &str) {
        let color = if self.link.is_some() {
            self.ink.link
        } else {
            self.ink.text
        };
        let size = self.ink.size - 1.0;
        let format = TextFormat {
            background: self.ink.code_ground,
            expand_bg: 1.5,
            line_height: None,
            ..Ink::format(FontFamily::Monospace, size, color)
        };
        self.text.job.append(code, 0.0, format);
    }
}

/// Splits text into runs whose characters the bold font has, and runs whose characters it lacks.
pub(super) fn runs_of(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        let cjk = is_cjk(c);
        if last.replace(cjk).is_some_and(|last| last != cjk) {
            runs.push(&text[start..at]);
            start = at;
        }
    }
    runs.push(&text[start..]);
    runs
}

/// Whether a run of strong text is drawn with a system font, which has no bold face.
pub fn is_faux_bold(run: &str) -> bool {
    run.starts_with(is_cjk)
}

fn heading_size(level: HeadingLevel, body: f32) -> f32 {
    match level {
        HeadingLevel::H1 => body + 5.0,
        HeadingLevel::H2 => body + 3.0,
        HeadingLevel::H3 => body + 1.0,
        _ => body,
    }
}
