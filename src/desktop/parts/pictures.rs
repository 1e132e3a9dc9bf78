//! Pictures within a memory budget: half a megabyte of PNG can decode to half a gigabyte of pixels.
//!
//! In: encoded files. Out: textures no larger than they are shown. The size is read from the header before anything
//! is decoded; a thread decodes one picture at a time. The cache is keyed by content, and drops what has not been
//! shown for longest first.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::Cursor,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use egui::{ColorImage, Context, Id, ImageData, TextureHandle, TextureOptions};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use super::in_background;
use crate::chat::{Contents, Sha256};

/// Largest picture that is decoded, in pixels: 4,096 × 4,096.
const MAX_PIXELS: u64 = 1 << 24;
/// Most bytes that one picture may take up while it is decoded.
const MAX_DECODED: u64 = 96 << 20;
/// Most bytes of all decoded pictures in the cache.
const MAX_HELD: usize = 64 << 20;

/// What is known of a file without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSummary {
    /// Nothing yet.
    Coming,
    /// A picture of this width and height that can be shown.
    Fits([u32; 2]),
    /// A picture of this width and height, too large to be decoded.
    TooLarge([u32; 2]),
    /// Not a picture that can be shown.
    Unknown,
}

/// Reads a file's header.
#[must_use]
pub fn look_at(data: &[u8]) -> FileSummary {
    let Some(decoder) = decoder(data, Limits::no_limits()) else {
        return FileSummary::Unknown;
    };
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED {
        FileSummary::TooLarge([width, height])
    } else {
        FileSummary::Fits([width, height])
    }
}

/// Decodes a picture and scales it down to this longest edge; `None` if that is not possible within the budget.
#[must_use]
pub fn decoded(data: &[u8], longest: u32) -> Option<ColorImage> {
    if !matches!(look_at(data), FileSummary::Fits(_)) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * MAX_DECODED);
    let image = DynamicImage::from_decoder(decoder(data, limits)?).ok()?;
    let image = if image.width().max(image.height()) > longest {
        image.thumbnail(longest, longest)
    } else {
        image
    };
    let image = image.into_rgba8();
    let size = [image.width() as usize, image.height() as usize];
    Some(ColorImage::from_rgba_unmultiplied(size, image.as_raw()))
}

fn decoder(data: &[u8], limits: Limits) -> Option<impl ImageDecoder> {
    let mut reader = ImageReader::new(Cursor::new(data))
        .with_guessed_format()
        .ok()?;
    reader.limits(limits);
    reader.into_decoder().ok()
}

/// The pictures of a window: one cache for all views, stored in egui's memory.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<CachedPicture>>);

/// A picture's content hash, and the longest edge it was scaled to.
type Key = (Sha256, u32);

#[derive(Default)]
struct CachedPicture {
    looks: HashMap<Sha256, FileSummary>,
    pictures: HashMap<Key, Picture>,
    jobs: VecDeque<PictureJob>,
    /// Files being worked on, by the address of their bytes: their hash may not be known yet.
    asked: HashSet<(usize, u32)>,
    working: bool,
    /// Bytes of all pictures that are decoded or being decoded.
    bytes: usize,
}

struct Picture {
    pixels: Pixels,
    bytes: usize,
    /// The frame in which it was last shown.
    shown: u64,
}

enum Pixels {
    /// Being decoded, its bytes reserved.
    Coming,
    Decoded(Arc<ColorImage>),
    Ready(TextureHandle),
    /// Broken, although its header was valid.
    Broken,
}

/// A job for the thread: read a file's header if `side` is 0, else decode its pixels.
struct PictureJob {
    data: Contents,
    side: u32,
}

/// What is known of a file so far; starts finding out the rest, and repaints when that is done.
pub fn look(ctx: &Context, data: &Contents) -> FileSummary {
    let shelf = Shelf::of(ctx);
    let mut kept = shelf.lock();
    let known = data.known_sha256();
    let known = known.and_then(|hash| kept.looks.get(&hash).copied());
    known.unwrap_or_else(|| {
        shelf.ask(ctx, &mut kept, data, 0);
        FileSummary::Coming
    })
}

