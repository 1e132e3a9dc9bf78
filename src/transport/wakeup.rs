//! When the runtime found that a socket can be read, and how long what came may have lain there by then.
//!
//! Segments that wait unread are merged by the kernel, and only the stamp of the last is kept. How long the first of
//! them may have waited is bounded in two parts:
//!
//! 1. from when the runtime found the socket readable, on whichever of its threads, to when it was read;
//! 2. before that, by how long that thread was busy, that is, ran tasks or waited for a CPU. What comes wakes a sleeping
//!    thread: if it slept since it was last seen to be awake, then nothing had come by then.

use std::{
    cell::Cell,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;

use super::{kernel, phases::lock};
use crate::clock::now;

/// The waker of a socket's reader, which notes when it was called.
#[derive(Debug)]
pub(super) struct ReadWaker {
    shared: Arc<ReadWakerState>,
    waker: Waker,
    /// The first wake-up since the socket was known to be empty.
    wakeup: Option<Wakeup>,
}

#[derive(Debug, Default)]
struct ReadWakerState {
    task: AtomicWaker,
    wakeup: Mutex<Option<Wakeup>>,
}

impl Wake for ReadWakerState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        lock(&self.wakeup).get_or_insert_with(Wakeup::now);
        self.task.wake();
    }
}

impl Default for ReadWaker {
    fn default() -> Self {
        let shared = Arc::new(ReadWakerState::default());
        Self {
            waker: shared.clone().into(),
            shared,
            wakeup: None,
        }
    }
}

impl ReadWaker {
    /// Polls whether the socket can be read; the task of `cx` is woken once it can.
    pub(super) fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        is_readable: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // Taken before the look, so that no wake-up after it is lost.
        let wakeup = lock(&self.shared.wakeup).take();
        self.wakeup = self.wakeup.or(wakeup);
        self.shared.task.register(cx.waker());
        let polled = is_readable(&mut Context::from_waker(&self.waker));
        if polled.is_pending() {
            self.emptied();
            // The thread may sleep next.
            see_awake();
        }
        polled
    }

    /// The socket is empty now: what comes next wakes anew.
    pub(super) fn emptied(&mut self) {
        self.wakeup = None;
    }

    /// When the runtime found that what is read now can be read; `None` if it is not known.
    pub(super) fn wakeup(&self) -> Option<Wakeup> {
        self.wakeup
    }
}

/// A call of the waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wakeup {
    pub(super) at: Instant,
    /// How long its cause may have been there before; `None` if it is not known.
    pub(super) before: Option<Duration>,
}

thread_local! {
    static ROUNDS: Cell<Option<Rounds>> = const { Cell::new(None) };
}

impl Wakeup {
    /// How long what is read now may have waited, at most, in nanoseconds; `None` if it is not known.
    pub(super) fn waited(self) -> Option<u32> {
        let waited = self.before? + now().saturating_duration_since(self.at);
        Some(u32::try_from(waited.as_nanos()).unwrap_or(u32::MAX))
    }

    fn now() -> Self {
        let at = now();
        let before = ROUNDS.try_with(|rounds| {
            let known = Rounds::woken(rounds.get(), at, kernel::busy);
            rounds.set(known);
            known?.before
        });
        Self {
            at,
            before: before.ok().flatten(),
        }
    }
}

/// Notes how long this thread has been busy up to now.
fn see_awake() {
    let _ = ROUNDS.try_with(|rounds| {
        if let Some(known) = rounds.get() {
            rounds.set(Some(known.seen(now(), kernel::busy)));
        }
    });
}

/// The rounds in which a thread of a runtime looks which sockets can be read, as far as its wake-ups tell them apart.
/// How long the thread was busy is counted from its beginning.
#[derive(Clone, Copy, Debug)]
struct Rounds {
    began: Instant,
    last: Instant,
    /// How long it had been busy when this round began, and when the one before did.
    busy: [Duration; 2],
    /// When it was seen to be awake last, and how long it had been busy by then.
    awake: (Instant, Duration),
    before: Option<Duration>,
}

impl Rounds {
    /// Wake-ups of one round follow each other faster than this; those of two do so at times, too.
    const TOGETHER: Duration = Duration::from_micros(50);
    /// No round is longer.
    const LONGEST: Duration = Duration::from_millis(1);
    /// The two clocks agree better than this: a difference that is larger is sleep.
    const SLEPT: Duration = Duration::from_micros(20);

    /// What is known after a wake-up at `at`; `busy` says how long the thread has been busy.
    fn woken(
        known: Option<Self>,
        at: Instant,
        busy: impl Fn() -> Option<Duration>,
    ) -> Option<Self> {
        let Some(known) = known else {
            let busy = busy()?;
            return Some(Self {
                began: at,
                last: at,
                busy: [busy; 2],
                awake: (at, busy),
                before: None,
            });
        };
        let since = |then: Instant| at.saturating_duration_since(then);
        if since(known.last) < Self::TOGETHER && since(known.began) < Self::LONGEST {
            return Some(Self { last: at, ..known });
        }
        let busy = busy()?;
        let (seen_at, seen) = known.awake;
        let since_seen = busy.saturating_sub(seen);
        // Without sleep it may have come at any time since the thread looked before. A round that is interrupted looks
        // like two, so that is the round before the last one.
        let has_slept = since(seen_at).saturating_sub(since_seen) > Self::SLEPT;
        let [last, earlier] = known.busy;
        let since_earlier = busy.saturating_sub(earlier);
        Some(Self {
            began: at,
            last: at,
            busy: [busy, last],
            awake: (at, busy),
            before: Some(if has_slept { since_seen } else { since_earlier }),
        })
    }

