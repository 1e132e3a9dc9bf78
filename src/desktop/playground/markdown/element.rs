//! What a block shows: text that has colours and fonts but no width yet, code, tables, rules.

use std::ops::Range;

use egui::text::LayoutJob;

/// Width of one level of a list.
pub const INDENT: f32 = 18.0;

/// Something that a block shows.
#[derive(Clone, Debug)]
pub enum Element {
    /// Styled text, wrapped to the width there is.
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
    /// Whether there is strong text in it whose script the bold face lacks.
    pub faux_bold: bool,
    /// Which bytes of it are links, and where they go.
    pub links: Vec<(Range<usize>, String)>,
    /// Where it stands.
    pub place: Place,
    /// What stands before its first line, if it begins a list item.
    pub marker: Option<String>,
    /// Space above, in lines.
    pub gap: f32,
}

/// Where an element stands in lists and quotes.
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
    /// The language, as the fence says it.
    pub language: String,
    /// The code.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// One an column.
    pub align: Vec<egui::Align>,
    /// Rows of cells; the first is the head.
    pub rows: Vec<Vec<Text>>,
    /// Where it stands.
    pub place: Place,
}