/// A picture of this size as a texture, its longest edge at most `side` pixels; `None` while it is decoded and while
/// the budget has no room for it.
pub fn texture(
    ctx: &Context,
    data: &Contents,
    pixels: [u32; 2],
    side: u32,
) -> Option<TextureHandle> {
    let frame = ctx.cumulative_frame_nr();
    let key = (data.known_sha256()?, side);
    let shelf = Shelf::of(ctx);
    let mut kept = shelf.lock();
    let Some(picture) = kept.pictures.get_mut(&key) else {
        let bytes = bytes_of(pixels, side);
        if kept.make_room(bytes, frame) {
            kept.reserve(key, bytes, frame);
            shelf.ask(ctx, &mut kept, data, side);
        }
        return None;
    };
    picture.shown = frame;
    if let Pixels::Decoded(image) = &picture.pixels {
        let image = ImageData::Color(Arc::clone(image));
        let texture = ctx.load_texture("picture", image, TextureOptions::LINEAR);
        picture.pixels = Pixels::Ready(texture);
    }
    match &picture.pixels {
        Pixels::Ready(texture) => Some(texture.clone()),
        _ => None,
    }
}

/// Bytes of all pictures that a window holds or is decoding.
#[cfg(test)]
pub(super) fn held_bytes(ctx: &Context) -> usize {
    Shelf::of(ctx).lock().bytes
}

/// The bytes of a picture that is scaled down to `side`.
fn bytes_of([width, height]: [u32; 2], side: u32) -> usize {
    let (width, height) = (u64::from(width), u64::from(height));
    let longest = width.max(height).max(1);
    let shown = longest.min(side.into());
    let bytes = 4 * (width * shown).div_ceil(longest) * (height * shown).div_ceil(longest);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl Shelf {
    fn of(ctx: &Context) -> Self {
        ctx.data_mut(|data| data.get_temp_mut_or_default::<Self>(Id::NULL).clone())
    }

    fn lock(&self) -> MutexGuard<'_, CachedPicture> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, ctx: &Context, kept: &mut CachedPicture, data: &Contents, side: u32) {
        if !kept.asked.insert((data.as_ptr().addr(), side)) {
            return;
        }
        let data = data.clone();
        kept.jobs.push_back(PictureJob { data, side });
        if !std::mem::replace(&mut kept.working, true) {
            let (worker, ctx) = (self.clone(), ctx.clone());
            in_background("pictures", move || worker.work(&ctx));
        }
    }

    /// Works off the jobs one by one until none is left.
    fn work(&self, ctx: &Context) {
        loop {
            let mut kept = self.lock();
            let Some(job) = kept.jobs.pop_front() else {
                kept.working = false;
                return;
            };
            drop(kept);
            let hash = job.data.sha256();
            let found = match job.side {
                0 => Found::FileSummary(look_at(&job.data)),
                side => Found::Pixels(decoded(&job.data, side)),
            };
            self.lock().take(&job, hash, found);
            ctx.request_repaint();
        }
    }
}

enum Found {
    FileSummary(FileSummary),
    Pixels(Option<ColorImage>),
}

impl CachedPicture {
    fn take(&mut self, job: &PictureJob, hash: Sha256, found: Found) {
        self.asked.remove(&(job.data.as_ptr().addr(), job.side));
        match found {
            Found::FileSummary(look) => {
                self.looks.insert(hash, look);
            }
            Found::Pixels(image) => {
                let Some(picture) = self.pictures.get_mut(&(hash, job.side)) else {
                    return;
                };
                let bytes = image
                    .as_ref()
                    .map_or(0, |image| size_of_val(&image.pixels[..]));
                self.bytes = self.bytes - picture.bytes + bytes;
                picture.bytes = bytes;
                picture.pixels = match image {
                    Some(image) => Pixels::Decoded(Arc::new(image)),
                    None => Pixels::Broken,
                };
            }
        }
    }

    fn reserve(&mut self, key: Key, bytes: usize, shown: u64) {
        self.bytes += bytes;
        let pixels = Pixels::Coming;
        self.pictures.insert(
            key,
            Picture {
                pixels,
                bytes,
                shown,
            },
        );
    }

