//! Markdown that streams: only what is on screen is parsed and laid out.
//!
//! In: an answer's text, which only grows. Out: widgets. The [`blocks`] behind the last one are frozen
//! with their heights; a block off screen is an empty space, and costs a number.

mod address;
pub mod blocks;
mod draw;
mod guard;
mod highlight;
mod ink;
mod lines;
mod parse;
mod table;

use egui::Ui;

pub use self::ink::Ink;
use self::{
    blocks::{Block, Kind, Splitter},
    highlight::Highlight,
    parse::Element,
};
use crate::{
    desktop::theme::{Theme, size},
    visible::visible,
};

/// Lines of code that one text may highlight in one frame; the rest follows in the next ones.
const LINES_A_FRAME: u32 = 24;

/// How a text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As markdown.
    #[default]
    Markdown,
    /// Word for word.
    Plain,
    /// Word for word, each character as wide as the next.
    Raw,
}

/// What is known of one text between frames.
#[derive(Debug, Default)]
pub struct Doc {
    splitter: Splitter,
    views: Vec<BlockView>,
    look: Option<Look>,
    #[cfg(test)]
    laid_out: usize,
    shift: f32,
}

/// What heights depend on: if it changes, they are estimates until their block is seen again.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    width: f32,
    pixels_per_point: f32,
    dark: bool,
    mode: Mode,
}

#[derive(Debug, Default)]
struct BlockView {
    height: f32,
    exact: bool,
    /// Bytes of the block that `elements` were made of.
    parsed: usize,
    elements: Option<Vec<Element>>,
    /// Of the block's code pieces, in order.
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
        let mut budget = LINES_A_FRAME;
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

    /// How many blocks the last frame laid out.
    #[cfg(test)]
    #[must_use]
    pub fn laid_out(&self) -> usize {
        self.laid_out
    }

    /// By how much what is on screen moved because a block above it was measured for the first time.
    #[must_use]
    pub fn shift(&self) -> f32 {
        self.shift
    }

    fn follow_look(&mut self, ui: &Ui, theme: &Theme, mode: Mode) {
        let look = Look {
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

    /// A block that is off screen keeps its height and where its code ended, nothing else.
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
            (Some(Kind::Item), Kind::Item) => 3.0,
            _ => 8.0,
        }
    }

    /// A guess from the number of characters and lines, good enough for the scroll bar.
    fn estimate(&self, text: &str, index: usize, width: f32, ink: &Ink) -> f32 {
        let Some(block) = self.block(index) else {
            return 0.0;
        };
        let code = matches!(block.kind, Kind::Code { .. });
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
                // It scrolls, and never wraps.
                1.0
            } else if line.trim().is_empty() {
                0.0
            } else {
                (units * glyph / width.max(1.0)).ceil().max(1.0)
            };
        }
        rows * ((if code { size::SMALL } else { ink.size }) * 1.5).round()
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
        let source = visible(&text[block.range.clone()]);
        let last = self.splitter.done().get(index).is_none();
        let parent = ui.scope_id();
        ui.push_id(index, |ui| match &block.kind {
            _ if mode != Mode::Markdown => draw::plain_ui(ui, ink, &source, mode == Mode::Raw),
            Kind::Code { info, closed } => {
                let ends = *closed || self.block(index + 1).is_none_or(|next| !next.continued);
                let first = !block.continued;
                let piece = draw::Piece {
                    language: parse::language_of(&text[info.clone()]),
                    code: code_of(&source, &block, *closed, last),
                    first,
                    ends,
                    finished: !last || *closed,
                    indent: f32::from(u8::from(block.indent > 0)) * parse::INDENT,
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
            Kind::Math => draw::plain_ui(ui, ink, source.trim_end(), true),
            kind => {
                let view = &mut self.views[index];
                if view.elements.is_none() || view.parsed != block.range.len() {
                    let source = dedented(&source, block.indent);
                    let source = match kind {
                        Kind::Table { head } if block.continued => {
                            format!("{}{source}", visible(&text[head.clone()]))
                        }
                        _ => source,
                    };
                    view.elements = Some(parse::elements(&source, ink));
                    view.parsed = block.range.len();
                }
                let indent = f32::from(u8::from(block.indent > 0)) * parse::INDENT;
                let elements = view.elements.as_deref().unwrap_or_default();
                draw::elements_ui(
                    ui,
                    theme,
                    ink,
                    elements,
                    indent,
                    &mut view.highlights,
                    budget,
                );
            }
        });
    }
}

