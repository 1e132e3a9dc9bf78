//! What stands beside the words of an answer: files that the model made, the sources it rests on, the work of
//! built-in tools, the server's own times.
//!
//! In: an [`Answer`]'s parts. Out: rows in any view. Pictures are decoded, and files written, on threads of
//! their own.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use egui::{ColorImage, Context, Id, Label, RichText, Sense, TextureHandle, Ui, WidgetInfo, vec2};

use super::{
    icons,
    theme::{Theme, caption, size, strong, tiny},
    widgets::{copy_button, figure_text},
};
use crate::{
    chat::Media,
    event::{Answer, Citation},
    visible::visible,
};

/// Longest edge of a picture as it is kept to be shown, in pixels.
const SHOWN_SIDE: u32 = 1_600;
/// Largest picture that is decoded, in pixels a side.
const MAX_SIDE: u32 = 16_384;
/// Height of a picture before it is enlarged.
const SMALL: f32 = 260.0;
/// Characters of an item's JSON that are laid out.
const MAX_JSON: usize = 20_000;

/// What threads of this window have brought: pictures, and things to tell. One for all views, kept in
/// egui's memory.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// By the address of the file's bytes, which a run keeps.
    pictures: HashMap<usize, Picture>,
    told: Vec<String>,
}

#[derive(Clone)]
enum Picture {
    Coming,
    Decoded(Arc<ColorImage>),
    Ready(TextureHandle),
    /// Nothing that can be shown here.
    Unknown,
}

impl Shelf {
    fn of(ctx: &Context) -> Self {
        ctx.data_mut(|data| data.get_temp_mut_or_default::<Self>(Id::NULL).clone())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was to be told since this was last asked: where a file was written, or why not.
pub fn take_told(ctx: &Context) -> Vec<String> {
    std::mem::take(&mut Shelf::of(ctx).lock().told)
}

/// Shows a file of the answer: a picture as itself, anything else as a row.
pub fn media_ui(ui: &mut Ui, theme: &Theme, media: &Media, number: usize) {
    if media.mime.starts_with("image/") && media.uri.is_none() {
        picture_ui(ui, theme, media, number);
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(icon_of(&media.mime)).color(theme.text_dim));
        let mut text = visible(&media.mime).into_owned();
        if !media.name.is_empty() {
            text = format!("{} · {text}", visible(&media.name));
        }
        if !media.data.is_empty() {
            text = format!("{text} · {}", bytes_text(media.data.len()));
        }
        ui.label(caption(theme, text));
        match &media.uri {
            Some(uri) => address_ui(ui, uri, uri),
            None => save_ui(ui, media, number),
        }
    });
}

/// The icon of a type of file.
#[must_use]
pub fn icon_of(mime: &str) -> &'static str {
    match mime.split('/').next() {
        Some("image") => icons::IMAGE,
        Some("audio") => icons::STREAMING,
        _ => icons::FILE,
    }
}

/// A size in bytes, for people.
#[must_use]
pub fn bytes_text(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "rounded to a digit anyway")]
    let kilobytes = bytes as f64 / 1e3;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{kilobytes:.1} kB"),
        _ => format!("{:.1} MB", kilobytes / 1e3),
    }
}

fn picture_ui(ui: &mut Ui, theme: &Theme, media: &Media, number: usize) {
    match picture(ui.ctx(), media) {
        Picture::Ready(texture) => {
            let id = ui.make_persistent_id(("large", media.data.as_ptr().addr()));
            let large = ui.data(|data| data.get_temp(id).unwrap_or(false));
            let height = if large { f32::INFINITY } else { SMALL };
            let image = egui::Image::new(&texture)
                .max_size(vec2(ui.available_width(), height))
                .fit_to_original_size(1.0)
                .corner_radius(4)
                .sense(Sense::click());
            let response = ui.add(image);
            let name = format!("Image {number} of the answer");
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
            let hint = if large {
                "Click to make it small"
            } else {
                "Click to enlarge"
            };
            if response.on_hover_text(hint).clicked() {
                ui.data_mut(|data| data.insert_temp(id, !large));
            }
        }
        Picture::Unknown => {
            ui.label(caption(theme, "This picture can’t be shown here"));
        }
        Picture::Coming | Picture::Decoded(_) => {
            ui.label(caption(theme, "Decoding the picture…"));
        }
    }
}