    /// Drops pictures that are not on screen any more until there is room; returns whether there is.
    fn make_room(&mut self, bytes: usize, frame: u64) -> bool {
        while self.bytes + bytes > MAX_HELD {
            let unseen = self.pictures.iter().filter(|(_, picture)| {
                picture.shown + 1 < frame && !matches!(picture.pixels, Pixels::Coming)
            });
            let oldest = unseen.min_by_key(|(_, picture)| picture.shown);
            let Some(key) = oldest.map(|(key, _)| *key) else {
                return false;
            };
            let gone = self.pictures.remove(&key);
            self.bytes -= gone.map_or(0, |picture| picture.bytes);
        }
        true
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn png(width: u32, height: u32, shade: u8) -> Vec<u8> {
        let image = image::GrayImage::from_pixel(width, height, image::Luma([shade]));
        let mut data = Cursor::new(Vec::new());
        image.write_to(&mut data, image::ImageFormat::Png).unwrap();
        data.into_inner()
    }

    /// A small file whose header promises huge dimensions; the checksum of its header is right.
    pub fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut data = png(8, 8, 0);
        data[16..20].copy_from_slice(&width.to_be_bytes());
        data[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&data[12..29]);
        data[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        data
    }

    #[test]
    fn what_is_too_large_is_told_by_its_header() {
        assert_eq!(look_at(&png(40, 30, 1)), FileSummary::Fits([40, 30]));
        assert_eq!(
            look_at(&png(4_096, 4_096, 1)),
            FileSummary::Fits([4_096, 4_096])
        );
        for (width, height) in [(4_097, 4_096), (20_000, 20_000), (65_000, 300)] {
            let bomb = bomb(width, height);
            assert_eq!(look_at(&bomb), FileSummary::TooLarge([width, height]));
            assert!(decoded(&bomb, 100).is_none());
        }
        assert_eq!(look_at(b"not a picture"), FileSummary::Unknown);
        let huge = bomb(u32::MAX >> 1, u32::MAX >> 1);
        assert!(!matches!(look_at(&huge), FileSummary::Fits(_)));
        assert!(decoded(&bomb(4_000, 4_000), 100).is_none(), "cut short");
        assert_eq!(decoded(&png(400, 300, 9), 100).unwrap().size, [100, 75]);
    }

    /// Whether a picture was not refused for want of room.
    fn is_asked_for(ctx: &Context, data: &Contents, side: u32) -> bool {
        let key = (data.sha256(), side);
        Shelf::of(ctx).lock().pictures.contains_key(&key)
    }

    /// Paints all pictures once, and gives how many were ready; `None` while one is still to come.
    fn paint(ctx: &Context, pictures: &[Contents], side: u32) -> Option<usize> {
        let (mut ready, mut coming) = (0, false);
        let mut output = ctx.run_ui(egui::RawInput::default(), |_| {
            (ready, coming) = (0, false);
            for data in pictures {
                match look(ctx, data) {
                    FileSummary::Coming => coming = true,
                    FileSummary::Fits(pixels) if texture(ctx, data, pixels, side).is_some() => {
                        ready += 1;
                    }
                    FileSummary::Fits(_) => coming |= is_asked_for(ctx, data, side),
                    FileSummary::TooLarge(_) | FileSummary::Unknown => {}
                }
            }
        });
        output.textures_delta.clear();
        (!coming).then_some(ready)
    }

    /// Paints until no picture is still to come.
    fn settled(ctx: &Context, pictures: &[Contents], side: u32) -> usize {
        loop {
            if let Some(ready) = paint(ctx, pictures, side) {
                return ready;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_pictures_on_screen_stay() {
        let ctx = Context::default();
        let many: Vec<Contents> = (0..24).map(|n| png(1_000, 1_000, n).into()).collect();
        // 4 MB each: 16 of them have room.
        let ready = settled(&ctx, &many, 1_600);
        assert_eq!(ready, MAX_HELD / 4_000_000);
        assert!(held_bytes(&ctx) <= MAX_HELD);
        let last = &many[20..];
        paint(&ctx, last, 1_600);
        assert_eq!(settled(&ctx, last, 1_600), 4, "others went for them");
        assert!(held_bytes(&ctx) <= MAX_HELD);
        assert_eq!(settled(&ctx, last, 200), 4, "small ones beside them");
    }

    #[test]
    fn the_same_picture_is_decoded_once_whoever_holds_it() {
        let ctx = Context::default();
        let twice: [Contents; 2] = [png(300, 200, 5).into(), png(300, 200, 5).into()];
        assert_eq!(settled(&ctx, &twice, 150), 2);
        assert_eq!(held_bytes(&ctx), 150 * 100 * 4);
        let bombs: [Contents; 1] = [bomb(30_000, 30_000).into()];
        assert_eq!(settled(&ctx, &bombs, 150), 0);
        assert_eq!(
            look(&ctx, &bombs[0]),
            FileSummary::TooLarge([30_000, 30_000])
        );
        assert_eq!(held_bytes(&ctx), 150 * 100 * 4);
    }
}
