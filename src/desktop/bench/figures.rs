//! The table of a bench’s times: percentiles with n and their intervals, from start and from schedule below each other.

use egui::{Grid, Label, RichText, Ui, vec2};

use crate::{
    bench::{
        BenchSummary,
        time_rows::{TimeRow, time_rows},
    },
    desktop::{
        theme::{Theme, caption, space, strong, tiny},
        widgets::{count, ms_text},
    },
    measure::evidence::{IntervalEstimate, Quantile},
};

/// The percentiles that have intervals, each with its name.
pub const QUANTILES: [(&str, Quantile); 3] = [
    ("Median", Quantile::Median),
    ("P95", Quantile::P95),
    ("P99", Quantile::P99),
];

/// Shows the table.
pub fn figures_ui(ui: &mut Ui, theme: &Theme, found: &BenchSummary) {
    let rows = time_rows(found);
    if rows.is_empty() {
        ui.label(caption(
            theme,
            "No complete answer came, so that there are no times",
        ));
        return;
    }
    if !found.valid {
        ui.visuals_mut().override_text_color = Some(theme.text_dim);
    }
    let grid = Grid::new("bench.figures").spacing(vec2(space::L, space::S));
    grid.min_col_width(52.0).show(ui, |ui| {
        for name in ["", "Median", "P95", "P99", "Max", "n"] {
            ui.label(caption(theme, name));
        }
        ui.end_row();
        for row in &rows {
            ui.vertical(|ui| {
                let name = ui.add(Label::new(row.name).extend());
                name.on_hover_text(row.meaning);
            });
            for (name, quantile) in QUANTILES {
                percentile_ui(ui, theme, (row, name), row.figures.quantile(quantile));
            }
            let max = row.figures.max.map(ms_text).unwrap_or_default();
            ui.vertical(|ui| ui.add(Label::new(max).extend()));
            ui.vertical(|ui| ui.label(caption(theme, count(row.figures.n))));
            ui.end_row();
        }
    });
    if let Some(note) = &found.from_schedule_note {
        ui.add_space(space::S);
        let text = format!("From schedule: {note}");
        ui.add(Label::new(caption(theme, text)).wrap());
    }
}

fn percentile_ui(
    ui: &mut Ui,
    theme: &Theme,
    (row, name): (&TimeRow<'_>, &str),
    found: IntervalEstimate,
) {
    let n = count(row.figures.n);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let Some(value) = found.value else {
            let dash = Label::new(RichText::new("\u{2013}").color(theme.text_dim));
            ui.add(dash).on_hover_text(format!("n {n}: too few for it"));
            return;
        };
        let interval = found.low.zip(found.high);
        let hover = match interval {
            Some((low, high)) => format!(
                "{name} of {}: 95 % interval {} to {}, from order statistics, n {n}",
                row.name.trim(),
                ms_text(low),
                ms_text(high)
            ),
            None => format!("{name} of {}: no interval, n {n}", row.name.trim()),
        };
        let label = Label::new(strong(ms_text(value))).extend();
        ui.add(label).on_hover_text(&hover);
        if let Some((low, high)) = interval {
            let interval = Label::new(tiny(theme, interval_text(low, high))).extend();
            ui.add(interval).on_hover_text(hover);
        }
    });
}

/// An interval in one unit: `118–131 ms`.
pub fn interval_text(low: f64, high: f64) -> String {
    let (low, high) = (ms_text(low), ms_text(high));
    match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other && !number.contains(' ') => {
            format!("{number}–{high}")
        }
        _ => format!("{low}–{high}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_names_its_unit_once() {
        assert_eq!(interval_text(118.0, 131.2), "118–131 ms");
        assert_eq!(interval_text(900.0, 1_200.0), "900 ms–1.20 s");
        assert_eq!(interval_text(61_000.0, 62_000.0), "1 min 01 s–1 min 02 s");
    }
}