fn picture(ctx: &Context, media: &Media) -> Picture {
    let shelf = Shelf::of(ctx);
    let mut kept = shelf.lock();
    let key = media.data.as_ptr().addr();
    let known = kept.pictures.get(&key).cloned();
    match known {
        Some(Picture::Decoded(image)) => {
            let options = egui::TextureOptions::LINEAR;
            let texture = ctx.load_texture("picture", egui::ImageData::Color(image), options);
            let ready = Picture::Ready(texture);
            kept.pictures.insert(key, ready.clone());
            ready
        }
        Some(known) => known,
        None => {
            kept.pictures.insert(key, Picture::Coming);
            let (shelf, ctx, data) = (shelf.clone(), ctx.clone(), media.data.clone());
            in_background("picture", move || {
                let decoded = decoded(&data).map(Arc::new);
                let picture = decoded.map_or(Picture::Unknown, Picture::Decoded);
                shelf.lock().pictures.insert(key, picture);
                ctx.request_repaint();
            });
            Picture::Coming
        }
    }
}

fn decoded(data: &[u8]) -> Option<ColorImage> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(data))
        .with_guessed_format()
        .ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    let image = reader.decode().ok()?;
    let image = if image.width().max(image.height()) > SHOWN_SIDE {
        image.thumbnail(SHOWN_SIDE, SHOWN_SIDE)
    } else {
        image
    };
    let image = image.into_rgba8();
    let size = [image.width() as usize, image.height() as usize];
    Some(ColorImage::from_rgba_unmultiplied(size, image.as_raw()))
}

fn save_ui(ui: &mut Ui, media: &Media, number: usize) {
    let text = RichText::new(format!("{} Save…", icons::SAVE)).size(size::SMALL);
    let button = ui.add(egui::Button::new(text).small());
    let name = format!("Save file {number} of the answer");
    button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    if !button.clicked() {
        return;
    }
    let (shelf, ctx, media) = (Shelf::of(ui.ctx()), ui.ctx().clone(), media.clone());
    in_background("save-file", move || {
        let suggested = media.file_name(number);
        let dialog = rfd::FileDialog::new()
            .set_title("Save the file")
            .set_file_name(suggested);
        if let Some(path) = dialog.save_file() {
            shelf.lock().told.push(save(&path, &media));
            ctx.request_repaint();
        }
    });
}

fn save(path: &Path, media: &Media) -> String {
    match std::fs::write(path, media.to_file()) {
        Ok(()) => format!("Written to {}", path.display()),
        Err(error) => format!("{} could not be written: {error}", path.display()),
    }
}

fn in_background(name: &str, work: impl FnOnce() + Send + 'static) {
    // A machine that can't start a thread has other troubles: nothing is shown or saved.
    let _ = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work);
}

/// Only web addresses become links: no other kind is opened from here.
fn address_ui(ui: &mut Ui, text: &str, address: &str) {
    let text = visible(text).into_owned();
    let scheme = address.split(':').next().unwrap_or_default();
    if matches!(scheme, "http" | "https") {
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

/// Shows an item that only its protocol understands: one quiet row, its JSON when unfolded.
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

/// Shows raw JSON, or whatever it is, word for word and as far as it can be laid out.
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

/// Thoughts that the provider keeps to itself.
fn is_hidden(kind: &str) -> bool {
    matches!(kind, "reasoning" | "redacted_thinking" | "compaction")
}

/// What an item is, in a few words: its kind, and what it was about or how it went.
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

/// How long things took by the server's own clock, as names and texts; speeds where both the time and the
/// count are known.
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
    fn sizes_are_short() {
        assert_eq!(bytes_text(999), "999 B");
        assert_eq!(bytes_text(1_200), "1.2 kB");
        assert_eq!(bytes_text(2_340_000), "2.3 MB");
        assert_eq!(host_of("https://a.example/x?y"), "a.example");
        assert_eq!(host_of("notes.txt"), "");
    }
}
