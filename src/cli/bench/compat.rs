//! The figures of a bench as other load tools define them, in words and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::bench::{
    BenchRequest,
    compat::{CompatRow, LoadTool, rows},
};

/// A figure of another tool, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct CompatLine {
    tool: &'static str,
    version: &'static str,
    figure: &'static str,
    unit: &'static str,
    n: usize,
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

/// All figures of all tools, as JSON.
pub(super) fn lines(requests: &[BenchRequest]) -> Vec<CompatLine> {
    let line = |row: CompatRow| CompatLine {
        tool: row.tool.as_str(),
        version: row.tool.version(),
        figure: row.figure.name,
        unit: row.figure.unit,
        n: row.n,
        mean: row.mean,
        p50: row.p50,
        p90: row.p90,
        p95: row.p95,
        p99: row.p99,
    };
    rows(requests).into_iter().map(line).collect()
}

/// All figures of all tools, as a table.
pub(super) fn table(requests: &[BenchRequest]) -> String {
    let mut out = String::from("\nAs other tools define them:\n");
    let mut tool: Option<LoadTool> = None;
    for row in rows(requests) {
        if tool.replace(row.tool) != Some(row.tool) {
            let name = format!("{} {}", row.tool.label(), row.tool.version());
            // Writing to a string can't fail.
            let _ = writeln!(
                out,
                "{name:51}{:>8}{:>12}{:>12}{:>12}{:>12}{:>12}",
                "n", "mean", "p50", "p90", "p95", "p99"
            );
        }
        let _ = write!(
            out,
            "  {:38}{:11}{:>8}",
            row.figure.name, row.figure.unit, row.n
        );
        for value in [row.mean, row.p50, row.p90, row.p95, row.p99] {
            let cell = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
            let _ = write!(out, "{cell:>12}");
        }
        out.push('\n');
    }
    out
}
