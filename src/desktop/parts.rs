//! The parts of an answer beside its text: files that the model made, cited sources, the work of built-in tools,
//! timings by the server's clock.
//!
//! In: an [`Answer`]'s parts. Out: rows in any view.

mod files;
mod pictures;

use egui::{Label, RichText, Ui};

#[cfg(test)]
pub use self::pictures::decoded;
pub use self::{
    files::{bytes_text, icon_of, in_background, media_ui},
    pictures::{FileSummary, look, texture},
};
use super::{
    icons,
    outside::is_openable,
    theme::{Theme, caption, size, strong, tiny},
    widgets::{copy_button, figure_text},
};
use crate::{
    event::{Answer, Citation},
    visible::visible,
};

/// How many characters of an item's JSON are shown.
const MAX_JSON: usize = 20_000;

/// Shows an address: as a link if it may be opened, else as text.
fn address_ui(ui: &mut Ui, text: &str, address: &str) {
    let text = visible(text).into_owned();
    if is_openable(address) {
        ui.hyperlink_to(text, address)
            .on_hover_text(visible(address).into_owned());
    } else {
        ui.add(Label::new(text).wrap());
    }
}

/// Shows the sources of an answer, numbered.
pub fn sources_ui(ui: &mut Ui, theme: &Theme, citations: &[Citation]) {
    if citations.is_empty() {
        return;
    }
    ui.add_space(4.0);
    ui.label(strong("Sources").size(size::SMALL).color(theme.text_dim));
    for (index, citation) in citations.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(tiny(theme, format!("{}", index + 1)));
            let address = citation.url.as_deref().unwrap_or_default();
            let host = host_of(address);
            let title = citation.title.as_deref().filter(|title| !title.is_empty());
            address_ui(ui, title.unwrap_or(address), address);
            if title.is_some() && !host.is_empty() {
                ui.label(tiny(theme, visible(host)));
            }
        });
        if let Some(quote) = citation.quote.as_deref().filter(|quote| !quote.is_empty()) {
            let cut = quote
                .char_indices()
                .nth(240)
                .map_or(quote.len(), |(at, _)| at);
            let mark = if cut < quote.len() { "…" } else { "" };
            let text = format!("“{}{mark}”", visible(&quote[..cut]));
            ui.indent(("quote", index), |ui| {
                ui.add(Label::new(caption(theme, text)).wrap());
            });
        }
    }
}

fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Shows an item of one protocol alone as a row that expands to its JSON.
pub fn item_ui(ui: &mut Ui, theme: &Theme, kind: &str, raw: &str, place: usize) {
    let id = ui.make_persistent_id(("item", place));
    let mut open = ui.data(|data| data.get_temp(id).unwrap_or(false));
    let before = open;
    let label = item_label(kind, raw);
    let icon = if is_hidden(kind) {
        icons::LOCK
    } else {
        icons::TOOL
    };
    super::widgets::fold_ui(ui, theme, icon, &visible(&label), &mut open);
    if open != before {
        ui.data_mut(|data| data.insert_temp(id, open));
    }
    if open {
        json_ui(ui, theme, raw, &label);
    }
}

/// Shows raw JSON, or any other text, unchanged, up to [`MAX_JSON`].
pub fn json_ui(ui: &mut Ui, theme: &Theme, raw: &str, name: &str) {
    let pretty = serde_json::from_str::<serde_json::Value>(raw)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| raw.to_owned());
    let cut = pretty.char_indices().nth(MAX_JSON).map(|(at, _)| at);
    let shown = &pretty[..cut.unwrap_or(pretty.len())];
    ui.indent(("json", name), |ui| {
        let text = RichText::new(visible(shown)).monospace().size(size::TINY);
        ui.add(Label::new(text.color(theme.text_dim)).wrap());
        ui.horizontal(|ui| {
            copy_button(ui, theme, &format!("Copy: {name}"), || raw.to_owned());
            if cut.is_some() {
                ui.label(tiny(theme, "cut here; the copy is whole"));
            }
        });
    });
}

