//! One block of markdown as the things that are drawn: lines of styled text, code, tables, rules.
//!
//! In: a block's source and the [`Ink`]. Out: [`Element`]s whose text has colours and fonts but no
//! width yet. Images are never loaded and HTML is text: both are shown as what they are.

use egui::{FontFamily, Stroke, text::LayoutJob, text::TextFormat};
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{
    guard::{Guarded, Part, guard, is_cjk},
    ink::Ink,
};
use crate::desktop::{fonts, icons};

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
    pub links: Vec<(std::ops::Range<usize>, String)>,
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

/// Parses a block.
#[must_use]
pub fn elements(source: &str, ink: &Ink) -> Vec<Element> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let guarded = guard(source);
    let mut builder = Builder::new(ink, &guarded);
    for event in Parser::new_ext(&guarded.source, options) {
        builder.take(event);
    }
    builder.flush();
    builder.out
}

struct Builder<'a> {
    ink: &'a Ink,
    guarded: &'a Guarded,
    out: Vec<Element>,
    text: Text,
    /// Numbers of the open lists; `None` is a bullet list.
    lists: Vec<Option<u64>>,
    marker: Option<String>,
    quotes: u8,
    strong: u32,
    emphasis: u32,
    strike: u32,
    heading: Option<HeadingLevel>,
    link: Option<(usize, String)>,
    image: Option<(usize, String)>,
    code: Option<Code>,
    table: Option<Table>,
}

