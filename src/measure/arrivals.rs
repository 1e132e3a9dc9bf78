//! Arrivals: what came off the socket together.
//!
//! In: the reads of a run. Out: [`Arrival`]s, which gaps, shares and the verdict on bursts are made from.

use crate::run::{OffsetNs, Read, TOGETHER_NS, ms};

/// Reads with tokens that came less than [`TOGETHER_NS`] apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When the first of its reads came.
    pub first_at: OffsetNs,
    /// When the last of its reads came.
    pub last_at: OffsetNs,
    /// Bytes of its reads.
    pub bytes: u64,
    /// Events with tokens that its reads completed.
    pub tokens: u64,
}

/// The arrivals of a run's reads, in order. Reads without tokens are left out.
#[must_use]
pub fn arrivals(reads: &[Read]) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> = Vec::new();
    for read in reads.iter().filter(|read| read.tokens > 0) {
        let (at, bytes, tokens) = (read.at, u64::from(read.bytes), u64::from(read.tokens));
        match arrivals.last_mut() {
            Some(last) if at.saturating_sub(last.last_at) < TOGETHER_NS => {
                last.last_at = at;
                last.bytes += bytes;
                last.tokens += tokens;
            }
            _ => arrivals.push(Arrival {
                first_at: at,
                last_at: at,
                bytes,
                tokens,
            }),
        }
    }
    arrivals
}

/// The times from each arrival to the next, in milliseconds.
pub fn gaps_ms(arrivals: &[Arrival]) -> impl Iterator<Item = f64> {
    (arrivals.windows(2)).map(|pair| ms(pair[1].first_at.saturating_sub(pair[0].first_at)))
}
