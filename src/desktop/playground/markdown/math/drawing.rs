//! A formula at a size: one galley of all its characters and bars, and a picture of each of its other shapes.

use std::sync::Arc;

use egui::{
    Color32, FontId, Galley, Mesh, Pos2, Rect, TextureHandle, TextureOptions, Ui,
    cache::FramePublisher,
    epaint::text::RowVisuals,
    pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};

use super::{
    Formula, coverage,
    formula::{FormulaMark, MarkShape},
};
use crate::desktop::playground::markdown::growing;

/// The formulas that the last frame drew, by their address, their em and the pixels of a point.
type Drawings = FramePublisher<(usize, u32, u32), Arc<Drawing>>;

/// A formula at one size.
struct Drawing {
    /// Keeps the formula alive, so that no other one gets its address.
    formula: Arc<Formula>,
    galley: Arc<Galley>,
    pictures: Vec<FormulaPicture>,
    /// A new one after egui has dropped all glyphs; then those of `galley` are gone, too.
    letter: Arc<Galley>,
}

/// Polygons as a picture.
struct FormulaPicture {
    texture: TextureHandle,
    place: Rect,
    color: Option<Color32>,
}

/// Draws a formula whose baseline begins at `origin`; `em` is in points, `color` is for what names no colour.
pub fn paint(ui: &Ui, formula: &Arc<Formula>, em: f32, origin: Pos2, color: Color32) {
    let reach = Rect::from_min_max(
        origin - vec2(em, (formula.ascent + 1.0) * em),
        origin + vec2(formula.width + 1.0, formula.descent + 1.0) * em,
    );
    if !ui.is_rect_visible(reach) {
        return;
    }
    let drawing = drawing(ui, formula, em);
    let pixels = ui.pixels_per_point();
    let origin = (origin.to_vec2() * pixels).round() / pixels;
    ui.painter()
        .galley(origin.to_pos2(), Arc::clone(&drawing.galley), color);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    for picture in &drawing.pictures {
        let place = picture.place.translate(origin);
        let color = picture.color.unwrap_or(color);
        (ui.painter()).image(picture.texture.id(), place, whole, color);
    }
}

fn drawing(ui: &Ui, formula: &Arc<Formula>, em: f32) -> Arc<Drawing> {
    let pixels = ui.pixels_per_point();
    let address = Arc::as_ptr(formula).addr();
    let key = (address, em.to_bits(), pixels.to_bits());
    let letter = growing::letter(ui);
    let before = ui.memory_mut(|memory| memory.caches.cache::<Drawings>().get(&key).cloned());
    let before =
        before.filter(|b| Arc::ptr_eq(&b.letter, &letter) && Arc::ptr_eq(&b.formula, formula));
    let drawing = before.unwrap_or_else(|| Arc::new(Drawing::new(ui, formula, em, letter)));
    let kept = Arc::clone(&drawing);
    ui.memory_mut(|memory| memory.caches.cache::<Drawings>().set(key, kept));
    drawing
}

impl Drawing {
    fn new(ui: &Ui, formula: &Arc<Formula>, em: f32, letter: Arc<Galley>) -> Self {
        #[cfg(test)]
        super::tests::note_drawing();
        let scale = em * ui.pixels_per_point();
        let mut mesh = Mesh::default();
        let mut pictures = Vec::new();
        for mark in &formula.marks {
            match &mark.shape {
                MarkShape::Glyph { .. } => add_glyph(ui, &mut mesh, mark, em),
                MarkShape::Rect(rect) => {
                    let color = mark.color.unwrap_or(Color32::PLACEHOLDER);
                    mesh.add_colored_rect(on_pixels(ui, *rect, scale), color);
                }
                MarkShape::Polygons(polygons) => {
                    pictures.extend(picture(ui, polygons, scale, mark.color));
                }
            }
        }
        Self {
            formula: Arc::clone(formula),
            galley: Arc::new(galley_of(&letter, &mesh)),
            pictures,
            letter,
        }
    }
}

/// Adds a character where it stands, horizontally to a quarter of a pixel, as egui places the letters of a text.
fn add_glyph(ui: &Ui, mesh: &mut Mesh, mark: &FormulaMark, em: f32) {
    let MarkShape::Glyph {
        family,
        character,
        at,
        size,
    } = &mark.shape
    else {
        return;
    };
    let pixels = ui.pixels_per_point();
    let quarters = (at.x * em * pixels * 4.0).round();
    let left = (quarters / 4.0).floor();
    let color = mark.color.unwrap_or(Color32::PLACEHOLDER);
    let format = TextFormat::simple(FontId::new(size * em, family.clone()), color);
    let mut job = LayoutJob::default();
    let part_of_a_pixel = (quarters / 4.0 - left) / pixels;
    job.append(&character.to_string(), part_of_a_pixel, format);
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let Some((row, glyph)) = (galley.rows.first()).and_then(|r| Some((r, r.glyphs.first()?)))
    else {
        return;
    };
    let baseline = (at.y * em * pixels).round() / pixels;
    let mut letter = row.visuals.mesh.clone();
    letter.translate(vec2(left / pixels, baseline - glyph.pos.y));
    mesh.append(letter);
}

/// A bar in points, on whole pixels and at least one pixel thick.
fn on_pixels(ui: &Ui, rect: Rect, scale: f32) -> Rect {
    let min = (rect.min.to_vec2() * scale).round();
    let size = (rect.size() * scale).round().max(vec2(1.0, 1.0));
    Rect::from_min_size(min.to_pos2(), size) / ui.pixels_per_point()
}

fn picture(
    ui: &Ui,
    polygons: &[Vec<Pos2>],
    scale: f32,
    color: Option<Color32>,
) -> Option<FormulaPicture> {
    let scaled = |polygon: &Vec<Pos2>| polygon.iter().map(|at| *at * scale).collect();
    let polygons: Vec<Vec<Pos2>> = polygons.iter().map(scaled).collect();
    let (image, place) = coverage::picture(&polygons)?;
    Some(FormulaPicture {
        texture: (ui.ctx()).load_texture("formula", image, TextureOptions::NEAREST),
        place: place / ui.pixels_per_point(),
        color,
    })
}

/// A galley that draws this mesh, made from another one: egui has no way to make one from nothing.
fn galley_of(letter: &Galley, mesh: &Mesh) -> Galley {
    let mut galley = letter.clone();
    let bounds = mesh.calc_bounds();
    galley.mesh_bounds = bounds;
    galley.rect = bounds;
    galley.num_vertices = mesh.vertices.len();
    galley.num_indices = mesh.indices.len();
    galley.rows.truncate(1);
    for placed in &mut galley.rows {
        placed.pos = Pos2::ZERO;
        let row = Arc::make_mut(&mut placed.row);
        row.glyphs.clear();
        row.visuals = RowVisuals {
            glyph_vertex_range: 0..mesh.vertices.len(),
            mesh: mesh.clone(),
            mesh_bounds: bounds,
            ..RowVisuals::default()
        };
    }
    galley
}
