//! A block: which bytes of a text, and what they are.

use std::ops::Range;

/// A stretch of the text that is shown on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which bytes of the text.
    pub range: Range<usize>,
    /// What it is.
    pub kind: BlockKind,
    /// Columns that belong to an enclosing list item: cut from its lines, and shown as an indent.
    pub indent: usize,
    /// Whether it goes on where the block before was cut.
    pub continued: bool,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockKind {
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
    /// A piece of a formula on lines of its own, shown word for word.
    Math,
}
