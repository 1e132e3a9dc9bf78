//! What a frame painted, for what no name tells: colours and places.

use egui::{Color32, Rect, Shape, epaint::ClippedShape};
use egui_kittest::Harness;

fn walk<'a>(shape: &'a Shape, seen: &mut Vec<&'a Shape>) {
    match shape {
        Shape::Vec(shapes) => {
            for shape in shapes {
                walk(shape, seen);
            }
        }
        shape => seen.push(shape),
    }
}

fn shapes<'a, S>(harness: &'a Harness<'_, S>) -> Vec<&'a Shape> {
    let mut seen = Vec::new();
    let clipped: &[ClippedShape] = &harness.output().shapes;
    for one in clipped {
        walk(&one.shape, &mut seen);
    }
    seen
}

/// The colour of each piece of text that holds these words.
pub fn text_colors<S>(harness: &Harness<'_, S>, words: &str) -> Vec<Color32> {
    let texts = shapes(harness).into_iter().filter_map(|shape| match shape {
        Shape::Text(text) if text.galley.text().contains(words) => Some(text),
        _ => None,
    });
    let color = |text: &egui::epaint::TextShape| {
        let first = text.galley.job.sections.first().map(|s| s.format.color);
        text.override_text_color
            .or(first.filter(|color| *color != Color32::PLACEHOLDER))
            .unwrap_or(text.fallback_color)
    };
    texts.map(color).collect()
}

/// The filled rectangles of this height within an area, from left to right.
pub fn bars<S>(harness: &Harness<'_, S>, area: Rect, height: f32) -> Vec<(Rect, Color32)> {
    let rects = shapes(harness).into_iter().filter_map(|shape| match shape {
        Shape::Rect(rect) => Some((rect.rect, rect.fill)),
        _ => None,
    });
    let fits = |(rect, fill): &(Rect, Color32)| {
        area.contains_rect(*rect) && (rect.height() - height).abs() < 0.1 && fill.a() > 0
    };
    let mut bars: Vec<_> = rects.filter(fits).collect();
    bars.sort_by(|a, b| a.0.left().total_cmp(&b.0.left()));
    bars
}
