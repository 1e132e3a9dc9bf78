//! The report on load benches: what was asked, whether it counts, what was measured, and how all of it was made.

mod asked;
mod figures;
mod machines;
mod method;
mod overview;
mod plots;
mod verdict;

use std::sync::Arc;

use super::{
    heading::{MADE_BY, facts, simulated_note, vantage_text},
    html::{Html, page},
    number::{count_text, minute_text},
};
use crate::{
    bench::{
        BenchCharts, BenchId, BenchPlan, BenchSummary,
        merge::{CommonClock, MachineResult, MergedBench},
    },
    endpoint::{TargetId, simulated},
};

/// A report on benches: one, or those of a sweep, of a search, or of several targets.
#[derive(Debug, Default)]
pub struct BenchReport {
    /// Where the measuring machine stands, in its owner's words; may be empty.
    pub vantage: String,
    /// The benches, in the order in which they ran.
    pub benches: Vec<ReportedBench>,
    /// What searches found.
    pub searches: Vec<ReportedSearch>,
}

/// A bench, with what is known of it.
#[derive(Debug)]
pub struct ReportedBench {
    /// Its key in the history; `None` if it is not stored.
    pub id: Option<BenchId>,
    /// When it began, in nanoseconds since 1970; `None` if that is not known.
    pub began_unix_ns: Option<i64>,
    /// What was planned.
    pub plan: BenchPlan,
    /// What it found.
    pub summary: Arc<BenchSummary>,
    /// What its plots show.
    pub charts: BenchCharts,
    /// The machines that sent its load, where there were several.
    pub machines: Option<ReportedMachines>,
}

/// The machines of a bench.
#[derive(Debug)]
pub struct ReportedMachines {
    /// What each one measured.
    pub machines: Vec<MachineResult>,
    /// How well their clocks are known.
    pub clock: CommonClock,
    /// The share of the time in which all of them sent; `None` without requests.
    pub together_share: Option<f64>,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct ReportedSearch {
    /// Whom it asked.
    pub target: TargetId,
    /// The highest rate that held, in requests a second; `None` if none did.
    pub highest_rate: Option<f64>,
    /// The share of requests that had to be good.
    pub share: f64,
}

impl ReportedBench {
    /// A bench of several machines, with what its plots show.
    #[must_use]
    pub fn of_merged(id: Option<BenchId>, merged: &MergedBench, charts: BenchCharts) -> Self {
        Self {
            id,
            began_unix_ns: Some(merged.began_unix_ns),
            plan: merged.plan.clone(),
            summary: Arc::new(merged.summary.clone()),
            charts,
            machines: Some(ReportedMachines {
                machines: merged.machines.clone(),
                clock: merged.clock,
                together_share: merged.together_share,
            }),
        }
    }

    /// Whether the built-in simulator answered. Where a bench does not say who did, its endpoint's name tells.
    fn is_simulated(&self) -> bool {
        let places = &self.summary.places;
        places.iter().any(|place| place.simulated)
            || (places.is_empty() && simulated::is_own(&self.plan.target.endpoint))
    }
}

impl BenchReport {
    /// The report as an HTML file.
    #[must_use]
    pub fn html(&self) -> String {
        page("Tokenscope load bench", |html| {
            header(html, self);
            if self.benches.len() > 1 || !self.searches.is_empty() {
                overview::section(html, self);
            }
            for (at, bench) in self.benches.iter().enumerate() {
                section(html, at + 1, bench);
            }
            method::section(html, self);
        })
    }
}

fn header(html: &mut Html, report: &BenchReport) {
    html.raw("<header>\n<h1>Tokenscope load bench</h1>\n");
    facts(
        html,
        [
            ("Vantage", vantage_text(&report.vantage).to_owned()),
            ("Time", time_in_words(&report.benches)),
            ("Benches", count_text(report.benches.len())),
            ("Made by", MADE_BY.to_owned()),
        ],
    );
    let is_simulated = |bench: &&ReportedBench| bench.is_simulated();
    let simulated = report.benches.iter().filter(is_simulated).count();
    simulated_note(html, simulated, report.benches.len(), "benches here");
    html.raw("</header>\n");
}

/// From the begin of the first bench to the end of the last one.
fn time_in_words(benches: &[ReportedBench]) -> String {
    let began = benches.iter().filter_map(|bench| bench.began_unix_ns);
    let ended = benches.iter().filter_map(asked::ended_unix_ns);
    match (began.min(), ended.max()) {
        (Some(began), Some(ended)) => {
            format!("{} to {} UTC", minute_text(began), minute_text(ended))
        }
        _ => "not known".to_owned(),
    }
}

/// What is said of one bench: whether it counts comes first.
fn section(html: &mut Html, number: usize, bench: &ReportedBench) {
    let id = format!("bench-{number}");
    html.element("section", &[("id", &id)], |html| {
        html.element("h2", &[], |html| {
            html.text(format!("Bench {number}: {}", bench.plan.target));
            html.text(format!(", {}", asked::load_in_words(&bench.plan)));
            if bench.is_simulated() {
                html.words("span", "tag", "simulated");
            }
        });
        html.end_line();
        verdict::validity(html, &bench.summary);
        asked::facts_of(html, bench);
        verdict::rates(html, &bench.summary);
        figures::section(html, &bench.summary);
        verdict::faults(html, &bench.summary);
        if let Some(machines) = &bench.machines {
            machines::section(html, machines);
        }
        plots::section(html, bench);
    });
    html.end_line();
}

#[cfg(test)]
mod tests;
