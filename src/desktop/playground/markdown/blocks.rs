//! Splits a growing markdown text into blocks that can be parsed, laid out and forgotten one by one.
//!
//! In: a text that only grows. Out: contiguous [`Block`]s that together are the text. A block behind
//! the last one never changes again, and none is much longer than [`MAX_BYTES`], so that the work of
//! a frame does not grow with the answer. However the text came in pieces, the blocks are the same.

use std::ops::Range;

use super::lines::{
    Fence, closes, indent_of, interrupts, is_blank, is_delimiter_row, is_heading, item_offset,
    opens,
};

/// A block is closed once it has this many bytes; a longer line is cut.
pub const MAX_BYTES: usize = 1_600;
/// Bytes that tell a text that has grown from another one.
const WITNESS: usize = 64;
/// A piece of code or a table is closed once it has this many lines.
pub const MAX_LINES: usize = 32;

/// A stretch of the text that is shown on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which bytes of the text.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Columns that belong to an enclosing list item: cut from its lines, and shown as an indent.
    pub indent: usize,
    /// Whether it goes on where the block before was cut.
    pub continued: bool,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything that markdown can say in one go: a paragraph, a heading, a quote, a rule.
    Prose,
    /// One item of a list, with what is nested in it.
    Item,
    /// A piece of a fenced code block.
    Code {
        /// Where the fence's info string (the language) stands.
        info: Range<usize>,
        /// Whether the last line of this piece is the closing fence.
        closed: bool,
    },
    /// A piece of a table.
    Table {
        /// Where its head row and delimiter row stand.
        head: Range<usize>,
    },
}

/// The block being built, and what decides where it ends.
#[derive(Clone, Debug)]
struct Open {
    block: Block,
    form: Form,
    /// Whether its last line was blank.
    blank: bool,
    lines: usize,
    /// Where its last line began.
    last_line: usize,
}

#[derive(Clone, Debug)]
enum Form {
    Paragraph,
    Quote,
    /// A list item whose content stands at this column, and the fence open in it.
    Item {
        offset: usize,
        fence: Option<(Fence, Range<usize>)>,
    },
    Code(Fence),
    Table,
}

/// The splitter: the blocks so far and the state to go on from.
#[derive(Clone, Debug, Default)]
pub struct Splitter {
    done: Vec<Block>,
    open: Option<Open>,
    /// Bytes that were taken in, whole lines or cut pieces of one.
    scanned: usize,
    /// Whether `scanned` stands inside a line that was cut.
    mid_line: bool,
    tail: Option<Block>,
    /// The last of the bytes that were taken in.
    witness: Vec<u8>,
}

