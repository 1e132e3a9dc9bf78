//! The table of targets: a row for each kind of connection that a target's runs had.

use super::{target_words, untimed_words};
use crate::{
    endpoint::TargetId,
    measure::percentile::{Percentile, median, percentiles},
    report::{
        collect::{ReportRuns, TargetRuns, TimedRuns},
        html::Html,
        number::{count_text, ms_text, percent_text},
        table::{interval_text, table},
    },
};

const HEAD: [&str; 11] = [
    "Target",
    "Runs",
    "Failed",
    "Cost",
    "Connection",
    "n",
    "TTFT p50",
    "TTFT p95",
    "TTFT p99",
    "TTFT net p50",
    "TPOT p50",
];

/// The section.
pub(super) fn section(html: &mut Html, runs: &ReportRuns) {
    html.raw("<section id=\"targets\">\n<h2>Targets</h2>\n");
    table(html, &HEAD, |html| {
        for ((target, is_simulated), runs) in &runs.targets {
            rows(html, target, *is_simulated, runs);
        }
    });
    html.raw(
        "<p class=\"quiet\">Milliseconds. Under each percentile is its distribution-free \
         95 % interval, and its n. A percentile that n does not allow is blank.</p>\n</section>\n",
    );
}

fn rows(html: &mut Html, target: &TargetId, is_simulated: bool, runs: &TargetRuns) {
    let mut kinds: Vec<(&str, &TimedRuns)> = runs.kinds().into();
    kinds.retain(|(_, timed)| !timed.ttft.is_empty());
    let more = kinds.len().saturating_sub(1);
    for at in 0..kinds.len().max(1) {
        let class = if at < more { "same" } else { "" };
        html.element("tr", &[("class", class)], |html| {
            if at == 0 {
                of_target(html, target, is_simulated, runs);
            } else {
                html.raw("<td></td><td></td><td></td><td></td>");
            }
            match kinds.get(at) {
                Some((kind, timed)) => of_connection(html, kind, timed),
                None => {
                    html.element("td", &[("colspan", "7")], |html| {
                        html.words("small", "", untimed_words(runs.late.len()));
                    });
                }
            }
        });
        html.end_line();
    }
}

/// The cells that do not depend on the connection.
fn of_target(html: &mut Html, target: &TargetId, is_simulated: bool, runs: &TargetRuns) {
    html.element("td", &[("class", "target")], |html| {
        target_words(html, target, is_simulated);
        if !runs.route.is_empty() {
            html.words("small", "", format!("route: {}", runs.route));
        }
    });
    html.element("td", &[("class", "num")], |html| {
        html.text(count_text(runs.count()));
        if !runs.late.is_empty() {
            let late = count_text(runs.late.len());
            html.words("small", "", format!("{late} late here"));
        }
    });
    html.element("td", &[("class", "num")], |html| {
        let faults = runs.faults.len();
        html.text(format!(
            "{} ({})",
            count_text(faults),
            percent_text(faults, runs.count())
        ));
        for (class, count) in runs.classes() {
            html.words("small", "", format!("{class} {}", count_text(count)));
        }
        if let Some(lost) = runs.lost.text() {
            html.words("small", "", format!("connections: {lost}"));
        }
    });
    html.element("td", &[("class", "num")], |html| {
        if is_simulated {
            html.words("small", "", "nothing: simulated");
        } else if runs.priced == 0 {
            html.words("small", "", "not known");
        } else {
            html.text(runs.cost);
            let (priced, all) = (count_text(runs.priced), count_text(runs.count()));
            html.words("small", "", format!("of {priced} of {all} runs"));
        }
    });
}

fn of_connection(html: &mut Html, kind: &str, timed: &TimedRuns) {
    let class = if kind == "warm" {
        "warm-word"
    } else {
        "cold-word"
    };
    html.element("td", &[], |html| html.words("span", class, kind));
    html.words("td", "num", count_text(timed.ttft.len()));
    let ttft = timed.ttft.iter().map(|(_, ms)| *ms);
    for percentile in percentiles(ttft, &[0.5, 0.95, 0.99]) {
        cell(html, percentile);
    }
    cell(html, median(timed.net_ms.iter().copied()));
    cell(html, median(timed.tpot_ms.iter().copied()));
}

/// A percentile with its interval and its n; blank where n does not allow it.
fn cell(html: &mut Html, found: Percentile) {
    html.element("td", &[("class", "num")], |html| {
        let n = count_text(found.n);
        let Some(value) = found.value else {
            return html.words("small", "", format!("n {n} is too small"));
        };
        html.text(ms_text(value));
        let interval = interval_text(found.low, found.high, ms_text);
        html.words("small", "", interval);
        html.words("small", "", format!("n {n}"));
    });
}
