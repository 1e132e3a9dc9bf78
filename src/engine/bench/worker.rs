//! The load workers: one a core, each a thread with a single-threaded runtime and connections of its own.
//!
//! A worker never waits for another, and none of its requests for a queue: what it sends, reads and stamps stays on its
//! core.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::{
    request::{offset, send},
    shared::BenchShared,
    timer::ExactTimer,
};
use crate::{
    bench::{
        BackOff, BenchConnections, BenchRequest, BenchSchedule, Load, StopReason,
        schedule::stream_begins_ns,
    },
    clock::now,
    event::Fault,
    exchange::{EndpointRequest, PreparedExchange, call::warming_call},
    transport::Transport,
};

/// How many workers a load needs: one a core, and no more than streams.
pub(super) fn count(load: &Load) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    match load {
        Load::Closed { concurrency } => cores.min((*concurrency).max(1) as usize),
        Load::Rate { .. } | Load::Trace { .. } => cores,
    }
}

/// Starts a worker's thread.
///
/// # Errors
/// If the system can't.
pub(super) fn start(shared: Arc<BenchShared>, index: usize, workers: usize) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name(format!("bench-{index}"))
        .spawn(move || {
            // Dropped last, also after a panic: whoever waits for this worker must not wait for ever.
            let _working = CountsDown(Arc::clone(&shared), |shared| &shared.working);
            let worker = Arc::new(Worker {
                transport: Transport::default(),
                tasks: TaskTracker::new(),
                index,
                workers,
                shared,
            });
            runtime.block_on(worker.work());
        })
        .map(drop)
}

/// Counts a counter down when it is dropped.
struct CountsDown(Arc<BenchShared>, fn(&BenchShared) -> &AtomicUsize);

impl Drop for CountsDown {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::AcqRel);
    }
}

struct Worker {
    shared: Arc<BenchShared>,
    transport: Transport,
    tasks: TaskTracker,
    index: usize,
    workers: usize,
}

