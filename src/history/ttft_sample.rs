//! TTFTs of which some are known one by one and others only by a sketch.

use rusqlite::types::FromSqlError;

use super::quantiles::{MOST_QUANTILES, Quantiles};
use crate::measure::sketch::{SketchError, TimeSketch};

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
    /// If the bytes are none of a sketch.
    pub(super) fn add_stored(&mut self, sketch: &[u8]) -> rusqlite::Result<()> {
        self.sketch()?.merge_bytes(sketch).map_err(unusable)
    }

    /// Adds those of an hour that was rolled up, by the counts of their sketch.
    ///
    /// # Errors
    /// If they can't be read.
    pub(super) fn add_counts(&mut self, counts: &[u8]) -> rusqlite::Result<()> {
        self.sketch()?.merge_counts(counts).map_err(unusable)
    }

    /// Adds those of another sample.
    ///
    /// # Errors
    /// If there is no room for so many.
    pub(super) fn merge(&mut self, other: &Self) -> rusqlite::Result<()> {
        self.single.extend(&other.single);
        if let Some(sketch) = &other.rolled_up {
            self.sketch()?.merge(sketch).map_err(unusable)?;
        }
        Ok(())
    }

    fn sketch(&mut self) -> rusqlite::Result<&mut TimeSketch> {
        match &mut self.rolled_up {
            Some(sketch) => Ok(sketch),
            none => Ok(none.insert(TimeSketch::new().map_err(unusable)?)),
        }
    }

    /// All of them as a sketch, if some are known only so.
    fn whole(&self) -> rusqlite::Result<Option<TimeSketch>> {
        let Some(mut whole) = self.rolled_up.clone() else {
            return Ok(None);
        };
        for ms in &self.single {
            whole.record_ms(*ms).map_err(unusable)?;
        }
        Ok(Some(whole))
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

fn unusable(why: SketchError) -> rusqlite::Error {
    FromSqlError::Other(why.into()).into()
}
