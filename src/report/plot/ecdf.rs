//! The distribution of TTFT of a target: which share of the runs that answered was at least so fast.

use super::{LogAxis, ShareCurve, share_curves};
use crate::report::{collect::TargetRuns, html::Html, number::count_text};

/// The plot of a target: a curve for each kind of connection.
pub(in crate::report) fn ecdf(html: &mut Html, name: &str, runs: &TargetRuns, scale: LogAxis) {
    let label = format!(
        "Distribution of the TTFT of {name}: {} warm and {} cold runs",
        count_text(runs.warm.ttft.len()),
        count_text(runs.cold.ttft.len())
    );
    let curves = runs.kinds().map(|(kind, timed)| {
        let mut values: Vec<f64> = timed.ttft.iter().map(|(_, ms)| *ms).collect();
        values.sort_by(f64::total_cmp);
        let class = if kind == "warm" {
            "warm curve"
        } else {
            "cold curve"
        };
        ShareCurve::of_sorted(class, &values)
    });
    share_curves(html, &label, &curves, scale);
}
