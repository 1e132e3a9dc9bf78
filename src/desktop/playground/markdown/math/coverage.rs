//! Filled polygons as a picture: how much of each pixel they cover.

use ab_glyph_rasterizer::{Rasterizer, point};
use egui::{Color32, ColorImage, Pos2, Rect};

/// The largest picture, in pixels of each side.
const MAX_SIDE: f32 = 4_096.0;

/// A white picture of polygons whose corners are in pixels, and where it stands; nothing if it would be too large.
pub fn picture(polygons: &[Vec<Pos2>]) -> Option<(ColorImage, Rect)> {
    let corners = polygons.iter().flatten().copied();
    let around = Rect::from_points(&corners.collect::<Vec<_>>());
    let around = Rect::from_min_max(around.min.floor(), around.max.ceil());
    let fits = around.is_finite() && around.is_positive() && around.size().max_elem() <= MAX_SIDE;
    if !fits {
        return None;
    }
    let size = [pixels(around.width()), pixels(around.height())];
    let mut rasterizer = Rasterizer::new(size[0], size[1]);
    let inside = |at: Pos2| point(at.x - around.min.x, at.y - around.min.y);
    for polygon in polygons {
        let ends = polygon.iter().skip(1).chain(polygon.first());
        for (start, end) in polygon.iter().zip(ends) {
            rasterizer.draw_line(inside(*start), inside(*end));
        }
    }
    let mut image = ColorImage::filled(size, Color32::TRANSPARENT);
    rasterizer.for_each_pixel(|at, covered| image.pixels[at] = white(covered));
    Some((image, around))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and 4,096"
)]
fn pixels(length: f32) -> usize {
    length as usize
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 255"
)]
fn white(covered: f32) -> Color32 {
    Color32::from_white_alpha((covered.clamp(0.0, 1.0) * 255.0).round() as u8)
}
