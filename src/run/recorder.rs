//! Takes the stamps of one run.
//!
//! In: the instants taken by the transport, and the events of each read. Out: [`Stamps`] and [`Read`]s. The wall
//! clock is read once, for display; every offset is monotonic.

use std::time::Instant;

use super::{Link, LinkTry, OffsetNs, Read, Span, Stamps};
use crate::{
    clock::{now, wall_clock_ns},
    event::Event,
    exchange::{Head, NewTokens, Stamp},
    transport::{AddressTry, CallConnection, ConnectPhases, ConnectionUse, PhaseSpan, TcpLink},
};

/// The clock of a live run.
#[derive(Debug)]
pub struct Recorder {
    started: Instant,
    started_unix_ns: i64,
    last_read: Option<OffsetNs>,
    /// When the first visible token came, though its event may have been held back.
    first_visible: Option<OffsetNs>,
    /// How long the first token may have waited to be read, in nanoseconds; 0 if the kernel's stamp says it in full.
    first_token_waited: Option<u32>,
}

impl Recorder {
    /// Starts the clock.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started_unix_ns: wall_clock_ns(),
            started: now(),
            last_read: None,
            first_visible: None,
            first_token_waited: None,
        }
    }

    /// Offset 0.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Offset 0 on the wall clock, in nanoseconds since 1970.
    #[must_use]
    pub fn started_unix_ns(&self) -> i64 {
        self.started_unix_ns
    }

    /// Records the phases of connecting, and when the request was sent, of a call that may have failed.
    pub fn connect(
        &self,
        stamps: &mut Stamps,
        phases: &ConnectPhases,
        request_sent: Option<Instant>,
    ) {
        let span = |span: Option<PhaseSpan>| {
            span.map(|span| Span {
                begin: self.offset(span.begin),
                end: self.offset(span.end),
            })
        };
        stamps.dns = span(phases.dns);
        stamps.tcp = span(phases.tcp);
        stamps.tls = span(phases.tls);
        stamps.request_sent = request_sent.map(|at| self.offset(at));
    }

    /// Records everything up to the response head.
    pub fn head(&self, stamps: &mut Stamps, head: &Head) {
        self.connect(stamps, &head.phases, Some(head.request_sent));
        let (at, _) = self.arrival(head.stamp);
        stamps.headers = Some(at);
        let link = self.link(Some(head.connection), Some(&head.tcp), &head.tries);
        stamps.link = Some(link);
        // What was acknowledged by the head's own segment is stamped a little later than that.
        self.acknowledged(stamps, &head.tcp, at);
    }

    /// Records the connection of a call that got no head, as far as there was one.
    pub fn failed_on(&self, stamps: &mut Stamps, connection: &CallConnection) {
        let CallConnection { used, tcp, tries } = connection;
        if used.is_some() || tcp.is_some() || !tries.is_empty() {
            stamps.link = Some(self.link(*used, tcp.as_ref(), tries));
        }
    }

    /// Records when the request was acknowledged, if it was and that is not recorded yet; no later than `latest`.
    pub fn acknowledged(&self, stamps: &mut Stamps, tcp: &TcpLink, latest: OffsetNs) {
        let sent = stamps.request_sent.unwrap_or_default();
        if let Some(link) = &mut stamps.link
            && link.acknowledged.is_none()
        {
            // It is mapped from another clock, with an error of some microseconds.
            let at = tcp.acknowledged().map(|at| self.offset(at));
            link.acknowledged = at.map(|at| at.min(latest).max(sent));
        }
    }

    fn link(
        &self,
        used: Option<ConnectionUse>,
        tcp: Option<&TcpLink>,
        tries: &[AddressTry],
    ) -> Link {
        let age = |used: ConnectionUse| self.started.saturating_duration_since(used.opened);
        let age = used.map_or(0, |used| {
            u64::try_from(age(used).as_nanos()).unwrap_or(u64::MAX)
        });
        let tries = tries.iter().map(|one| LinkTry {
            address: one.address,
            begin: self.offset(one.begin),
            end: one.end.map(|end| self.offset(end)),
            outcome: one.outcome,
        });
        Link {
            id: used.map_or(0, |used| used.id),
            uses: used.map_or(0, |used| used.uses),
            age_ns: age,
            address: tcp.and_then(TcpLink::address),
            tries: tries.collect(),
            tls: used.and_then(|used| used.tls),
            start: used.and_then(|used| used.tcp),
            ..Link::default()
        }
    }

    /// Makes the record of a read: `bytes` bytes that came at `stamp`, with their tokens and the `events` reported
    /// with it.
    pub fn read(
        &mut self,
        stamp: Stamp,
        bytes: usize,
        new_tokens: NewTokens,
        events: &[Event],
    ) -> Read {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let (at, delay) = self.arrival(stamp);
        self.last_read = Some(at);
        if new_tokens.visible {
            self.first_visible.get_or_insert(at);
        }
        if new_tokens.tokens > 0 {
            (self.first_token_waited).get_or_insert(stamp.waited.unwrap_or(0));
        }
        Read {
            at,
            delay,
            is_at_most: delay.is_some() && stamp.is_at_most,
            bytes: count(bytes as u64),
            events: count(events.iter().map(Event::count).sum()),
            tokens: new_tokens.tokens,
        }
    }

    /// Ends the run now. `new_tokens` that only the end made known (a whole JSON answer) came with the last read;
    /// they don't set a *first* token, since nothing was streamed.
    pub fn close(&self, stamps: &mut Stamps, new_tokens: NewTokens) -> OffsetNs {
        if new_tokens.tokens > 0 {
            stamps.last_token = self.last_read;
        }
        stamps.first_visible = self.first_visible.or(stamps.first_visible);
        if let (Some(delay), Some(waited)) =
            (&mut stamps.first_token_delay, self.first_token_waited)
        {
            *delay = waited.max(*delay);
        }
        let at = self.offset(now());
        stamps.closed = Some(at);
        at
    }

    /// When bytes arrived, and how much later this program read them, in nanoseconds. A read is never stamped before
    /// an earlier one: the kernel's stamps are mapped to this clock one by one, with some error.
    pub(super) fn arrival(&self, stamp: Stamp) -> (OffsetNs, Option<u32>) {
        let had = self.offset(stamp.at);
        let Some(kernel_at) = stamp.kernel_at else {
            return (had, None);
        };
        let at = self.offset(kernel_at).max(self.last_read.unwrap_or(0));
        let delay = u32::try_from(had.saturating_sub(at)).unwrap_or(u32::MAX);
        (at, Some(delay))
    }

    fn offset(&self, at: Instant) -> OffsetNs {
        let since = at.saturating_duration_since(self.started);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(text: &str) -> Event {
        Event::Text { text: text.into() }
    }

    fn came(events: &[Event]) -> NewTokens {
        let mut new_tokens = NewTokens::default();
        for event in events {
            new_tokens.count(event);
        }
        new_tokens
    }

    fn reasoning(text: &str) -> Event {
        Event::Reasoning { text: text.into() }
    }

    #[test]
    fn stamps_follow_the_definitions() {
        let mut recorder = Recorder::start();
        let at = |ms| recorder.started() + Duration::from_millis(ms);
        let reads = [
            (at(10), vec![]),
            (at(20), vec![Event::keep_alive()]),
            (at(30), vec![text("")]),
            (at(40), vec![reasoning("hm")]),
            (at(50), vec![text("a"), text("b")]),
            (at(60), vec![text("c")]),
            (at(70), vec![Event::Done]),
        ];
        let mut stamps = Stamps::default();
        let mut tokens = Vec::new();
        for (at, events) in &reads {
            let read = recorder.read(Stamp::own(*at), 5, came(events), events);
            stamps.note(&read, events);
            tokens.push(read.tokens);
        }
        assert_eq!(tokens, [0, 0, 0, 1, 2, 1, 0]);
        let ms = |ms: u64| Some(ms * 1_000_000);
        assert_eq!(stamps.first_byte, ms(10));
        assert_eq!(stamps.first_event, ms(20));
        assert_eq!(stamps.first_token, ms(40), "an empty piece is no token");
        assert_eq!(stamps.first_visible, ms(50));
        assert_eq!(stamps.last_token, ms(60));
        assert!(recorder.started_unix_ns() > 1_700_000_000_000_000_000);
    }

    #[test]
    fn an_answer_known_only_at_the_end_has_a_last_token_but_no_first() {
        let mut recorder = Recorder::start();
        let at = recorder.started() + Duration::from_millis(5);
        recorder.read(Stamp::own(at), 100, NewTokens::default(), &[]);
        let mut stamps = Stamps::default();
        recorder.close(&mut stamps, came(&[text("whole")]));
        assert_eq!(stamps.first_token, None);
        assert_eq!(stamps.last_token, Some(5_000_000));
        assert!(stamps.closed.is_some());
    }

    #[test]
    fn what_is_told_later_is_stamped_when_it_came() {
        let mut recorder = Recorder::start();
        let at = |ms| recorder.started() + Duration::from_millis(ms);
        let reads = [
            (at(10), came(&[reasoning("h")]), vec![]),
            (at(20), came(&[text("a")]), vec![reasoning("h")]),
            (at(30), NewTokens::default(), vec![text("a"), Event::Done]),
        ];
        let mut stamps = Stamps::default();
        let tokens = reads.map(|(at, came, events)| {
            let read = recorder.read(Stamp::own(at), 5, came, &events);
            stamps.note(&read, &events);
            read.tokens
        });
        assert_eq!(tokens, [1, 1, 0]);
        recorder.close(&mut stamps, NewTokens::default());
        let ms = |ms: u64| Some(ms * 1_000_000);
        assert_eq!((stamps.first_event, stamps.first_token), (ms(10), ms(10)));
        assert_eq!((stamps.first_visible, stamps.last_token), (ms(20), ms(20)));
    }

    #[test]
    fn the_kernel_s_stamp_goes_before_our_own_and_is_never_before_an_earlier_one() {
        let mut recorder = Recorder::start();
        let at = |ms| recorder.started() + Duration::from_millis(ms);
        let stamps = [(10, Some(7)), (20, None), (30, Some(18)), (31, Some(30))];
        let stamps = stamps.map(|(had, kernel)| Stamp {
            at: at(had),
            kernel_at: kernel.map(at),
            is_at_most: false,
            waited: None,
        });
        let reads = stamps.map(|stamp| {
            let read = recorder.read(stamp, 1, NewTokens::default(), &[]);
            (read.at / 1_000_000, read.delay.map(|ns| ns / 1_000_000))
        });
        let expected = [(7, Some(3)), (20, None), (20, Some(10)), (30, Some(1))];
        assert_eq!(reads, expected);
    }

    #[test]
    fn a_first_token_that_was_read_with_later_ones_was_delayed_by_as_much_as_it_may_have_waited() {
        let ms = Duration::from_millis;
        for (waited, delay) in [(None, 2), (Some(1_000_000), 2), (Some(40_000_000), 40)] {
            let mut recorder = Recorder::start();
            let first = Stamp {
                at: recorder.started() + ms(92),
                kernel_at: Some(recorder.started() + ms(90)),
                is_at_most: true,
                waited,
            };
            let later = Stamp {
                waited: Some(70_000_000),
                ..first
            };
            let mut stamps = Stamps::default();
            for stamp in [first, later] {
                let read = recorder.read(stamp, 1, came(&[text("a")]), &[]);
                assert_eq!(
                    read.delay,
                    Some(2_000_000),
                    "the read's own is the kernel's"
                );
                stamps.note(&read, &[]);
            }
            recorder.close(&mut stamps, NewTokens::default());
            assert_eq!(stamps.first_token, Some(90_000_000));
            assert_eq!(stamps.first_token_delay, Some(delay * 1_000_000));
            assert_eq!(first.delay(), Some(ms(delay.into())));
        }
    }

    #[test]
    fn an_instant_before_the_start_is_offset_zero() {
        let (early, late) = (Recorder::start(), Recorder::start());
        assert_eq!(late.offset(early.started()), 0);
    }
}
