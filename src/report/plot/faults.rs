//! Failures over time: of each part of the time, which share of the runs failed, by class.

use super::{PlotArea, UtcAxis, bar};
use crate::report::{
    collect::{ReportRuns, by_count},
    html::Html,
    number::{count_text, float, minute_text, percent_text},
};

const AREA: PlotArea = PlotArea {
    width: 1_200.0,
    height: 200.0,
};
/// Parts of the time.
const PARTS: usize = 60;
/// Colours of the style sheet; further classes share the last one.
const COLOURS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];
/// Shares to which the axis may reach, in percent.
const TOPS: [u8; 6] = [2, 5, 10, 25, 50, 100];

/// The runs of a part of the time.
#[derive(Clone, Default)]
struct TimePart {
    runs: usize,
    faults: Vec<&'static str>,
}

/// The plot of all targets together, and the classes with their colours, the most frequent first.
pub(in crate::report) fn faults_over_time(
    html: &mut Html,
    runs: &ReportRuns,
    time: UtcAxis,
) -> Vec<(&'static str, &'static str)> {
    let targets = runs.targets.values();
    let all = targets.flat_map(|target| target.faults.iter().map(|(_, class)| *class));
    let colour = |(at, (class, _)): (usize, (&'static str, usize))| {
        (class, COLOURS[at.min(COLOURS.len() - 1)])
    };
    let classes: Vec<_> = by_count(all).into_iter().enumerate().map(colour).collect();
    let parts = parts(runs, time);
    let shares = parts
        .iter()
        .map(|part| float(part.faults.len()) / float(part.runs.max(1)));
    let highest = shares.fold(0.0, f64::max) * 100.0;
    let top = TOPS.into_iter().find(|top| f64::from(*top) >= highest);
    let top = top.unwrap_or(100);
    let label = format!(
        "Share of runs that failed over time: {} of {}",
        count_text(runs.faults()),
        count_text(runs.count())
    );
    AREA.svg(html, &label, |html| {
        for half in [0.0, 0.5, 1.0] {
            AREA.row(html, half, &format!("{} %", half * f64::from(top)));
        }
        for (share, label) in time.labels() {
            AREA.column(html, share, &label);
        }
        for (at, part) in parts.iter().enumerate() {
            let ends = [at, at + 1].map(|part| time.begin_of(part, PARTS));
            part.draw(html, ends, time, &classes, f64::from(top) / 100.0);
        }
    });
    classes
}

fn parts(runs: &ReportRuns, time: UtcAxis) -> Vec<TimePart> {
    let mut parts = vec![TimePart::default(); PARTS];
    for target in runs.targets.values() {
        for (_, timed) in target.kinds() {
            for (at, _) in &timed.ttft {
                parts[time.part(*at, PARTS)].runs += 1;
            }
        }
        for at in &target.late {
            parts[time.part(*at, PARTS)].runs += 1;
        }
        for (at, class) in &target.faults {
            let part = &mut parts[time.part(*at, PARTS)];
            part.runs += 1;
            part.faults.push(class);
        }
    }
    parts
}

impl TimePart {
    /// Draws its bars, one above another.
    fn draw(
        &self,
        html: &mut Html,
        [from, to]: [i64; 2],
        time: UtcAxis,
        classes: &[(&'static str, &'static str)],
        top: f64,
    ) {
        let [left, right] = [from, to].map(|at| AREA.x(time.share(at)));
        let counts = by_count(self.faults.iter().copied());
        let mut below = 0.0;
        for (class, colour) in classes {
            let count = counts.iter().find(|(counted, _)| counted == class);
            let Some((_, count)) = count else {
                continue;
            };
            let share = float(*count) / float(self.runs) / top;
            let (high, low) = (AREA.y(below + share), AREA.y(below));
            let title = format!(
                "{} to {}: {count} of {} runs {class} ({})",
                minute_text(from),
                minute_text(to),
                self.runs,
                percent_text(*count, self.runs)
            );
            let place = [left + 1.0, high, right - left - 2.0, low - high];
            bar(html, colour, place, &title);
            below += share;
        }
    }
}
