//! How each figure was made.

use crate::{
    measure::figure,
    report::{
        html::Html,
        terms::{CLOCKS, INTERVAL, PERCENTILE, Term, entry, figure_entry, method_section},
    },
};

/// The figures of a report, whose definitions are those of the whole program.
const FIGURES: [&str; 4] = ["ttft_ms", "ttft_net_ms", "tpot_ms", "cost_usd"];

/// What is not a figure of a single run.
const TERMS: [Term; 9] = [
    (
        "Run, n",
        "One request to one target. n is the number of runs that a figure is made from.",
    ),
    (
        "Cold, warm",
        "A cold run opened a new connection, whose name resolution and handshakes are in its TTFT; a warm run went over one \
         that was open. The two are never averaged together.",
    ),
    (
        "Failed",
        "Runs that ended in a fault, by class, and runs with a clean end and no token (no_token). They count in the \
         denominator of every rate and in no time. Runs that were stopped here, or that a sleep of this machine cut off, count in \
         neither.",
    ),
    (
        "Late here",
        "Runs that answered, and whose first token this machine read so much later than its kernel received it that a \
         share of the TTFT was its own (late_share in the settings). They count as answered and are in no time.",
    ),
    PERCENTILE,
    INTERVAL,
    (
        "Plots of TTFT",
        "A dot for each run that answered; where several fall on one pixel, the lowest, the median and the highest of \
         each kind. The line is the median of each 48th of the time span with at least 3 runs. A cross above is a failure, \
         a shaded stretch a gap.",
    ),
    (
        "Distribution",
        "The share of the runs that answered whose TTFT was at or under a value (empirical distribution function). Runs \
         that failed are not in it.",
    ),
    CLOCKS,
];

/// The section.
pub(super) fn section(html: &mut Html) {
    method_section(html, |html| {
        for figure in FIGURES.iter().filter_map(|key| figure(key)) {
            figure_entry(html, figure);
        }
        for (term, meaning) in TERMS {
            entry(html, term, meaning);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_known() {
        for key in FIGURES {
            assert!(figure(key).is_some(), "{key}");
        }
    }
}
