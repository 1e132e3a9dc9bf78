//! The timings of an entry, by HAR's own rules: milliseconds; -1 for a phase that the request did not have; `connect`
//! contains `ssl`.

use serde::{Deserialize, Serialize};

use crate::run::{Span, Stamps, ms};

/// A phase that did not take place.
const NONE: f64 = -1.0;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HarTimings {
    /// Until connecting began.
    pub blocked: f64,
    pub dns: f64,
    /// TCP and TLS.
    pub connect: f64,
    pub send: f64,
    pub wait: f64,
    pub receive: f64,
    pub ssl: f64,
}

impl HarTimings {
    /// The sum of the phases that took place, as HAR wants it.
    pub(super) fn total(&self) -> f64 {
        let phases = [
            self.blocked,
            self.dns,
            self.connect,
            self.send,
            self.wait,
            self.receive,
        ];
        phases.into_iter().filter(|phase| *phase > 0.0).sum()
    }
}

/// The timings of these stamps. `send`, `wait` and `receive` have to be there: they are 0 where nothing came of them.
pub(super) fn of(stamps: &Stamps) -> HarTimings {
    let took = |span: Option<Span>| span.map_or(NONE, Span::ms);
    let connect = stamps.tcp.map(|tcp| Span {
        begin: tcp.begin,
        end: stamps.tls.map_or(tcp.end, |tls| tls.end),
    });
    let first = [stamps.dns, connect]
        .into_iter()
        .flatten()
        .map(|span| span.begin);
    let ready = [stamps.dns, connect]
        .into_iter()
        .flatten()
        .map(|span| span.end)
        .max();
    let between = |begin: Option<u64>, end: Option<u64>| {
        ms(end.unwrap_or(0).saturating_sub(begin.unwrap_or(0)))
    };
    HarTimings {
        blocked: first.min().map_or(NONE, ms),
        dns: took(stamps.dns),
        connect: took(connect),
        send: between(ready, stamps.request_sent),
        wait: match stamps.headers {
            Some(_) => between(stamps.request_sent, stamps.headers),
            None => stamps
                .request_sent
                .map_or(0.0, |_| between(stamps.request_sent, stamps.closed)),
        },
        receive: stamps
            .headers
            .map_or(0.0, |_| between(stamps.headers, stamps.closed)),
        ssl: took(stamps.tls),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NS: u64 = 1_000_000;

    fn span(begin: u64, end: u64) -> Span {
        Span {
            begin: begin * NS,
            end: end * NS,
        }
    }

    /// All timings in whole milliseconds, in the order of their fields.
    fn whole(stamps: &Stamps) -> [i64; 7] {
        let HarTimings {
            blocked,
            dns,
            connect,
            send,
            wait,
            receive,
            ssl,
        } = of(stamps);
        #[expect(clippy::cast_possible_truncation, reason = "a few hundred")]
        [blocked, dns, connect, send, wait, receive, ssl].map(|ms| ms.round() as i64)
    }

    #[test]
    fn phases_follow_the_rules_of_har() {
        let cold = Stamps {
            dns: Some(span(1, 3)),
            tcp: Some(span(3, 10)),
            tls: Some(span(10, 30)),
            request_sent: Some(31 * NS),
            headers: Some(131 * NS),
            closed: Some(231 * NS),
            ..Stamps::default()
        };
        assert_eq!(whole(&cold), [1, 2, 27, 1, 100, 100, 20]);
        let total = of(&cold).total();
        assert!((total - 231.0).abs() < 1e-9, "ssl is a part of connect");
        let warm = Stamps {
            dns: None,
            tcp: None,
            tls: None,
            ..cold.clone()
        };
        assert_eq!(whole(&warm), [-1, -1, -1, 31, 100, 100, -1]);
        let refused = Stamps {
            tcp: None,
            tls: None,
            request_sent: None,
            headers: None,
            closed: Some(3 * NS),
            ..cold.clone()
        };
        assert_eq!(whole(&refused), [1, 2, -1, 0, 0, 0, -1]);
        let silent = Stamps {
            headers: None,
            ..cold
        };
        assert_eq!(whole(&silent), [1, 2, 27, 1, 200, 0, 20]);
    }
}
