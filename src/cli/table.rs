//! Figures of several runs as a plain table.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::{
    measure::{Better, Figure, cost, figure},
    price::{PriceTable, usd_digits},
    run::{Run, RunState},
    visible::visible_line,
};

/// The figures shown in the terminal, by key.
const SHOWN: &[&str] = &[
    "ttft_ms",
    "ttfo_ms",
    "output_speed_tps",
    "tpot_ms",
    "total_ms",
    cost::KEY,
];

/// A table with one line per run; with several, the best value of a successful run in each column is starred.
pub(super) fn figures(runs: &[&Run], prices: &PriceTable) -> String {
    let mut rows = vec![header()];
    rows.extend(runs.iter().map(|run| row(run, runs, prices)));
    align(&rows)
}

fn shown() -> impl Iterator<Item = &'static Figure> {
    SHOWN.iter().filter_map(|key| figure(key))
}

fn header() -> Vec<String> {
    let mut cells = vec!["target".to_owned(), "conn".to_owned()];
    cells.extend(shown().map(|f| format!("{} {}", f.label, f.unit)));
    cells.extend(["in", "out", "reasoning", "cached", "finish"].map(str::to_owned));
    cells
}

fn row(run: &Run, all: &[&Run], prices: &PriceTable) -> Vec<String> {
    let simulated = if run.head.simulated {
        " (simulated)"
    } else {
        ""
    };
    let mut cells = vec![
        format!("{}{simulated}", visible_line(&run.head.target.to_string())),
        run.connection.map_or("–", |c| c.as_str()).to_owned(),
    ];
    cells.extend(shown().map(|figure| cell(figure, run, all, prices)));
    let usage = run.answer.usage.unwrap_or_default();
    let counts = [usage.input, usage.output, usage.reasoning, usage.cached];
    cells.extend(counts.map(|n| n.map_or_else(|| "–".to_owned(), |n| n.to_string())));
    cells.push(ending(run));
    cells
}

fn cell(figure: &Figure, run: &Run, all: &[&Run], prices: &PriceTable) -> String {
    let Some(value) = (figure.value)(run, prices) else {
        return "–".to_owned();
    };
    let star = if is_best(figure, run, value, all, prices) {
        "*"
    } else {
        ""
    };
    if figure.key == cost::KEY {
        format!("{}{star}", usd_digits(value))
    } else {
        format!("{value:.1}{star}")
    }
}

/// Whether a successful run's value is the best among at least two successful runs of the same connection kind.
fn is_best(figure: &Figure, run: &Run, value: f64, all: &[&Run], prices: &PriceTable) -> bool {
    let peers: Vec<f64> = all
        .iter()
        .filter(|r| r.state == RunState::Ok && r.connection == run.connection)
        .filter_map(|r| (figure.value)(r, prices))
        .collect();
    run.state == RunState::Ok
        && peers.len() > 1
        && match figure.better {
            Better::Lower => peers.iter().all(|other| value <= *other),
            Better::Higher => peers.iter().all(|other| value >= *other),
            Better::Neutral => false,
        }
}

fn ending(run: &Run) -> String {
    match (&run.answer.fault, &run.answer.finish) {
        (Some(fault), _) => fault.class.to_string(),
        (None, Some(finish)) => visible_line(&finish.raw).into_owned(),
        (None, None) => "–".to_owned(),
    }
}

/// Columns padded to their widest cell; all but the first are right-aligned.
fn align(rows: &[Vec<String>]) -> String {
    lines(rows, |column| column == 0)
}

/// Columns padded to their widest cell, all left-aligned.
pub(super) fn left(mut rows: Vec<Vec<String>>) -> String {
    for cell in rows.iter_mut().flatten() {
        *cell = visible_line(cell).into_owned();
    }
    lines(&rows, |_| true)
}

fn lines(rows: &[Vec<String>], is_left: fn(usize) -> bool) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let pad = " ".repeat(width - cell.width());
            // Writing to a String can't fail.
            let _ = if is_left(column) {
                write!(line, "{gap}{cell}{pad}")
            } else {
                write!(line, "{gap}{pad}{cell}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_their_width_on_screen() {
        let rows = |cells: &[[&str; 2]]| -> Vec<Vec<String>> {
            let rows = cells.iter().map(|row| row.map(str::to_owned).to_vec());
            rows.collect()
        };
        let written = rows(&[["你好", "1"], ["e\u{301}tude", "22"], ["a\u{1b}\n", "3"]]);
        assert_eq!(
            left(written.clone()),
            "你好       1\ne\u{301}tude      22\na\\u{1b}\\n  3\n"
        );
        assert_eq!(align(&written[..2]), "你好    1\ne\u{301}tude  22\n");
    }
}
