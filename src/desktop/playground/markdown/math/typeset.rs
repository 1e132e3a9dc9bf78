//! Typesets a formula by RaTeX, a port of KaTeX.

use std::panic::catch_unwind;

use egui::{Color32, FontFamily, Pos2, Rect, pos2, vec2};
use ratex_layout::{LayoutOptions, layout, to_display_list};
use ratex_types::{Color, DisplayItem, DisplayList, MathStyle, PathCommand};

use super::{
    formula::{Formula, FormulaMark, MarkShape},
    source::WrittenFormula,
};
use crate::desktop::fonts::math_family;

/// A wider formula, in ems, stays its source.
const MAX_WIDTH: f32 = 300.0;
/// A higher one, too.
const MAX_HEIGHT: f32 = 100.0;
/// And one of more marks.
const MAX_MARKS: usize = 4_000;
/// Into how many lines a curve is cut.
const LINES: u8 = 8;

/// Typesets a formula; nothing if it can't be drawn as it is meant.
pub fn typeset(written: &WrittenFormula<'_>) -> Option<Formula> {
    #[cfg(test)]
    super::tests::note_typesetting();
    // A fault of the library costs the formula, not the window.
    let list = catch_unwind(|| display_list(written)).ok().flatten()?;
    let formula = Formula {
        display: written.display,
        width: single(list.width),
        ascent: single(list.height),
        descent: single(list.depth),
        marks: marks(&list)?,
    };
    is_in_bounds(&formula).then_some(formula)
}

fn display_list(written: &WrittenFormula<'_>) -> Option<DisplayList> {
    let nodes = ratex_parser::parse(written.tex).ok()?;
    let style = if written.display {
        MathStyle::Display
    } else {
        MathStyle::Text
    };
    let options = LayoutOptions {
        style,
        ..LayoutOptions::default()
    };
    let list = to_display_list(&layout(&nodes, &options));
    (list.items.len() <= MAX_MARKS).then_some(list)
}

/// The list's marks, seen from the baseline; nothing if one can't be drawn.
fn marks(list: &DisplayList) -> Option<Vec<FormulaMark>> {
    let baseline = vec2(0.0, single(list.height));
    let at = |x: f64, y: f64| pos2(single(x), single(y)) - baseline;
    let mark = |item: &DisplayItem| {
        let (shape, color) = match item {
            DisplayItem::GlyphPath {
                x,
                y,
                scale,
                font,
                char_code,
                color,
                ..
            } => {
                let glyph = MarkShape::Glyph {
                    family: family(font),
                    character: char::from_u32(*char_code)?,
                    at: at(*x, *y),
                    size: single(*scale),
                };
                (glyph, color)
            }
            DisplayItem::Line {
                x,
                y,
                width,
                thickness,
                color,
                ..
            } => {
                let top_left = at(*x, y - thickness / 2.0);
                let size = vec2(single(*width), single(*thickness));
                let bar = Rect::from_min_size(top_left, size);
                (MarkShape::Rect(bar), color)
            }
            DisplayItem::Rect {
                x,
                y,
                width,
                height,
                color,
            } => {
                let size = vec2(single(*width), single(*height));
                let rect = Rect::from_min_size(at(*x, *y), size);
                (MarkShape::Rect(rect), color)
            }
            DisplayItem::Path {
                x,
                y,
                commands,
                fill: true,
                color,
            } => {
                let polygons = polygons(at(*x, *y), commands);
                (MarkShape::Polygons(polygons), color)
            }
            DisplayItem::Path { .. } => return None,
        };
        let color = own_color(*color);
        Some(FormulaMark { shape, color })
    };
    list.items.iter().map(mark).collect()
}

/// The font of a face; text that KaTeX's faces lack, such as Chinese, is in the window's own.
fn family(face: &str) -> FontFamily {
    math_family(face).unwrap_or(FontFamily::Proportional)
}

/// The colour that the formula itself names. RaTeX writes black where it names none.
fn own_color(color: Color) -> Option<Color32> {
    let Color { r, g, b, a } = color;
    let named = Color32::from_rgba_unmultiplied(byte(r), byte(g), byte(b), byte(a));
    (color != Color::BLACK).then_some(named)
}

/// The closed lines of a path that begins at `origin`, its curves cut into straight ones.
fn polygons(origin: Pos2, commands: &[PathCommand]) -> Vec<Vec<Pos2>> {
    let at = |x: f64, y: f64| origin + vec2(single(x), single(y));
    let mut polygons: Vec<Vec<Pos2>> = Vec::new();
    for command in commands {
        if let PathCommand::MoveTo { x, y } = *command {
            polygons.push(vec![at(x, y)]);
            continue;
        }
        let Some(polygon) = polygons.last_mut() else {
            continue;
        };
        let from = polygon.last().copied().unwrap_or(origin);
        let steps = (1..=LINES).map(|step| f32::from(step) / f32::from(LINES));
        match *command {
            PathCommand::LineTo { x, y } => polygon.push(at(x, y)),
            PathCommand::QuadTo { x1, y1, x, y } => {
                let (by, to) = (at(x1, y1), at(x, y));
                polygon.extend(steps.map(|t| from.lerp(by, t).lerp(by.lerp(to, t), t)));
            }
            PathCommand::CubicTo {
                x1,
                y1,
                x2,
                y2,
                x,
                y,
            } => {
                let (first, second, to) = (at(x1, y1), at(x2, y2), at(x, y));
                polygon.extend(steps.map(|t| {
                    let middle = first.lerp(second, t);
                    let head = from.lerp(first, t).lerp(middle, t);
                    head.lerp(middle.lerp(second.lerp(to, t), t), t)
                }));
            }
            PathCommand::MoveTo { .. } | PathCommand::Close => {}
        }
    }
    polygons
}

/// Whether a formula has a sensible size, and stands in it.
fn is_in_bounds(formula: &Formula) -> bool {
    let height = formula.ascent + formula.descent;
    let inside = |at: Pos2| at.x.abs() <= 2.0 * MAX_WIDTH && at.y.abs() <= 2.0 * MAX_HEIGHT;
    let sized = (0.0..=MAX_WIDTH).contains(&formula.width) && (0.0..=MAX_HEIGHT).contains(&height);
    let mark = |mark: &FormulaMark| match &mark.shape {
        MarkShape::Glyph { at, size, .. } => inside(*at) && (0.05..=10.0).contains(size),
        MarkShape::Rect(rect) => inside(rect.min) && inside(rect.max),
        MarkShape::Polygons(polygons) => polygons.iter().flatten().all(|at| inside(*at)),
    };
    sized && formula.marks.iter().all(mark)
}

#[expect(clippy::cast_possible_truncation, reason = "ems, on a screen")]
fn single(length: f64) -> f32 {
    length as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 255"
)]
fn byte(part: f32) -> u8 {
    (part.clamp(0.0, 1.0) * 255.0).round() as u8
}