impl Worker {
    async fn work(self: Arc<Self>) {
        {
            let _sending = CountsDown(Arc::clone(&self.shared), |shared| &shared.sending);
            self.connect_ahead().await;
            // A worker that could not be started would be waited for.
            let ready = self.shared.ready.wait();
            let _ = self.shared.stopping.run_until_cancelled(ready).await;
            let start = self.shared.begin();
            match self.shared.plan.load {
                Load::Closed { concurrency } => self.run_streams(start, concurrency).await,
                Load::Rate { .. } | Load::Trace { .. } => self.follow_schedule(start).await,
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Opens the connections that a closed loop needs, so that their handshakes are in no figure.
    async fn connect_ahead(&self) {
        let plan = &self.shared.plan;
        let Load::Closed { concurrency } = plan.load else {
            return;
        };
        if plan.connections == BenchConnections::Cold {
            return;
        }
        let streams = self.streams(concurrency).count();
        let password = self.shared.proxy_password.clone();
        if let Ok(call) = warming_call(&self.shared.endpoint, password) {
            let warmed = self.transport.ensure_warm(call, streams);
            // What can't be connected fails as a request, with its class.
            let _ = self.shared.stopping.run_until_cancelled(warmed).await;
        }
    }

    /// The streams of a closed loop that are this worker's.
    fn streams(&self, concurrency: u32) -> impl Iterator<Item = u32> + use<> {
        let (index, workers) = (self.index, self.workers);
        (0..concurrency).filter(move |stream| *stream as usize % workers == index)
    }

    async fn run_streams(self: &Arc<Self>, start: Instant, concurrency: u32) {
        let streams = TaskTracker::new();
        for stream in self.streams(concurrency) {
            let begins = stream_begins_ns(stream, concurrency, self.shared.plan.ramp_ms);
            let worker = Arc::clone(self);
            streams.spawn(async move { worker.run_stream(start, begins).await });
        }
        streams.close();
        streams.wait().await;
    }

    /// Sends one request after another.
    async fn run_stream(&self, start: Instant, begins: u64) {
        let shared = &self.shared;
        self.pause_until(start, begins).await;
        let mut free = offset(start, now());
        loop {
            if self.is_held_at(free) {
                self.pause_until(start, shared.held_until()).await;
                free = offset(start, now());
            }
            if shared.stopping.is_cancelled() {
                return;
            }
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            if let Some(reason) = self.ends_at(number, offset(start, now())) {
                return shared.note_reason(reason);
            }
            let (prepared, request) = self.prepare(number, free).await;
            shared.sent.fetch_add(1, Ordering::Relaxed);
            let ended = send(prepared, request, start, &shared.cancel).await;
            free = ended.request.ended;
            shared.take(self.index, ended);
        }
    }

    /// Why a closed loop does not send the request of this number now.
    fn ends_at(&self, number: u64, at: u64) -> Option<StopReason> {
        let plan = &self.shared.plan;
        if plan.is_beyond_count(number) {
            return Some(StopReason::Requests);
        }
        let counts = number >= plan.warm_up;
        let is_over = counts && plan.is_time_over(at, self.shared.counts_since(at));
        is_over.then_some(StopReason::Time)
    }

    /// Whether the server asked us to wait beyond this time.
    fn is_held_at(&self, at: u64) -> bool {
        self.shared.plan.back_off == BackOff::Polite && self.shared.held_until() > at
    }

    /// Waits until a time since the start, or until nothing more is to be sent.
    async fn pause_until(&self, start: Instant, at: u64) {
        let wait = tokio::time::sleep_until((start + Duration::from_nanos(at)).into());
        let _ = self.shared.stopping.run_until_cancelled(wait).await;
    }

    /// Sends each request of this worker when it is due. Every worker computes the whole schedule, and takes its part.
    async fn follow_schedule(self: &Arc<Self>, start: Instant) {
        let plan = &self.shared.plan;
        let Some(schedule) = BenchSchedule::of(plan) else {
            return;
        };
        let most = (plan.most_in_flight as usize).div_ceil(self.workers).max(1);
        let (timer, room) = (ExactTimer::new(), Arc::new(Semaphore::new(most)));
        let mut counting_since = None;
        for (number, due) in schedule {
            if plan.is_beyond_count(number) {
                return self.shared.note_reason(StopReason::Requests);
            }
            if number >= plan.warm_up {
                let since = *counting_since.get_or_insert(due);
                if plan.is_time_over(due, since) {
                    // The load holds until then.
                    self.pause_until(start, due).await;
                    return self.shared.note_reason(StopReason::Time);
                }
            }
            if usize::try_from(number).is_ok_and(|n| n % self.workers == self.index) {
                let at = start + Duration::from_nanos(due);
                let turn = self.send_at(number, (start, due), &timer, &room, at);
                let turn = self.shared.stopping.run_until_cancelled(turn);
                if turn.await.is_none() {
                    return;
                }
            }
        }
        self.shared.note_reason(StopReason::Requests);
    }

    async fn send_at(
        self: &Arc<Self>,
        number: u64,
        (start, due): (Instant, u64),
        timer: &ExactTimer,
        room: &Arc<Semaphore>,
        at: Instant,
    ) {
        let (prepared, request) = self.prepare(number, due).await;
        if at > now() {
            timer.wait_until(at).await;
        } else {
            // Behind its schedule it would never let others on.
            tokio::task::yield_now().await;
        }
        if self.is_held_at(due) {
            let counts = u64::from(!request.is_warm_up);
            self.shared.held_back.fetch_add(counts, Ordering::Relaxed);
            return;
        }
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(room).acquire_owned().await else {
            return;
        };
        self.shared.sent.fetch_add(1, Ordering::Relaxed);
        let worker = Arc::clone(self);
        let sent = async move { worker.send(prepared, request, start, permit).await };
        self.tasks.spawn(sent);
    }

    async fn send(
        &self,
        prepared: Result<PreparedExchange, Fault>,
        request: BenchRequest,
        start: Instant,
        _permit: OwnedSemaphorePermit,
    ) {
        let ended = send(prepared, request, start, &self.shared.cancel).await;
        self.shared.take(self.index, ended);
    }

    /// Does all that can be done before a request is due, and begins its record.
    async fn prepare(
        &self,
        number: u64,
        scheduled: u64,
    ) -> (Result<PreparedExchange, Fault>, BenchRequest) {
        let shared = &self.shared;
        let question = shared.source.question(number);
        let prepared = PreparedExchange::chat(
            &self.transport,
            EndpointRequest {
                dialect: shared.endpoint.dialect.dialect(),
                endpoint: &shared.endpoint,
                request: &question.request,
                key: shared.key.as_ref(),
                proxy_password: shared.proxy_password.as_ref(),
                cold: shared.plan.connections == BenchConnections::Cold,
            },
        );
        let is_warm_up = number < shared.plan.warm_up;
        let keeps_text = shared.plan.keep_texts && !is_warm_up;
        let request = BenchRequest {
            number,
            prompt: question.prompt,
            is_warm_up,
            scheduled,
            text: keeps_text.then(Box::default),
            ..BenchRequest::default()
        };
        (prepared.await, request)
    }
}
