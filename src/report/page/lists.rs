//! Failures and gaps, one by one.

use crate::{
    endpoint::TargetId,
    report::{
        Report,
        collect::{MOST_LISTED, ReportRuns},
        html::Html,
        number::{count_text, minute_text, time_text},
        plot::PlottedGap,
        table::{row, table},
    },
};

/// The latest failures, the latest first.
pub(super) fn faults(html: &mut Html, runs: &ReportRuns) {
    let (all, listed) = (runs.faults(), runs.listed.len());
    if all > listed {
        html.words(
            "p",
            "quiet",
            format!(
                "The latest {MOST_LISTED} of {} are listed.",
                count_text(all)
            ),
        );
    }
    let head = [
        "Started (UTC)",
        "Target",
        "Class",
        "Phase",
        "Status",
        "Message",
    ];
    table(html, &head, |html| {
        for fault in runs.listed.iter().rev() {
            row(html, |html| {
                let at = time_text(fault.at_unix_ns, "%Y-%m-%d %H:%M:%S");
                html.words("td", "num", at);
                html.words("td", "target", &fault.target);
                html.words("td", "", fault.class);
                html.words("td", "", fault.phase);
                let status = fault.status.map(|status| status.to_string());
                html.words("td", "num", status.unwrap_or_default());
                html.words("td", "message", &fault.message);
            });
        }
    });
}

/// The gaps of a target, as its plot shows them.
pub(super) fn plotted(report: &Report, target: &TargetId) -> Vec<PlottedGap> {
    let gaps = report.gaps.iter();
    let of_target = gaps.filter(|gap| gap.target.as_ref().is_none_or(|of| of == target));
    of_target
        .map(|gap| PlottedGap {
            from: gap.from_unix_ns,
            to: gap.to_unix_ns.unwrap_or(report.scope.to_unix_ns),
            why: gap.why.as_str(),
        })
        .collect()
}

/// The section of the gaps, the latest first.
pub(super) fn gaps(html: &mut Html, report: &Report) {
    html.raw(
        "<section id=\"gaps\">\n<h2>Gaps</h2>\n<p>Times in which a target was not asked although it was due. They are no \
         outage, and count as none.</p>\n",
    );
    if report.gaps.is_empty() {
        html.raw("<p>None is known.</p>\n</section>\n");
        return;
    }
    if report.gaps.len() > MOST_LISTED {
        let all = count_text(report.gaps.len());
        let words = format!("The latest {MOST_LISTED} of {all} are listed.");
        html.words("p", "quiet", words);
    }
    let head = ["From (UTC)", "To (UTC)", "Minutes", "Target", "Why"];
    table(html, &head, |html| {
        for gap in report.gaps.iter().rev().take(MOST_LISTED) {
            row(html, |html| {
                let to = gap.to_unix_ns.unwrap_or(report.scope.to_unix_ns);
                html.words("td", "num", minute_text(gap.from_unix_ns));
                match gap.to_unix_ns {
                    Some(to) => html.words("td", "num", minute_text(to)),
                    None => html.words("td", "", "it lasts"),
                }
                html.words("td", "num", minutes(to.saturating_sub(gap.from_unix_ns)));
                match &gap.target {
                    Some(target) => html.words("td", "target", target),
                    None => html.words("td", "target", "all targets"),
                }
                html.words("td", "", gap.why.as_str());
            });
        }
    });
    html.raw("</section>\n");
}

/// Nanoseconds as minutes.
fn minutes(ns: i64) -> String {
    let tenths = ns.max(0) / 6_000_000_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}
