//! TTFTs of which some are known one by one and others only by a sketch.

use super::{
    quantiles::{MOST_QUANTILES, Quantiles},
    rollups::{self, StoredTimes},
};
use crate::measure::sketch::TimeSketch;

/// Some TTFTs.
#[derive(Clone, Debug, Default)]
pub(super) struct TtftSample {
    /// In milliseconds.
    single: Vec<f64>,
    rolled_up: Option<TimeSketch>,
}

impl TtftSample {
    /// Adds one in milliseconds.
    pub(super) fn push(&mut self, ms: f64) {
        self.single.push(ms);
    }

    /// Adds those of a stored sketch.
    ///
    /// # Errors
    /// If they can't be read, or there is no room for so many.
    pub(super) fn add(&mut self, times: StoredTimes<'_>) -> rusqlite::Result<()> {
        times.add_to(&mut self.rolled_up)
    }

    /// Adds those of another sample.
    ///
    /// # Errors
    /// If there is no room for so many.
    pub(super) fn merge(&mut self, other: &Self) -> rusqlite::Result<()> {
        self.single.extend(&other.single);
        if let Some(sketch) = &other.rolled_up {
            let all = rollups::sketch_or_new(&mut self.rolled_up)?;
            all.merge(sketch).map_err(rollups::unusable)?;
        }
        Ok(())
    }

    /// All of them as a sketch, if some are known only so.
    fn whole(&self) -> rusqlite::Result<Option<TimeSketch>> {
        let rolled_up = self.rolled_up.as_ref();
        rolled_up
            .map(|sketch| rollups::sketch_with(sketch, &self.single))
            .transpose()
    }

    /// Their percentiles.
    ///
    /// # Errors
    /// If there is no room for so many.
    pub(super) fn quantiles(&self) -> rusqlite::Result<Quantiles> {
        Ok(match self.whole()? {
            Some(sketch) => Quantiles::of_sketch(&sketch),
            None => Quantiles::of(&self.single),
        })
    }

    /// All of them in ascending order, or [`MOST_QUANTILES`] at even distances of rank.
    ///
    /// # Errors
    /// If there is no room for so many.
    pub(super) fn spread(&self) -> rusqlite::Result<Vec<f64>> {
        let whole = self.whole()?;
        let n = whole
            .as_ref()
            .map_or(self.single.len() as u64, TimeSketch::len);
        let most = MOST_QUANTILES as u64;
        let ranks: Vec<u64> = if n <= most {
            (0..n).collect()
        } else {
            (0..most).map(|k| k * (n - 1) / (most - 1)).collect()
        };
        if let Some(sketch) = whole {
            return Ok(sketch.at_ranks(ranks));
        }
        let mut sorted = self.single.clone();
        sorted.sort_by(f64::total_cmp);
        let ranks = ranks
            .into_iter()
            .filter_map(|rank| usize::try_from(rank).ok());
        Ok(ranks.filter_map(|rank| sorted.get(rank).copied()).collect())
    }
}
