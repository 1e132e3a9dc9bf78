//! The timings of an entry, by HAR's own rules: milliseconds; -1 for a phase that the request did not have; `connect`
//! contains `ssl`.

use serde::{Deserialize, Serialize};

use crate::run::{Span, Stamps, ms};

/// A phase that did not take place.
const NONE: f64 = -1.0;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
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
    let begun = [stamps.dns, connect]
        .into_iter()
        .flatten()
        .map(|span| span.begin);
    let ready = [stamps.dns, connect]
        .into_iter()
        .flatten()
        .map(|span| span.end)
        .max();
    let between = |begin: Option<u64>, end: Option<u64>| {
        let (begin, end) = (begin.unwrap_or(0), end.unwrap_or(0));
        ms(end.saturating_sub(begin))
    };
    HarTimings {
        blocked: begun.min().map_or(NONE, ms),
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

    fn span(begin: u64, end: u64) -> Option<Span> {
        let ns = 1_000_000;
        Some(Span {
            begin: begin * ns,
            end: end * ns,
        })
    }

    #[test]
    fn phases_follow_the_rules_of_har() {
        let ns = |ms: u64| Some(ms * 1_000_000);
        let cold = Stamps {
            dns: span(1, 3),
            tcp: span(3, 10),
            tls: span(10, 30),
            request_sent: ns(31),
            headers: ns(131),
            closed: ns(231),
            ..Stamps::default()
        };
        let timings = of(&cold);
        let expected = HarTimings {
            blocked: 1.0,
            dns: 2.0,
            connect: 27.0,
            send: 1.0,
            wait: 100.0,
            receive: 100.0,
            ssl: 20.0,
        };
        assert_eq!(timings, expected);
        assert!(
            (timings.total() - 231.0).abs() < 1e-9,
            "ssl is a part of connect"
        );
        let warm = Stamps {
            dns: None,
            tcp: None,
            tls: None,
            ..cold.clone()
        };
        let timings = of(&warm);
        assert_eq!(
            (timings.blocked, timings.dns, timings.connect, timings.ssl),
            (-1.0, -1.0, -1.0, -1.0)
        );
        assert_eq!(timings.send, 31.0);
        let refused = Stamps {
            tcp: None,
            tls: None,
            request_sent: None,
            headers: None,
            closed: ns(3),
            ..cold.clone()
        };
        let timings = of(&refused);
        assert_eq!(
            (timings.dns, timings.connect, timings.wait, timings.receive),
            (2.0, -1.0, 0.0, 0.0)
        );
        let silent = Stamps {
            headers: None,
            ..cold
        };
        assert_eq!(of(&silent).wait, 200.0);
    }
}
