//! Attaches files to the draft (chosen, dropped, pasted or by address) and shows images as thumbnails.
//!
//! The engine reads files; dialogs, encoding and decoding run on threads of their own.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use egui::{
    ColorImage, Context, CornerRadius, Frame, Key, Margin, Popup, PopupCloseBehavior, RichText,
    Sense, TextEdit, Ui, vec2,
};

use super::paths::{PathForm, Step};
use crate::{
    chat::Media,
    desktop::{
        chooser::{self, NoChooser},
        icons,
        parts::{self, FileSummary, bytes_text, icon_of, in_background},
        theme::{RADIUS, Theme, caption, size, tiny},
        widgets::icon_button,
    },
    engine::{Asked, Command, ask},
};

/// Longest edge of a thumbnail, in pixels.
const THUMB: u32 = 144;

/// A message from a thread or a form.
enum News {
    Picked(Result<Vec<PathBuf>, NoChooser>),
    Pasted(Result<Media, String>),
    /// A file by address: nothing had to be read.
    Named(Media),
}

/// Files that are being attached, and the form for addresses.
pub struct Attachments {
    news: (Sender<News>, Receiver<News>),
    /// The typed address, and what is wrong with it.
    address: String,
    problem: Option<String>,
    /// The form for paths, open if there is no file chooser.
    form: Option<PathForm>,
    /// Files that are being read.
    reading: Vec<Asked<Result<Media, String>>>,
    /// Pasted images that are being encoded.
    encoding: usize,
}

impl Default for Attachments {
    fn default() -> Self {
        Self {
            news: channel(),
            address: String::new(),
            problem: None,
            form: None,
            reading: Vec::new(),
            encoding: 0,
        }
    }
}

impl std::fmt::Debug for Attachments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachments").finish_non_exhaustive()
    }
}

impl Attachments {
    /// Returns the files that have become ready since the last frame, or why one has not. Asks the engine to read those
    /// that were chosen or dropped.
    pub fn take(
        &mut self,
        ctx: &Context,
        commands: &mut Vec<Command>,
    ) -> Vec<Result<Media, String>> {
        let (mut arrived, mut paths) = (Vec::new(), Vec::new());
        while let Ok(news) = self.news.1.try_recv() {
            match news {
                News::Picked(Ok(picked)) => paths.extend(picked),
                News::Picked(Err(NoChooser)) => self.form = Some(PathForm::default()),
                News::Pasted(image) => {
                    self.encoding -= 1;
                    self.settle(image.as_ref().err());
                    arrived.push(image);
                }
                News::Named(media) => arrived.push(Ok(media)),
            }
        }
        let mut read = Vec::new();
        self.reading.retain_mut(|reading| {
            read.extend(reading.take());
            reading.is_waiting()
        });
        for file in read {
            self.settle(file.as_ref().err());
            arrived.push(file);
        }
        let (dropped, pasted) = ctx.input(|input| {
            let dropped: Vec<PathBuf> = (input.raw.dropped_files.iter())
                .map(|file| file.path().to_owned())
                .collect();
            let pasted: Vec<Arc<ColorImage>> = (input.events.iter())
                .filter_map(|event| match event {
                    egui::Event::PasteImage(image) => Some(image.clone()),
                    _ => None,
                })
                .collect();
            (dropped, pasted)
        });
        for path in paths.into_iter().chain(dropped) {
            let (reply, reading) = ask();
            self.reading.push(reading);
            commands.push(Command::ReadFile { path, reply });
        }
        self.encoding += pasted.len();
        for image in pasted {
            self.encode(ctx, image);
        }
        arrived
    }

    /// Whether a file is still being attached: a prompt sent now would lack it.
    pub fn is_busy(&self) -> bool {
        self.encoding > 0 || !self.reading.is_empty()
    }

    /// Tells the form for paths that a file is ready, or why it failed.
    fn settle(&mut self, problem: Option<&String>) {
        if let (Some(form), Some(why)) = (&mut self.form, problem) {
            form.failed(why);
        }
        if !self.is_busy() {
            self.form.take_if(|form| !form.settled());
        }
    }

    /// The form for paths, while it is open.
    pub fn form_ui(&mut self, ctx: &Context, theme: &Theme) {
        let Some(form) = &mut self.form else { return };
        match form.ui(ctx, theme) {
            Step::Stays => {}
            Step::Close => self.form = None,
            Step::Attach(paths) => drop(self.news.0.send(News::Picked(Ok(paths)))),
        }
    }

    /// Opens the system's file dialog.
    pub fn pick(&self, ctx: &Context) {
        let (sender, ctx) = (self.news.0.clone(), ctx.clone());
        in_background("file-dialog", move || {
            let dialog = rfd::FileDialog::new()
                .set_title("Attach files")
                .add_filter(
                    "Images, PDF, sound, video, text",
                    &[
                        "png", "jpg", "jpeg", "gif", "webp", "heic", "pdf", "wav", "mp3", "ogg",
                        "flac", "m4a", "mp4", "webm", "mov", "txt", "md", "csv", "json",
                    ],
                )
                .add_filter("All files", &["*"]);
            // If the window is gone, nobody receives this.
            let _ = sender.send(News::Picked(chooser::pick(dialog)));
            ctx.request_repaint();
        });
    }

