//! The gaps between arrivals of tokens.

use crate::{
    measure::{arrivals::Arrival, burst::Stall},
    run::OffsetNs,
};

/// The gap before an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When the arrival came.
    pub at: OffsetNs,
    /// How long after the one before, in nanoseconds.
    pub ns: u64,
    /// Whether it stands far out.
    pub is_stall: bool,
}

/// The gaps between arrivals, in order; those at whose end a stall ended are stalls.
#[must_use]
pub fn gaps(arrivals: &[Arrival], stalls: &[Stall]) -> Vec<Gap> {
    let mut stalls = stalls.iter().peekable();
    let pairs = arrivals.windows(2);
    let gaps = pairs.map(|pair| Gap {
        at: pair[1].first_at,
        ns: pair[1].first_at.saturating_sub(pair[0].first_at),
        is_stall: stalls
            .next_if(|stall| stall.end == pair[1].first_at)
            .is_some(),
    });
    gaps.collect()
}

/// The shortest and the longest of these gaps, in nanoseconds; `None` without any.
#[must_use]
pub fn gap_range(gaps: &[Gap]) -> Option<(u64, u64)> {
    let lengths = gaps.iter().map(|gap| gap.ns);
    lengths.clone().min().zip(lengths.max())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_that_of_the_shortest_and_the_longest_gap() {
        let gap = |ns| Gap {
            at: 0,
            ns,
            is_stall: false,
        };
        assert_eq!(gap_range(&[gap(7), gap(3), gap(90)]), Some((3, 90)));
        assert_eq!(gap_range(&[gap(7)]), Some((7, 7)));
        assert_eq!(gap_range(&[]), None);
    }
}
