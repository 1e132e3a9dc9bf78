//! HTML in which nothing foreign can act: markup is our own fixed text, everything else is escaped.

use std::fmt::Display;

use crate::visible::{visible, visible_line};

/// What every page begins with. Nothing is fetched and no script runs, even if one came in; pictures stand in the page.
const BEGIN: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";

/// A whole page with this title.
pub(super) fn page(title: &'static str, inside: impl FnOnce(&mut Html)) -> String {
    let mut html = begin_page(title);
    inside(&mut html);
    html.raw(END);
    html.into_string()
}

/// The begin of a page that is written piece by piece; [`END`] is its end.
pub(super) fn begin_page(title: &'static str) -> Html {
    let mut html = Html::default();
    html.raw(BEGIN);
    html.words("title", "", title);
    html.raw("\n<style>\n");
    html.raw(include_str!("style.css"));
    html.raw("</style>\n</head>\n<body>\n<main>\n");
    html
}

/// What every page ends with.
pub(super) const END: &str = "</main>\n</body>\n</html>\n";

/// A page, or a part of it.
#[derive(Default)]
pub(super) struct Html(String);

/// Attributes, whose values are escaped.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// Appends markup of our own.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Appends a text in one line. What could act or hide is written as escapes, then what HTML would read as markup.
    pub(super) fn text(&mut self, text: impl Display) {
        self.0.push_str(&escaped(&text.to_string()));
    }

    /// Appends a text with its lines. What could act or hide is written as escapes, then what HTML would read as markup.
    pub(super) fn lines(&mut self, text: &str) {
        self.0.push_str(&without_markup(&visible(text)));
    }

    /// Appends a picture that stands in the page.
    pub(super) fn picture(&mut self, source: &str, name: &str) {
        let (source, name) = (escaped(source), escaped(name));
        (self.0).extend(["<img src=\"", &source, "\" alt=\"", &name, "\">"]);
    }

    /// Appends an element with what is inside.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            let value = escaped(value);
            self.0.extend([" ", name, "=\"", &value, "\""]);
        }
        self.0.push('>');
        inside(self);
        self.0.extend(["</", tag, ">"]);
    }

    /// Appends an element with a text.
    pub(super) fn words(&mut self, tag: &'static str, class: &'static str, text: impl Display) {
        let class = [("class", class)];
        let attributes = if class[0].1.is_empty() {
            &[]
        } else {
            &class[..]
        };
        self.element(tag, attributes, |html| html.text(text));
    }

    /// Ends a line of the file, so that it can be read.
    pub(super) fn end_line(&mut self) {
        self.0.push('\n');
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

fn escaped(text: &str) -> String {
    without_markup(&visible_line(text))
}

fn without_markup(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_no_markup_and_hides_nothing() {
        let mut html = Html::default();
        let foreign = "\"><script>alert('x')</script>&\u{202e}\u{1b}\n";
        html.element("p", &[("title", foreign)], |html| html.text(foreign));
        let safe =
            "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\\u{202e}\\u{1b}\\n";
        assert_eq!(
            html.into_string(),
            format!("<p title=\"{safe}\">{safe}</p>")
        );
        let mut html = Html::default();
        html.lines("a <b>\n\u{202e}");
        assert_eq!(html.into_string(), "a &lt;b&gt;\n\\u{202e}");
    }
}
