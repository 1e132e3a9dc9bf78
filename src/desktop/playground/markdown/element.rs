//! The elements of a block: text with colours and fonts but no width yet, code, tables, rules.

use std::ops::Range;

use egui::text::LayoutJob;

use super::math::Placed;

/// Width of one level of a list.
pub const INDENT: f32 = 18.0;

/// Something that a block shows.
#[derive(Clone, Debug)]
pub enum Element {
    /// Styled text, to be wrapped to the available width.
    Text(Text),
    /// Code in a fence that is nested in something else, or indented.
    Code(Code),
    /// A table.
    Table(Table),
    /// A thematic break.
    Rule,
}

/// Styled text.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// The text, unwrapped.
    pub job: LayoutJob,
    /// Whether it has strong text in a script that the bold font lacks.
    pub faux_bold: bool,
    /// The bytes of its links, and their addresses.
    pub links: Vec<(Range<usize>, String)>,
    /// The formulas that are drawn over their sources.
    pub formulas: Vec<Placed>,
    /// Whether it is a formula on lines of its own.
    pub display: bool,
    /// Its nesting.
    pub place: Place,
    /// The list marker before its first line, if it begins a list item.
    pub marker: Option<String>,
    /// Space above, in lines.
    pub gap: f32,
}

/// How deep an element is nested in lists and quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Depth of lists.
    pub lists: u8,
    /// Depth of quotes.
    pub quotes: u8,
}

/// A piece of code.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// The language, as the fence names it.
    pub language: String,
    /// The code.
    pub text: String,
    /// Its nesting.
    pub place: Place,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The alignment of each column.
    pub align: Vec<egui::Align>,
    /// Rows of cells; the first is the head.
    pub rows: Vec<Vec<Text>>,
    /// Its nesting.
    pub place: Place,
}
