//! Plots of a comparison: paired differences over time, distributions of the arms, quantiles against quantiles, and phases
//! side by side.

use std::fmt::Write as _;

use super::{
    LogAxis, NARROW, PlotArea, ShareCurve, UtcAxis, WIDE, axis::LinearAxis, bar, path, share_curves,
};
use crate::report::{
    html::Html,
    number::{count_text, float, ms_text},
};

/// How many looks of arms there are.
const LOOKS: usize = 6;
/// Most points of a plot: beyond, each so many'th is drawn.
const MOST_POINTS: usize = 2_000;
/// Quantiles of a plot of quantiles against quantiles.
const QUANTILES: usize = 200;

/// The class of an arm's line.
pub(in crate::report) fn arm_class(arm: usize) -> &'static str {
    const CLASSES: [&str; LOOKS] = ["arm a0", "arm a1", "arm a2", "arm a3", "arm a4", "arm a5"];
    CLASSES[arm % LOOKS]
}

fn dots_class(arm: usize) -> &'static str {
    const CLASSES: [&str; LOOKS] = [
        "arm dots a0",
        "arm dots a1",
        "arm dots a2",
        "arm dots a3",
        "arm dots a4",
        "arm dots a5",
    ];
    CLASSES[arm % LOOKS]
}

/// Paired differences over time: of each arm but the first, when its pair began (nanoseconds since 1970), and by how many
/// milliseconds it was slower.
pub(in crate::report) fn differences_over_time(
    html: &mut Html,
    arms: &[(usize, Vec<(i64, f64)>)],
    time: UtcAxis,
) {
    let all = || arms.iter().flat_map(|(_, points)| points);
    let axis = LinearAxis::of(all().map(|(_, ms)| *ms));
    let count = all().count();
    let label = format!(
        "Paired differences of TTFT over time, {} pairs: above 0 an arm is slower than the first",
        count_text(count)
    );
    WIDE.svg(html, &label, |html| {
        for (share, label) in axis.labels(" ms") {
            WIDE.row(html, share, &label);
        }
        for (share, label) in time.labels() {
            WIDE.column(html, share, &label);
        }
        WIDE.across(html, "zero", axis.share(0.0));
        for (arm, points) in arms {
            let mut d = String::new();
            for (at, ms) in points.iter().step_by(count.div_ceil(MOST_POINTS).max(1)) {
                let (x, y) = (WIDE.x(time.share(*at)), WIDE.y(axis.share(*ms)));
                // Writing to a string can't fail.
                let _ = write!(d, "M{x:.1} {y:.1}h0");
            }
            path(html, dots_class(*arm), &d);
        }
    });
}

/// The distributions of the arms: which share of the runs was at least so fast. Values are sorted.
pub(in crate::report) fn arm_ecdfs(html: &mut Html, what: &str, arms: &[Vec<f64>], scale: LogAxis) {
    let label = format!("Distribution of the {what} of each arm");
    let arms = arms.iter().enumerate();
    let curves = arms.map(|(arm, sorted)| ShareCurve::of_sorted(arm_class(arm), sorted));
    share_curves(html, &label, &curves.collect::<Vec<_>>(), scale);
}

