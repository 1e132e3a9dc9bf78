//! The page: header, targets, plots, failures, gaps, and how all of it was made.

mod lists;
mod method;
mod targets;

use super::{
    Report,
    collect::TargetRuns,
    heading::{MADE_BY, facts, simulated_note, vantage_text},
    html::{Html, page},
    number::{count_text, minute_text},
    plot::{LogAxis, UtcAxis, ecdf, faults_over_time, ttft_over_time},
};
use crate::endpoint::TargetId;

const LEGEND: &str = "<ul class=\"legend\">\
    <li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"warm dots\" d=\"M4 6h0M11 3h0M18 8h0\"/></svg>warm run</li>\
    <li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"cold marks\" d=\"M6 4l2.2 2.2-2.2 2.2-2.2-2.2zM16 3l2.2 2.2-2.2 2.2-2.2-2.2z\"/></svg>cold run</li>\
    <li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"warm line\" d=\"M1 6H21\"/></svg>median over time, warm</li>\
    <li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"cold line\" d=\"M1 6H21\"/></svg>median over time, cold</li>\
    <li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"fault\" d=\"M8 3l6 6m-6 0l6-6\"/></svg>failed run</li>\
    <li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><rect class=\"gap\" x=\"2\" y=\"0\" width=\"18\" height=\"12\"/></svg>not asked</li>\
    </ul>\n";

/// The whole page.
pub(super) fn written(report: &Report) -> String {
    page("Tokenscope report", |html| {
        header(html, report);
        targets::section(html, &report.runs);
        plots(html, report);
        failures(html, report);
        lists::gaps(html, report);
        method::section(html);
    })
}

fn header(html: &mut Html, report: &Report) {
    let scope = &report.scope;
    let span = format!(
        "{} to {} UTC",
        minute_text(scope.from_unix_ns),
        minute_text(scope.to_unix_ns)
    );
    html.raw("<header>\n<h1>Tokenscope report</h1>\n");
    facts(
        html,
        [
            ("Vantage", vantage_text(&scope.vantage).to_owned()),
            ("Time span", span),
            ("Runs", runs_in_words(report)),
            ("Made by", MADE_BY.to_owned()),
        ],
    );
    let targets = &report.runs.targets;
    let simulated = targets.keys().filter(|(_, is)| *is).count();
    simulated_note(html, simulated, targets.len(), "targets here");
    html.raw("</header>\n");
}

fn runs_in_words(report: &Report) -> String {
    let (runs, faults) = (report.runs.count(), report.runs.faults());
    let stopped: usize = report.runs.targets.values().map(|runs| runs.stopped).sum();
    let mut words = format!(
        "n = {} ({}): {} answered, {} failed",
        count_text(runs),
        report.scope.which,
        count_text(runs - faults),
        count_text(faults)
    );
    if stopped > 0 {
        let stopped = count_text(stopped);
        words.extend([
            "; ",
            &stopped,
            " more ended here (stopped, or cut off by a sleep) and count nowhere",
        ]);
    }
    words
}

/// The name of a target, and whether it is simulated.
fn target_words(html: &mut Html, target: &TargetId, is_simulated: bool) {
    html.text(target);
    if is_simulated {
        html.words("span", "tag", "simulated");
    }
}

fn plots(html: &mut Html, report: &Report) {
    html.raw("<section id=\"ttft\">\n<h2>TTFT over time, and its distribution</h2>\n");
    let targets = &report.runs.targets;
    let all = targets.values().flat_map(TargetRuns::kinds);
    let all = all.flat_map(|(_, timed)| timed.ttft.iter().map(|(_, ms)| *ms));
    let Some(scale) = LogAxis::of(all) else {
        let late = targets.values().map(|runs| runs.late.len()).sum();
        html.words("p", "", format!("{}.", untimed_words(late)));
        html.raw("\n</section>\n");
        return;
    };
    let time = time_axis(report);
    html.raw(
        "<p class=\"quiet\">All plots have the same axes, so that targets compare. Milliseconds are on a logarithmic \
         scale, times in UTC.</p>\n",
    );
    html.raw(LEGEND);
    for ((target, is_simulated), runs) in targets {
        if runs.timed_runs() == 0 {
            continue;
        }
        html.element("h3", &[], |html| target_words(html, target, *is_simulated));
        let name = target.to_string();
        let gaps = lists::plotted(report, target);
        html.element("div", &[("class", "pair")], |html| {
            ttft_over_time(html, &name, runs, &gaps, (time, scale));
            ecdf(html, &name, runs, scale);
        });
        html.end_line();
    }
    html.raw("</section>\n");
}

/// Why there are no times, where so many runs were late here and no other one answered.
fn untimed_words(late: usize) -> String {
    match late {
        0 => "No run answered".to_owned(),
        1 => "The only run that answered was late here".to_owned(),
        late => format!("All {} runs that answered were late here", count_text(late)),
    }
}

fn failures(html: &mut Html, report: &Report) {
    html.raw("<section id=\"failures\">\n<h2>Failures over time</h2>\n");
    if report.runs.faults() == 0 {
        html.raw("<p>No run failed.</p>\n</section>\n");
        return;
    }
    let classes = faults_over_time(html, &report.runs, time_axis(report));
    html.raw("<ul class=\"legend\">");
    for (class, colour) in classes {
        html.raw("<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\">");
        let attributes = [("class", colour), ("width", "22"), ("height", "12")];
        html.element("rect", &attributes, |_| {});
        html.raw("</svg>");
        html.text(class);
        html.raw("</li>");
    }
    html.raw("</ul>\n");
    lists::faults(html, &report.runs);
    html.raw("</section>\n");
}

fn time_axis(report: &Report) -> UtcAxis {
    UtcAxis {
        from: report.scope.from_unix_ns,
        to: report.scope.to_unix_ns,
    }
}
