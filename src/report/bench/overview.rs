//! Several benches in one table: the levels of a sweep, the steps of a search, the targets.

use super::{
    super::{
        html::Html,
        number::ms_text,
        table::{estimate, row, table},
    },
    BenchReport, ReportedBench,
    asked::{count, load_in_words, percent_of, rate_text},
    figures::QUANTILES,
};

/// The table, and what searches found.
pub(super) fn section(html: &mut Html, report: &BenchReport) {
    html.raw("<section id=\"benches\">\n<h2>All benches</h2>\n");
    for search in &report.searches {
        let percent = 100.0 * search.share;
        let found = search.highest_rate.map_or_else(
            || "no rate held that was tried".to_owned(),
            |rate| {
                format!(
                    "the highest rate that held is {} requests/s",
                    rate_text(rate)
                )
            },
        );
        html.words(
            "p",
            "",
            format!(
                "{}: {found}. A rate holds where at least {percent} % of the requests keep the limits, and this machine keeps \
                 up.",
                search.target
            ),
        );
        html.end_line();
    }
    let mut head = vec!["Bench", "Target", "Load", "Validity", "Sent a second", "n"];
    head.extend(["Failed", "TTFT p50", "TTFT p95", "TTFT p99", "Goodput"]);
    table(html, &head, |html| {
        for (at, bench) in report.benches.iter().enumerate() {
            row(html, |html| cells(html, at + 1, bench));
        }
    });
    html.raw(
        "<p class=\"quiet\">TTFT in milliseconds, with its 95 % interval: from schedule where there is one, else from \
         start.</p>\n</section>\n",
    );
}

fn cells(html: &mut Html, number: usize, bench: &ReportedBench) {
    let found = &bench.summary;
    html.words("td", "num", number);
    html.words("td", "target", &bench.plan.target);
    html.words("td", "", load_in_words(&bench.plan));
    html.words("td", "", if found.valid { "valid" } else { "INVALID" });
    let sent = found.achieved_rate.map_or_else(String::new, rate_text);
    html.words("td", "num", sent);
    html.words("td", "num", count(found.requests.sent));
    html.words("td", "num", count(found.requests.failed));
    let from_schedule = found.from_schedule.as_ref();
    let ttft = from_schedule.map_or(&found.ttft_ms, |times| &times.ttft_ms);
    for quantile in QUANTILES {
        estimate(html, &ttft.quantile(quantile), ms_text);
    }
    let goodput = found.goodput;
    let share = goodput.map(|goodput| percent_of(goodput.good, goodput.of));
    html.words("td", "num", share.unwrap_or_default());
}
