//! What is drawn of a run's reads: one column for each point of the screen, however many reads there are.

use super::{
    gaps::Gap,
    time_axis::{TimeRange, ns},
};
use crate::run::Read;

/// The reads that fall on one point of the axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadColumn {
    /// Where, in points from the axis' begin.
    pub x: f32,
    /// How many reads.
    pub reads: u32,
    /// Tokens of all.
    pub tokens: u64,
    /// Bytes of all.
    pub bytes: u64,
    /// The longest of our delays, in nanoseconds; `None` if none is known.
    pub delay: Option<u32>,
}

/// The columns of the reads that are in `range`, on an axis of this width in points: at most one for each point.
#[must_use]
pub fn columns(reads: &[Read], range: TimeRange, width: f32) -> Vec<ReadColumn> {
    let scale = f64::from(width) / range.length();
    let first = reads.partition_point(|read| ns(read.at) < range.begin);
    let shown = reads[first..]
        .iter()
        .take_while(|read| ns(read.at) <= range.end);
    let mut columns: Vec<ReadColumn> = Vec::new();
    for read in shown {
        #[expect(clippy::cast_possible_truncation, reason = "a place on screen")]
        let x = ((ns(read.at) - range.begin) * scale) as f32;
        if columns.last().is_none_or(|last| x >= last.x + 1.0) {
            columns.push(ReadColumn {
                x,
                ..ReadColumn::default()
            });
        }
        if let Some(last) = columns.last_mut() {
            last.add(read);
        }
    }
    columns
}

impl ReadColumn {
    fn add(&mut self, read: &Read) {
        self.reads += 1;
        self.tokens += u64::from(read.tokens);
        self.bytes += u64::from(read.bytes);
        self.delay = self.delay.max(read.delay);
    }
}

/// The gaps whose ends fall on one point of the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapColumn {
    /// Where, in points from the axis' begin.
    pub x: i32,
    /// The shortest, in nanoseconds.
    pub shortest: u64,
    /// The longest, in nanoseconds.
    pub longest: u64,
    /// Whether one of them is a stall.
    pub has_stall: bool,
}

/// The columns of the gaps that end in `range`, on an axis of this width in points: at most one for each point.
#[must_use]
pub fn gap_columns(gaps: &[Gap], range: TimeRange, width: f32) -> Vec<GapColumn> {
    let scale = f64::from(width) / range.length();
    let first = gaps.partition_point(|gap| ns(gap.at) < range.begin);
    let shown = gaps[first..]
        .iter()
        .take_while(|gap| ns(gap.at) <= range.end);
    let mut columns: Vec<GapColumn> = Vec::new();
    for gap in shown {
        #[expect(clippy::cast_possible_truncation, reason = "a place on screen")]
        let x = ((ns(gap.at) - range.begin) * scale) as i32;
        match columns.last_mut().filter(|last| x == last.x) {
            Some(last) => {
                last.shortest = last.shortest.min(gap.ns);
                last.longest = last.longest.max(gap.ns);
                last.has_stall |= gap.is_stall;
            }
            None => columns.push(GapColumn {
                x,
                shortest: gap.ns,
                longest: gap.ns,
                has_stall: gap.is_stall,
            }),
        }
    }
    columns
}

/// The read nearest to a time, if it is at most so far away, both in nanoseconds.
#[must_use]
pub fn nearest(reads: &[Read], at: f64, most: f64) -> Option<usize> {
    let next = reads.partition_point(|read| ns(read.at) < at);
    let near = [next.checked_sub(1), Some(next)].into_iter().flatten();
    let away = |index: &usize| reads.get(*index).map(|read| (ns(read.at) - at).abs());
    let near = near.filter_map(|index| Some((index, away(&index)?)));
    let (index, away) = near.min_by(|one, other| one.1.total_cmp(&other.1))?;
    (away <= most).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(count: u64) -> Vec<Read> {
        let reads = (0..count).map(|index| Read {
            at: index * 1_000_000,
            bytes: 200,
            events: 1,
            tokens: 1,
            delay: (index % 2 == 0).then_some(60_000),
            ..Read::default()
        });
        reads.collect()
    }

    const SECOND: f64 = 1e9;

    #[test]
    fn a_hundred_thousand_reads_are_as_many_columns_as_the_axis_has_points() {
        let reads = reads(100_000);
        let whole = TimeRange {
            begin: 0.0,
            end: 100.0 * SECOND,
        };
        let all = columns(&reads, whole, 700.0);
        assert!((650..=701).contains(&all.len()), "{}", all.len());
        assert_eq!(all.iter().map(|column| column.reads).sum::<u32>(), 100_000);
        assert_eq!(all.iter().map(|column| column.tokens).sum::<u64>(), 100_000);
        assert_eq!(all.iter().map(|c| c.bytes).sum::<u64>(), 20_000_000);
        assert!(all.windows(2).all(|two| two[1].x >= two[0].x + 1.0));
        let close = TimeRange {
            begin: 40.0 * SECOND,
            end: 40.0105 * SECOND,
        };
        let few = columns(&reads, close, 700.0);
        assert_eq!(few.len(), 11, "each read is a column of its own");
        assert_eq!(
            (few[0].x, few[0].delay, few[1].delay),
            (0.0, Some(60_000), None)
        );
    }

    #[test]
    fn the_nearest_read_is_found_within_reach() {
        let reads = reads(10);
        assert_eq!(nearest(&reads, 3.4e6, 1e6), Some(3));
        assert_eq!(nearest(&reads, 3.6e6, 1e6), Some(4));
        assert_eq!(nearest(&reads, 20e6, 1e6), None);
        assert_eq!(nearest(&reads, -5.0, 1e6), Some(0));
        assert_eq!(nearest(&[], 0.0, 1e9), None);
    }
}
