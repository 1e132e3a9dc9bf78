//! What the runs since midnight cost.
//!
//! In: midnight and prices. Out: a sum for each target. Costs are by the prices that hold now, so none is stored.
//! Instead a reader keeps the sums and the keys of the runs in them: asked again, it walks the index of that day, and
//! reads only the runs that have ended since, without their texts and reads.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _};

use super::{
    large_values,
    reader::{self, IsCancelled, for_each_row},
    rows,
};
use crate::{measure::cost_sum::CostSum, price::PriceTable};

/// Runs that are read between two looks at whether the caller still waits.
const RUNS: usize = 256;

/// What the runs that are over and started since a time cost, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct TodaysCosts {
    /// In nanoseconds since 1970.
    since_unix_ns: i64,
    prices: PriceTable,
    /// The keys of the runs in the sums, and of those that the simulator answered.
    counted: HashSet<i64>,
    /// By the key of the target.
    sums: BTreeMap<i64, CostSum>,
}

impl TodaysCosts {
    /// What the runs since this time (nanoseconds since 1970) cost by these prices, by the key of the target. Runs that
    /// the simulator answered are left out.
    ///
    /// # Errors
    /// If the file can't be read, or the query is cancelled; what was read until then is kept for the next call.
    pub(super) fn sums(
        &mut self,
        file: &Connection,
        since_unix_ns: i64,
        prices: &PriceTable,
        is_cancelled: IsCancelled<'_>,
    ) -> rusqlite::Result<&BTreeMap<i64, CostSum>> {
        let over = over_since(file, since_unix_ns, is_cancelled)?;
        let known = over.iter().filter(|(run, _)| self.counted.contains(run));
        let is_any_deleted = known.count() < self.counted.len();
        if is_any_deleted || self.since_unix_ns != since_unix_ns || self.prices != *prices {
            *self = Self {
                since_unix_ns,
                prices: prices.clone(),
                ..Self::default()
            };
        }
        let new = over.iter().filter(|(run, _)| !self.counted.contains(run));
        let new: Vec<(i64, i64)> = new.copied().collect();
        for some in new.chunks(RUNS) {
            if is_cancelled() {
                return Err(reader::cancelled());
            }
            for (run, target) in some {
                self.add(file, *run, *target)?;
            }
        }
        Ok(&self.sums)
    }

    fn add(&mut self, file: &Connection, run: i64, target: i64) -> rusqlite::Result<()> {
        let sql = format!(
            "{} WHERE run.id = ?1 AND NOT run.simulated",
            *rows::SELECT_RUN_WITHOUT_TEXTS
        );
        let mut select = file.prepare_cached(&sql)?;
        let found = select.query_row([run], rows::run_of_row).optional()?;
        if let Some(mut found) = found {
            large_values::load_overflow(file, &mut found)?;
            let sum = self.sums.entry(target).or_default();
            sum.add_run(&found, &self.prices);
        }
        self.counted.insert(run);
        Ok(())
    }
}

/// The keys of the runs that are over and started since a time, each with that of its target.
fn over_since(
    file: &Connection,
    since_unix_ns: i64,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut select = file.prepare_cached(
        "SELECT id, target FROM run INDEXED BY run_started
            WHERE started_unix_ns >= ?1 AND outcome IS NOT NULL",
    )?;
    let mut over = Vec::new();
    for_each_row(select.query([since_unix_ns])?, is_cancelled, |row| {
        over.push((row.get(0)?, row.get(1)?));
        Ok(())
    })?;
    Ok(over)
}

#[cfg(test)]
mod tests;
