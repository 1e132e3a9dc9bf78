//! Looks for the highest rate at which enough requests keep their limits: doubles the rate until they do not, then
//! halves what is between.

use serde::{Deserialize, Serialize};

use super::summary::BenchSummary;

/// The share of requests that must be good for a rate to hold, unless another is asked for.
pub const USUAL_SHARE: f64 = 0.99;

/// The search ends when the rates that held and did not are this close: a ratio.
const CLOSE: f64 = 1.05;

/// Most benches of a search.
const MOST_STEPS: usize = 16;

/// A rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchStep {
    /// Requests a second.
    pub rate: f64,
    /// Whether enough requests kept their limits.
    pub held: bool,
    /// Whether this machine kept up. If it did not, the rate is beyond what can be measured from here.
    pub valid: bool,
    /// The share of good requests.
    pub share: Option<f64>,
}

/// A search for the highest rate.
#[derive(Clone, Debug)]
pub struct RateSearch {
    share: f64,
    begin: f64,
    steps: Vec<SearchStep>,
}

impl RateSearch {
    /// A search that begins at a rate. A rate holds if at least this share of requests is good.
    #[must_use]
    pub fn new(begin: f64, share: f64) -> Self {
        Self {
            share,
            begin,
            steps: Vec::new(),
        }
    }

    /// The rate to try next; `None` once the search is over.
    #[must_use]
    pub fn next_rate(&self) -> Option<f64> {
        if self.steps.len() >= MOST_STEPS || self.steps.last().is_some_and(|step| !step.valid) {
            return None;
        }
        match (self.highest(), self.lowest_that_failed()) {
            (None, None) => Some(self.begin),
            (Some(held), None) => Some(held * 2.0),
            (None, Some(failed)) => (failed > self.begin / 1_000.0).then_some(failed / 2.0),
            (Some(held), Some(failed)) => (failed / held > CLOSE).then(|| (held * failed).sqrt()),
        }
    }

    /// Takes what a bench at a rate found.
    pub fn take(&mut self, rate: f64, summary: &BenchSummary) {
        let share = summary.goodput.and_then(|goodput| goodput.share);
        self.steps.push(SearchStep {
            rate,
            held: summary.valid && share.is_some_and(|share| share >= self.share),
            valid: summary.valid,
            share,
        });
    }

    /// The highest rate that held.
    #[must_use]
    pub fn highest(&self) -> Option<f64> {
        let held = self.steps.iter().filter(|step| step.held);
        held.map(|step| step.rate).reduce(f64::max)
    }

    /// The rates that were tried, in order.
    #[must_use]
    pub fn steps(&self) -> &[SearchStep] {
        &self.steps
    }

    fn lowest_that_failed(&self) -> Option<f64> {
        let failed = self.steps.iter().filter(|step| !step.held);
        failed.map(|step| step.rate).reduce(f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::summary::Goodput;

    /// Searches on a server that keeps the limits up to a rate, from a machine that keeps up to another.
    fn searched(begin: f64, server: f64, machine: f64) -> RateSearch {
        let mut search = RateSearch::new(begin, USUAL_SHARE);
        while let Some(rate) = search.next_rate() {
            let goodput = Some(Goodput {
                share: Some(if rate <= server { 0.995 } else { 0.5 }),
                ..Goodput::default()
            });
            let valid = rate <= machine;
            let summary = BenchSummary {
                valid,
                goodput,
                ..BenchSummary::default()
            };
            search.take(rate, &summary);
        }
        search
    }

    #[test]
    fn it_ends_close_below_what_the_server_holds() {
        for (begin, server) in [(1.0, 37.0), (100.0, 37.0), (37.0, 37.0), (5.0, 4_000.0)] {
            let search = searched(begin, server, f64::MAX);
            let found = search.highest().unwrap();
            assert!(
                found <= server && found * 1.06 > server,
                "{begin} {server}: {found}"
            );
        }
    }

    #[test]
    fn it_ends_where_this_machine_does() {
        let search = searched(1.0, 1e9, 20.0);
        assert_eq!(search.highest(), Some(16.0));
        assert!(!search.steps().last().unwrap().valid);
    }

    #[test]
    fn it_ends_where_nothing_holds() {
        let search = searched(8.0, 0.0, f64::MAX);
        assert_eq!(search.highest(), None);
        assert!(search.steps().len() <= MOST_STEPS);
    }
}
