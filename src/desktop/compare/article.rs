//! The article's table: what each row and cell is, on hover.

use egui::{Grid, Label, RichText, Ui, vec2};

use super::arms::ShownArm;
use crate::{
    compare::{ArticleCell, ArticleTable},
    desktop::{
        theme::{Theme, caption, space, strong},
        widgets::{count, ms_text},
    },
};

/// Shows the table of one kind of connection: a row for each arm, so that many arms have room.
pub fn article_ui(ui: &mut Ui, theme: &Theme, table: &ArticleTable, arms: &[ShownArm]) {
    Grid::new("compare.article")
        .spacing(vec2(space::L, space::S))
        .show(ui, |ui| {
            ui.label("");
            for row in &table.rows {
                ui.label(strong(row.name)).on_hover_text(row.definition);
            }
            ui.end_row();
            for (at, arm) in arms.iter().enumerate() {
                ui.vertical(|ui| ui.label(strong(arm.letter.to_string())));
                for row in &table.rows {
                    let Some(cell) = row.cells.get(at) else {
                        continue;
                    };
                    ui.vertical(|ui| cell_ui(ui, theme, cell, (row.key, row.definition), arm));
                }
                ui.end_row();
            }
        });
    ui.add_space(space::M);
    let text = "Loss and lost connections are seen between this machine and the nearest TCP endpoint only: never beyond it";
    ui.add(Label::new(caption(theme, text)).wrap());
}

fn cell_ui(
    ui: &mut Ui,
    theme: &Theme,
    cell: &ArticleCell,
    (key, definition): (&str, &str),
    arm: &ShownArm,
) {
    if let Some(why) = &cell.not_measured {
        let text = RichText::new("not measured").color(theme.text_dim);
        // A narrow column would break it within words.
        ui.add(Label::new(text).extend())
            .on_hover_text(format!("{definition}. {}: {why}", arm.letter));
        return;
    }
    let text = |value: f64| value_text(key, value);
    let value = cell.value.map(text).unwrap_or_default();
    let interval = cell.low.zip(cell.high);
    ui.spacing_mut().item_spacing.y = 0.0;
    let n = count(cell.n as u64);
    let hover = match interval {
        Some((low, high)) => format!(
            "{definition}. n {n}, 95 % interval {} to {}",
            text(low),
            text(high)
        ),
        None => format!("{definition}. n {n}: too few for an interval"),
    };
    ui.add(Label::new(value).extend()).on_hover_text(hover);
    if let Some((low, high)) = interval {
        let interval = format!("{} to {}", text(low), text(high));
        ui.add(Label::new(caption(theme, interval)).extend());
    }
}

/// Times are in milliseconds, all else is a share.
fn value_text(key: &str, value: f64) -> String {
    if key.ends_with("_ms") {
        ms_text(value)
    } else {
        format!("{:.1} %", 100.0 * value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_time_or_a_share() {
        assert_eq!(value_text("p99_ttft_ms", 412.0), "412 ms");
        assert_eq!(value_text("gain", -0.05), "-5.0 %");
    }
}
