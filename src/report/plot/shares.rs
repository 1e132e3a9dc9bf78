//! Empirical distributions (ECDFs): which share of the values is at or under each.

use std::fmt::Write as _;

use super::{LogAxis, NARROW, path};
use crate::report::{html::Html, number::float};

/// Most steps of a curve that is made from single values.
const MOST_STEPS: usize = 400;

/// A curve: the class of its line, and its steps. A step is a time in milliseconds and the share that is at or under it;
/// both ascend.
pub(in crate::report) struct ShareCurve {
    pub class: &'static str,
    pub steps: Vec<[f64; 2]>,
}

impl ShareCurve {
    /// The curve of sorted values: a step at each one, or at each of so many that they can't be told apart.
    pub(in crate::report) fn of_sorted(class: &'static str, sorted: &[f64]) -> Self {
        let n = sorted.len();
        let stride = n.div_ceil(MOST_STEPS).max(1);
        let places = (0..n).filter(|at| (at + 1) % stride == 0 || at + 1 == n);
        Self {
            class,
            steps: places
                .map(|at| [sorted[at], float(at + 1) / float(n)])
                .collect(),
        }
    }
}

/// Draws curves over milliseconds.
pub(in crate::report) fn share_curves(
    html: &mut Html,
    label: &str,
    curves: &[ShareCurve],
    scale: LogAxis,
) {
    NARROW.svg(html, label, |html| {
        for percent in [0_u8, 25, 50, 75, 100] {
            NARROW.row(html, f64::from(percent) / 100.0, &format!("{percent} %"));
        }
        for (share, label) in scale.labels() {
            NARROW.column(html, share, &label);
        }
        for curve in curves {
            path(html, curve.class, &line(&curve.steps, scale));
        }
    });
}

/// Steps from 0 to 1, and on to the right edge.
fn line(steps: &[[f64; 2]], scale: LogAxis) -> String {
    let mut d = String::new();
    for [ms, share] in steps {
        let x = NARROW.x(scale.share(*ms));
        if d.is_empty() {
            // Writing to a string can't fail.
            let _ = write!(d, "M{x:.1} {:.1}", NARROW.y(0.0));
        }
        let _ = write!(d, "H{x:.1}V{:.1}", NARROW.y(*share));
    }
    if !d.is_empty() {
        let _ = write!(d, "H{:.1}", NARROW.x(1.0));
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_step_for_each_value_up_to_a_limit() {
        let scale = LogAxis::of([1.0, 1_000.0].into_iter()).unwrap();
        let drawn = |sorted: &[f64]| line(&ShareCurve::of_sorted("", sorted).steps, scale);
        assert_eq!(drawn(&[]), "");
        let three = drawn(&[1.0, 10.0, 100.0]);
        assert_eq!(three.matches('V').count(), 3);
        let top = format!("V{:.1}H", NARROW.y(1.0));
        assert!(three.contains(&top), "it ends at 1: {three}");
        let many: Vec<f64> = (1..=10_000).map(f64::from).collect();
        let many = drawn(&many);
        assert!(many.matches('V').count() <= MOST_STEPS);
        assert!(many.contains(&top));
    }
}
