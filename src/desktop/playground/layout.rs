//! The layout of panes: side by side, or in a grid if they would become too narrow.

use egui::{CursorIcon, Rect, Sense, Ui, pos2, vec2};

use crate::desktop::theme::Theme;

/// Minimum width of a pane.
pub const MIN_WIDTH: f32 = 300.0;
/// Minimum height of a pane.
pub const MIN_HEIGHT: f32 = 210.0;

/// Maximum width of a text column: about 90 letters; longer lines are hard to read.
const MAX_COLUMN: f32 = 600.0;
/// Minimum space at each side of a column.
const BESIDE: f32 = 12.0;

/// The text column of a pane: centred, and no wider than [`MAX_COLUMN`].
pub fn column(pane: Rect) -> Rect {
    let beside = ((pane.width() - MAX_COLUMN) / 2.0).floor().max(BESIDE);
    pane.shrink2(vec2(beside, 0.0))
}

/// How many panes each row gets; all rows are about equally full.
pub fn rows(panes: usize, width: f32) -> Vec<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few columns"
    )]
    let fit = ((width / MIN_WIDTH) as usize).clamp(1, panes.max(1));
    let rows = panes.div_ceil(fit).max(1);
    let (least, more) = (panes / rows, panes % rows);
    (0..rows)
        .map(|row| least + usize::from(row < more))
        .collect()
}

/// The height of each row, such that no row is cut off at the bottom of the view.
pub fn row_height(rows: usize, height: f32) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few rows"
    )]
    let fit = ((height / MIN_HEIGHT) as usize).clamp(1, rows.max(1));
    #[expect(clippy::cast_precision_loss, reason = "eight at most")]
    let share = height / fit as f32;
    // If the view is lower than a row, it scrolls.
    if rows > 1 {
        share.max(MIN_HEIGHT)
    } else {
        height
    }
}

/// Divides the width by weight, with at least [`MIN_WIDTH`] for each pane where possible.
pub fn widths(weights: &[f32], width: f32) -> Vec<f32> {
    let sum: f32 = weights.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a few columns")]
    let even = width / weights.len().max(1) as f32;
    let least = MIN_WIDTH.min(even);
    let mut widths: Vec<f32> = (weights.iter())
        .map(|w| (w / sum.max(f32::EPSILON) * width).max(least))
        .collect();
    let over = widths.iter().sum::<f32>() - width;
    let spare: f32 = widths.iter().map(|w| w - least).sum();
    if over > 0.0 && spare > 0.0 {
        for width in &mut widths {
            *width -= over * (*width - least) / spare;
        }
    }
    widths
}

/// Lets the user drag the border at `x` between two panes; returns how. A double click asks for equal widths.
pub fn splitter_ui(ui: &mut Ui, theme: &Theme, x: f32, area: Rect, index: usize) -> Option<Drag> {
    let line = Rect::from_min_max(pos2(x - 3.0, area.top()), pos2(x + 3.0, area.bottom()));
    let id = ui.scope_id().with(("splitter", index));
    let response = ui.interact(line, id, Sense::click_and_drag());
    let active = response.hovered() || response.dragged();
    let color = if active { theme.accent } else { theme.line };
    ui.painter()
        .vline(x, area.y_range(), egui::Stroke::new(1.0, color));
    if active {
        ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    if response.double_clicked() {
        return Some(Drag::Even);
    }
    response
        .dragged()
        .then(|| Drag::By(response.drag_delta().x))
}

/// What the user did to a border.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drag {
    /// Moved it.
    By(f32),
    /// Asked for equal widths.
    Even,
}

/// Moves the border after pane `index` by `by` points, but leaves each pane at least [`MIN_WIDTH`].
pub fn drag(widths: &mut [f32], index: usize, by: f32) {
    if let Some([left, right]) = widths.get_mut(index..index + 2) {
        let by = by.clamp(MIN_WIDTH.min(*left) - *left, *right - MIN_WIDTH.min(*right));
        *left += by;
        *right -= by;
    }
}

/// The rectangles of one row.
pub fn row_rects(area: Rect, widths: &[f32]) -> Vec<Rect> {
    let mut left = area.left();
    (widths.iter())
        .map(|width| {
            let rect = Rect::from_min_size(pos2(left, area.top()), vec2(*width, area.height()));
            left += width;
            rect
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_about_equally_full() {
        assert_eq!(rows(2, 900.0), [2]);
        assert_eq!(rows(4, 1200.0), [4]);
        assert_eq!(rows(4, 1000.0), [2, 2]);
        assert_eq!(rows(5, 1000.0), [3, 2]);
        assert_eq!(rows(8, 1000.0), [3, 3, 2]);
        assert_eq!(rows(3, 100.0), [1, 1, 1]);
    }

    #[test]
    fn no_row_is_cut_by_the_windows_edge() {
        for (rows, height, expected) in [
            (1, 700.0, 700.0),
            (1, 100.0, 100.0),
            (2, 640.0, 320.0),
            (2, 430.0, 215.0),
            (2, 400.0, 400.0),
            (4, 640.0, 640.0 / 3.0),
            (3, 150.0, 210.0),
        ] {
            assert!(
                (row_height(rows, height) - expected).abs() < 0.01,
                "{rows} {height}"
            );
        }
    }

    #[test]
    fn a_wide_pane_has_a_column_that_is_read_with_ease() {
        for (width, left, right) in [
            (300.0, 12.0, 288.0),
            (624.0, 12.0, 612.0),
            (1848.0, 624.0, 1224.0),
        ] {
            let pane = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, 400.0));
            let column = column(pane);
            assert_eq!((column.left(), column.right()), (left, right), "{width}");
        }
    }

    #[test]
    fn no_pane_gets_too_narrow() {
        assert_eq!(widths(&[1.0, 1.0], 800.0), [400.0, 400.0]);
        let squeezed = widths(&[1.0, 99.0], 1000.0);
        assert!((squeezed[0] - 300.0).abs() < 0.01 && (squeezed[1] - 700.0).abs() < 0.01);
        let mut dragged = vec![400.0, 400.0];
        drag(&mut dragged, 0, 500.0);
        assert_eq!(dragged, [500.0, 300.0]);
    }
}
