//! The table of a bench's times.

use super::{
    super::{
        html::Html,
        number::ms_text,
        table::{estimate, row, table},
    },
    asked::count,
};
use crate::{
    bench::{
        BenchSummary,
        time_rows::{TimeRow, time_rows},
    },
    measure::evidence::Quantile,
};

/// The percentiles that have intervals.
pub(super) const QUANTILES: [Quantile; 3] = [Quantile::Median, Quantile::P95, Quantile::P99];

/// The name of a time, by itself.
pub(super) fn time_name(row: &TimeRow<'_>) -> String {
    match row.name.strip_prefix("  ") {
        Some(part) => format!("TTFT from start {part}"),
        None => row.name.to_owned(),
    }
}

/// The times of complete answers.
pub(super) fn section(html: &mut Html, found: &BenchSummary) {
    html.raw("<h3>Times of complete answers</h3>\n");
    let rows = time_rows(found);
    if rows.is_empty() {
        html.raw("<p>No complete answer came, so that there are no times.</p>\n");
        return;
    }
    let head = [
        "Time", "n", "Mean", "Least", "p50", "p90", "p95", "p99", "Most",
    ];
    table(html, &head, |html| {
        for of_row in rows {
            let figures = of_row.figures;
            row(html, |html| {
                html.words("td", "target", time_name(&of_row));
                html.words("td", "num", count(figures.n));
                plain(html, figures.mean);
                plain(html, figures.min);
                let [p50, p95, p99] = QUANTILES.map(|quantile| figures.quantile(quantile));
                estimate(html, &p50, ms_text);
                plain(html, figures.p90);
                estimate(html, &p95, ms_text);
                estimate(html, &p99, ms_text);
                plain(html, figures.max);
            });
        }
    });
    html.raw(
        "<p class=\"quiet\">Milliseconds. Under p50, p95 and p99 is their 95 % interval. What n does not allow is \
         blank.</p>\n",
    );
    if let Some(why) = &found.from_schedule_note {
        html.words(
            "p",
            "quiet",
            format!("There are no times from schedule: {why}."),
        );
    }
}

/// A cell with a time.
fn plain(html: &mut Html, ms: Option<f64>) {
    html.words("td", "num", ms.map_or_else(String::new, ms_text));
}
