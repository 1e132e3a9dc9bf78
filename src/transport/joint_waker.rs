//! A waker for parts that one task polls together.
//!
//! An HTTP/1.1 connection and the body of its response wake each other while the same task polls both. With the task's
//! own waker, every read would schedule the task once more, and with it another thread of the runtime. With this one, a
//! wake during a poll only makes that poll go round again.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicU8,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// Nobody polls: a wake goes to the task.
const IDLE: u8 = 0;
const POLLING: u8 = 1;
/// Woken, since the poll began or since the task was woken.
const WOKEN: u8 = 2;

/// Most rounds of one poll; a part that wakes itself without end leaves room for other tasks.
const MAX_ROUNDS: usize = 8;

/// The waker, and the state that it shares with the polls.
#[derive(Debug)]
pub(super) struct JointWaker {
    shared: Arc<JointWakerState>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct JointWakerState {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for JointWakerState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, AcqRel) == IDLE {
            self.task.wake();
        }
    }
}

impl Default for JointWaker {
    fn default() -> Self {
        let shared = Arc::new(JointWakerState::default());
        Self {
            waker: shared.clone().into(),
            shared,
        }
    }
}

impl JointWaker {
    /// Polls all parts, and again as long as one of them was woken meanwhile.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut parts: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let state = &self.shared.state;
        // Registered before the state becomes idle, so that no wake is lost.
        self.shared.task.register(cx.waker());
        let mut joint = Context::from_waker(&self.waker);
        for _ in 0..MAX_ROUNDS {
            state.store(POLLING, Release);
            let polled = parts(&mut joint);
            if polled.is_ready() {
                // Whoever takes something polls again, woken or not.
                return polled;
            }
            let idles = state.compare_exchange(POLLING, IDLE, AcqRel, Acquire);
            if idles.is_ok() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    use super::*;

    #[derive(Default)]
    struct CountingWaker(AtomicUsize);

    impl Wake for CountingWaker {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, AcqRel);
        }
    }

    #[test]
    fn a_wake_during_a_poll_goes_round_and_a_later_one_reaches_the_task() {
        let (joint, count) = (JointWaker::default(), Arc::new(CountingWaker::default()));
        let task = count.clone().into();
        let mut cx = Context::from_waker(&task);
        let (mut rounds, mut kept) = (0, None);
        let polled = joint.poll(&mut cx, |cx| {
            rounds += 1;
            kept = Some(cx.waker().clone());
            if rounds == 1 {
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        });
        assert_eq!((polled, rounds), (Poll::Pending, 2));
        assert_eq!(count.0.load(Acquire), 0, "the task was not woken");
        let kept = kept.unwrap();
        kept.wake_by_ref();
        kept.wake();
        assert_eq!(count.0.load(Acquire), 1, "once until it polls again");
        assert_eq!(joint.poll(&mut cx, |_| Poll::Ready(7)), Poll::Ready(7));
    }

    #[test]
    fn a_part_that_always_wakes_itself_lets_others_run() {
        let (joint, count) = (JointWaker::default(), Arc::new(CountingWaker::default()));
        let task = count.clone().into();
        let mut rounds = 0;
        let polled = joint.poll(&mut Context::from_waker(&task), |cx| {
            rounds += 1;
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!((polled, rounds), (Poll::Pending, MAX_ROUNDS));
        assert_eq!(count.0.load(Acquire), 1, "the task goes on later");
    }

    #[test]
    fn no_wake_from_another_thread_is_lost() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.build().unwrap();
        let joint = JointWaker::default();
        for _ in 0..1_000 {
            let (woken, mut thread) = (Arc::new(AtomicBool::new(false)), None);
            runtime.block_on(std::future::poll_fn(|cx| {
                joint.poll(cx, |cx| {
                    if woken.load(Acquire) {
                        return Poll::Ready(());
                    }
                    let (woken, waker) = (woken.clone(), cx.waker().clone());
                    thread.get_or_insert_with(|| {
                        std::thread::spawn(move || {
                            woken.store(true, Release);
                            waker.wake();
                        })
                    });
                    Poll::Pending
                })
            }));
            if let Some(thread) = thread {
                thread.join().unwrap();
            }
        }
    }
}
