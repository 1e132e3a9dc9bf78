//! A timer with a resolution of a tenth of a millisecond: tokio's own counts whole milliseconds.
//!
//! One thread sleeps until the earliest deadline of all answers and wakes the tasks that are due.
//! Deadlines are absolute, so lateness never adds up; with nothing to wait for the thread sleeps.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant},
};

/// The current instant; the simulator keeps its own record of when it read and wrote.
#[expect(
    clippy::disallowed_methods,
    reason = "what the simulator did is the truth that measuring is held against"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Wakes tasks at exact times. Dropping it ends its thread.
#[derive(Debug)]
pub(super) struct Pacer {
    queue: Arc<Mutex<Queue>>,
    sleeper: Thread,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    timers: BinaryHeap<Reverse<PaceTimer>>,
    stop: bool,
}

#[derive(Debug)]
struct PaceTimer {
    at: Instant,
    waker: Waker,
}

impl Ord for PaceTimer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for PaceTimer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PaceTimer {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for PaceTimer {}

impl Pacer {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let queue = Arc::new(Mutex::new(Queue::default()));
        let shared = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("simulator-pace".into())
            .spawn(move || run(&shared))?;
        Ok(Self {
            queue,
            sleeper: thread.thread().clone(),
            thread: Some(thread),
        })
    }

    /// Waits until `at`; is ready at once if that has passed.
    pub fn until(&self, at: Instant) -> Until<'_> {
        Until {
            pacer: self,
            at,
            waker: None,
        }
    }

    fn set(&self, at: Instant, waker: Waker) {
        let mut queue = lock(&self.queue);
        let earliest = queue.timers.peek().is_none_or(|first| at < first.0.at);
        queue.timers.push(Reverse(PaceTimer { at, waker }));
        drop(queue);
        if earliest {
            self.sleeper.unpark();
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        lock(&self.queue).stop = true;
        self.sleeper.unpark();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nothing to add while dropping.
            let _ = thread.join();
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(queue: &Mutex<Queue>) {
    let mut due = Vec::new();
    loop {
        let wait = match take_due(queue, &mut due) {
            PaceStep::Stop => return,
            PaceStep::Nothing => None,
            PaceStep::In(wait) => Some(wait),
        };
        if due.is_empty() {
            match wait {
                Some(wait) => thread::park_timeout(wait),
                None => thread::park(),
            }
        }
        due.drain(..).for_each(Waker::wake);
    }
}

enum PaceStep {
    Stop,
    Nothing,
    In(Duration),
}

/// Moves the wakers that are due to `due`; says how long the next one has time.
fn take_due(queue: &Mutex<Queue>, due: &mut Vec<Waker>) -> PaceStep {
    let mut queue = lock(queue);
    if queue.stop {
        return PaceStep::Stop;
    }
    let now = now();
    while let Some(Reverse(first)) = queue.timers.peek() {
        if first.at > now {
            return PaceStep::In(first.at - now);
        }
        due.extend(queue.timers.pop().map(|timer| timer.0.waker));
    }
    PaceStep::Nothing
}

/// The future of [`Pacer::until`].
#[derive(Debug)]
pub(super) struct Until<'a> {
    pacer: &'a Pacer,
    at: Instant,
    /// Who will be woken, once an alarm is set.
    waker: Option<Waker>,
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if now() >= self.at {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if !self.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            self.waker = Some(waker.clone());
            self.pacer.set(self.at, waker.clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_are_woken_in_order_and_never_early() {
        let pacer = Pacer::start().unwrap();
        let begin = now();
        let woken = Mutex::new(Vec::new());
        let wait = |ms| {
            let (pacer, woken) = (&pacer, &woken);
            async move {
                let at = begin + Duration::from_millis(ms);
                pacer.until(at).await;
                assert!(now() >= at);
                woken.lock().unwrap().push(ms);
            }
        };
        tokio::join!(wait(9), wait(1), wait(5), wait(0));
        assert_eq!(*woken.lock().unwrap(), [0, 1, 5, 9]);
    }

    #[test]
    fn dropping_it_ends_its_thread_whatever_waits() {
        let pacer = Pacer::start().unwrap();
        pacer.set(now() + Duration::from_hours(1), Waker::noop().clone());
        drop(pacer);
    }
}