impl<'a> Builder<'a> {
    fn new(ink: &'a Ink, guarded: &'a Guarded) -> Self {
        Self {
            ink,
            guarded,
            out: Vec::new(),
            text: Text::default(),
            lists: Vec::new(),
            marker: None,
            quotes: 0,
            strong: 0,
            emphasis: 0,
            strike: 0,
            heading: None,
            link: None,
            image: None,
            code: None,
            table: None,
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.text.push_str(&self.guarded.restored(&text)),
                None => self.push_parts(&text),
            },
            Event::Code(code) | Event::InlineMath(code) | Event::DisplayMath(code) => {
                self.push_code(&self.guarded.restored(&code));
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                self.push(&self.guarded.restored(&html));
            }
            Event::FootnoteReference(name) => {
                self.push(&format!("[^{}]", self.guarded.restored(&name)));
            }
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::Rule => {
                self.flush();
                self.out.push(Element::Rule);
            }
            Event::TaskListMarker(done) => {
                self.marker = Some(if done { "[x]" } else { "[ ]" }.to_owned());
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(level);
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_add(1);
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        language_of(&self.guarded.restored(&info)).to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some(Code {
                    language,
                    place: self.place(),
                    ..Code::default()
                });
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}.");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => "•".to_owned(),
                });
            }
            Tag::Table(columns) => {
                self.flush();
                self.table = Some(Table {
                    align: columns.into_iter().map(align).collect(),
                    rows: Vec::new(),
                    place: self.place(),
                });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.emphasis += 1,
            Tag::Strong => self.strong += 1,
            Tag::Strikethrough => self.strike += 1,
            Tag::Link { dest_url, .. } => {
                let url = self.guarded.restored(&dest_url).into_owned();
                self.link = Some((self.text.job.text.len(), url));
            }
            Tag::Image { dest_url, .. } => {
                self.push(icons::IMAGE);
                self.push(" ");
                let url = self.guarded.restored(&dest_url).into_owned();
                self.image = Some((self.text.job.text.len(), url));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.heading = None;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                if let Some(mut code) = self.code.take() {
                    if code.text.ends_with('\n') {
                        code.text.pop();
                    }
                    self.out.push(Element::Code(code));
                }
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::Item => self.end_item(),
            TagEnd::Table => self.out.extend(self.table.take().map(Element::Table)),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.table.as_mut().and_then(|t| t.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Strikethrough => self.strike = self.strike.saturating_sub(1),
            TagEnd::Link => {
                if let Some((start, url)) = self.link.take() {
                    self.text.links.push((start..self.text.job.text.len(), url));
                }
            }
            TagEnd::Image => self.end_image(),
            _ => {}
        }
    }

    /// An item without any text still shows its marker.
    fn end_item(&mut self) {
        if self.marker.is_some() && self.text.job.text.is_empty() {
            self.push(" ");
        }
        self.flush();
        self.marker = None;
    }

    /// An image is not loaded: its description and its address stand for it.
    fn end_image(&mut self) {
        let Some((start, url)) = self.image.take() else {
            return;
        };
        if self.text.job.text.len() == start {
            self.push("image");
        }
        let address = if url.len() > 120 {
            let cut = (0..=100)
                .rev()
                .find(|i| url.is_char_boundary(*i))
                .unwrap_or(0);
            format!(" ({}…)", &url[..cut])
        } else {
            format!(" ({url})")
        };
        self.push(&address);
        self.text.links.push((start..self.text.job.text.len(), url));
    }

    fn place(&self) -> Place {
        Place {
            lists: u8::try_from(self.lists.len()).unwrap_or(u8::MAX),
            quotes: self.quotes,
        }
    }

    /// Text with what was kept from markdown: formulas, addresses.
    fn push_parts(&mut self, text: &str) {
        let guarded = self.guarded;
        for part in guarded.parts(text) {
            match part {
                Part::Text(text) => self.push(text),
                Part::Math(source) => self.push_math(source),
                Part::Address(text, _) if self.link.is_some() || self.image.is_some() => {
                    self.push(text);
                }
                Part::Address(text, url) => {
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

    /// A formula word for word, without what its place in lists and quotes puts before its lines.
    fn push_math(&mut self, source: &str) {
        let format = Ink::format(FontFamily::Monospace, self.ink.size - 1.0, self.ink.text);
        for (index, line) in source.lines().enumerate() {
            let line = match index {
                0 => line.to_owned(),
                _ if self.quotes > 0 => format!("\n{}", line.trim_start_matches(['>', ' '])),
                _ if !self.lists.is_empty() => format!("\n{}", line.trim_start()),
                _ => format!("\n{line}"),
            };
            self.text.job.append(&line, 0.0, format.clone());
        }
    }

    fn push(&mut self, text: &str) {
        let linked = self.link.is_some() || self.image.is_some();
        let heading = self.heading;
        let head_cell = self.table.as_ref().is_some_and(|t| t.rows.len() == 1);
        let size = heading.map_or(self.ink.size, |h| heading_size(h, self.ink.size));
        let family = if self.strong > 0 || heading.is_some() || head_cell {
            fonts::strong_family()
        } else {
            FontFamily::Proportional
        };
        let color = match () {
            () if linked => self.ink.link,
            () if self.quotes > 0 => self.ink.dim,
            () => self.ink.text,
        };
        let mut format = Ink::format(family, size, color);
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

    fn push_code(&mut self, code: &str) {
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

    fn flush(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        trim_end(&mut text.job);
        if text.job.text.is_empty() {
            return;
        }
        text.place = self.place();
        text.marker = self.marker.take();
        let first = self.out.is_empty();
        text.gap = match (&text.marker, self.heading) {
            _ if first => 0.0,
            (Some(_), _) => 0.15,
            (None, Some(_)) => 0.7,
            (None, None) => 0.45,
        };
        self.out.push(Element::Text(text));
    }
}

/// Text in stretches that the bold face has, and that it lacks.
fn runs_of(text: &str) -> Vec<&str> {
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

/// Whether a stretch of strong text is drawn with a face that is no bolder than any other: that of the system.
pub fn is_faux_bold(run: &str) -> bool {
    run.starts_with(is_cjk)
}

/// Cuts trailing line breaks, which HTML blocks bring along.
fn trim_end(job: &mut LayoutJob) {
    let len = job.text.trim_end_matches('\n').len();
    if len == job.text.len() {
        return;
    }
    job.text.truncate(len);
    job.sections.retain(|s| s.byte_range.start.0 < len);
    if let Some(last) = job.sections.last_mut() {
        last.byte_range.end.0 = last.byte_range.end.0.min(len);
    }
}

/// The language of an info string: its first word.
#[must_use]
pub fn language_of(info: &str) -> &str {
    info.split([' ', ',', '{', '\t']).next().unwrap_or_default()
}

fn align(alignment: Alignment) -> egui::Align {
    match alignment {
        Alignment::None | Alignment::Left => egui::Align::Min,
        Alignment::Center => egui::Align::Center,
        Alignment::Right => egui::Align::Max,
    }
}

fn heading_size(level: HeadingLevel, body: f32) -> f32 {
    match level {
        HeadingLevel::H1 => body + 5.0,
        HeadingLevel::H2 => body + 3.0,
        HeadingLevel::H3 => body + 1.0,
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::theme::DARK;

    fn texts(source: &str) -> Vec<(String, Option<String>, u8)> {
        elements(source, &Ink::of(&DARK))
            .into_iter()
            .filter_map(|element| match element {
                Element::Text(t) => Some((t.job.text, t.marker, t.place.lists)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn lists_nest_and_go_on_counting() {
        let found = texts("7. seven\n   - inner\n8. eight\n");
        let expected = [("seven", "7.", 1), ("inner", "•", 2), ("eight", "8.", 1)];
        for (found, (text, marker, depth)) in found.iter().zip(expected) {
            assert_eq!(
                (found.0.as_str(), found.1.as_deref(), found.2),
                (text, Some(marker), depth)
            );
        }
    }

    #[test]
    fn images_and_html_are_text() {
        let found =
            texts("![a cat](https://x.example/cat.png) <b>bold</b>\n\n<script>alert(1)</script>\n");
        assert!(found[0].0.contains("a cat (https://x.example/cat.png)"));
        assert!(found[0].0.contains("<b>bold</b>"));
        assert_eq!(found[1].0, "<script>alert(1)</script>");
    }

    #[test]
    fn links_know_their_bytes_and_their_target() {
        let [Element::Text(text)] =
            &elements("see [the **docs**](https://d.example) now", &Ink::of(&DARK))[..]
        else {
            panic!("one text");
        };
        let (range, url) = &text.links[0];
        assert_eq!(&text.job.text[range.clone()], "the docs");
        assert_eq!(url, "https://d.example");
    }

    /// The text of a source, and what of it is strong.
    fn strong_of(source: &str) -> (String, String) {
        let [Element::Text(text)] = &elements(source, &Ink::of(&DARK))[..] else {
            panic!("one text: {source}");
        };
        let strong =
            |s: &&egui::text::LayoutSection| s.format.font_id.family == fonts::strong_family();
        let bytes = |s: &egui::text::LayoutSection| {
            &text.job.text[s.byte_range.start.0..s.byte_range.end.0]
        };
        let strong = text.job.sections.iter().filter(strong).map(bytes).collect();
        (text.job.text.clone(), strong)
    }

    #[test]
    fn emphasis_needs_no_spaces_in_chinese() {
        for (source, text, strong) in [
            ("**中文。**后面", "中文。后面", "中文。"),
            ("前面**「引用」**后面", "前面「引用」后面", "「引用」"),
            ("前面**“引用”**后面", "前面“引用”后面", "“引用”"),
            ("**重要：**abc", "重要：abc", "重要："),
            ("这是**`代码`**吗", "这是代码吗", ""),
            ("**100%**的人", "100%的人", "100%"),
            ("한국어**(강조)**는", "한국어(강조)는", "(강조)"),
            ("**a.**b and **c** d", "**a.**b and c d", "c"),
            ("2 * 3 * 4，**好**", "2 * 3 * 4，好", "好"),
        ] {
            assert_eq!(strong_of(source), (text.into(), strong.into()), "{source}");
        }
        assert_eq!(runs_of("a中文b"), ["a", "中文", "b"]);
    }

    #[test]
    fn formulas_keep_their_source() {
        for source in [
            r"so \(\alpha\) is",
            r"\[ a_1 * b * c \\ d \]",
            r"$\{x\}$ and $$a_1*b*c_1$$",
            r"begun \(\alpha\, x",
            "设$x_1$为$y_1$",
        ] {
            assert_eq!(texts(source)[0].0, source);
        }
        let found = texts("1. so\n   \\[\n   + b_1 \\\\\n   \\]\n");
        assert_eq!(found[0].0, "so\n\\[\n+ b_1 \\\\\n\\]");
    }

    #[test]
    fn bare_addresses_are_links_but_not_in_code() {
        let links = |source: &str| -> Vec<(String, String)> {
            let elements = elements(source, &Ink::of(&DARK));
            let texts = elements.into_iter().filter_map(|element| match element {
                Element::Text(text) => Some(text),
                _ => None,
            });
            let links = |t: Text| {
                let shown = |range: std::ops::Range<usize>| t.job.text[range].to_owned();
                let links = t.links.iter().cloned();
                links
                    .map(|(range, url)| (shown(range), url))
                    .collect::<Vec<_>>()
            };
            texts.flat_map(links).collect()
        };
        let link = |text: &str, url: &str| (text.to_owned(), url.to_owned());
        let plain = |url| link(url, url);
        for (source, expected) in [
            (
                "at https://a.example/x_y_z, or (http://b.example)。",
                vec![plain("https://a.example/x_y_z"), plain("http://b.example")],
            ),
            (
                "**见https://a.example/b**后面",
                vec![plain("https://a.example/b")],
            ),
            ("`https://a.example` and\n\n    https://b.example\n", vec![]),
            (
                "[https://a.example](https://b.example)",
                vec![link("https://a.example", "https://b.example")],
            ),
            ("<https://a.example>", vec![plain("https://a.example")]),
            ("mailto:ada@a.example.", vec![plain("mailto:ada@a.example")]),
        ] {
            assert_eq!(links(source), expected, "{source}");
        }
    }

    #[test]
    fn tables_keep_rows_and_alignment() {
        let [Element::Table(table)] =
            &elements("| a | b |\n|:-:|--:|\n| 1 | `2` |\n", &Ink::of(&DARK))[..]
        else {
            panic!("one table");
        };
        assert_eq!(table.align, [egui::Align::Center, egui::Align::Max]);
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[1][1].job.text, "2");
    }

    #[test]
    fn an_unfinished_fence_is_code_already() {
        let [_, Element::Code(code)] = &elements("x\n\n```rust\nfn main", &Ink::of(&DARK))[..]
        else {
            panic!("text and code");
        };
        assert_eq!(
            (code.language.as_str(), code.text.as_str()),
            ("rust", "fn main")
        );
    }
}
