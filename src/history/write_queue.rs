//! The queue of writes: filled by any thread, emptied by the writer thread.
//!
//! In: begins, updates and ends of runs, changes of conversations. Out: one [`Batch`] at a time. A write that a later
//! one replaces is never made. Memory is bounded: while the disk fails, the oldest runs are dropped first, and
//! counted.

mod batch;
mod pending;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

pub(super) use self::batch::{Batch, ConversationWrite};
use self::pending::{Pending, run_bytes};
use super::{
    benches::BenchWrite, checks::EndpointCheck, comparisons::ComparisonWrite,
    firing_alerts::FiringAlert, gaps::ProbeGap, large_values, pieces::LiveRun,
};
use crate::{
    conformance::CheckedRun,
    conversation::{ConversationChange, ConversationId},
    run::{Run, RunId, RunUpdate},
};

/// A batch of this many bytes is written without waiting for more.
const FULL_BYTES: usize = 4 << 20;

/// Most bytes that are queued while nothing can be written.
const MAX_BYTES: usize = 256 << 20;

/// Most gaps that are queued while nothing can be written; the oldest go first.
const MAX_GAPS: usize = 10_000;

/// The same of checks: a day of ten endpoints, each checked every ten seconds.
const MAX_CHECKS: usize = 86_400;
/// The same of writes to comparisons: a day of rounds, one a second.
const MAX_COMPARISONS: usize = 86_400;
/// Most bytes that the wire of all live runs takes together; what comes then is not kept.
const MAX_LIVE_WIRE_BYTES: usize = 256 << 20;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    pending: Mutex<Pending>,
    changed: Condvar,
    max_bytes: Option<usize>,
}

/// What the writer does next.
#[derive(Debug)]
pub(super) enum NextWrite {
    Write(Box<Batch>),
    /// The timeout passed and nothing was queued.
    TimedOut,
    /// The queue is closed and empty.
    Closed,
}

impl WriteQueue {
    #[cfg(test)]
    pub(super) fn with_max_bytes(most: usize) -> Self {
        Self {
            max_bytes: Some(most),
            ..Self::default()
        }
    }

    pub(super) fn begin(&self, run: Run) {
        self.update(|pending| {
            pending.bytes += run_bytes(&run);
            pending.live.insert(run.head.id, LiveRun::new(run));
        });
    }

    /// Updates of a run that did not begin here are ignored: [`finish`](Self::finish) brings the whole run.
    pub(super) fn record(&self, id: RunId, update: &Arc<RunUpdate>) {
        self.update(|pending| {
            let wants_wire = !pending.has_no_captures;
            if let Some(live) = pending.live.get_mut(&id)
                && (wants_wire || !matches!(**update, RunUpdate::Wire(_)))
            {
                let before = live.wire.bytes_held();
                pending.bytes += live.apply(update);
                pending.live_wire_bytes += live.wire.bytes_held() - before;
                if pending.live_wire_bytes > MAX_LIVE_WIRE_BYTES {
                    live.wire.close();
                }
            }
        });
    }

    pub(super) fn finish(&self, run: CheckedRun) {
        self.update(|pending| {
            let mut live = pending.live.remove(&run.head.id);
            if let Some(live) = &mut live {
                pending.take_wire(live);
            }
            if let Some(mut live) =
                live.filter(|live| live.has_written_pieces() && large_values::is_large(&run))
            {
                live.take_pieces(&mut pending.next.pieces);
                pending.next.pieces_stored.insert(run.head.id);
            }
            pending.bytes += run_bytes(&run);
            pending.next.finished.insert(run.head.id, run);
        });
    }

    /// What went over the wire of a live run is not kept.
    pub(super) fn forget_wire(&self, id: RunId) {
        self.update(|pending| {
            if let Some(live) = pending.live.get_mut(&id) {
                let wire = std::mem::take(&mut live.wire);
                pending.live_wire_bytes -= wire.bytes_held();
            }
        });
    }

    /// The limits of captures have changed; without `keeps_any` no more of them are made.
    pub(super) fn limit_captures(&self, keeps_any: bool) {
        self.update(|pending| pending.has_no_captures = !keeps_any);
    }

    /// Captures beyond their limits are to be removed.
    pub(super) fn trim_captures(&self) {
        self.update(|pending| pending.next.trim_captures = true);
    }

    /// A change that continues the last one is merged with it.
    pub(super) fn change(&self, change: ConversationChange) {
        self.update(|pending| {
            let writes = pending
                .next
                .conversations
                .entry(change.mine.id)
                .or_default();
            let merged = match writes.last() {
                Some(ConversationWrite::Change(last)) => last.followed_by(&change),
                _ => None,
            };
            if merged.is_some() {
                writes.pop();
            }
            writes.push(ConversationWrite::Change(merged.unwrap_or(change)));
        });
    }

