//! TTFT over time: each run a dot, the median of each part of the time a line, failures above, gaps behind.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{LogAxis, TOP, UtcAxis, WIDE, bar, path};
use crate::{
    measure::percentile::median,
    report::{
        collect::TargetRuns,
        html::Html,
        number::{count_text, minute_text},
    },
};

/// Columns in which points are thinned out.
const COLUMNS: usize = 680;
/// Parts of the time, each with a median.
const PARTS: usize = 48;
/// Fewest runs of a part with a median.
const FEWEST: usize = 3;

/// A time in which the target was not asked, and why.
pub(in crate::report) struct PlottedGap {
    pub from: i64,
    pub to: i64,
    pub why: &'static str,
}

/// The plot of a target.
pub(in crate::report) fn ttft_over_time(
    html: &mut Html,
    name: &str,
    runs: &TargetRuns,
    gaps: &[PlottedGap],
    (time, scale): (UtcAxis, LogAxis),
) {
    let label = format!(
        "TTFT of {name} over time: {} runs that answered, {} that failed",
        count_text(runs.timed_runs()),
        count_text(runs.faults.len())
    );
    WIDE.svg(html, &label, |html| {
        for gap in gaps {
            let [from, to] = [gap.from, gap.to].map(|at| WIDE.x(time.share(at)));
            let (top, bottom) = (WIDE.y(1.0), WIDE.y(0.0));
            let title = format!(
                "not asked ({}) from {} to {}",
                gap.why,
                minute_text(gap.from),
                minute_text(gap.to)
            );
            bar(html, "gap", [from, top, to - from, bottom - top], &title);
        }
        for (share, label) in scale.labels() {
            WIDE.row(html, share, &label);
        }
        for (share, label) in time.labels() {
            WIDE.column(html, share, &label);
        }
        for (kind, timed) in runs.kinds() {
            let dots = thinned(&timed.ttft, time);
            let (class, mark): (_, fn(f64, f64) -> String) = if kind == "warm" {
                ("warm dots", |x, y| format!("M{x:.1} {y:.1}h0"))
            } else {
                ("cold marks", |x, y| {
                    format!("M{x:.1} {:.1}l2.2 2.2-2.2 2.2-2.2-2.2z", y - 2.2)
                })
            };
            let mut d = String::new();
            for (at, ms) in dots {
                d += &mark(WIDE.x(time.share(at)), WIDE.y(scale.share(ms)));
            }
            path(html, class, &d);
            let class = if kind == "warm" {
                "warm line"
            } else {
                "cold line"
            };
            path(html, class, &medians(&timed.ttft, time, scale));
        }
        path(html, "fault", &crosses(runs, time));
    });
}

/// The points that stay: of each column the lowest, the median and the highest.
fn thinned(points: &[(i64, f64)], time: UtcAxis) -> Vec<(i64, f64)> {
    let mut kept = Vec::new();
    for column in
        points.chunk_by(|one, next| time.part(one.0, COLUMNS) == time.part(next.0, COLUMNS))
    {
        let mut column = column.to_vec();
        column.sort_by(|one, other| one.1.total_cmp(&other.1));
        let last = column.len() - 1;
        let mut places = vec![0, last / 2, last];
        places.dedup();
        kept.extend(places.into_iter().map(|at| column[at]));
    }
    kept
}

/// The medians of the parts that have enough runs; a part without breaks the line.
fn medians(points: &[(i64, f64)], time: UtcAxis, scale: LogAxis) -> String {
    let mut parts: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (at, ms) in points {
        parts.entry(time.part(*at, PARTS)).or_default().push(*ms);
    }
    parts.retain(|_, values| values.len() >= FEWEST);
    let (mut d, mut last) = (String::new(), None);
    for (part, values) in parts {
        let Some(middle) = median(values).value else {
            continue;
        };
        let [from, to] = [part, part + 1].map(|part| time.begin_of(part, PARTS));
        let x = WIDE.x(time.share(from.midpoint(to)));
        let y = WIDE.y(scale.share(middle));
        let is_next = last.is_some_and(|last| last + 1 == part);
        // Writing to a string can't fail.
        let _ = write!(d, "{}{x:.1} {y:.1}", if is_next { "L" } else { "M" });
        last = Some(part);
    }
    d
}

/// A cross for each column with a failure.
fn crosses(runs: &TargetRuns, time: UtcAxis) -> String {
    let mut columns: Vec<usize> = (runs.faults.iter())
        .map(|(at, _)| time.part(*at, COLUMNS))
        .collect();
    columns.dedup();
    let mut d = String::new();
    for column in columns {
        let x = WIDE.x(time.share(time.begin_of(column, COLUMNS)));
        let (left, top) = (x - 3.0, TOP - 13.0);
        let _ = write!(d, "M{left:.1} {top:.1}l6 6m-6 0l6-6");
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_points_the_extremes_and_the_middle_stay() {
        let time = UtcAxis {
            from: 0,
            to: 680_000,
        };
        let points: Vec<(i64, f64)> = (0..1_000_i32).map(|n| (n.into(), n.into())).collect();
        let kept: Vec<f64> = thinned(&points, time)
            .into_iter()
            .map(|(_, ms)| ms)
            .collect();
        assert_eq!(kept, [0.0, 499.0, 999.0]);
        assert_eq!(thinned(&points[..2], time).len(), 2);
    }

    #[test]
    fn a_median_needs_some_runs_and_a_hole_breaks_the_line() {
        let time = UtcAxis { from: 0, to: 4_800 };
        let scale = LogAxis::of([100.0, 300.0].into_iter()).unwrap();
        let at = |part: i64| [1, 2, 3].map(|n| (part * 100 + n, 200.0));
        let points = [at(0), at(1), at(5)].concat();
        let d = medians(&points, time, scale);
        assert_eq!((d.matches('M').count(), d.matches('L').count()), (2, 1));
        assert_eq!(medians(&points[..2], time, scale), "");
    }
}
