//! Tables: columns fit the available width, and text wraps in its cell.

use egui::{Align, Galley, Label, Rect, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use super::{
    element::Table,
    links::{faux_bold_ui, links_ui},
    marks::marks_ui,
    math::formulas_ui,
};
use crate::desktop::theme::Theme;

/// Minimum width of a column; a table that needs more space scrolls.
const MIN_COLUMN: f32 = 56.0;
const CELL: egui::Vec2 = vec2(8.0, 4.0);

/// Shows a table in the available width; one with too many columns scrolls.
pub fn table_ui(ui: &mut Ui, theme: &Theme, table: &Table) {
    let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
    if columns == 0 {
        return;
    }
    let natural = natural_widths(ui, table, columns);
    let room = ui.available_width();
    #[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
    let least = columns as f32 * (MIN_COLUMN + 2.0 * CELL.x);
    if least > room {
        egui::ScrollArea::horizontal().show(ui, |ui| {
            rows_ui(ui, theme, table, &fitted(&natural, least.max(room * 1.5)));
        });
    } else {
        rows_ui(ui, theme, table, &fitted(&natural, room));
    }
}

fn natural_widths(ui: &Ui, table: &Table, columns: usize) -> Vec<f32> {
    let mut widths = vec![16.0_f32; columns];
    for row in &table.rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            let galley = ui.fonts_mut(|fonts| fonts.layout_job(cell.job.clone()));
            *width = width.max(galley.size().x.ceil() + 2.0 * CELL.x);
        }
    }
    widths
}

/// Column widths within `room`: narrow columns keep their width, wide ones share the rest.
fn fitted(natural: &[f32], room: f32) -> Vec<f32> {
    let mut widths = natural.to_vec();
    let mut left = room;
    let mut open: Vec<usize> = (0..natural.len()).collect();
    loop {
        #[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
        let share = left / open.len().max(1) as f32;
        let (narrow, wide): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|i| natural[**i] <= share);
        if narrow.is_empty() || wide.is_empty() {
            for index in open {
                widths[index] = natural[index].min(share.max(MIN_COLUMN));
            }
            return widths;
        }
        left -= narrow.iter().map(|i| natural[*i]).sum::<f32>();
        open = wide;
    }
}

fn rows_ui(ui: &mut Ui, theme: &Theme, table: &Table, widths: &[f32]) {
    let left = ui.cursor().left();
    let width: f32 = widths.iter().sum();
    for (number, row) in table.rows.iter().enumerate() {
        let top = ui.cursor().top();
        let galleys: Vec<_> = (row.iter().zip(widths))
            .map(|(cell, width)| {
                let mut job = cell.job.clone();
                job.wrap.max_width = (width - 2.0 * CELL.x).max(1.0);
                ui.fonts_mut(|fonts| fonts.layout_job(job))
            })
            .collect();
        // Lines of code are lower: they are centred on the lines beside them.
        let first = |galley: &Galley| galley.rows.first().map_or(0.0, |row| row.rect().height());
        let line = galleys.iter().map(|g| first(g)).fold(0.0, f32::max);
        let tall = |galley: &Galley| galley.size().y + (line - first(galley)) / 2.0;
        let height = galleys.iter().map(|g| tall(g)).fold(0.0, f32::max) + 2.0 * CELL.y;
        let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        let mut x = left;
        for (index, (galley, column)) in galleys.into_iter().zip(widths).enumerate() {
            let room = column - 2.0 * CELL.x - galley.size().x;
            let shift = match table.align.get(index) {
                Some(Align::Center) => room / 2.0,
                Some(Align::Max) => room,
                _ => 0.0,
            };
            let down = (line - first(&galley)) / 2.0;
            let min = pos2(x + CELL.x + shift.max(0.0), top + CELL.y + down);
            let area = Rect::from_min_size(min, galley.size());
            // Placed inside the row's rectangle, not after it: a cell must not move the next row.
            let mut inside = ui.new_child(UiBuilder::new().id_salt((number, index)).max_rect(area));
            inside.add(Label::new(galley.clone()));
            marks_ui(ui, &galley, area.min);
            if let Some(cell) = row.get(index) {
                faux_bold_ui(ui, cell, &galley, number * 1000 + index, area.min);
                formulas_ui(ui, cell, &galley, area.min);
                links_ui(ui, cell, &galley, area, number * 1000 + index);
            }
            x += column;
        }
        let line = if number == 0 {
            theme.line_strong
        } else {
            theme.line
        };
        ui.painter().hline(
            rect.left()..=left + width,
            rect.bottom(),
            Stroke::new(1.0, line),
        );
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::{
        super::{element::Element, ink::Ink, parse},
        *,
    };
    use crate::desktop::theme::DARK;

    #[test]
    fn rows_never_overlap_whichever_cell_wraps() {
        let long = "a cell that needs many lines in so narrow a table";
        for row in [
            format!("| {long} | b | c |"),
            format!("| a | {long} | c |"),
            format!("| a | b | {long} |"),
        ] {
            let source = format!("| A | B | C |\n|---|---|---|\n{row}\n{row}\n| x | y | z |\n");
            let harness = egui_kittest::Harness::builder()
                .with_size([240.0, 600.0])
                .with_context_setup(crate::desktop::theme::install)
                .build_ui(move |ui| {
                    let elements = parse::elements(&source, &Ink::of(&DARK));
                    let [Element::Table(table)] = &elements[..] else {
                        panic!("one table");
                    };
                    table_ui(ui, &DARK, table);
                });
            let cells: Vec<Rect> = (harness.query_all_by_role(egui::Role::Label))
                .map(|cell| cell.rect())
                .collect();
            assert_eq!(cells.len(), 12);
            for rows in cells.chunks(3).collect::<Vec<_>>().windows(2) {
                let foot = rows[0].iter().map(Rect::bottom).fold(0.0, f32::max);
                let head = rows[1].iter().map(Rect::top).fold(f32::MAX, f32::min);
                assert!(foot <= head, "{row}: {foot} > {head}");
            }
        }
    }

    #[test]
    fn narrow_columns_keep_their_width() {
        assert_eq!(fitted(&[50.0, 60.0], 200.0), [50.0, 60.0]);
        assert_eq!(fitted(&[50.0, 500.0, 500.0], 450.0), [50.0, 200.0, 200.0]);
    }
}
