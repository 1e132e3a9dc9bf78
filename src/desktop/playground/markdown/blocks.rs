//! Splits a growing Markdown text into blocks that can be parsed, laid out and dropped one by one.
//!
//! In: a text that only grows. Out: contiguous [`Block`]s that together are the text. All blocks but the last never
//! change again, and none is much longer than [`MAX_BYTES`], so that the work of a frame does not grow with the answer.
//! The blocks do not depend on the pieces in which the text arrived.

mod block;

use std::ops::Range;

pub use self::block::{Block, BlockKind};
use super::lines::{
    Fence, closes, indent_of, interrupts, is_blank, is_delimiter_row, is_heading, item_offset,
    opens, opens_math,
};

/// A block is closed once it has this many bytes; a longer line is cut.
pub const MAX_BYTES: usize = 1_600;
/// How many of the last bytes are compared to tell a text that has grown from another text.
const WITNESS: usize = 64;
/// A piece of code or a table is closed once it has this many lines.
pub const MAX_LINES: usize = 32;

/// The block being built, and the state that decides where it ends.
#[derive(Clone, Debug)]
struct Open {
    block: Block,
    form: BlockForm,
    /// Whether its last line was blank.
    blank: bool,
    lines: usize,
    /// Where its last line began.
    last_line: usize,
}

#[derive(Clone, Debug)]
enum BlockForm {
    Paragraph,
    Quote,
    /// A list item whose content begins at this column, and the code fence open in it.
    Item {
        offset: usize,
        fence: Option<(Fence, Range<usize>)>,
    },
    Code(Fence),
    Table,
    /// A formula, and what closes it.
    Math(&'static str),
}

/// The blocks so far, and the state to continue from.
#[derive(Clone, Debug, Default)]
pub struct Splitter {
    done: Vec<Block>,
    open: Option<Open>,
    /// How many bytes were processed: whole lines, or pieces of a cut line.
    scanned: usize,
    /// Whether `scanned` is inside a line that was cut.
    mid_line: bool,
    tail: Option<Block>,
    /// The last of the bytes that were processed.
    witness: Vec<u8>,
}

impl Splitter {
    /// Processes what was added to `text`. Starts over if it is another text than before, and returns whether it did.
    pub fn update(&mut self, text: &str) -> bool {
        let before = text.as_bytes().get(..self.scanned);
        let anew = !before.is_some_and(|before| before.ends_with(&self.witness));
        if anew {
            *self = Self::default();
        }
        while let Some(end) = next_segment(text, self.scanned) {
            let start = self.scanned;
            let line = &text[start..end];
            if self.mid_line {
                self.go_on(start..end, line);
            } else {
                self.take_line(text, start..end);
            }
            self.mid_line = !line.ends_with('\n');
            self.scanned = end;
        }
        self.tail = self.unfinished(text);
        let witnessed = self.scanned.saturating_sub(WITNESS)..self.scanned;
        self.witness.clear();
        self.witness.extend_from_slice(&text.as_bytes()[witnessed]);
        anew
    }

    /// The blocks that never change again.
    #[must_use]
    pub fn done(&self) -> &[Block] {
        &self.done
    }

    /// The block that is still growing.
    #[must_use]
    pub fn tail(&self) -> Option<&Block> {
        self.tail.as_ref()
    }

    fn unfinished(&self, text: &str) -> Option<Block> {
        match &self.open {
            Some(open) => {
                let mut block = open.block.clone();
                block.range.end = text.len();
                (!block.range.is_empty()).then_some(block)
            }
            None if self.scanned < text.len() => Some(Block {
                range: self.scanned..text.len(),
                kind: BlockKind::Prose,
                indent: 0,
                continued: false,
            }),
            None => None,
        }
    }

    /// Adds a further piece of a cut line, in which nothing can begin or end.
    fn go_on(&mut self, range: Range<usize>, line: &str) {
        if self.open.is_none() {
            self.begin(range.clone(), BlockKind::Prose, BlockForm::Paragraph);
        }
        self.cut_if_full(&range);
        self.grow(range, line);
    }

