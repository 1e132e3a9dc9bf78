//! Files that the model made: pictures are shown, and every file can be saved.
//!
//! Threads write the files, never the UI thread.

use std::path::{Path, PathBuf};

use egui::{RichText, Sense, Ui, Vec2, WidgetInfo, vec2};

use super::{
    address_ui,
    pictures::{self, FileSummary},
};
use crate::{
    chat::Media,
    desktop::{
        chooser::{self, NoChooser},
        icons,
        theme::{Theme, caption, size},
        toast::tell,
        user_folders,
    },
    visible::visible,
};

/// Longest edge, in pixels, at which a picture is decoded: enlarged, and not enlarged.
const SHOWN_SIDE: u32 = 1_600;
const SMALL_SIDE: u32 = 640;
/// Height of a picture that is not enlarged, in points.
const SMALL: f32 = 260.0;

/// Shows a file of the answer: a picture as a picture, any other file as a row.
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

/// The icon for a media type.
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

/// Shows a picture, or why it can't be shown.
fn picture_ui(ui: &mut Ui, theme: &Theme, media: &Media, number: usize) {
    match pictures::look(ui.ctx(), &media.data) {
        FileSummary::Fits(size) => shown_ui(ui, theme, media, size, number),
        FileSummary::Coming => {
            ui.label(caption(theme, "Decoding the picture…"));
        }
        FileSummary::TooLarge([width, height]) => {
            let text = format!(
                "This picture is too large to be shown here ({width} × {height} pixels): save it to look at it"
            );
            ui.label(caption(theme, text));
        }
        FileSummary::Unknown => {
            ui.label(caption(theme, "This picture can’t be shown here"));
        }
    }
}

fn shown_ui(ui: &mut Ui, theme: &Theme, media: &Media, pixels: [u32; 2], number: usize) {
    let id = ui.make_persistent_id(("large", media.data.as_ptr().addr()));
    let large = ui.data(|data| data.get_temp(id).unwrap_or(false));
    let (height, side) = if large {
        (f32::INFINITY, SHOWN_SIDE)
    } else {
        (SMALL, SMALL_SIDE)
    };
    let room = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(fitted(pixels, room), Sense::click());
    let name = format!("Image {number} of the answer");
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
    if ui.is_rect_visible(rect) {
        match pictures::texture(ui.ctx(), &media.data, pixels, side) {
            Some(texture) => {
                let image = egui::Image::new(&texture).corner_radius(4);
                image.paint_at(ui, rect);
            }
            None => {
                ui.painter().rect_filled(rect, 4.0, theme.raised);
            }
        }
    }
    let hint = if large {
        "Click to make it small"
    } else {
        "Click to enlarge"
    };
    if response.on_hover_text(hint).clicked() {
        ui.data_mut(|data| data.insert_temp(id, !large));
    }
}

/// The size at which a picture is shown: its own, or scaled down to fit the room.
fn fitted([width, height]: [u32; 2], room: Vec2) -> Vec2 {
    #[expect(clippy::cast_precision_loss, reason = "pictures are far smaller")]
    let size = vec2(width as f32, height as f32);
    let scale = (room / size.max(Vec2::splat(1.0))).min_elem();
    size * scale.clamp(0.0, 1.0)
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
    match crate::private::write(path, &media.to_file()) {
        Ok(()) => format!("Written to {}", path.display()),
        Err(error) => format!("{} could not be written: {error}", path.display()),
    }
}

/// Saves to the downloads folder where there is no file chooser. Overwrites nothing.
fn save_in_downloads(media: &Media, number: usize) -> String {
    match user_folders::downloads() {
        Some(folder) => save(&free_path(&folder, &media.file_name(number)), media),
        None => format!("Not saved: {NoChooser}, and no home folder"),
    }
}

/// An unused path in a folder: `a.png`, else `a (2).png`, ….
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

/// Runs work that would block the UI on a thread of its own.
pub fn in_background(name: &str, work: impl FnOnce() + Send + 'static) {
    // If no thread can be started, the work is not done.
    let _ = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work);
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::desktop::theme;

    /// Sixteen pictures of half a megabyte and 130 million pixels each once took eight gigabytes.
    #[test]
    fn a_picture_that_is_too_large_says_its_size_and_can_be_saved() {
        let bombs: Vec<Media> = (11_500..11_516)
            .map(|side| Media {
                mime: "image/png".into(),
                data: pictures::tests::bomb(side, side).into(),
                ..Media::default()
            })
            .collect();
        let setup = Harness::builder().with_context_setup(theme::install);
        let mut harness = setup.build_ui(move |ui| {
            for (number, media) in bombs.iter().enumerate() {
                media_ui(ui, &theme::DARK, media, number);
            }
        });
        while harness.query_by_label_contains("(11515 × 11515").is_none() {
            harness.step();
        }
        harness.get_by_label_contains("too large to be shown here (11500 × 11500 pixels): save it");
        harness.get_by_label("Save file 15 of the answer");
        assert_eq!(pictures::held_bytes(&harness.ctx), 0);
    }

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