    /// A gap began, goes on or ended. Of what was queued about one gap, the last counts.
    pub(super) fn gap(&self, gap: ProbeGap) {
        self.update(|pending| {
            let is_same = |queued: &ProbeGap| {
                (queued.from_unix_ns, queued.why) == (gap.from_unix_ns, gap.why)
                    && queued.target == gap.target
            };
            pending.next.gaps.retain(|queued| !is_same(queued));
            if pending.next.gaps.len() == MAX_GAPS {
                pending.next.gaps.remove(0);
            }
            pending.next.gaps.push(gap);
        });
    }

    /// An endpoint was checked.
    pub(super) fn check(&self, check: EndpointCheck) {
        self.update(|pending| {
            if pending.next.checks.len() == MAX_CHECKS {
                pending.next.checks.pop_front();
            }
            pending.next.checks.push_back(check);
        });
    }

    /// A bench began, goes on or ended, or is to be deleted.
    pub(super) fn bench(&self, write: BenchWrite) {
        self.update(|pending| pending.next.benches.put(write));
    }

    /// Other alerts fire than before.
    pub(super) fn firing_alerts(&self, firing: Vec<FiringAlert>) {
        self.update(|pending| pending.next.firing_alerts = Some(firing));
    }

    /// A comparison began, went on, ended, or is deleted.
    pub(super) fn comparison(&self, write: ComparisonWrite) {
        self.update(|pending| {
            if pending.next.comparisons.len() == MAX_COMPARISONS {
                pending.next.comparisons.pop_front();
            }
            pending.next.comparisons.push_back(write);
        });
    }

    pub(super) fn delete(&self, id: ConversationId) {
        self.update(|pending| {
            let writes = vec![ConversationWrite::Delete];
            pending.next.conversations.insert(id, writes);
        });
    }

    /// A conversation is about to be loaded, to be continued in this session.
    pub(super) fn adopt(&self, id: ConversationId) {
        self.update(|pending| pending.next.adopt.push(id));
    }

    pub(super) fn show(&self, id: ConversationId) {
        self.update(|pending| pending.next.shown = Some(id));
    }

    /// Answers once everything queued so far was written, or writing it failed.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (done, written) = oneshot::channel();
        self.update(|pending| {
            // If the writer has ended, dropping the sender ends the wait.
            pending
                .next
                .flushes
                .extend((!pending.ended).then_some(done));
            pending.urgent = true;
        });
        written
    }

    /// Wakes the writer: a receiver was added, and polling has to begin.
    pub(super) fn wake(&self) {
        self.update(|_| {});
    }

    /// A reader found the file damaged.
    pub(super) fn report_damage(&self, why: String) {
        self.update(|pending| {
            pending.next.damage = Some(why);
            pending.urgent = true;
        });
    }

    /// A reader saw live runs, whose processes may have died.
    pub(super) fn end_dead_runs(&self) {
        self.update(|pending| pending.next.end_dead_runs = true);
    }

    /// The queue is closed and empty.
    pub(super) fn close(&self) {
        self.update(|pending| {
            pending.closed = true;
            pending.urgent = true;
        });
    }

    /// The writer has ended: all waiting flushes are answered.
    pub(super) fn end(&self) {
        let mut pending = self.lock();
        (pending.closed, pending.ended) = (true, true);
        pending.next.flushes.clear();
    }

    /// The file is a new one, so live runs have to be written anew.
    pub(super) fn start_over(&self) {
        self.update(|pending| {
            for live in pending.live.values_mut() {
                live.begun = false;
            }
        });
    }

    /// How many runs had to be dropped so far.
    pub(super) fn dropped(&self) -> usize {
        self.lock().dropped
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn update(&self, change: impl FnOnce(&mut Pending)) {
        let mut pending = self.lock();
        let (was_any, was_urgent) = (pending.any, pending.urgent);
        change(&mut pending);
        pending.any = true;
        pending.urgent |= pending.bytes >= FULL_BYTES;
        pending.drop_oldest(self.max_bytes.unwrap_or(MAX_BYTES));
        if !was_any || pending.urgent && !was_urgent {
            self.changed.notify_all();
        }
    }

    /// Waits for something to write, then for `batch_delay` for more that can share its transaction, and takes the batch.
    pub(super) fn next(&self, timeout: Option<Duration>, batch_delay: Duration) -> NextWrite {
        let idle = |pending: &mut Pending| !pending.any;
        let pending = self.lock();
        let pending = if let Some(timeout) = timeout {
            let waited = self.changed.wait_timeout_while(pending, timeout, idle);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            let waited = self.changed.wait_while(pending, idle);
            waited.unwrap_or_else(PoisonError::into_inner)
        };
        if !pending.any {
            return NextWrite::TimedOut;
        }
        let gathered = self
            .changed
            .wait_timeout_while(pending, batch_delay, |pending| !pending.urgent);
        let (mut pending, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        pending.take_batch()
    }

    /// Waits before a retry; no longer once the queue is closed.
    pub(super) fn pause(&self, time: Duration) {
        let open = |pending: &mut Pending| !pending.closed;
        drop(self.changed.wait_timeout_while(self.lock(), time, open));
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // The maps are consistent after a panic: each change is one insert or remove.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