    fn take_line(&mut self, text: &str, range: Range<usize>) {
        let line = &text[range.clone()];
        let Some(open) = &self.open else {
            return self.begin_with(line, range);
        };
        let indent = indent_of(line);
        match &open.form {
            BlockForm::Code(fence) => {
                if closes(line, *fence) {
                    self.grow(range, line);
                    if let Some(Open { block, .. }) = &mut self.open
                        && let BlockKind::Code { closed, .. } = &mut block.kind
                    {
                        *closed = true;
                    }
                    return self.close();
                }
                self.cut_if_full(&range);
                self.grow(range, line);
            }
            BlockForm::Item { offset, fence } => {
                let (offset, fence) = (*offset, fence.clone());
                self.take_item_line(range, line, indent, offset, fence);
            }
            BlockForm::Math(close) => {
                let ends = line.contains(close) || is_blank(line);
                self.cut_if_full(&range);
                self.grow(range, line);
                if ends {
                    self.end_at_the_next_line();
                }
            }
            BlockForm::Table | BlockForm::Quote | BlockForm::Paragraph => {
                self.take_prose_line(text, range);
            }
        }
    }

    fn take_item_line(
        &mut self,
        range: Range<usize>,
        line: &str,
        indent: usize,
        offset: usize,
        fence: Option<(Fence, Range<usize>)>,
    ) {
        let inside = is_blank(line) || indent >= offset;
        let blank_before = self.open.as_ref().is_some_and(|o| o.blank);
        let next = item_offset(line).is_some() || interrupts(line);
        if !inside && (fence.is_some() || blank_before || next) {
            self.close();
            return self.begin_with(line, range);
        }
        self.cut_if_full(&range);
        let shut = matches!(&fence, Some((fence, _)) if closes(line, *fence));
        let now = match fence {
            Some(_) if shut => None,
            Some(open) => Some(open),
            None if inside => opens(line).map(|(fence, info)| (fence, shifted(info, range.start))),
            None => None,
        };
        if let Some(Open { form, .. }) = &mut self.open
            && let BlockForm::Item { fence, .. } = form
        {
            *fence = now;
        }
        self.grow(range.clone(), line);
        if shut {
            self.end_nested_code(range.end);
        }
    }

    /// After a fence that was cut inside a list item, the item continues as prose.
    fn end_nested_code(&mut self, at: usize) {
        let Some(open) = &mut self.open else { return };
        let BlockKind::Code { closed, .. } = &mut open.block.kind else {
            return;
        };
        *closed = true;
        let block = Block {
            range: at..at,
            kind: BlockKind::Prose,
            indent: open.block.indent,
            continued: true,
        };
        self.done.push(std::mem::replace(&mut open.block, block));
        open.lines = 0;
        open.last_line = at;
    }

    fn take_prose_line(&mut self, text: &str, range: Range<usize>) {
        let line = &text[range.clone()];
        let Some(open) = &self.open else { return };
        let quoted = line.trim_start().starts_with('>');
        let ends = !is_blank(line)
            && match open.form {
                BlockForm::Quote if quoted => open.blank,
                _ => open.blank || interrupts(line),
            };
        if ends {
            self.close();
            return self.begin_with(line, range);
        }
        if matches!(open.form, BlockForm::Paragraph)
            && is_delimiter_row(line)
            && text[open.last_line..range.start].contains('|')
        {
            self.begin_table(range.clone());
        }
        self.cut_if_full(&range);
        self.grow(range, line);
    }

    /// Makes the last line of the open paragraph the head of a table.
    fn begin_table(&mut self, delimiter: Range<usize>) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        let head = open.last_line..delimiter.end;
        if open.last_line > open.block.range.start {
            open.block.range.end = open.last_line;
            self.done.push(open.block);
        }
        self.begin(
            head.start..delimiter.start,
            BlockKind::Table { head },
            BlockForm::Table,
        );
    }

