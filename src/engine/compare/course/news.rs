//! What is told of a comparison that runs: how it stands, and its verdicts as they are computed, each at a bounded rate.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use super::CompareCourse;
use crate::{
    clock::{timer_now, wait_until},
    compare::{CompareState, PairedComparison},
    engine::{CompareNews, Update},
};

/// The shortest time between two tellings of how it stands.
const TELL: Duration = Duration::from_millis(200);
/// The shortest time between two computations of all verdicts.
const COMPUTE: Duration = Duration::from_millis(500);
/// How many times as long as a computation took it is at least until the next one.
const COMPUTE_SHARE: u32 = 10;

impl CompareCourse {
    /// Waits for something; tells meanwhile how it stands.
    pub(super) async fn with_news<T>(&mut self, what: impl Future<Output = T>) -> T {
        let mut what = std::pin::pin!(what);
        loop {
            let tell = self.is_untold.then_some(self.next_tell);
            tokio::select! {
                biased;
                done = &mut what => return done,
                changed = self.marks.changed() => {
                    if changed.is_ok() {
                        self.state.marks = Arc::clone(&self.marks.borrow_and_update());
                        self.is_untold = true;
                    } else {
                        // The task that holds the other end is gone, and with it the engine.
                        return what.await;
                    }
                }
                computed = result_of(&mut self.computing) => self.take_result(computed),
                () = wait_until(tell) => self.tell(),
            }
        }
    }

    pub(super) fn tell_if_due(&mut self) {
        if self.is_untold && timer_now() >= self.next_tell {
            self.tell();
        }
    }

    pub(super) fn tell(&mut self) {
        let state = CompareState {
            elapsed: self.elapsed(),
            ..self.state.clone()
        };
        let news = CompareNews::Is(Box::new(state));
        self.context.out.send(Update::Compare(news));
        self.is_untold = false;
        self.next_tell = timer_now() + TELL;
    }

    /// Has the verdicts computed, if that is due; takes them if they are there.
    pub(super) async fn compute(&mut self) {
        if let Some(computing) = self.computing.take_if(|computing| computing.is_finished()) {
            let computed = computing.await.ok();
            self.take_result(computed);
        }
        if self.computing.is_some() || timer_now() < self.next_compute {
            return;
        }
        let state = self.state.clone();
        self.computing = Some(tokio::task::spawn_blocking(move || {
            let began = crate::clock::now();
            let result = PairedComparison::of(&state.head.plan, &state.rounds, &state.marks, None);
            (result, began.elapsed())
        }));
    }

    fn take_result(&mut self, computed: Option<(PairedComparison, Duration)>) {
        if let Some((result, took)) = computed {
            self.state.result = Arc::new(result);
            self.next_compute = timer_now() + COMPUTE.max(COMPUTE_SHARE * took);
            self.is_untold = true;
        }
    }
}

/// What was computed, once it is; for ever nothing if nothing is computed.
async fn result_of(
    computing: &mut Option<JoinHandle<(PairedComparison, Duration)>>,
) -> Option<(PairedComparison, Duration)> {
    let Some(running) = computing else {
        return std::future::pending().await;
    };
    let computed = running.await.ok();
    *computing = None;
    computed
}
