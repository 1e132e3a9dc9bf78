//! Figures of several runs as a plain table.

use std::fmt::Write as _;

use crate::{
    measure::{Better, FIGURES, Figure},
    run::{Run, State},
    visible::visible,
};

/// The figures shown in the terminal, by key.
const SHOWN: &[&str] = &[
    "ttft_ms",
    "ttfo_ms",
    "output_speed_tps",
    "tpot_ms",
    "total_ms",
];

/// A table with one line a run; with several, the best clean value of each column is starred.
pub(super) fn figures(runs: &[&Run]) -> String {
    let mut rows = vec![header()];
    rows.extend(runs.iter().map(|run| row(run, runs)));
    align(&rows)
}

fn shown() -> impl Iterator<Item = &'static Figure> {
    SHOWN
        .iter()
        .filter_map(|key| FIGURES.iter().find(|f| f.key == *key))
}

fn header() -> Vec<String> {
    let mut cells = vec!["target".to_owned(), "conn".to_owned()];
    cells.extend(shown().map(|f| format!("{} {}", f.label, f.unit)));
    cells.extend(["in", "out", "reasoning", "cached", "finish"].map(str::to_owned));
    cells
}

fn row(run: &Run, all: &[&Run]) -> Vec<String> {
    let simulated = if run.head.simulated {
        " (simulated)"
    } else {
        ""
    };
    let mut cells = vec![
        format!("{}{simulated}", visible(&run.head.target.to_string())),
        run.connection.map_or("–", |c| c.as_str()).to_owned(),
    ];
    cells.extend(shown().map(|figure| cell(figure, run, all)));
    let usage = run.answer.usage.unwrap_or_default();
    let counts = [usage.input, usage.output, usage.reasoning, usage.cached];
    cells.extend(counts.map(|n| n.map_or_else(|| "–".to_owned(), |n| n.to_string())));
    cells.push(ending(run));
    cells
}

fn cell(figure: &Figure, run: &Run, all: &[&Run]) -> String {
    let Some(value) = (figure.value)(run) else {
        return "–".to_owned();
    };
    let star = if is_best(figure, run, value, all) {
        "*"
    } else {
        ""
    };
    format!("{value:.1}{star}")
}

/// Whether a clean run's value is the best among at least two clean runs of the same connection kind.
fn is_best(figure: &Figure, run: &Run, value: f64, all: &[&Run]) -> bool {
    let peers: Vec<f64> = all
        .iter()
        .filter(|r| r.state == State::Ok && r.connection == run.connection)
        .filter_map(|r| (figure.value)(r))
        .collect();
    run.state == State::Ok
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
        (None, Some(finish)) => visible(&finish.raw).into_owned(),
        (None, None) => "–".to_owned(),
    }
}

/// Columns padded to their widest cell; all but the first are set to the right.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a String can't fail.
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}
