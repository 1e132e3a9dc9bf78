//! What the inspector shows of a run and that takes long to derive: derived once for each change of the run, not in
//! each frame.

use std::sync::Arc;

use crate::{
    event::Usage,
    measure::{
        Figure,
        arrivals::arrivals,
        burst::{Burst, stalls},
        figures,
    },
    run::{OffsetNs, Read, Run, RunId, RunState, StampedBy},
    settings::Settings,
};

use super::{
    gaps::{Gap, gap_range, gaps},
    histogram::GapHistogram,
};

/// A live run with more reads than this is looked at again no sooner than after [`PAUSE_SECS`].
const MANY_READS: usize = 2_000;
const PAUSE_SECS: f64 = 0.2;

/// What is derived from a run.
#[derive(Debug)]
pub struct RunFacts {
    mark: RunMark,
    derived_at: f64,
    /// The values of all figures, in their order.
    values: Vec<Option<f64>>,
    /// The gaps between arrivals of tokens, in order.
    pub gaps: Vec<Gap>,
    /// The shortest and the longest gap, in nanoseconds.
    pub gap_range: Option<(u64, u64)>,
    /// The longest of our delays, in nanoseconds; `None` if none is known.
    pub longest_delay: Option<u32>,
    /// How the gaps spread.
    pub histogram: GapHistogram,
    /// Whether something buffers.
    pub burst: Option<Burst>,
    /// How many stalls there are.
    pub stalls: usize,
    /// Who made the stamps of its reads.
    pub stamped_by: Option<StampedBy>,
    /// Bytes of all reads.
    pub bytes: u64,
    /// How many reads carried tokens.
    pub token_reads: u64,
    /// The request's parameters as JSON; empty if there are none.
    pub params: String,
    /// The request's tools as JSON; empty if there are none.
    pub tools: String,
}

/// What changes whenever what is derived changes.
#[derive(Clone, Debug, PartialEq)]
struct RunMark {
    id: RunId,
    state: RunState,
    reads: usize,
    last: Option<Read>,
    usage: Option<Usage>,
    reasoning: bool,
    closed: Option<OffsetNs>,
    settings: SettingsInForce,
}

/// The settings that hold; prices come from them. Kept, so that no later ones can be at their address.
#[derive(Clone, Debug)]
struct SettingsInForce(Arc<Settings>);

impl PartialEq for SettingsInForce {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl RunMark {
    fn of(run: &Run, settings: &Arc<Settings>) -> Self {
        Self {
            id: run.head.id,
            state: run.state,
            reads: run.reads.len(),
            last: run.reads.last().copied(),
            usage: run.answer.usage,
            reasoning: run.answer.reasoning.is_empty(),
            closed: run.stamps.closed,
            settings: SettingsInForce(Arc::clone(settings)),
        }
    }
}

impl RunFacts {
    fn derive(run: &Run, settings: &Arc<Settings>, now: f64) -> Self {
        let arrivals = arrivals(&run.reads);
        let stalls = stalls(&arrivals);
        let gaps = gaps(&arrivals, &stalls);
        let request = &run.head.request;
        let params = serde_json::to_value(&request.params).unwrap_or_default();
        let has_params = params.as_object().is_some_and(|params| !params.is_empty());
        let token_reads = run.reads.iter().filter(|read| read.tokens > 0);
        Self {
            mark: RunMark::of(run, settings),
            derived_at: now,
            values: figures()
                .map(|figure| (figure.value)(run, &settings.prices))
                .collect(),
            histogram: GapHistogram::of(&gaps),
            burst: Burst::of(run, &arrivals),
            stalls: stalls.len(),
            gap_range: gap_range(&gaps),
            gaps,
            longest_delay: run.reads.iter().filter_map(|read| read.delay).max(),
            stamped_by: run.stamped_by(),
            bytes: run.reads.iter().map(|read| u64::from(read.bytes)).sum(),
            token_reads: token_reads.count() as u64,
            params: if has_params {
                pretty(&params)
            } else {
                String::new()
            },
            tools: if request.tools.is_empty() {
                String::new()
            } else {
                pretty(&request.tools)
            },
        }
    }

    /// All figures with their values.
    pub fn figures(&self) -> impl Iterator<Item = (&'static Figure, Option<f64>)> {
        figures().zip(self.values.iter().copied())
    }

    /// Whether what arrived at this time ended a stall.
    pub fn is_stall(&self, at: OffsetNs) -> bool {
        let found = self.gaps.binary_search_by_key(&at, |gap| gap.at);
        found.is_ok_and(|gap| self.gaps[gap].is_stall)
    }
}

/// A value as indented JSON.
pub fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The facts of the runs that are shown.
#[derive(Debug, Default)]
pub struct Derived {
    kept: Vec<RunFacts>,
    /// How often facts were derived.
    #[cfg(test)]
    pub times: usize,
}

impl Derived {
    /// Keeps those of these runs only.
    pub fn keep(&mut self, runs: &[RunId]) {
        self.kept.retain(|facts| runs.contains(&facts.mark.id));
    }

    /// The facts of a run, derived anew if it changed; `now` is egui's clock. Says how long to wait until it is worth
    /// asking again, in seconds, if it has changed and was not looked at.
    pub fn update(&mut self, run: &Run, settings: &Arc<Settings>, now: f64) -> Option<f64> {
        let mark = RunMark::of(run, settings);
        let place = self.kept.iter().position(|facts| facts.mark.id == mark.id);
        if let Some(facts) = place.map(|place| &self.kept[place]) {
            if facts.mark == mark {
                return None;
            }
            let wait = facts.derived_at + PAUSE_SECS - now;
            if !run.state.is_over() && run.reads.len() > MANY_READS && wait > 0.0 {
                return Some(wait);
            }
        }
        let facts = RunFacts::derive(run, settings, now);
        #[cfg(test)]
        {
            self.times += 1;
        }
        match place {
            Some(place) => self.kept[place] = facts,
            None => self.kept.push(facts),
        }
        None
    }

    /// The facts of a run, once they were derived.
    #[must_use]
    pub fn of(&self, run: RunId) -> Option<&RunFacts> {
        self.kept.iter().find(|facts| facts.mark.id == run)
    }
}
