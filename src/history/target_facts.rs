//! What the table of targets tells beside TTFT and outcomes: how many answers something held back on their way, how many
//! connections were lost, and what was spent today.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{
    cells::Cells,
    probe_bursts, query,
    reader::{self, HistoryReader, IsCancelled},
};
use crate::{
    endpoint::TargetId,
    measure::{burst::BurstVerdict, cost_sum::CostSum, lost::LostConnections},
    price::PriceTable,
    transport::ConnectionLoss,
};

/// Most answers of a target that are looked at for a verdict on buffering; the latest come first.
pub const MOST_JUDGED: u32 = 200;

/// Which stretch of time, and since when it is today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetFactsQuery {
    /// From, in nanoseconds since 1970; `None` is the first run.
    pub from_unix_ns: Option<i64>,
    /// To, in nanoseconds since 1970; `None` is now.
    pub to_unix_ns: Option<i64>,
    /// The last midnight, in nanoseconds since 1970.
    pub today_unix_ns: i64,
}

/// What is told of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// The target.
    pub target: TargetId,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// How many of its latest answers in the stretch were held back.
    pub buffered: BufferedCount,
    /// How many of its failed runs in the stretch lost their connection.
    pub lost: LostConnections,
    /// What its runs since midnight cost, whoever asked.
    pub cost_today: CostSum,
}

/// How many answers were held back on their way and let go together ([`BurstVerdict`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferedCount {
    /// Answers with the verdict that something buffers.
    pub buffered: usize,
    /// Answers with a verdict.
    pub judged: usize,
    /// Answers that tell nothing: too few tokens, or all at once.
    pub unclear: usize,
}

impl BufferedCount {
    /// The share of buffered answers among those with a verdict, from 0 to 1; `None` without any.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred")]
    pub fn share(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.buffered as f64 / self.judged as f64)
    }

    /// Counts an answer.
    pub fn add(&mut self, verdict: BurstVerdict) {
        match verdict {
            BurstVerdict::Unclear => self.unclear += 1,
            BurstVerdict::Flowing => self.judged += 1,
            BurstVerdict::Buffered => {
                self.judged += 1;
                self.buffered += 1;
            }
        }
    }
}

/// The facts of all targets, by target and whether the simulator answered.
type FactsByTarget = BTreeMap<(TargetId, bool), TargetFacts>;

/// The facts of all targets that have any, in order of their names. Costs are by these prices.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn all(
    reader: &mut HistoryReader,
    asked: &TargetFactsQuery,
    prices: &PriceTable,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<TargetFacts>> {
    let file = &reader.connection;
    let _snapshot = query::Snapshot::begin(file)?;
    let today = asked.today_unix_ns;
    let costs = (reader.todays_costs).sums(file, today, prices, is_cancelled)?;
    let mut found = FactsByTarget::new();
    for (key, target) in query::targets(file)? {
        if is_cancelled() {
            return Err(reader::cancelled());
        }
        if let Some(cost) = costs.get(&key) {
            facts_of(&mut found, &target, false).cost_today = *cost;
        }
        count_buffered(file, (key, &target), asked, &mut found)?;
        count_lost(file, (key, &target), asked, &mut found)?;
    }
    found.retain(|_, facts| {
        let counts = facts.buffered;
        let told = counts.judged + counts.unclear + facts.lost.all();
        facts.cost_today.answers() + told > 0
    });
    Ok(found.into_values().collect())
}

fn facts_of<'a>(
    found: &'a mut FactsByTarget,
    target: &TargetId,
    simulated: bool,
) -> &'a mut TargetFacts {
    let key = (target.clone(), simulated);
    found.entry(key).or_insert_with(|| TargetFacts {
        target: target.clone(),
        simulated,
        buffered: BufferedCount::default(),
        lost: LostConnections::default(),
        cost_today: CostSum::default(),
    })
}

/// Counts the verdicts on a target's latest answers in the stretch. Their reads are in the table of what only a single
/// run needs, so no more than [`MOST_JUDGED`] are looked up.
fn count_buffered(
    file: &Connection,
    (key, target): (i64, &TargetId),
    asked: &TargetFactsQuery,
    found: &mut FactsByTarget,
) -> rusqlite::Result<()> {
    let mut select = file.prepare_cached(
        "SELECT run.simulated, run.request_sent, run_wire.reads
            FROM run INDEXED BY run_target JOIN run_wire ON run_wire.id = run.id
            WHERE run.target = ?1 AND run.started_unix_ns BETWEEN ?2 AND ?3
                AND run.outcome IS NOT NULL AND run.first_token IS NOT NULL
            ORDER BY run.started_unix_ns DESC LIMIT ?4",
    )?;
    let from = asked.from_unix_ns.unwrap_or(i64::MIN);
    let to = asked.to_unix_ns.unwrap_or(i64::MAX);
    let mut rows = select.query((key, from, to, MOST_JUDGED))?;
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row);
        let simulated = cells.next()?;
        if let Some(verdict) = probe_bursts::verdict(&mut cells)? {
            let facts = facts_of(found, target, simulated);
            facts.buffered.add(verdict);
        }
    }
    Ok(())
}

/// Counts the connections that a target's failed runs in the stretch lost. What the user or a sleep of the machine ended
/// does not count.
fn count_lost(
    file: &Connection,
    (key, target): (i64, &TargetId),
    asked: &TargetFactsQuery,
    found: &mut FactsByTarget,
) -> rusqlite::Result<()> {
    let mut select = file.prepare_cached(
        "SELECT run.simulated, json_extract(run_wire.link, '$.lost') AS lost, count(*)
            FROM run INDEXED BY run_target JOIN run_wire ON run_wire.id = run.id
            WHERE run.target = ?1 AND run.started_unix_ns BETWEEN ?2 AND ?3
                AND run.outcome NOT IN ('ok', 'cancelled', 'suspended') AND lost IS NOT NULL
            GROUP BY run.simulated, lost",
    )?;
    let from = asked.from_unix_ns.unwrap_or(i64::MIN);
    let to = asked.to_unix_ns.unwrap_or(i64::MAX);
    let mut rows = select.query((key, from, to))?;
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row);
        let simulated = cells.next()?;
        let word: String = cells.next()?;
        let runs: u32 = cells.next()?;
        // A newer version may have other words.
        if let Some(loss) = ConnectionLoss::parse(&word) {
            facts_of(found, target, simulated)
                .lost
                .add(loss, runs as usize);
        }
    }
    Ok(())
}
