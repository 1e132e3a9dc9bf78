//! Streaming Markdown: only what is on screen is parsed and laid out.
//!
//! In: an answer's text, which only grows. Out: widgets. All [`blocks`] but the last are frozen, and their heights are
//! stored; a block off screen is an empty space of its height.

mod address;
pub mod blocks;
mod draw;
mod element;
mod fence;
mod growing;
mod guard;
mod highlight;
mod ink;
mod lines;
mod links;
pub mod marks;
mod math;
mod parse;
mod table;

use egui::{Rect, Ui, pos2, vec2};

pub use self::ink::Ink;
use self::{
    blocks::{Block, BlockKind, Splitter},
    element::{Element, INDENT},
    fence::{code_of, dedented, whole_code},
    highlight::Highlight,
    lines::closes_math,
};
use crate::{
    desktop::theme::{Theme, size},
    visible::visible,
};

/// How many lines of code one text may highlight in one frame; the rest follows in the next frames.
const LINES_PER_FRAME: u32 = 24;

/// How a text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As Markdown.
    #[default]
    Markdown,
    /// Unchanged, in the text font.
    Plain,
    /// Unchanged, in the monospace font.
    Raw,
}

/// The state of one text between frames.
#[derive(Debug, Default)]
pub struct Doc {
    splitter: Splitter,
    views: Vec<BlockView>,
    look: Option<MarkdownStyle>,
    #[cfg(test)]
    laid_out: usize,
    shift: f32,
    /// The byte to scroll to, and in how many frames still: the heights of blocks above are estimates at first.
    wanted: Option<(usize, u8)>,
}

/// What heights depend on: if it changes, they count as estimates until their block is shown again.
#[derive(Clone, Copy, Debug, PartialEq)]
struct MarkdownStyle {
    width: f32,
    pixels_per_point: f32,
    dark: bool,
    mode: Mode,
}

#[derive(Debug, Default)]
struct BlockView {
    height: f32,
    exact: bool,
    /// How many bytes of the block `elements` were made from.
    parsed: usize,
    elements: Option<Vec<Element>>,
    /// The highlights of the block's code pieces, in order.
    highlights: Vec<Highlight>,
}

