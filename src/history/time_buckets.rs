//! A stretch of time, and its division into buckets of one length.

use rusqlite::Connection;

use super::{
    query,
    rollups::{self, DAY, HOUR, start_of},
};
use crate::clock::wall_clock_ns;

/// The stretch between two times in nanoseconds since 1970; without a begin from the first run or the first hour that
/// was rolled up, without an end until now.
///
/// # Errors
/// If the file can't be read.
pub(super) fn stretch(
    file: &Connection,
    from: Option<i64>,
    to: Option<i64>,
) -> rusqlite::Result<(i64, i64)> {
    let to = to.unwrap_or_else(wall_clock_ns);
    if let Some(from) = from {
        return Ok((from, to));
    }
    let first = query::first_run(file)?.into_iter();
    let first = first.chain(rollups::first(file)?).min();
    Ok((first.unwrap_or(0), to))
}

/// A stretch divided into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BucketGrid {
    from: i64,
    length: i64,
}

impl BucketGrid {
    /// At most so many buckets.
    pub(super) fn new((from, to): (i64, i64), count: usize) -> Self {
        let count = i64::try_from(count.max(1)).unwrap_or(i64::MAX);
        // Rounded up, so that no time falls behind the last bucket.
        let length = (to.saturating_sub(from).max(0) / count).saturating_add(1);
        Self { from, length }
    }

    /// The same of whole hours of UTC, or of whole days where a bucket would be longer than half a day: so each hour or
    /// day that was rolled up lies in one bucket. The first bucket may begin before the stretch.
    pub(super) fn of_whole_hours((from, to): (i64, i64), count: usize) -> Self {
        let plain = Self::new((from, to), count);
        let unit = if plain.length > DAY / 2 { DAY } else { HOUR };
        let begin = start_of(from, unit);
        let length = Self::new((begin, to), count).length;
        let units = length.saturating_add(unit - 1) / unit;
        Self {
            from: begin,
            length: units.saturating_mul(unit),
        }
    }

    /// Whether each bucket is made of whole days of UTC.
    pub(super) fn has_whole_days(&self) -> bool {
        self.length % DAY == 0 && self.from % DAY == 0
    }

    /// The number of the bucket that a time lies in.
    pub(super) fn place(&self, at: i64) -> i64 {
        at.saturating_sub(self.from).div_euclid(self.length)
    }

    /// The begin of a bucket, and its end, which belongs to the next one.
    pub(super) fn bounds(&self, place: i64) -> (i64, i64) {
        let from = (self.from).saturating_add(place.saturating_mul(self.length));
        (from, from.saturating_add(self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_whole_hours_hold_each_hour_or_day_whole() {
        for (from, to, count) in [
            (5 * HOUR + 7, 6 * HOUR, 60),
            (5 * HOUR + 7, 29 * HOUR, 60),
            (3 * HOUR, 3 * HOUR + 30 * DAY, 60),
            (3 * HOUR + 1, 90 * DAY, 60),
            (3 * HOUR + 1, 365 * DAY + 11 * HOUR, 60),
            (-8 * DAY - 1, 400 * DAY, 7),
        ] {
            let grid = BucketGrid::of_whole_hours((from, to), count);
            let unit = if grid.has_whole_days() { DAY } else { HOUR };
            assert_eq!((grid.from % unit, grid.length % unit), (0, 0));
            assert!(grid.from <= from && from - grid.from < unit);
            assert!(grid.place(to) < i64::try_from(count).unwrap());
            let (begin, end) = grid.bounds(grid.place(to));
            assert!((begin..end).contains(&to));
        }
        let year = BucketGrid::of_whole_hours((1, 365 * DAY), 60);
        assert!(year.has_whole_days());
    }
}