/// Whether a kind of item is reasoning that the provider encrypts or redacts.
fn is_hidden(kind: &str) -> bool {
    matches!(kind, "reasoning" | "redacted_thinking" | "compaction")
}

/// A short label for an item: its kind, and its subject or status.
#[must_use]
pub fn item_label(kind: &str, raw: &str) -> String {
    if is_hidden(kind) {
        let size = bytes_text(raw.len());
        return format!("{} · encrypted, {size}", kind.replace('_', " "));
    }
    let value: serde_json::Value = serde_json::from_str(raw).unwrap_or_default();
    let about = [
        "/action/query",
        "/input/query",
        "/queries/0",
        "/name",
        "/code",
        "/status",
    ];
    let about = about.iter().find_map(|path| value.pointer(path)?.as_str());
    let about = about.and_then(|text| text.lines().next());
    let kind = kind.replace('_', " ");
    match about.filter(|text| !text.is_empty()) {
        Some(about) => {
            let short: String = about.chars().take(60).collect();
            format!("{kind} · {short}")
        }
        None => kind,
    }
}

/// Durations by the server's own clock, as names and texts; with a speed where the token count is known, too.
#[must_use]
pub fn server_times(answer: &Answer) -> Vec<(String, String)> {
    #[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
    let ms = |ns: u64| ns as f64 / 1e6;
    let mut rows: Vec<(String, String)> = (answer.timings.iter())
        .map(|(name, ns)| (name.replace('_', " "), figure_text(ms(*ns), "ms")))
        .collect();
    let took = |word: &str| {
        let found = answer.timings.iter().find(|(name, _)| name == word);
        found.map(|(_, ns)| ms(*ns) / 1e3).filter(|s| *s > 0.0)
    };
    let usage = answer.usage.unwrap_or_default();
    for (label, count, seconds) in [
        ("prompt speed", usage.input, took("prompt_eval_duration")),
        ("answer speed", usage.output, took("eval_duration")),
    ] {
        if let (Some(count), Some(seconds)) = (count, seconds) {
            #[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
            let speed = count as f64 / seconds;
            rows.push((label.to_owned(), figure_text(speed, "tok/s")));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Usage;

    #[test]
    fn items_say_what_they_are_about() {
        for (kind, raw, label) in [
            (
                "web_search_call",
                r#"{"status":"completed","action":{"type":"search","query":"rust egui"}}"#,
                "web search call · rust egui",
            ),
            (
                "code_interpreter_call",
                "{\"code\":\"1+1\\nprint()\",\"status\":\"completed\"}",
                "code interpreter call · 1+1",
            ),
            ("mcp_list_tools", "{\"tools\":[]}", "mcp list tools"),
            ("odd", "not json", "odd"),
            (
                "redacted_thinking",
                "{\"data\":\"x\"}",
                "redacted thinking · encrypted, 12 B",
            ),
        ] {
            assert_eq!(item_label(kind, raw), label);
        }
    }

    #[test]
    fn the_servers_times_give_its_speeds() {
        let answer = Answer {
            timings: vec![
                ("load_duration".into(), 1_500_000_000),
                ("eval_duration".into(), 2_000_000_000),
            ],
            usage: Some(Usage {
                output: Some(100),
                ..Usage::default()
            }),
            ..Answer::default()
        };
        let rows = server_times(&answer);
        let names: Vec<_> = rows.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["load duration", "eval duration", "answer speed"]);
        assert!(rows[2].1.starts_with("50"), "{}", rows[2].1);
        assert_eq!(server_times(&Answer::default()), []);
    }

    #[test]
    fn only_a_web_address_has_a_host() {
        assert_eq!(host_of("https://a.example/x?y"), "a.example");
        assert_eq!(host_of("notes.txt"), "");
    }
}
