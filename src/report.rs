//! Reports on runs of the history, on comparisons, on load benches and on conversations: one HTML file that needs nothing
//! else, neither a network nor a script.
//!
//! In: runs, one after another, and gaps; or a comparison; or benches; or conversations. Out: the text of the file. All that is foreign is
//! escaped; all figures are those of [`figures`](crate::measure::figures), and the page says how each is made.

mod bench;
mod collect;
mod comparison;
mod conversation;
mod heading;
mod html;
mod number;
mod page;
mod plot;
mod table;
mod terms;

pub use self::{
    bench::{BenchReport, ReportedBench, ReportedMachines, ReportedSearch},
    collect::ReportRuns,
    conversation::ConversationPage,
};
use crate::{compare::CompareState, history::ProbeGap};

/// What a report is about, besides its runs.
#[derive(Clone, Debug, Default)]
pub struct ReportScope {
    /// Where the measuring machine stands, in its owner's words; may be empty.
    pub vantage: String,
    /// Which runs are in it, in words.
    pub which: String,
    /// Its begin, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// Its end, in nanoseconds since 1970: when it was made.
    pub to_unix_ns: i64,
}

/// A report.
#[derive(Debug)]
pub struct Report {
    /// What it is about.
    pub scope: ReportScope,
    /// Its runs.
    pub runs: ReportRuns,
    /// Times in which targets were not asked, in order of their begin.
    pub gaps: Vec<ProbeGap>,
}

impl Report {
    /// The report as an HTML file.
    #[must_use]
    pub fn html(&self) -> String {
        page::written(self)
    }
}

/// A report on a comparison, as an HTML file.
#[must_use]
pub fn comparison_html(state: &CompareState) -> String {
    comparison::written(state)
}
