//! What the workers of a bench and the task that collects from them share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use secrecy::SecretString;
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

use super::request::{Ended, offset};
use crate::{
    bench::{BackOff, BenchPlan, BenchRequest, RequestSource, StopReason, texts::TextRoom},
    clock::now,
    endpoint::Endpoint,
    event::{Fault, FaultClass},
};

/// How long a refusal for too many requests holds everything back, where the server does not say, in milliseconds.
const USUAL_WAIT_MS: u64 = 1_000;

/// What the workers and the collector of a bench share.
pub(super) struct BenchShared {
    pub plan: BenchPlan,
    pub source: Arc<dyn RequestSource>,
    pub endpoint: Endpoint,
    pub key: Option<SecretString>,
    pub proxy_password: Option<SecretString>,
    /// Workers wait here until all of them have their connections.
    pub ready: Barrier,
    /// Offset 0 of all stamps: when the workers began.
    start: OnceLock<Instant>,
    /// The number of the next request of a closed loop.
    pub next: AtomicU64,
    /// When the first request that counts was begun in a closed loop, in nanoseconds since the start; `u64::MAX` before.
    counting_since: AtomicU64,
    /// Until when nothing is sent since the server asked us to wait, in nanoseconds since the start.
    held_until: AtomicU64,
    pub held_back: AtomicU64,
    pub sent: AtomicU64,
    pub over: AtomicU64,
    /// Nothing more is sent.
    pub stopping: CancellationToken,
    /// Requests under way are ended.
    pub cancel: CancellationToken,
    reason: Mutex<Option<StopReason>>,
    /// The first fault, with the provider's words.
    first_fault: Mutex<Option<Fault>>,
    /// The requests that are over and not collected yet, of each worker.
    outboxes: Vec<Mutex<Vec<BenchRequest>>>,
    text_room: TextRoom,
    /// Workers that still send, and that have anything under way.
    pub sending: AtomicUsize,
    pub working: AtomicUsize,
}

/// What a bench is made of.
pub(super) struct BenchParts {
    pub plan: BenchPlan,
    pub source: Arc<dyn RequestSource>,
    pub endpoint: Endpoint,
    pub key: Option<SecretString>,
    pub proxy_password: Option<SecretString>,
}

impl BenchShared {
    pub(super) fn new(parts: BenchParts, workers: usize) -> Self {
        Self {
            plan: parts.plan,
            source: parts.source,
            endpoint: parts.endpoint,
            key: parts.key,
            proxy_password: parts.proxy_password,
            ready: Barrier::new(workers),
            start: OnceLock::new(),
            next: AtomicU64::new(0),
            counting_since: AtomicU64::new(u64::MAX),
            held_until: AtomicU64::new(0),
            held_back: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            over: AtomicU64::new(0),
            stopping: CancellationToken::new(),
            cancel: CancellationToken::new(),
            reason: Mutex::new(None),
            first_fault: Mutex::new(None),
            outboxes: (0..workers).map(|_| Mutex::default()).collect(),
            text_room: TextRoom::default(),
            sending: AtomicUsize::new(workers),
            working: AtomicUsize::new(workers),
        }
    }

    /// Begins the bench, if no other worker has.
    pub(super) fn begin(&self) -> Instant {
        *self.start.get_or_init(now)
    }

    /// When the workers began; `None` before.
    pub(super) fn began(&self) -> Option<Instant> {
        self.start.get().copied()
    }

    /// Nanoseconds since the start; `None` before.
    pub(super) fn elapsed(&self) -> Option<u64> {
        self.start.get().map(|start| offset(*start, now()))
    }

    /// When the first request that counts was begun, which is `at` if none was before.
    pub(super) fn counts_since(&self, at: u64) -> u64 {
        let before = self.counting_since.fetch_min(at, Ordering::Relaxed);
        before.min(at)
    }

    /// Stops sending, for this reason unless there was one before.
    pub(super) fn stop(&self, reason: StopReason) {
        lock(&self.reason).get_or_insert(reason);
        self.stopping.cancel();
    }

    /// Why nothing more is sent.
    pub(super) fn reason(&self) -> Option<StopReason> {
        *lock(&self.reason)
    }

    /// Notes why a worker sends nothing more, though others may.
    pub(super) fn note_reason(&self, reason: StopReason) {
        lock(&self.reason).get_or_insert(reason);
    }

    /// Until when nothing is to be sent, in nanoseconds since the start.
    pub(super) fn held_until(&self) -> u64 {
        self.held_until.load(Ordering::Relaxed)
    }

    /// Takes a request that is over.
    pub(super) fn take(&self, worker: usize, ended: Ended) {
        self.over.fetch_add(1, Ordering::Relaxed);
        let Ended { mut request, fault } = ended;
        request.text = request.text.filter(|text| self.text_room.take(text));
        if let Some(fault) = fault {
            self.heed(&fault, request.ended);
            if !fault.class.is_no_failure() {
                lock(&self.first_fault).get_or_insert(fault);
            }
        }
        if let Some(outbox) = self.outboxes.get(worker) {
            lock(outbox).push(request);
        }
    }

    /// Holds everything back if the server refused for too many requests, and that was chosen.
    fn heed(&self, fault: &Fault, at: u64) {
        if self.plan.back_off == BackOff::Polite && fault.class == FaultClass::RateLimited {
            let wait_ms = fault.retry_after_ms.unwrap_or(USUAL_WAIT_MS);
            let until = at.saturating_add(wait_ms.saturating_mul(1_000_000));
            self.held_until.fetch_max(until, Ordering::Relaxed);
        }
    }

    /// The requests that ended since the last call.
    pub(super) fn collect(&self) -> Vec<BenchRequest> {
        let mut all = Vec::new();
        for outbox in &self.outboxes {
            let taken = std::mem::take(&mut *lock(outbox));
            if all.is_empty() {
                all = taken;
            } else {
                all.extend(taken);
            }
        }
        all
    }

    /// The first fault, with the provider's words.
    pub(super) fn first_fault(&self) -> Option<Fault> {
        lock(&self.first_fault).clone()
    }

    pub(super) fn is_done(&self) -> bool {
        self.working.load(Ordering::Acquire) == 0
    }

    /// Whether the time of a closed loop is over, by the first request that counted.
    pub(super) fn is_time_over(&self, at: u64) -> bool {
        let begun = self.counting_since.load(Ordering::Relaxed);
        begun != u64::MAX && self.plan.is_time_over(at, begun)
    }

    /// Whether all that is sent has been sent. A worker of a closed loop is done only with its last answer, but sends
    /// nothing more once there is a reason to stop.
    pub(super) fn sends_no_more(&self) -> bool {
        let has_reason = !self.plan.load.is_open() && self.reason().is_some();
        has_reason || self.sending.load(Ordering::Acquire) == 0
    }
}

/// What is behind it is replaced or pushed to at once, and so whole after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
