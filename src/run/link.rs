//! The connection of a run, and its TCP statistics.

use serde::{Deserialize, Serialize};

use crate::transport::TcpInfo;

/// A connection, with `TCP_INFO` at three times; `None` on systems other than Linux.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Its number, which no other connection of the same process has.
    pub id: u64,
    /// How many requests it was given, this run's included.
    pub uses: u64,
    /// How long it was open before the run started, in nanoseconds; 0 if it was opened later.
    pub age_ns: u64,
    /// Before the request was sent.
    pub start: Option<TcpInfo>,
    /// When the first token was read.
    pub first_token: Option<TcpInfo>,
    /// When the run was over.
    pub end: Option<TcpInfo>,
}

impl Link {
    /// TCP statistics of the run: the latest round-trip times, and counts since the start. Runs that share a
    /// connection at the same time share its counts.
    #[must_use]
    pub fn tcp(&self) -> Option<TcpInfo> {
        let last = self.end.or(self.first_token)?;
        let before = |count: fn(&TcpInfo) -> u32| self.start.as_ref().map_or(0, count);
        Some(TcpInfo {
            retransmits: last.retransmits.wrapping_sub(before(|tcp| tcp.retransmits)),
            out_of_order: (last.out_of_order).wrapping_sub(before(|tcp| tcp.out_of_order)),
            ..last
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn counts_are_those_of_the_run_and_times_the_last() {
        let tcp = |rtt, retransmits, lost, out_of_order| {
            Some(TcpInfo {
                rtt: Duration::from_millis(rtt),
                min_rtt: Duration::from_millis(2),
                retransmits,
                lost,
                out_of_order,
            })
        };
        let mut link = Link {
            start: tcp(9, 5, 2, 7),
            ..Link::default()
        };
        assert_eq!(link.tcp(), None);
        link.first_token = tcp(8, 6, 1, 7);
        assert_eq!(link.tcp(), tcp(8, 1, 1, 0));
        link.end = tcp(3, 8, 0, 11);
        assert_eq!(link.tcp(), tcp(3, 3, 0, 4));
    }
}
