//! Reads as ticks, our delays, and gaps as points: one mesh each.

use egui::{Align2, FontId, Mesh, Painter, Rangef, Rect, Shape, Stroke, Ui, pos2};

use super::{Most, Plot, ShownRun};
use crate::{
    desktop::{
        inspector::{
            columns::{GapColumn, ReadColumn},
            time_axis::ns,
        },
        theme::{Theme, size},
        widgets::ms_text,
    },
    run::Run,
};

/// Index of the colour of tokens into the theme's series.
pub const TOKENS: usize = 2;
/// Index of the colour of bytes into the theme's series.
const BYTES: usize = 5;

/// Ticks: tokens above a line, bytes below it.
pub fn stream_ui(
    painter: &Painter,
    theme: &Theme,
    plot: Plot,
    strip: Rect,
    run: &Run,
    columns: &[ReadColumn],
    most: Most,
) {
    let base = strip.top() + strip.height() * 0.66;
    let (up, down) = (base - strip.top() - 4.0, strip.bottom() - base - 4.0);
    if let Some((first, last)) = run.stamps.first_token.zip(run.stamps.last_token) {
        let (begin, end) = (
            plot.x(ns(first)),
            plot.x(ns(last)).max(plot.x(ns(first)) + 1.0),
        );
        let wash = theme.series_color(TOKENS).gamma_multiply(0.09);
        painter.rect_filled(
            Rect::from_x_y_ranges(begin..=end, strip.top() + 3.0..=base),
            0,
            wash,
        );
    }
    let mut mesh = Mesh::default();
    let [tokens, bytes] = [TOKENS, BYTES].map(|color| theme.series_color(color));
    for (column, half) in columns.iter().zip(half_widths(columns)) {
        let x = strip.left() + column.x;
        let mut tick = |from: f32, to: f32, color| {
            let tick = Rect::from_x_y_ranges(x - half..=x + half, from.min(to)..=from.max(to));
            mesh.add_colored_rect(tick, color);
        };
        tick(
            base,
            base + 1.5 + (down - 1.5) * height(column.bytes, most.bytes),
            bytes,
        );
        if column.tokens > 0 {
            tick(
                base,
                base - 3.0 - (up - 3.0) * height(column.tokens, most.tokens),
                tokens,
            );
        }
    }
    painter.add(Shape::mesh(mesh));
    painter.hline(strip.x_range(), base, Stroke::new(1.0, theme.line_strong));
}

/// Half the width of each tick: wider where its neighbours are far.
fn half_widths(columns: &[ReadColumn]) -> impl Iterator<Item = f32> {
    let far = f32::INFINITY;
    (0..columns.len()).map(move |place| {
        let x = columns[place].x;
        let before = place
            .checked_sub(1)
            .map_or(far, |before| x - columns[before].x);
        let after = columns.get(place + 1).map_or(far, |after| after.x - x);
        (before.min(after) * 0.2).clamp(0.6, 1.5)
    })
}

/// A tick's share of the full height: by the square root, so that one token beside a hundred still shows.
fn height(part: u64, most: u64) -> f32 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a height on screen"
    )]
    let share = (part as f64 / most.max(1) as f64).sqrt() as f32;
    share
}

/// Our delay of each read, as high as its share of the longest that is shown.
pub fn delay_ui(painter: &Painter, theme: &Theme, strip: Rect, columns: &[ReadColumn]) {
    let most = columns.iter().filter_map(|column| column.delay).max();
    let mut mesh = Mesh::default();
    let base = strip.bottom() - 4.0;
    for column in columns {
        let Some(delay) = column.delay else { continue };
        let share = height(delay.into(), most.unwrap_or(0).into());
        let top = base - 1.0 - (strip.height() - 8.0) * share;
        let x = strip.left() + column.x;
        mesh.add_colored_rect(
            Rect::from_x_y_ranges(x - 0.7..=x + 0.7, top..=base),
            theme.warn,
        );
    }
    painter.add(Shape::mesh(mesh));
}

/// Gaps by their length, on a logarithmic scale from the shortest to the longest, with lines at powers of ten.
pub fn gaps_ui(
    ui: &Ui,
    painter: &Painter,
    theme: &Theme,
    strip: Rect,
    shown: &ShownRun<'_>,
    columns: &[GapColumn],
) {
    let (shortest, longest) = shown.facts.gap_range.unwrap_or((1, 1));
    // At least a decade, so that even gaps are no noise.
    let top = log(longest) + 0.15;
    let bottom = (log(shortest) - 0.15).min(top - 1.0);
    let area = Rangef::new(strip.top() + 8.0, strip.bottom() - 4.0);
    let y = |log: f32| area.max - (log - bottom) / (top - bottom) * area.span();
    #[expect(clippy::cast_possible_truncation, reason = "powers of ten of a time")]
    let decades = (bottom.ceil() as i32..=top.floor() as i32).rev();
    let mut free = strip.top() + 24.0;
    for decade in decades {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let line = y(decade as f32);
        painter.hline(strip.x_range(), line, theme.hairline());
        if line - 6.0 < free {
            continue;
        }
        free = line + 8.0;
        let text = ms_text(10_f64.powi(decade - 6));
        let font = FontId::proportional(size::TINY);
        ui.painter().text(
            pos2(strip.left() - 10.0, line),
            Align2::RIGHT_CENTER,
            text,
            font,
            theme.text_dim,
        );
    }
    let mut mesh = Mesh::default();
    for column in columns {
        let color = if column.has_stall {
            theme.bad
        } else {
            theme.series_color(0)
        };
        #[expect(clippy::cast_precision_loss, reason = "a place on screen")]
        let x = strip.left() + column.x as f32;
        let radius = if column.has_stall { 2.6 } else { 1.5 };
        let high = y(log(column.longest)) - radius;
        let low = y(log(column.shortest)) + radius;
        mesh.add_colored_rect(
            Rect::from_x_y_ranges(x - radius..=x + radius, high..=low),
            color,
        );
    }
    painter.add(Shape::mesh(mesh));
}

/// The power of ten of a time in nanoseconds.
fn log(ns: u64) -> f32 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a height on screen"
    )]
    let log = (ns.max(1) as f64).log10() as f32;
    log
}
