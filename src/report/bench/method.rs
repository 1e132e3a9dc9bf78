//! How a report on benches was made.

use super::{
    super::{
        html::Html,
        terms::{CLOCKS, INTERVAL, PERCENTILE, Term, entry, method_section},
    },
    BenchReport,
    figures::time_name,
};
use crate::bench::time_rows::time_rows;

const TERMS: [Term; 13] = [
    (
        "Closed loop, open loop",
        "In a closed loop a number of streams ask, each of which sends its next request when its last one is over: a server \
         that stalls is asked less, so that its slowest times are too good (coordinated omission). In an open loop requests \
         are sent by a schedule, whether earlier ones are over or not.",
    ),
    (
        "n",
        "The number of complete answers that a time was measured for. Requests that failed are in the denominator of every \
         rate and in no time.",
    ),
    (
        "Valid",
        "A bench counts if this machine kept up: the 99th percentile of our lag (of fewer than 100 requests the largest) is \
         at most 2 ms, or at most a tenth of the median TTFT if that is more; at most 1 % of the first tokens were read \
         late; at least 95 % of the rate that was due was begun; and the machine did not sleep.",
    ),
    (
        "Our own lag",
        "Started − due. In a closed loop: since the stream was free. It is part of the times from schedule.",
    ),
    (
        "First tokens that were read too late",
        "This program read them at least 1 ms and a tenth of the TTFT later than the kernel received them.",
    ),
    (
        "Sent a second",
        "Requests that were really begun: (n − 1) / (last start − first start). Beside it stands the rate that was asked for.",
    ),
    (
        "Complete answers and output tokens a second",
        "Over the time from the first start to the last end. Tokens are those that the provider counted; the rate is not \
         known where it did not count those of each answer.",
    ),
    (
        "Under way on average",
        "The time that requests were under way, added up, divided by the time from the first start to the last end.",
    ),
    (
        "Goodput",
        "The share of the requests that kept all limits, of those that were answered or failed. TTFT and total count from \
         schedule in an open loop, else from start. Its 95 % interval is the score interval of Wilson (1927).",
    ),
    (
        "In no figure",
        "Requests of the warm-up, requests that our own stop cancelled, and requests that were due and not sent since a 429 \
         had asked to wait.",
    ),
    (
        "Plots over time",
        "Each line has a value for each stretch of time; a stretch with too few answers for a percentile breaks it. Of TTFT, \
         each point is an answer at the time at which its request was begun, of many answers an even sample.",
    ),
    (
        "Distribution",
        "The share of the complete answers that took at most so long (empirical distribution function).",
    ),
    CLOCKS,
];

/// Only of several machines.
const MACHINES: Term = (
    "Machines",
    "All figures are computed from the requests of all machines, never from their percentiles. Each request keeps the times \
     that its own machine measured; the clocks decide only about rates and requests under way.",
);

/// The times that any of the benches has, each with its name and its meaning.
fn times(report: &BenchReport) -> Vec<(String, &'static str)> {
    let mut all: Vec<(String, &'static str)> = Vec::new();
    let benches = report.benches.iter();
    for row in benches.flat_map(|bench| time_rows(&bench.summary)) {
        let name = time_name(&row);
        if !all.iter().any(|(known, _)| *known == name) {
            all.push((name, row.meaning));
        }
    }
    all
}

/// The section.
pub(super) fn section(html: &mut Html, report: &BenchReport) {
    method_section(html, |html| {
        for (name, meaning) in times(report) {
            entry(html, &name, &format!("{meaning}."));
        }
        for (term, meaning) in TERMS.into_iter().chain([PERCENTILE, INTERVAL]) {
            entry(html, term, meaning);
        }
        if report.benches.iter().any(|bench| bench.machines.is_some()) {
            let (term, meaning) = MACHINES;
            entry(html, term, meaning);
        }
    });
}
