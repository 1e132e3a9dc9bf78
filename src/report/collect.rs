//! What a report keeps of runs: two numbers of each that answered, the time and class of each that failed.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    endpoint::TargetId,
    measure::{
        cost, figure, late,
        lost::{self, LostConnections},
    },
    price::{PriceTable, Usd},
    run::{ConnectionKind, Run},
};

/// Most failures that are listed one by one; all are counted.
pub(super) const MOST_LISTED: usize = 500;
/// Most letters of a failure's message.
const MOST_LETTERS: usize = 300;
/// The class of a run with a clean end and no token.
pub(super) const NO_TOKEN: &str = "no_token";

/// The runs of a report, by target; the simulator's are apart.
#[derive(Debug)]
pub struct ReportRuns {
    prices: PriceTable,
    /// The share of its TTFT by which a run may be read late.
    late_share: f64,
    pub(super) targets: BTreeMap<(TargetId, bool), TargetRuns>,
    /// The latest failures, the oldest first.
    pub(super) listed: VecDeque<ListedFault>,
}

/// The runs of a target.
#[derive(Debug, Default)]
pub(super) struct TargetRuns {
    pub route: String,
    pub warm: TimedRuns,
    pub cold: TimedRuns,
    /// When each failed run started, and its class.
    pub faults: Vec<(i64, &'static str)>,
    /// How many of them lost their connection.
    pub lost: LostConnections,
    /// When each run started that answered and was read late here: these have no times.
    pub late: Vec<i64>,
    /// Runs that ended here (they were stopped, or the machine slept): they count in no rate.
    pub stopped: usize,
    /// How many runs have a known cost, and what these cost.
    pub priced: usize,
    pub cost: Usd,
}

/// The runs that answered over one kind of connection.
#[derive(Debug, Default)]
pub(super) struct TimedRuns {
    /// When each started, and its TTFT in milliseconds.
    pub ttft: Vec<(i64, f64)>,
    pub net_ms: Vec<f64>,
    pub tpot_ms: Vec<f64>,
}

/// A failure as it is listed.
#[derive(Debug)]
pub(super) struct ListedFault {
    pub at_unix_ns: i64,
    pub target: String,
    pub class: &'static str,
    pub phase: &'static str,
    pub status: Option<u16>,
    pub message: String,
}

impl ReportRuns {
    /// None yet; their costs will be those by these prices. Runs that are read later than this share of their TTFT have
    /// no times.
    #[must_use]
    pub fn new(prices: PriceTable, late_share: f64) -> Self {
        Self {
            prices,
            late_share,
            targets: BTreeMap::new(),
            listed: VecDeque::new(),
        }
    }

    /// Takes a run, in order of their start. One that is not over is left out.
    pub fn take(&mut self, run: &Run) {
        if !run.state.is_over() {
            return;
        }
        let (head, prices) = (&run.head, &self.prices);
        let key = (head.target.clone(), head.simulated);
        let target = self.targets.entry(key).or_default();
        target.route.clone_from(&head.route);
        if let Ok(cost) = cost::of(run, prices) {
            target.priced += 1;
            target.cost = target.cost.checked_add(cost).unwrap_or(target.cost);
        }
        let at = run.stamps.started_unix_ns;
        let fault = run.answer.fault.as_ref();
        let (class, phase, message) = match (fault, run.stamps.first_token, run.connection) {
            (None, Some(_), Some(_)) if late::of(run, self.late_share) => {
                target.late.push(at);
                return;
            }
            (None, Some(_), Some(kind)) => return target.timed(kind).take(run, prices),
            (Some(fault), ..) if fault.class.is_no_failure() => {
                target.stopped += 1;
                return;
            }
            (Some(fault), ..) => (
                fault.class.as_str(),
                fault.phase.as_str(),
                fault.message.as_str(),
            ),
            (None, ..) => (NO_TOKEN, "", "It ended well, without a token"),
        };
        target.faults.push((at, class));
        if let Some(loss) = lost::of(run) {
            target.lost.add(loss, 1);
        }
        if self.listed.len() == MOST_LISTED {
            self.listed.pop_front();
        }
        self.listed.push_back(ListedFault {
            at_unix_ns: at,
            target: head.target.to_string(),
            class,
            phase,
            status: run.status.or(fault.and_then(|fault| fault.status)),
            message: shortened(message),
        });
    }

    /// How many runs it has, those that ended here left out.
    #[must_use]
    pub fn count(&self) -> usize {
        self.targets.values().map(TargetRuns::count).sum()
    }

    /// When its first run started, in nanoseconds since 1970.
    #[must_use]
    pub fn first_unix_ns(&self) -> Option<i64> {
        self.targets.values().filter_map(TargetRuns::first).min()
    }

    pub(super) fn faults(&self) -> usize {
        let targets = self.targets.values();
        targets.map(|target| target.faults.len()).sum()
    }
}

impl TargetRuns {
    fn timed(&mut self, kind: ConnectionKind) -> &mut TimedRuns {
        match kind {
            ConnectionKind::Warm => &mut self.warm,
            ConnectionKind::Cold => &mut self.cold,
        }
    }

    /// Both kinds, with their words.
    pub(super) fn kinds(&self) -> [(&'static str, &TimedRuns); 2] {
        [("warm", &self.warm), ("cold", &self.cold)]
    }

    /// Those that count: answered or failed.
    pub(super) fn count(&self) -> usize {
        self.timed_runs() + self.late.len() + self.faults.len()
    }

    /// Those whose times are known and count.
    pub(super) fn timed_runs(&self) -> usize {
        self.warm.ttft.len() + self.cold.ttft.len()
    }

    /// How many runs failed with each class, the most frequent first.
    pub(super) fn classes(&self) -> Vec<(&'static str, usize)> {
        by_count(self.faults.iter().map(|(_, class)| *class))
    }

    fn first(&self) -> Option<i64> {
        let [warm, cold] = [&self.warm, &self.cold].map(|timed| timed.ttft.first());
        let timed = warm.into_iter().chain(cold).map(|(at, _)| *at);
        let others = self.faults.first().map(|(at, _)| *at).into_iter();
        timed.chain(others).chain(self.late.first().copied()).min()
    }
}

impl TimedRuns {
    fn take(&mut self, run: &Run, prices: &PriceTable) {
        let value = |key| figure(key).and_then(|figure| (figure.value)(run, prices));
        if let Some(ttft) = value("ttft_ms") {
            self.ttft.push((run.stamps.started_unix_ns, ttft));
        }
        self.net_ms.extend(value("ttft_net_ms"));
        self.tpot_ms.extend(value("tpot_ms"));
    }
}

/// How often each word occurs, the most frequent first.
pub(super) fn by_count(words: impl Iterator<Item = &'static str>) -> Vec<(&'static str, usize)> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_insert(0) += 1;
    }
    let mut counts = Vec::from_iter(counts);
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}
