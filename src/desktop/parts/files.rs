//! Files that the model made: pictures shown, all of them saved.
//!
//! Pictures are decoded, and files written, on threads of their own; what those bring waits on a shelf.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use egui::{ColorImage, Context, Id, RichText, Sense, TextureHandle, Ui, WidgetInfo, vec2};

use super::address_ui;
use crate::{
    chat::Media,
    desktop::{
        chooser::{self, NoChooser},
        icons,
        theme::{Theme, caption, size},
        toast::tell,
    },
    visible::visible,
};

/// Longest edge of a picture as it is kept to be shown, in pixels.
const SHOWN_SIDE: u32 = 1_600;
/// Largest picture that is decoded, in pixels a side.
const MAX_SIDE: u32 = 16_384;
/// Height of a picture before it is enlarged.
const SMALL: f32 = 260.0;
/// The pictures that threads of this window have brought. One shelf for all views, kept in egui's memory.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// By the address of the file's bytes, which a run keeps.
    pictures: HashMap<usize, Picture>,
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
        Some("video") => icons::VIDEO,
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
                let decoded = decoded(&data, SHOWN_SIDE).map(Arc::new);
                let picture = decoded.map_or(Picture::Unknown, Picture::Decoded);
                shelf.lock().pictures.insert(key, picture);
                ctx.request_repaint();
            });
            Picture::Coming
        }
    }
}

/// An encoded picture, made smaller where an edge is longer than this; nothing if it can't be decoded within
/// reason.
pub fn decoded(data: &[u8], longest: u32) -> Option<ColorImage> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(data))
        .with_guessed_format()
        .ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    let image = reader.decode().ok()?;
    let image = if image.width().max(image.height()) > longest {
        image.thumbnail(longest, longest)
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
    let (ctx, media) = (ui.ctx().clone(), media.clone());
    in_background("save-file", move || {
        let suggested = media.file_name(number);
        let dialog = rfd::FileDialog::new()
            .set_title("Save the file")
            .set_file_name(suggested);
        match chooser::save(dialog) {
            Ok(path) => path.iter().for_each(|path| tell(&ctx, save(path, &media))),
            Err(NoChooser) => tell(&ctx, save_in_downloads(&media, number)),
        }
    });
}

fn save(path: &Path, media: &Media) -> String {
    match std::fs::write(path, media.to_file()) {
        Ok(()) => format!("Written to {}", path.display()),
        Err(error) => format!("{} could not be written: {error}", path.display()),
    }
}

/// Without a file chooser a file goes where downloads go, and overwrites nothing.
fn save_in_downloads(media: &Media, number: usize) -> String {
    let dirs = directories::UserDirs::new();
    let folder = (dirs.as_ref()).map(|dirs| dirs.download_dir().unwrap_or(dirs.home_dir()));
    match folder {
        Some(folder) => save(&free_path(folder, &media.file_name(number)), media),
        None => format!("Not saved: {NoChooser}, and no home folder"),
    }
}

/// A path in a folder that nothing has yet: `a.png`, else `a (2).png`, ….
fn free_path(folder: &Path, name: &str) -> PathBuf {
    let name = Path::new(name);
    let stem = name.file_stem().unwrap_or_default().to_string_lossy();
    let end = name.extension().map(|end| format!(".{}", end.display()));
    let numbered = (2..).map(|n| format!("{stem} ({n}){}", end.as_deref().unwrap_or_default()));
    let mut paths = std::iter::once(name.to_string_lossy().into_owned())
        .chain(numbered)
        .map(|name| folder.join(name));
    (paths.find(|path| !path.exists())).unwrap_or_else(|| folder.join(name))
}

/// Does work that would hold the window up on a thread of its own.
pub fn in_background(name: &str, work: impl FnOnce() + Send + 'static) {
    // A machine that can't start a thread has other troubles: the work is not done.
    let _ = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_saved_without_a_chooser_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for expected in ["a.png", "a (2).png", "a (3).png"] {
            let path = free_path(folder.path(), "a.png");
            assert_eq!(path, folder.path().join(expected));
            std::fs::write(path, "").unwrap();
        }
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes_text(999), "999 B");
        assert_eq!(bytes_text(1_200), "1.2 kB");
        assert_eq!(bytes_text(2_340_000), "2.3 MB");
    }
}
