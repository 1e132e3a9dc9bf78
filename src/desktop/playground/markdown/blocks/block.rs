//! A block: a range of the text, and its kind.

use std::ops::Range;

/// A part of the text that is shown on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// Its kind.
    pub kind: BlockKind,
    /// Columns of an enclosing list item: removed from its lines, and shown as an indent.
    pub indent: usize,
    /// Whether it continues the block before it, which was cut.
    pub continued: bool,
}

/// The kind of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// A paragraph, a heading, a quote or a rule.
    Prose,
    /// One item of a list, with its nested content.
    Item,
    /// A piece of a fenced code block.
    Code {
        /// The bytes of the fence's info string (the language).
        info: Range<usize>,
        /// Whether the last line of this piece is the closing fence.
        closed: bool,
    },
    /// A piece of a table.
    Table {
        /// The bytes of its head row and delimiter row.
        head: Range<usize>,
    },
    /// A piece of a formula on lines of its own, shown unchanged.
    Math,
}