impl Doc {
    /// Shows `text`.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, ink: &Ink, text: &str, mode: Mode) {
        if self.splitter.update(text) {
            self.views.clear();
        }
        self.follow_look(ui, theme, mode);
        let blocks = self.splitter.done().len() + usize::from(self.splitter.tail().is_some());
        self.views.truncate(blocks);
        #[cfg(test)]
        {
            self.laid_out = 0;
        }
        self.shift = 0.0;
        let width = ui.available_width();
        let clip = ui.clip_rect();
        let mut budget = LINES_PER_FRAME;
        let mut skipped = 0.0;
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for index in 0..blocks {
                skipped += self.gap_before(index, mode);
                if self.views.len() == index {
                    let height = self.estimate(text, index, width, ink);
                    self.views.push(BlockView {
                        height,
                        ..BlockView::default()
                    });
                }
                let top = ui.cursor().top() + skipped;
                let height = self.views[index].height;
                self.reveal(ui, index, top);
                if top > clip.bottom() || top + height < clip.top() {
                    self.forget(index);
                    skipped += height;
                    continue;
                }
                ui.add_space(skipped);
                skipped = 0.0;
                let before = ui.cursor().top();
                self.block_ui(ui, theme, ink, text, index, mode, &mut budget);
                self.note_height(index, ui.cursor().top() - before, before < clip.top());
            }
            ui.add_space(skipped);
        });
    }

    /// Scrolls to the block with this byte, in the next frames.
    pub fn go_to(&mut self, byte: usize) {
        self.wanted = Some((byte, 3));
    }

    /// Scrolls to a block that begins at `top`, if its byte is wanted.
    fn reveal(&mut self, ui: &Ui, index: usize, top: f32) {
        let Some((byte, frames)) = self.wanted else {
            return;
        };
        if !self
            .block(index)
            .is_some_and(|block| block.range.contains(&byte))
        {
            return;
        }
        let size = vec2(ui.available_width(), self.views[index].height);
        let rect = Rect::from_min_size(pos2(ui.cursor().left(), top), size);
        let at_once = egui::style::ScrollAnimation::none();
        ui.scroll_to_rect_animation(rect, Some(egui::Align::Center), at_once);
        self.wanted = (frames > 1).then_some((byte, frames - 1));
        ui.ctx().request_repaint();
    }

    /// How many blocks the last frame laid out.
    #[cfg(test)]
    #[must_use]
    pub fn laid_out(&self) -> usize {
        self.laid_out
    }

    /// How far the visible text moved because a block above it was measured for the first time.
    #[must_use]
    pub fn shift(&self) -> f32 {
        self.shift
    }

    fn follow_look(&mut self, ui: &Ui, theme: &Theme, mode: Mode) {
        let look = MarkdownStyle {
            width: ui.available_width().round(),
            pixels_per_point: ui.pixels_per_point(),
            dark: theme.dark,
            mode,
        };
        if self.look.is_some_and(|old| old != look) {
            for view in &mut self.views {
                view.exact = false;
                view.elements = None;
            }
        }
        self.look = Some(look);
    }

    fn block(&self, index: usize) -> Option<&Block> {
        self.splitter.done().get(index).or(self.splitter.tail())
    }

    /// Drops all of an off-screen block but its height and the state at the end of its code.
    fn forget(&mut self, index: usize) {
        let growing = self.splitter.done().get(index).is_none();
        let goes_on = self.block(index + 1).is_some_and(|next| next.continued);
        let view = &mut self.views[index];
        view.elements = None;
        if growing {
            return;
        }
        if goes_on {
            view.highlights.iter_mut().for_each(Highlight::forget);
        } else {
            view.highlights = Vec::new();
        }
    }

    fn note_height(&mut self, index: usize, height: f32, above: bool) {
        #[cfg(test)]
        {
            self.laid_out += 1;
        }
        let view = &mut self.views[index];
        if above && !view.exact {
            self.shift += height - view.height;
        }
        view.height = height;
        view.exact = true;
    }

    fn gap_before(&self, index: usize, mode: Mode) -> f32 {
        let (Some(block), true) = (self.block(index), index > 0) else {
            return 0.0;
        };
        if block.continued || mode != Mode::Markdown {
            return 0.0;
        }
        match (self.block(index - 1).map(|b| &b.kind), &block.kind) {
            (Some(BlockKind::Item), BlockKind::Item) => 3.0,
            _ => 8.0,
        }
    }

    /// Estimates a height from the number of characters and lines, well enough for the scroll bar.
    fn estimate(&self, text: &str, index: usize, width: f32, ink: &Ink) -> f32 {
        let Some(block) = self.block(index) else {
            return 0.0;
        };
        let code = matches!(block.kind, BlockKind::Code { .. });
        let glyph = if code {
            size::SMALL * 0.6
        } else {
            ink.size * 0.5
        };
        let mut rows = 0.0;
        for line in text[block.range.clone()].lines() {
            let units: f32 = line
                .chars()
                .map(|c| if c > '\u{2e80}' { 2.0 } else { 1.0 })
                .sum();
            rows += if code {
                // Code scrolls and never wraps.
                1.0
            } else if line.trim().is_empty() {
                0.0
            } else {
                (units * glyph / width.max(1.0)).ceil().max(1.0)
            };
        }
        rows * ((if code { size::SMALL } else { ink.size }) * 1.5).round()
    }

    /// Whether a block of a formula has both its marks, so that it is not a piece of a long or unfinished one.
    fn is_whole_formula(&self, index: usize, source: &str) -> bool {
        let cut = [index, index + 1].map(|at| self.block(at).is_some_and(|block| block.continued));
        cut == [false, false] && closes_math(source)
    }

    #[expect(clippy::too_many_arguments, reason = "one call, of one frame's facts")]
    fn block_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        ink: &Ink,
        text: &str,
        index: usize,
        mode: Mode,
        budget: &mut u32,
    ) {
        let Some(block) = self.block(index).cloned() else {
            return;
        };
        let last = self.splitter.done().get(index).is_none();
        let parent = ui.scope_id();
        let source = &text[block.range.clone()];
        let indent = f32::from(u8::from(block.indent > 0)) * INDENT;
        ui.push_id(index, |ui| match &block.kind {
            _ if mode != Mode::Markdown => {
                draw::plain_ui(ui, ink, &visible(source), mode == Mode::Raw);
            }
            BlockKind::Math if !self.is_whole_formula(index, source) => {
                draw::plain_ui(ui, ink, visible(source).trim_end(), true);
            }
            BlockKind::Code { info, closed } => {
                let ends = *closed || self.block(index + 1).is_none_or(|next| !next.continued);
                let first = !block.continued;
                let piece = draw::Piece {
                    language: parse::language_of(&text[info.clone()]),
                    code: code_of(&visible(source), &block, *closed, last),
                    first,
                    ends,
                    finished: !last || *closed,
                    indent,
                    // All pieces of a fence scroll as one.
                    scroll: parent.with(("code", info.start)),
                };
                let (earlier, views) = self.views.split_at_mut(index);
                let before = earlier
                    .last()
                    .filter(|_| !first)
                    .and_then(|v| v.highlights.last());
                let highlights = &mut views[0].highlights;
                highlights.resize_with(highlights.len().max(1), Highlight::default);
                let copy = || whole_code(&self.splitter, text, index);
                draw::code_ui(ui, theme, &piece, before, &mut highlights[0], budget, copy);
            }
            kind => {
                let view = &mut self.views[index];
                if view.elements.is_none() || view.parsed != block.range.len() {
                    let source = dedented(&visible(source), block.indent);
                    let source = match kind {
                        BlockKind::Table { head } if block.continued => {
                            format!("{}{source}", visible(&text[head.clone()]))
                        }
                        _ => source,
                    };
                    view.elements = Some(parse::elements(&source, ink));
                    view.parsed = block.range.len();
                }
                let elements = view.elements.as_deref().unwrap_or_default();
                let highlights = &mut view.highlights;
                draw::elements_ui(ui, theme, ink, elements, indent, highlights, budget);
            }
        });
    }
}

#[cfg(test)]
mod tests;