impl Splitter {
    /// Takes in what `text` has grown by. Another text than before begins anew; gives whether it did.
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
                kind: Kind::Prose,
                indent: 0,
                continued: false,
            }),
            None => None,
        }
    }

    /// A further piece of a cut line: nothing in it can begin or end anything.
    fn go_on(&mut self, range: Range<usize>, line: &str) {
        if self.open.is_none() {
            self.begin(range.clone(), Kind::Prose, Form::Paragraph);
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
            Form::Code(fence) => {
                if closes(line, *fence) {
                    self.grow(range, line);
                    if let Some(Open { block, .. }) = &mut self.open
                        && let Kind::Code { closed, .. } = &mut block.kind
                    {
                        *closed = true;
                    }
                    return self.close();
                }
                self.cut_if_full(&range);
                self.grow(range, line);
            }
            Form::Item { offset, fence } => {
                let (offset, fence) = (*offset, fence.clone());
                self.take_item_line(range, line, indent, offset, fence);
            }
            Form::Table | Form::Quote | Form::Paragraph => self.take_prose_line(text, range),
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
            && let Form::Item { fence, .. } = form
        {
            *fence = now;
        }
        self.grow(range.clone(), line);
        if shut {
            self.end_nested_code(range.end);
        }
    }

    /// After a fence that was cut inside a list item, the item goes on as prose.
    fn end_nested_code(&mut self, at: usize) {
        let Some(open) = &mut self.open else { return };
        let Kind::Code { closed, .. } = &mut open.block.kind else {
            return;
        };
        *closed = true;
        let block = Block {
            range: at..at,
            kind: Kind::Prose,
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
                Form::Quote if quoted => open.blank,
                _ => open.blank || interrupts(line),
            };
        if ends {
            self.close();
            return self.begin_with(line, range);
        }
        if matches!(open.form, Form::Paragraph)
            && is_delimiter_row(line)
            && text[open.last_line..range.start].contains('|')
        {
            self.begin_table(range.clone());
        }
        self.cut_if_full(&range);
        self.grow(range, line);
    }

    /// The last line of the open paragraph turns out to be the head of a table.
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
            Kind::Table { head },
            Form::Table,
        );
    }

    fn begin_with(&mut self, line: &str, range: Range<usize>) {
        if let Some((fence, info)) = opens(line) {
            let info = shifted(info, range.start);
            let kind = Kind::Code {
                info,
                closed: false,
            };
            self.begin(range, kind, Form::Code(fence));
        } else if let Some(offset) = item_offset(line) {
            let form = Form::Item {
                offset,
                fence: None,
            };
            self.begin(range, Kind::Item, form);
        } else if line.trim_start().starts_with('>') {
            self.begin(range, Kind::Prose, Form::Quote);
        } else if is_heading(line) {
            self.begin(range, Kind::Prose, Form::Paragraph);
            if let Some(open) = &mut self.open {
                // A heading is one line: whatever follows is a new block.
                open.blank = true;
            }
        } else {
            self.begin(range.clone(), Kind::Prose, Form::Paragraph);
            if let Some(open) = &mut self.open {
                open.blank = false;
            }
        }
    }

    fn begin(&mut self, range: Range<usize>, kind: Kind, form: Form) {
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
        let lined = matches!(open.form, Form::Code(_) | Form::Table)
            || matches!(open.form, Form::Item { fence: Some(_), .. });
        let len = open.block.range.len();
        let full = len + next.len() > MAX_BYTES || (lined && open.lines >= MAX_LINES);
        if len == 0 || !full {
            return;
        }
        let Some(open) = self.open.take() else { return };
        let (kind, form, indent) = match (&open.block.kind, open.form) {
            (_, Form::Item { offset, fence }) => match &fence {
                Some((_, info)) => {
                    let info = info.clone();
                    let kind = Kind::Code {
                        info,
                        closed: false,
                    };
                    (kind, Form::Item { offset, fence }, offset)
                }
                None => (Kind::Prose, Form::Item { offset, fence }, offset),
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks_of(splitter: &Splitter) -> Vec<Block> {
        (splitter.done().iter().chain(splitter.tail()))
            .cloned()
            .collect()
    }

    fn split(text: &str) -> Vec<Block> {
        let mut splitter = Splitter::default();
        splitter.update(text);
        blocks_of(&splitter)
    }

    fn pieces(text: &str) -> Vec<&str> {
        split(text).iter().map(|b| &text[b.range.clone()]).collect()
    }

    #[test]
    fn blocks_end_where_markdown_ends_them() {
        let text = "# One\nText\nmore\n\n- a\n  - b\n\n  c\n- d\n2. e\n3. f\n\n> q\n> r\n\n```rs\nx\n\ny\n```\nend";
        assert_eq!(
            pieces(text),
            [
                "# One\n",
                "Text\nmore\n\n",
                "- a\n  - b\n\n  c\n",
                "- d\n",
                "2. e\n",
                "3. f\n\n",
                "> q\n> r\n\n",
                "```rs\nx\n\ny\n```\n",
                "end",
            ]
        );
    }

    #[test]
    fn a_year_does_not_begin_a_list() {
        assert_eq!(pieces("It was\n2024. Then\n"), ["It was\n2024. Then\n"]);
    }

    #[test]
    fn an_unfinished_fence_is_code() {
        let text = "a\n\n```python\nprint(1)\npri";
        let blocks = split(text);
        let Kind::Code { info, closed } = &blocks[1].kind else {
            panic!("{blocks:?}");
        };
        assert_eq!(&text[info.clone()], "python");
        assert!(!closed);
    }

    #[test]
    fn a_table_begins_at_its_head_row() {
        let text = "Look:\n| a | b |\n|---|---|\n| 1 | 2 |\n\nafter\n";
        let blocks = split(text);
        assert_eq!(
            pieces(text),
            ["Look:\n", "| a | b |\n|---|---|\n| 1 | 2 |\n\n", "after\n"]
        );
        let Kind::Table { head } = &blocks[1].kind else {
            panic!("{blocks:?}");
        };
        assert_eq!(&text[head.clone()], "| a | b |\n|---|---|\n");
    }

    #[test]
    fn a_fence_in_an_item_is_cut_as_code_and_the_item_goes_on() {
        let mut text = String::from("1. Do:\n   ```sh\n");
        text.push_str(&"   echo again\n".repeat(100));
        text.push_str("   ```\n   and then\n2. next\n");
        let blocks = split(&text);
        assert_eq!(blocks[0].kind, Kind::Item);
        assert!(matches!(blocks[1].kind, Kind::Code { closed: false, .. }));
        let last_code = blocks
            .iter()
            .rposition(|b| matches!(b.kind, Kind::Code { .. }));
        let after = &blocks[last_code.unwrap() + 1];
        assert_eq!(&text[after.range.clone()], "   and then\n");
        assert_eq!((after.kind.clone(), after.indent), (Kind::Prose, 3));
        assert_eq!(blocks.last().unwrap().kind, Kind::Item);
    }

    #[test]
    fn nothing_is_ever_much_longer_than_the_limit() {
        let code = format!("```\n{}", "let x = 1;\n".repeat(20_000));
        let line = "word ".repeat(40_000);
        let unbroken = "\u{6f22}".repeat(60_000);
        let table = format!("| a | b |\n|--|--|\n{}", "| 1 | 2 |\n".repeat(10_000));
        let list = format!("- a\n{}", "  more of it\n".repeat(10_000));
        for text in [code, line, unbroken, table, list] {
            let blocks = split(&text);
            let longest = blocks.iter().map(|b| b.range.len()).max();
            assert!(
                longest.is_some_and(|l| l <= 2 * MAX_BYTES + 2),
                "{longest:?}"
            );
        }
    }

    /// Lines that mean something to the splitter, and some that don't.
    fn markdown() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("```rust".to_owned()),
            Just("```".to_owned()),
            Just("~~~~".to_owned()),
            Just("  ```".to_owned()),
            Just("- item".to_owned()),
            Just("  - nested".to_owned()),
            Just("1. one".to_owned()),
            Just("12) twelve".to_owned()),
            Just("> quote".to_owned()),
            Just("# head".to_owned()),
            Just("| a | b |".to_owned()),
            Just("|---|---|".to_owned()),
            Just("---".to_owned()),
            Just(String::new()),
            "[ -~\u{4e00}-\u{4e10}\r\t]{0,40}",
            "[a-z ]{1500,3600}",
        ];
        proptest::collection::vec(line, 0..60).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn blocks_are_the_text_however_it_came(text in markdown(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)) {
            let whole = split(&text);
            let joined: String = whole.iter().map(|b| &text[b.range.clone()]).collect();
            prop_assert_eq!(&joined, &text);
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).filter(|c| text.is_char_boundary(*c)).collect();
            at.sort_unstable();
            let mut splitter = Splitter::default();
            for cut in at {
                splitter.update(&text[..cut]);
                let frozen = splitter.done().to_vec();
                prop_assert_eq!(&frozen[..], &whole[..frozen.len().min(whole.len())]);
            }
            splitter.update(&text);
            prop_assert_eq!(blocks_of(&splitter), whole);
        }
    }
}
