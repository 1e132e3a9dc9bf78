//! The heads of request and response, and the request's body.

use egui::{Label, RichText, ScrollArea, Ui};

use super::excerpt::{copied, raw_text};
use crate::{
    capture::{CapturedRequest, CapturedResponse, Headers},
    desktop::{
        inspector::part::title_ui,
        theme::{Theme, caption, size, space},
        widgets::{copy_button, counted, key_value},
    },
    visible::{visible, visible_line},
};

/// Most characters of a body that are shown; the copy is whole.
const MOST: usize = 16_000;

/// The body of the request that is shown, as text: made once, since it may be long.
#[derive(Debug, Default)]
pub struct RequestBody(Option<(String, bool)>);

impl RequestBody {
    /// The text, and whether it is all of the body; `bytes` are the same in each call.
    fn text(&mut self, bytes: &[u8]) -> (&str, bool) {
        let (text, is_all) = self.0.get_or_insert_with(|| raw_text(bytes, MOST));
        (text, *is_all)
    }
}

/// Shows a request; `body` belongs to it alone.
pub fn request_ui(
    ui: &mut Ui,
    theme: &Theme,
    request: Option<&CapturedRequest>,
    body: &mut RequestBody,
) {
    let Some(request) = request else {
        ui.label(caption(theme, "Nothing was sent"));
        return;
    };
    scrolled(ui, "request", |ui| {
        let line = format!("{} {}", request.method, request.url);
        ui.add(Label::new(RichText::new(visible(&line)).monospace()).wrap());
        headers_ui(ui, theme, "Headers", &request.headers);
        ui.add_space(space::S);
        let bytes = &request.body.bytes;
        ui.horizontal(|ui| {
            let title = format!("Body, {}", counted(request.body.total, "byte"));
            title_ui(ui, theme, &title);
            copy_button(ui, theme, "Copy the request’s body", || copied(bytes));
        });
        if let Some(missing) = request.body.missing() {
            ui.label(caption(theme, missing).color(theme.warn));
        }
        let (text, is_all) = body.text(bytes);
        let text = RichText::new(text).monospace().size(size::TINY);
        ui.add(Label::new(text).wrap());
        if !is_all {
            ui.label(caption(theme, "Cut here; the copy is whole"));
        }
    });
}

/// Shows a response without its body, whose frames are shown apart.
pub fn response_ui(ui: &mut Ui, theme: &Theme, response: Option<&CapturedResponse>) {
    let Some(response) = response else {
        ui.label(caption(theme, "No response came"));
        return;
    };
    scrolled(ui, "response", |ui| {
        let line = format!("{} {}", response.http_version, response.status);
        ui.label(RichText::new(visible(&line)).monospace());
        headers_ui(ui, theme, "Headers", &response.headers);
        if !response.trailers.is_empty() {
            headers_ui(ui, theme, "Trailers", &response.trailers);
        }
        ui.add_space(space::S);
        let reads = response.reads.len() as u64;
        let body = format!(
            "Body: {} after content decoding, in {}",
            counted(response.body.total, "byte"),
            counted(reads, "read")
        );
        ui.label(caption(theme, body));
        if let Some(missing) = response.body.missing() {
            ui.label(caption(theme, missing).color(theme.warn));
        }
    });
}

fn scrolled(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical()
        .id_salt(("inspector.wire", name))
        .auto_shrink(false)
        .show(ui, content);
}

fn headers_ui(ui: &mut Ui, theme: &Theme, title: &str, headers: &Headers) {
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        title_ui(ui, theme, title);
        let name = format!("Copy: {}", title.to_lowercase());
        copy_button(ui, theme, &name, || {
            let lines = headers.0.iter();
            let lines = lines.map(|(name, value)| format!("{name}: {value}"));
            lines.collect::<Vec<_>>().join("\n")
        });
    });
    for (name, value) in &headers.0 {
        let value = RichText::new(visible_line(value)).monospace();
        key_value(ui, theme, 150.0, &visible_line(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_request_is_made_once() {
        let mut body = RequestBody::default();
        let bytes = vec![b'a'; MOST + 1];
        let (first, is_all) = body.text(&bytes);
        assert_eq!((first.len(), is_all), (MOST, false));
        let first = first.as_ptr();
        assert_eq!(body.text(&bytes).0.as_ptr(), first);
    }
}
