//! The connection of a run, how it was opened, and its TCP statistics.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{OffsetNs, Span};
use crate::transport::{ConnectionLoss, TcpInfo, TlsSession, TryOutcome};

/// A connection, with `TCP_INFO` at three times; `None` on systems other than Linux. Runs that were stored by earlier
/// versions have no addresses, no TLS session and no acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Its number, which no other connection of the same process has; 0 if it was never ready for a request.
    pub id: u64,
    /// How many requests it was given, this run's included.
    pub uses: u64,
    /// How long it was open before the run started, in nanoseconds; 0 if it was opened later.
    pub age_ns: u64,
    /// The address of its other end: the proxy's, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// The addresses that the run tried, in order; none if it did not open the connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<LinkTry>,
    /// What TLS with the host agreed on, if it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSession>,
    /// When the other end's TCP acknowledged the last byte of the request: a proxy's, where there is one. Linux only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<OffsetNs>,
    /// How the connection was lost during the run, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<ConnectionLoss>,
    /// Before the request was sent.
    pub start: Option<TcpInfo>,
    /// When the first token was read.
    pub first_token: Option<TcpInfo>,
    /// When the run was over.
    pub end: Option<TcpInfo>,
}

/// A try to connect to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTry {
    /// The address.
    pub address: SocketAddr,
    /// When it began.
    pub begin: OffsetNs,
    /// When it ended; `None` if it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<OffsetNs>,
    /// How it ended.
    pub outcome: TryOutcome,
}

impl LinkTry {
    /// How long it took; `None` if it was dropped.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let (begin, end) = (self.begin, self.end?);
        Some(Span { begin, end })
    }
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
                congestion_window: Some(10),
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

    #[test]
    fn a_link_of_an_earlier_version_is_read() {
        let stored = r#"{"id":7,"uses":2,"age_ns":5,"start":{"rtt":{"secs":0,"nanos":9},"min_rtt":{"secs":0,"nanos":8},
            "retransmits":1,"lost":0,"out_of_order":3},"first_token":null,"end":null}"#;
        let link: Link = serde_json::from_str(stored).unwrap();
        assert_eq!((link.id, link.uses, link.age_ns), (7, 2, 5));
        let start = link.start.unwrap();
        assert_eq!((start.out_of_order, start.congestion_window), (3, None));
        assert_eq!((link.address, link.tls, link.lost), (None, None, None));
        let known = Link {
            address: Some("[2001:db8::1]:443".parse().unwrap()),
            tries: vec![LinkTry {
                address: "192.0.2.1:443".parse().unwrap(),
                begin: 4,
                end: Some(9),
                outcome: TryOutcome::Refused,
            }],
            lost: Some(ConnectionLoss::HalfOpen),
            acknowledged: Some(77),
            ..link
        };
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Link>(&text).unwrap(), known);
    }
}
