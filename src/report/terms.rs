//! Explanations that several reports have in common, and the section that they stand in.

use super::html::Html;
use crate::measure::Figure;

/// A term and what it means.
pub(super) type Term = (&'static str, &'static str);

pub(super) const PERCENTILE: Term = (
    "Percentile",
    "Linear between the two nearest values (type 7 of Hyndman and Fan). It is blank until the sample is expected to have a \
     value beyond it: P95 needs n of 20, P99 of 100.",
);
pub(super) const INTERVAL: Term = (
    "95 % interval",
    "Distribution-free, from order statistics: the ranks that a binomial distribution leaves with at most 2.5 % on each \
     side. An end is open where n is too small: the upper one of P95 under n of 72, of P99 under n of 368.",
);
pub(super) const CLOCKS: Term = (
    "Clocks",
    "Times within a run are by a monotonic clock; tokens are stamped when the kernel received them, where it says so. The \
     wall clock only places a run in time.",
);

/// The section that says how a report was made.
pub(super) fn method_section(html: &mut Html, entries: impl FnOnce(&mut Html)) {
    html.raw("<section id=\"method\">\n<h2>Method</h2>\n<dl class=\"method\">\n");
    entries(html);
    html.raw("</dl>\n</section>\n");
}

/// An entry about a figure, whose definition is that of the whole program.
pub(super) fn figure_entry(html: &mut Html, figure: &Figure) {
    let term = format!("{} ({})", figure.label, figure.unit);
    entry(html, &term, &format!("{}.", figure.definition));
}

/// An entry of it.
pub(super) fn entry(html: &mut Html, term: &str, meaning: &str) {
    html.words("dt", "", term);
    html.words("dd", "", meaning);
    html.end_line();
}
