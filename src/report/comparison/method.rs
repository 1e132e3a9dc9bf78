//! How a comparison was made.

use std::collections::BTreeMap;

use super::super::{
    html::Html,
    terms::{CLOCKS, Term, entry, figure_entry, method_section},
};
use crate::{
    compare::{ComparePhase, CompareState, ComparedFigure},
    measure::evidence::Method,
};

/// What is no figure of a single run.
const TERMS: [Term; 8] = [
    (
        "Round, pair, n",
        "A round asks each arm once, one after the other, in random order, with the same prompt. The first arm's run and \
         another's are a pair. n is the number of pairs in which both were measured.",
    ),
    (
        "Cold, warm",
        "A cold run opened a new connection, whose name resolution and handshakes are in its TTFT; a warm one went over an \
         open connection. Their verdicts are apart.",
    ),
    (
        "Left out",
        "Runs that are in no figure: late (this machine read the first token so much later than its kernel received it that \
         a share of the TTFT was its own), not over an open connection (it was to go over one and had to open one, as the \
         first one does), too far apart (the runs of its pair started so), stopped (it ended here, or the machine slept).",
    ),
    (
        "Failed",
        "Runs that ended in a fault, and runs with a clean end and no token. They are in the failure rate and in \
         no time. A pair of which one failed counts towards the number of pairs.",
    ),
    (
        "Intervals",
        "95 %. Where the number of pairs was fixed beforehand, they are for one look at the end; else they hold at every look \
         at once, so that whoever watched and stopped at the first verdict is wrong in at most 5 % of comparisons. They are of \
         each verdict by itself.",
    ),
    (
        "Verdict",
        "Faster or slower where the whole interval of the difference is on one side of 0; the same where the whole interval of \
         the ratio is within the margin; else it can't be told.",
    ),
    (
        "Total",
        "It depends on how long the answers are: where the arms answer at different lengths, TTFT and TPOT compare, and the \
         total does not.",
    ),
    CLOCKS,
];

/// The section.
pub(super) fn section(html: &mut Html, state: &CompareState) {
    method_section(html, |html| {
        for figure in ComparedFigure::ALL.iter().filter_map(|it| it.figure()) {
            figure_entry(html, figure);
        }
        for phase in ComparePhase::ALL {
            entry(html, phase.label(), &format!("{}.", phase.definition()));
        }
        for (term, meaning) in TERMS {
            entry(html, term, meaning);
        }
        for method in methods(state) {
            let text = format!("{} {}.", method.sentence(), method.citation());
            entry(html, method.name(), &text);
        }
    });
}

/// The methods of the verdicts.
fn methods(state: &CompareState) -> Vec<Method> {
    let kinds = state.result.kinds.iter();
    let arms = kinds.flat_map(|kind| &kind.against_first);
    let of_arms = arms.flat_map(|arm| {
        let figures = arm.figures.iter().map(|found| found.verdict.method);
        figures.chain([arm.failures.method])
    });
    let of_answers = state.result.preferences.iter().map(|it| it.verdict.method);
    let all = of_arms.chain(of_answers);
    let by_name: BTreeMap<&str, Method> = all.map(|method| (method.name(), method)).collect();
    by_name.into_values().collect()
}
