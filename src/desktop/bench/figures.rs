//! The table of a bench’s times: percentiles with n and their intervals, from start and from schedule below each other.

use egui::{Grid, Label, RichText, Ui, vec2};

use crate::{
    bench::{BenchSummary, TimeFigures},
    desktop::{
        theme::{Theme, caption, space, strong, tiny},
        widgets::{count, ms_text},
    },
};

/// One row of the table.
pub struct FigureRow<'a> {
    pub name: &'static str,
    pub meaning: &'static str,
    pub figures: &'a TimeFigures,
}

/// A percentile of a row, with its interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ShownPercentile {
    pub value: Option<f64>,
    pub interval: Option<(f64, f64)>,
}

/// A percentile of some times.
pub type PercentileOf = fn(&TimeFigures) -> ShownPercentile;

/// The percentiles that have intervals.
pub const PERCENTILES: [(&str, PercentileOf); 3] = [
    ("Median", |it| shown(it.p50, it.p50_low, it.p50_high)),
    ("P95", |it| shown(it.p95, it.p95_low, it.p95_high)),
    ("P99", |it| shown(it.p99, it.p99_low, it.p99_high)),
];

fn shown(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> ShownPercentile {
    ShownPercentile {
        value,
        interval: low.zip(high),
    }
}

/// The rows of a bench that have values.
pub fn rows(found: &BenchSummary) -> Vec<FigureRow<'_>> {
    let row = |name, meaning, figures| FigureRow {
        name,
        meaning,
        figures,
    };
    let from_schedule = found.from_schedule.as_ref();
    let by_connection = &found.ttft_by_connection;
    let mut rows = vec![row(
        "TTFT from start",
        "First token − when the request was begun",
        &found.ttft_ms,
    )];
    if let Some(times) = from_schedule {
        rows.push(row(
            "TTFT from schedule",
            "First token − when the request was due: what a user waits for, also where requests had to wait for each other",
            &times.ttft_ms,
        ));
    }
    if by_connection.warm.n > 0 && by_connection.cold.n > 0 {
        rows.push(row(
            "  over open connections",
            "TTFT from start over a connection that was open",
            &by_connection.warm,
        ));
        rows.push(row(
            "  over new connections",
            "TTFT from start over a connection that was opened for it; its handshakes are part of it",
            &by_connection.cold,
        ));
    }
    rows.push(row(
        "TPOT",
        "(last token − first token) / (output tokens − 1), where the provider counts tokens",
        &found.tpot_ms,
    ));
    rows.push(row(
        "Total from start",
        "Last token − when the request was begun",
        &found.total_ms,
    ));
    if let Some(times) = from_schedule {
        rows.push(row(
            "Total from schedule",
            "Last token − when the request was due",
            &times.total_ms,
        ));
    }
    rows.push(row(
        "Read gap",
        "Times between reads that carried tokens, of all answers together. They depend on each other, so there is no \
         interval",
        &found.read_gap_ms,
    ));
    rows.push(row(
        "Connect and send",
        "Request sent − when it was begun, of those that had to connect",
        &found.connect_ms,
    ));
    rows.retain(|row| row.figures.n > 0);
    rows
}

/// Shows the table.
pub fn figures_ui(ui: &mut Ui, theme: &Theme, found: &BenchSummary) {
    let rows = rows(found);
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
            for (name, percentile) in PERCENTILES {
                percentile_ui(ui, theme, (row, name), percentile(row.figures));
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
    (row, name): (&FigureRow<'_>, &str),
    found: ShownPercentile,
) {
    let n = count(row.figures.n);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let Some(value) = found.value else {
            let dash = Label::new(RichText::new("\u{2013}").color(theme.text_dim));
            ui.add(dash).on_hover_text(format!("n {n}: too few for it"));
            return;
        };
        let hover = match found.interval {
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
        if let Some((low, high)) = found.interval {
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
    use crate::bench::BenchTimes;

    #[test]
    fn an_interval_names_its_unit_once() {
        assert_eq!(interval_text(118.0, 131.2), "118–131 ms");
        assert_eq!(interval_text(900.0, 1_200.0), "900 ms–1.20 s");
        assert_eq!(interval_text(61_000.0, 62_000.0), "1 min 01 s–1 min 02 s");
    }

    #[test]
    fn from_schedule_stands_beside_from_start_and_empty_rows_are_left_out() {
        let some = TimeFigures {
            n: 3,
            ..TimeFigures::default()
        };
        let found = BenchSummary {
            ttft_ms: some,
            total_ms: some,
            from_schedule: Some(BenchTimes {
                ttft_ms: some,
                total_ms: some,
            }),
            ..BenchSummary::default()
        };
        let names: Vec<&str> = rows(&found).iter().map(|row| row.name).collect();
        let expected = [
            "TTFT from start",
            "TTFT from schedule",
            "Total from start",
            "Total from schedule",
        ];
        assert_eq!(names, expected);
    }
}