    fn begin_with(&mut self, line: &str, range: Range<usize>) {
        if let Some((fence, info)) = opens(line) {
            let info = shifted(info, range.start);
            let kind = BlockKind::Code {
                info,
                closed: false,
            };
            self.begin(range, kind, BlockForm::Code(fence));
        } else if let Some(offset) = item_offset(line) {
            let form = BlockForm::Item {
                offset,
                fence: None,
            };
            self.begin(range, BlockKind::Item, form);
        } else if line.trim_start().starts_with('>') {
            self.begin(range, BlockKind::Prose, BlockForm::Quote);
        } else if is_heading(line) {
            self.begin(range, BlockKind::Prose, BlockForm::Paragraph);
            self.end_at_the_next_line();
        } else if let Some(close) = opens_math(line).filter(|_| indent_of(line) < 4) {
            self.begin(range, BlockKind::Math, BlockForm::Math(close));
        } else {
            self.begin(range, BlockKind::Prose, BlockForm::Paragraph);
        }
    }

    /// Ends the block as after a blank line: the next line begins a new one.
    fn end_at_the_next_line(&mut self) {
        if let Some(open) = &mut self.open {
            open.form = BlockForm::Paragraph;
            open.blank = true;
        }
    }

    fn begin(&mut self, range: Range<usize>, kind: BlockKind, form: BlockForm) {
        self.open = Some(Open {
            last_line: range.start,
            block: Block {
                range,
                kind,
                indent: 0,
                continued: false,
            },
            form,
            blank: false,
            lines: 1,
        });
    }

    fn grow(&mut self, range: Range<usize>, line: &str) {
        if let Some(open) = &mut self.open {
            open.block.range.end = range.end;
            open.last_line = range.start;
            open.lines += 1;
            open.blank = is_blank(line);
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take()
            && !open.block.range.is_empty()
        {
            self.done.push(open.block);
        }
    }

    /// Closes a block that is full before it takes `next`, and opens its continuation.
    fn cut_if_full(&mut self, next: &Range<usize>) {
        let at = next.start;
        let Some(open) = &self.open else { return };
        let lined = matches!(open.form, BlockForm::Code(_) | BlockForm::Table)
            || matches!(open.form, BlockForm::Item { fence: Some(_), .. });
        let len = open.block.range.len();
        let full = len + next.len() > MAX_BYTES || (lined && open.lines >= MAX_LINES);
        if len == 0 || !full {
            return;
        }
        let Some(open) = self.open.take() else { return };
        let (kind, form, indent) = match (&open.block.kind, open.form) {
            (_, BlockForm::Item { offset, fence }) => match &fence {
                Some((_, info)) => {
                    let info = info.clone();
                    let kind = BlockKind::Code {
                        info,
                        closed: false,
                    };
                    (kind, BlockForm::Item { offset, fence }, offset)
                }
                None => (BlockKind::Prose, BlockForm::Item { offset, fence }, offset),
            },
            (kind, form) => (kind.clone(), form, open.block.indent),
        };
        self.done.push(open.block);
        self.open = Some(Open {
            block: Block {
                range: at..at,
                kind,
                indent,
                continued: true,
            },
            form,
            blank: open.blank,
            lines: 0,
            last_line: at,
        });
    }
}

/// The end of the next whole line, or of the next piece of a line that is too long.
fn next_segment(text: &str, start: usize) -> Option<usize> {
    let rest = &text.as_bytes()[start..];
    let window = &rest[..rest.len().min(MAX_BYTES + 1)];
    if let Some(newline) = window.iter().position(|b| *b == b'\n') {
        return Some(start + newline + 1);
    }
    if rest.len() <= MAX_BYTES {
        return None;
    }
    let mut end = start + MAX_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let words = text[start..end].rfind(' ').map(|space| start + space + 1);
    Some(words.filter(|w| end - w < 200).unwrap_or(end))
}

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

#[cfg(test)]
mod tests;