/// The code of one piece: without its fences, without the columns of an enclosing list item.
fn code_of(source: &str, block: &Block, closed: bool, growing: bool) -> String {
    let mut code = source;
    if !block.continued {
        code = code.split_once('\n').map_or("", |(_, rest)| rest);
    }
    if closed {
        let body = code.trim_end();
        code = body.rfind('\n').map_or("", |newline| &body[..=newline]);
    } else if growing {
        // What may become the closing fence is not code yet.
        let line = code.rfind('\n').map_or(0, |newline| newline + 1);
        let begun = code[line..].trim();
        if !begun.is_empty() && begun.bytes().all(|b| b == b'`' || b == b'~') {
            code = &code[..line];
        }
    }
    dedented(code, block.indent)
}

/// The code of all pieces of the fence that piece `index` belongs to.
fn whole_code(splitter: &Splitter, text: &str, index: usize) -> String {
    let blocks = splitter.done().iter().chain(splitter.tail());
    let mut code = String::new();
    for (at, block) in blocks.enumerate().skip(index) {
        match &block.kind {
            Kind::Code { closed, .. } if at == index || block.continued => {
                code.push_str(&code_of(&text[block.range.clone()], block, *closed, false));
            }
            _ => break,
        }
    }
    code
}

/// Cuts up to `columns` leading spaces from each line.
fn dedented(source: &str, columns: usize) -> String {
    if columns == 0 {
        return source.to_owned();
    }
    let cut = |line: &str| {
        let spaces = line.bytes().take_while(|b| *b == b' ').count();
        line[spaces.min(columns)..].to_owned()
    };
    source.split_inclusive('\n').map(cut).collect()
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::desktop::theme::{self, DARK};

    type Rig = (Doc, String);

    /// A long text in a window of 400 × 300 points, scrolled to its end.
    fn shown(text: &str) -> Harness<'static, Rig> {
        let mut harness = Harness::builder()
            .with_size([400.0, 300.0])
            .with_context_setup(theme::install)
            .allow_missing_glyphs()
            .build_ui_state(
                |ui, (doc, text): &mut Rig| {
                    egui::ScrollArea::vertical()
                        .stick_to_bottom(true)
                        .show(ui, |ui| {
                            doc.ui(ui, &DARK, &Ink::of(&DARK), text, Mode::Markdown);
                        });
                },
                (Doc::default(), text.to_owned()),
            );
        harness.run_steps(4);
        harness
    }

    #[test]
    fn a_long_line_of_code_scrolls_and_moves_nothing_else() {
        let long = format!("let x = \"{}\";\n", "long ".repeat(60));
        let text = format!("Look:\n\n```rust\n{long}let y = 1;\n```\n\n```sh\necho {long}```\n");
        let mut harness = shown(&text);
        let heights =
            |rig: &Rig| -> Vec<f32> { rig.0.views.iter().map(|view| view.height).collect() };
        let before = heights(harness.state());
        assert!(
            before[1] < 26.0 + 3.0 * 18.0 + 12.0,
            "two lines, unwrapped: {before:?}"
        );
        let places = |harness: &Harness<'_, Rig>| -> Vec<f32> {
            let labels = harness.query_all_by_role(egui::Role::Label);
            let code = labels.filter(|label| label.value().is_some_and(|v| v.contains("long")));
            code.map(|label| label.rect().left()).collect()
        };
        let [first, second] = places(&harness)[..] else {
            panic!("two pieces of code: {:?}", places(&harness));
        };
        let code = harness
            .query_all_by_role(egui::Role::Label)
            .find(|label| label.value().is_some_and(|v| v.contains("long")))
            .map(|label| label.rect());
        let code = code.expect("code is on screen");
        harness.hover_at(code.left_center() + egui::vec2(20.0, 0.0));
        harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(-120.0, 0.0),
            phase: egui::TouchPhase::Move,
            modifiers: egui::Modifiers::NONE,
            source: egui::MouseWheelSource::Wheel,
        });
        harness.run_steps(30);
        let now = places(&harness);
        assert!(
            now[0] < first - 50.0,
            "the first has scrolled: {first} to {now:?}"
        );
        assert!((now[1] - second).abs() < 0.5, "the second has not");
        assert_eq!(heights(harness.state()), before);
    }

    /// What markdown can say that has caused trouble, cut at every character.
    #[test]
    fn any_cut_of_the_text_shows_as_if_it_had_come_at_once() {
        let text = "前**中文。**后 https://a.example/x_y。\n\n\\[\n+ \\alpha_1 \\\\\n\\]\nso \\(x\\)\n- $$\n  a\n  $$\n\n| a | **表。** |\n|---|---|\n| \\(b\\) | c |\n\n```rs\nlet x = 1;\n```\n";
        let mut harness = shown("");
        for (cut, _) in text.char_indices() {
            text[..cut].clone_into(&mut harness.state_mut().1);
            harness.step();
        }
        text.clone_into(&mut harness.state_mut().1);
        harness.run_steps(4);
        let fresh = shown(text);
        let heights = |rig: &Rig| -> Vec<f32> { rig.0.views.iter().map(|v| v.height).collect() };
        assert_eq!(heights(harness.state()), heights(fresh.state()));
        let kinds = |rig: &Rig| -> Vec<Kind> {
            rig.0
                .splitter
                .done()
                .iter()
                .map(|block| block.kind.clone())
                .collect()
        };
        assert_eq!(kinds(harness.state()), kinds(fresh.state()));
        assert!(kinds(fresh.state()).contains(&Kind::Math));
    }

    #[test]
    fn what_is_off_screen_is_not_laid_out() {
        let text =
            "A paragraph of a line or two, which is not much but more than nothing\n\n".repeat(500);
        let mut harness = shown(&text);
        assert_eq!(harness.state().0.splitter.done().len(), 499);
        assert!(
            (1..=12).contains(&harness.state().0.laid_out()),
            "{}",
            harness.state().0.laid_out()
        );
        let kept = |doc: &Doc| doc.views.iter().filter(|v| v.elements.is_some()).count();
        assert!(kept(&harness.state().0) <= 12);
        // A growing answer lays out no more than a resting one.
        harness.state_mut().1.push_str("and on");
        harness.run_steps(2);
        assert!(harness.state().0.laid_out() <= 12);
    }

    #[test]
    fn another_text_in_its_place_is_shown_as_it_is() {
        let long = "é€\n".repeat(900);
        let texts = [
            "```json\n{\"city\":\"\n```\n",
            "```json\n{\"city\":\"ü\n```\n",
            "```json\n{\n  \"city\": \"ü€\"\n}\n```\n",
            &long,
            "| a |\n|---|\n| € |\n",
            "",
            "€",
        ];
        for first in texts {
            for second in texts {
                let mut harness = shown(first);
                second.clone_into(&mut harness.state_mut().1);
                harness.run_steps(2);
                let fresh = shown(second);
                let blocks = |rig: &Rig| {
                    let splitter = &rig.0.splitter;
                    (splitter.done().to_vec(), splitter.tail().cloned())
                };
                assert_eq!(blocks(harness.state()), blocks(fresh.state()));
            }
        }
    }

    #[test]
    fn a_code_block_of_many_pieces_copies_as_one() {
        let code = "let x = 1;\nlet longer = 2;\n".repeat(50);
        let text = format!("Look:\n\n```rust\n{code}```\nDone\n");
        let mut splitter = Splitter::default();
        splitter.update(&text);
        let first = splitter
            .done()
            .iter()
            .position(|b| matches!(b.kind, Kind::Code { .. }));
        assert!(splitter.done().len() > 4);
        assert_eq!(whole_code(&splitter, &text, first.unwrap()), code);
    }

    #[test]
    fn a_growing_fence_hides_its_half_written_end() {
        let text = "```py\nx = 1\n``";
        let mut splitter = Splitter::default();
        splitter.update(text);
        let tail = splitter.tail().unwrap();
        assert_eq!(code_of(text, tail, false, true), "x = 1\n");
    }
}
