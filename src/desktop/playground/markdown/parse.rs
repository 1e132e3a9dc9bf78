//! Parses one block of Markdown into the elements to draw: styled text, code, tables, rules.
//!
//! In: a block's source and the [`Ink`]. Out: [`Element`]s whose text has colours and fonts but no width yet. Images
//! are never loaded, and HTML is shown as text.

mod inline;

use egui::text::LayoutJob;
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub use self::inline::is_faux_bold;
use super::{
    element::{Code, Element, Place, Table, Text},
    guard::{Guarded, guard},
    ink::Ink,
};
use crate::desktop::icons;

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
    /// The next number of each open list; `None` for a bullet list.
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
            // After a formula on lines of its own a new line has begun.
            Event::SoftBreak | Event::HardBreak if self.text.job.text.is_empty() => {}
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::Rule => {
                self.flush();
                self.out.push(Element::Rule);
            }
            Event::TaskListMarker(done) => {
                self.marker = Some(if done { "☑" } else { "☐" }.to_owned());
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

    /// Ends an item; one without text still shows its marker.
    fn end_item(&mut self) {
        if self.marker.is_some() && self.text.job.text.is_empty() {
            self.push(" ");
        }
        self.flush();
        self.marker = None;
    }

    /// Shows an image's description and address in its place: images are not loaded.
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

/// Removes trailing line breaks, which HTML blocks have.
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

#[cfg(test)]
mod tests;
