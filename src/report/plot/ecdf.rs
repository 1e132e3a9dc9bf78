//! The empirical distribution of TTFT: which share of the runs that answered was at least so fast.

use std::fmt::Write as _;

use super::{LogAxis, PlotArea, path};
use crate::report::{
    collect::TargetRuns,
    html::Html,
    number::{count_text, float},
};

const AREA: PlotArea = PlotArea {
    width: 420.0,
    height: 230.0,
};
/// Most steps of a curve.
const MOST_STEPS: usize = 400;

/// The plot of a target: a curve for each kind of connection.
pub(in crate::report) fn ecdf(html: &mut Html, name: &str, runs: &TargetRuns, scale: LogAxis) {
    let label = format!(
        "Distribution of the TTFT of {name}: {} warm and {} cold runs",
        count_text(runs.warm.ttft.len()),
        count_text(runs.cold.ttft.len())
    );
    AREA.svg(html, &label, |html| {
        for percent in [0_u8, 25, 50, 75, 100] {
            AREA.row(html, f64::from(percent) / 100.0, &format!("{percent} %"));
        }
        for (share, label) in scale.labels() {
            AREA.column(html, share, &label);
        }
        for (kind, timed) in runs.kinds() {
            let mut values: Vec<f64> = timed.ttft.iter().map(|(_, ms)| *ms).collect();
            values.sort_by(f64::total_cmp);
            let class = if kind == "warm" {
                "warm curve"
            } else {
                "cold curve"
            };
            path(html, class, &curve(&values, scale));
        }
    });
}

/// Steps from 0 to 1, one at each value, or at each of so many that they can't be told apart.
fn curve(sorted: &[f64], scale: LogAxis) -> String {
    let n = sorted.len();
    let mut d = String::new();
    let stride = n.div_ceil(MOST_STEPS).max(1);
    let places = (0..n).filter(|at| (at + 1) % stride == 0 || at + 1 == n);
    for at in places {
        let x = AREA.x(scale.share(sorted[at]));
        if d.is_empty() {
            // Writing to a string can't fail.
            let _ = write!(d, "M{x:.1} {:.1}", AREA.y(0.0));
        }
        let y = AREA.y(float(at + 1) / float(n));
        let _ = write!(d, "H{x:.1}V{y:.1}");
    }
    if n > 0 {
        let _ = write!(d, "H{:.1}", AREA.x(1.0));
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_step_for_each_value_up_to_a_limit() {
        let scale = LogAxis::of([1.0, 1_000.0].into_iter()).unwrap();
        assert_eq!(curve(&[], scale), "");
        let three = curve(&[1.0, 10.0, 100.0], scale);
        assert_eq!(three.matches('V').count(), 3);
        let top = format!("V{:.1}H", AREA.y(1.0));
        assert!(three.contains(&top), "it ends at 1: {three}");
        let many: Vec<f64> = (1..=10_000).map(f64::from).collect();
        let many = curve(&many, scale);
        assert!(many.matches('V').count() <= MOST_STEPS);
        assert!(many.contains(&top));
    }
}