/// The quantiles of each arm (upward) against those of the first (across). On the line they are alike; above it the arm is
/// slower. Values are sorted.
pub(in crate::report) fn quantiles_against(
    html: &mut Html,
    what: &str,
    arms: &[Vec<f64>],
    scale: LogAxis,
) {
    let label = format!("Quantiles of the {what} of each arm against those of the first");
    NARROW.svg(html, &label, |html| {
        for (share, label) in scale.labels() {
            NARROW.row(html, share, &label);
            NARROW.column(html, share, &label);
        }
        let (x, y) = (NARROW.x(1.0), NARROW.y(1.0));
        let d = format!("M{:.1} {:.1}L{x:.1} {y:.1}", NARROW.x(0.0), NARROW.y(0.0));
        path(html, "zero", &d);
        let Some((first, others)) = arms.split_first() else {
            return;
        };
        for (arm, sorted) in others.iter().enumerate() {
            let most = first.len().min(sorted.len()).min(QUANTILES);
            let mut d = String::new();
            for part in 0..most {
                let place = |sorted: &[f64]| {
                    let at = (2 * part + 1) * sorted.len() / (2 * most);
                    scale.share(sorted[at.min(sorted.len() - 1)])
                };
                let (x, y) = (NARROW.x(place(first)), NARROW.y(place(sorted)));
                let _ = write!(d, "M{x:.1} {y:.1}h0");
            }
            path(html, dots_class(arm + 1), &d);
        }
    });
}

/// A part of a bar.
pub(in crate::report) struct PhaseBar {
    /// The phase's name.
    pub label: &'static str,
    /// How long it took, in milliseconds; 0 draws nothing.
    pub ms: f64,
}

/// The class of a phase, by its place.
pub(in crate::report) fn phase_class(at: usize) -> &'static str {
    const CLASSES: [&str; LOOKS] = ["c0", "c1", "c2", "c3", "c4", "c5"];
    CLASSES[at % LOOKS]
}

/// The medians of the phases of each arm, one after the other: a bar for each arm.
pub(in crate::report) fn phase_bars(html: &mut Html, arms: &[(String, Vec<PhaseBar>)]) {
    const HEIGHT: f64 = 26.0;
    let total = |parts: &[PhaseBar]| parts.iter().map(|part| part.ms).sum::<f64>();
    let axis = LinearAxis::of(arms.iter().map(|(_, parts)| total(parts)));
    let area = PlotArea {
        width: 760.0,
        height: HEIGHT * float(arms.len()) + 52.0,
    };
    let label = "Medians of the phases of each arm, side by side";
    area.svg(html, label, |html| {
        for (share, label) in axis.labels(" ms") {
            area.column(html, share, &label);
        }
        for (at, (name, parts)) in arms.iter().enumerate() {
            let y = area.y(1.0) + HEIGHT * float(at) + 5.0;
            super::text(html, "end", (super::LEFT - 6.0, y + 12.0), name);
            let mut before = 0.0;
            for (place, part) in parts.iter().enumerate().filter(|(_, part)| part.ms > 0.0) {
                let (from, to) = (axis.share(before), axis.share(before + part.ms));
                let (x, width) = (area.x(from), area.x(to) - area.x(from));
                let title = format!("{name}: {} {} ms", part.label, ms_text(part.ms));
                bar(html, phase_class(place), [x, y, width, 16.0], &title);
                before += part.ms;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_of_nothing_and_of_much_stay_small() {
        let scale = LogAxis::of([1.0, 1_000.0].into_iter()).unwrap();
        let time = UtcAxis { from: 0, to: 1 };
        let mut html = Html::default();
        differences_over_time(&mut html, &[(1, Vec::new())], time);
        arm_ecdfs(&mut html, "TTFT", &[Vec::new(), Vec::new()], scale);
        quantiles_against(&mut html, "TTFT", &[Vec::new(), vec![5.0]], scale);
        phase_bars(&mut html, &[]);
        let empty = html.into_string();
        assert!(!empty.contains("NaN"), "{empty}");

        let many: Vec<f64> = (0..100_000).map(|n| 1.0 + f64::from(n) / 1e3).collect();
        let points = (0..100_000).map(|n| (n, 3.0)).collect();
        let mut html = Html::default();
        differences_over_time(&mut html, &[(1, points)], time);
        arm_ecdfs(&mut html, "TTFT", &[many.clone(), many.clone()], scale);
        quantiles_against(&mut html, "TTFT", &[many.clone(), many], scale);
        let text = html.into_string();
        assert!(text.len() < 300_000, "{}", text.len());
    }
}