    /// The button and the form for a file that the provider fetches.
    pub fn address_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let button = icon_button(ui, theme, icons::GLOBE, "Attach by address…");
        let popup = Popup::from_toggle_button_response(&button)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name("Attach by address")
            .width(360.0);
        popup.show(|ui| {
            ui.set_width(344.0);
            ui.label(caption(
                theme,
                "The provider fetches it: https://… or, with Gemini, gs://…",
            ));
            let edit = TextEdit::singleline(&mut self.address)
                .hint_text(RichText::new("gs://bucket/talk.mp4").color(theme.text_dim))
                .desired_width(f32::INFINITY)
                .margin(vec2(8.0, 5.0));
            let field = ui.add(edit).accessible_name("Address of the file");
            if field.changed() {
                self.problem = None;
            }
            if button.clicked() {
                field.request_focus();
            }
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if let Some(problem) = &self.problem {
                let text = RichText::new(problem).size(size::SMALL).color(theme.bad);
                ui.add(egui::Label::new(text).wrap());
            }
            if ui.button("Attach").clicked() || entered {
                match Media::at(&self.address) {
                    Ok(media) => {
                        let _ = self.news.0.send(News::Named(media));
                        self.address.clear();
                        ui.close();
                    }
                    Err(why) => self.problem = Some(why),
                }
            }
        });
    }

    fn encode(&self, ctx: &Context, image: Arc<ColorImage>) {
        let (sender, ctx) = (self.news.0.clone(), ctx.clone());
        in_background("paste-image", move || {
            let _ = sender.send(News::Pasted(png(&image)));
            ctx.request_repaint();
        });
    }
}

/// Shows files in a row, each with a remove button if `removable`; returns the index of the one to remove.
pub fn row_ui(ui: &mut Ui, theme: &Theme, images: &[Media], removable: bool) -> Option<usize> {
    let mut removed = None;
    if images.is_empty() {
        return None;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (index, image) in images.iter().enumerate() {
            let frame = Frame::new()
                .fill(theme.raised)
                .corner_radius(CornerRadius::same(RADIUS))
                .inner_margin(Margin::symmetric(6, 4));
            frame.show(ui, |ui| {
                ui.horizontal(|ui| {
                    thumb_ui(ui, theme, image);
                    let kind = if image.is_image() { "image" } else { "file" };
                    let about = match &image.uri {
                        Some(_) => "by address".to_owned(),
                        None => bytes_text(image.data.len()),
                    };
                    let name: String = image.name.chars().take(24).collect();
                    ui.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 0.0;
                        ui.label(
                            tiny(theme, if name.is_empty() { kind } else { &name })
                                .color(theme.text),
                        );
                        let whence = image.uri.as_deref().unwrap_or_default();
                        ui.label(tiny(theme, about))
                            .on_hover_text(format!("{} {whence}", image.mime).trim());
                    });
                    let name = format!("Remove {kind} {}", index + 1);
                    if removable && icon_button(ui, theme, icons::CLOSE, &name).clicked() {
                        removed = Some(index);
                    }
                });
            });
        }
    });
    removed
}

/// Shows a thumbnail of an image, or the icon of its file type.
fn thumb_ui(ui: &mut Ui, theme: &Theme, image: &Media) {
    if !image.is_image() || image.uri.is_some() {
        let icon = icon_of(&image.mime);
        ui.label(RichText::new(icon).size(18.0).color(theme.text_dim));
        return;
    }
    let look = parts::look(ui.ctx(), &image.data);
    let texture = match look {
        FileSummary::Fits(size) => parts::texture(ui.ctx(), &image.data, size, THUMB),
        _ => None,
    };
    if let Some(texture) = texture {
        let shown = egui::Image::new(&texture)
            .max_size(vec2(44.0, 36.0))
            .alt_text(format!("Image {}", image.name));
        ui.add(shown.corner_radius(3));
        return;
    }
    let (rect, response) = ui.allocate_exact_size(vec2(36.0, 36.0), Sense::hover());
    let font = egui::FontId::proportional(16.0);
    ui.painter().text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        icons::IMAGE,
        font,
        theme.text_dim,
    );
    if let FileSummary::TooLarge([width, height]) = look {
        response.on_hover_text(format!(
            "{width} × {height} pixels: too large for a preview"
        ));
    }
}

fn png(pasted: &ColorImage) -> Result<Media, String> {
    let [width, height] = pasted.size;
    let pixels = pasted
        .pixels
        .iter()
        .flat_map(egui::Color32::to_srgba_unmultiplied)
        .collect();
    let size = u32::try_from(width).ok().zip(u32::try_from(height).ok());
    let image = size
        .and_then(|(width, height)| image::RgbaImage::from_raw(width, height, pixels))
        .ok_or("The pasted image is damaged")?;
    let mut data = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut data, image::ImageFormat::Png)
        .map_err(|error| format!("The pasted image can’t be encoded: {error}"))?;
    Ok(Media {
        uri: None,
        mime: "image/png".to_owned(),
        data: data.into_inner().into(),
        name: "pasted.png".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_image_becomes_a_png_and_a_thumbnail() {
        let pasted = ColorImage::filled([300, 200], egui::Color32::RED);
        let image = png(&pasted).unwrap();
        assert!(image.data.starts_with(b"\x89PNG"));
        assert_eq!(parts::decoded(&image.data, THUMB).unwrap().size, [144, 96]);
        assert!(parts::decoded(b"not an image", THUMB).is_none());
    }
}