    /// What is known after the thread was seen to be awake.
    fn seen(self, at: Instant, busy: impl Fn() -> Option<Duration>) -> Self {
        if at.saturating_duration_since(self.awake.0) < Self::TOGETHER {
            return self;
        }
        let awake = busy().map_or(self.awake, |busy| (at, busy));
        Self { awake, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use super::*;

    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    /// What a thread does at a time, having been busy for so long; all in microseconds.
    #[derive(Clone, Copy)]
    enum Step {
        Woken(u64, u64),
        Seen(u64, u64),
    }
    use Step::{Seen, Woken};

    /// How long the cause of each wake-up may have been there before it.
    fn before(steps: &[Step]) -> Vec<Option<u64>> {
        let (start, mut known) = (now(), None);
        let mut told = Vec::new();
        for &step in steps {
            match step {
                Woken(at, busy) => {
                    known = Rounds::woken(known, start + us(at), || Some(us(busy)));
                    let before = known.and_then(|known: Rounds| known.before);
                    told.push(before.map(|before| u64::try_from(before.as_micros()).unwrap()));
                }
                Seen(at, busy) => {
                    known = known.map(|known| known.seen(start + us(at), || Some(us(busy))));
                }
            }
        }
        told
    }

    #[test]
    fn a_thread_that_slept_was_kept_from_what_came_only_after_it() {
        let told = before(&[
            Woken(0, 10),
            Woken(500_000, 40),
            // Kept from its tasks for 30 ms, before it slept.
            Seen(530_500, 30_500),
            Woken(900_000, 30_530),
            // Kept for 9 ms after it was woken.
            Woken(1_400_000, 39_600),
        ]);
        assert_eq!(told, [None, Some(30), Some(30), Some(9_070)]);
    }

    #[test]
    fn a_thread_that_never_slept_may_have_been_kept_since_it_looked_before() {
        let told = before(&[
            Woken(0, 0),
            Seen(100, 100),
            Woken(50_000, 20_000),
            Seen(80_000, 50_000),
            Woken(90_000, 60_000),
        ]);
        assert_eq!(told, [None, Some(19_900), Some(60_000)]);
    }

    #[test]
    fn all_of_a_round_waited_for_as_long_as_its_first() {
        let told = before(&[
            Woken(0, 10),
            Woken(50_000, 20),
            Woken(100_000, 45_020),
            Woken(100_005, 45_020),
            Woken(100_010, 45_020),
            Seen(100_200, 45_100),
            Woken(150_000, 45_120),
        ]);
        let all = Some(45_000);
        assert_eq!(told, [None, Some(10), all, all, all, Some(20)]);
    }

    #[test]
    fn an_interrupted_round_counts_what_was_before_it() {
        let told = before(&[
            Woken(0, 0),
            Woken(50_000, 20),
            Woken(100_000, 30_000),
            Woken(109_000, 39_000),
        ]);
        assert_eq!(
            told[3],
            Some(38_980),
            "the wait before the interruption too"
        );
    }

    #[test]
    fn a_stream_without_a_pause_has_rounds_too() {
        let wakeups: Vec<_> = (0..1_000).map(|n| Woken(n * 20, 30_000 + n * 20)).collect();
        let told = before(&wakeups);
        let last = told.last().copied().flatten().unwrap();
        assert!(last <= 3_000, "{last}");
    }

    #[test]
    fn without_the_kernel_s_word_nothing_is_known() {
        assert!(Rounds::woken(None, now(), || None).is_none());
    }

    #[test]
    fn the_first_wake_up_since_the_socket_was_empty_counts() {
        let mut waker = ReadWaker::default();
        let cx = Context::from_waker(Waker::noop());
        let mut kept = None;
        let mut poll = |waker: &mut ReadWaker, is_readable: bool| {
            let polled = waker.poll(&cx, |cx| {
                kept = Some(cx.waker().clone());
                if is_readable {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            });
            assert_eq!(polled.is_ready(), is_readable);
            kept.clone().unwrap()
        };
        let wake = poll(&mut waker, false);
        assert!(waker.wakeup.is_none());
        wake.wake_by_ref();
        let first = lock(&waker.shared.wakeup).unwrap().at;
        wake.wake_by_ref();
        poll(&mut waker, true);
        assert_eq!(waker.wakeup.unwrap().at, first);
        wake.wake_by_ref();
        poll(&mut waker, true);
        assert_eq!(waker.wakeup.unwrap().at, first, "it was not emptied");
        waker.emptied();
        assert!(waker.wakeup().is_none());
        wake.wake_by_ref();
        poll(&mut waker, false);
        assert!(waker.wakeup.is_none(), "it was woken for nothing");
    }

    #[test]
    fn a_wake_up_reaches_the_task() {
        struct Task(AtomicBool);
        impl Wake for Task {
            fn wake(self: Arc<Self>) {
                self.0.store(true, SeqCst);
            }
        }
        let task = Arc::new(Task(AtomicBool::new(false)));
        let (waker, mut reader) = (task.clone().into(), ReadWaker::default());
        let mut kept = None;
        let _ = reader.poll(&Context::from_waker(&waker), |cx| {
            kept = Some(cx.waker().clone());
            Poll::<()>::Pending
        });
        kept.unwrap().wake();
        assert!(task.0.load(SeqCst));
    }
}
