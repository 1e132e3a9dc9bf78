//! The queue of writes: filled by any thread, emptied by the writer thread.
//!
//! In: begins, updates and ends of runs, changes of conversations. Out: one [`Batch`] at a time. A write that a later
//! one replaces is never made. Memory is bounded: while the disk fails, the oldest runs are dropped first, and
//! counted.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    benches::{BenchWrite, BenchWrites},
    checks::EndpointCheck,
    comparisons::ComparisonWrite,
    firing_alerts::FiringAlert,
    gaps::ProbeGap,
    large_values,
    pieces::{LiveRun, PieceRows},
};
use crate::{
    capture::WireLog,
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

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four things that may be asked for, in any mix"
)]
struct Pending {
    live: BTreeMap<RunId, LiveRun>,
    finished: BTreeMap<RunId, CheckedRun>,
    /// The wire of runs in `finished`.
    wires: BTreeMap<RunId, WireLog>,
    /// About how many bytes the wire of all live runs takes.
    live_wire_bytes: usize,
    /// Whether captures are not to be kept.
    has_no_captures: bool,
    trim_captures: bool,
    /// The last pieces of runs in `pieces_stored`: not in the file yet.
    last_pieces: Vec<PieceRows>,
    /// Finished runs with a large text, whose other pieces are in the file.
    pieces_stored: BTreeSet<RunId>,
    conversations: BTreeMap<ConversationId, Vec<ConversationWrite>>,
    gaps: Vec<ProbeGap>,
    checks: VecDeque<EndpointCheck>,
    benches: BenchWrites,
    /// The alerts that fire, if that changed.
    firing_alerts: Option<Vec<FiringAlert>>,
    comparisons: VecDeque<ComparisonWrite>,
    flushes: Vec<oneshot::Sender<()>>,
    damage: Option<String>,
    end_dead_runs: bool,
    adopt: Vec<ConversationId>,
    shown: Option<ConversationId>,
    /// Whether there is anything to do.
    any: bool,
    /// Whether to write without waiting for more.
    urgent: bool,
    closed: bool,
    /// Whether the writer has ended.
    ended: bool,
    bytes: usize,
    dropped: usize,
}

/// A write to a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ConversationWrite {
    Change(ConversationChange),
    Delete,
}

/// What is written in one transaction. Idempotent: a batch may be written again.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Live runs that are not in the file yet.
    pub(super) begun: Vec<Run>,
    /// Live runs whose row is out of date.
    pub(super) changed: Vec<Run>,
    pub(super) pieces: Vec<PieceRows>,
    pub(super) finished: Vec<CheckedRun>,
    /// The wire of finished runs.
    pub(super) wires: BTreeMap<RunId, WireLog>,
    /// Whether to remove captures that are beyond their limits.
    pub(super) trim_captures: bool,
    /// Finished runs whose text is in the file already, or in `pieces`.
    pub(super) pieces_stored: BTreeSet<RunId>,
    /// The writes to each conversation, in order.
    pub(super) conversations: Vec<(ConversationId, Vec<ConversationWrite>)>,
    /// Gaps that began, went on or ended.
    pub(super) gaps: Vec<ProbeGap>,
    pub(super) checks: VecDeque<EndpointCheck>,
    pub(super) benches: BenchWrites,
    /// The alerts that fire, if that changed.
    pub(super) firing_alerts: Option<Vec<FiringAlert>>,
    /// The writes to comparisons, in order.
    pub(super) comparisons: VecDeque<ComparisonWrite>,
    /// Answered when the batch was written, or writing it failed.
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    /// What a reader found wrong with the file.
    pub(super) damage: Option<String>,
    /// Whether to look for runs whose process died.
    pub(super) end_dead_runs: bool,
    /// Conversations that are about to be loaded here: this session takes over their drafts that belong to no
    /// session.
    pub(super) adopt: Vec<ConversationId>,
    /// The conversation that this window shows now, if that changed.
    pub(super) shown: Option<ConversationId>,
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
                live.take_pieces(&mut pending.last_pieces);
                pending.pieces_stored.insert(run.head.id);
            }
            pending.bytes += run_bytes(&run);
            pending.finished.insert(run.head.id, run);
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
        self.update(|pending| pending.trim_captures = true);
    }

    /// A change that continues the last one is merged with it.
    pub(super) fn change(&self, change: ConversationChange) {
        self.update(|pending| {
            let writes = pending.conversations.entry(change.mine.id).or_default();
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
            pending.gaps.retain(|queued| !is_same(queued));
            if pending.gaps.len() == MAX_GAPS {
                pending.gaps.remove(0);
            }
            pending.gaps.push(gap);
        });
    }

    /// An endpoint was checked.
    pub(super) fn check(&self, check: EndpointCheck) {
        self.update(|pending| {
            if pending.checks.len() == MAX_CHECKS {
                pending.checks.pop_front();
            }
            pending.checks.push_back(check);
        });
    }

    /// A bench began, goes on or ended, or is to be deleted.
    pub(super) fn bench(&self, write: BenchWrite) {
        self.update(|pending| pending.benches.put(write));
    }

    /// Other alerts fire than before.
    pub(super) fn firing_alerts(&self, firing: Vec<FiringAlert>) {
        self.update(|pending| pending.firing_alerts = Some(firing));
    }

    /// A comparison began, went on, ended, or is deleted.
    pub(super) fn comparison(&self, write: ComparisonWrite) {
        self.update(|pending| {
            if pending.comparisons.len() == MAX_COMPARISONS {
                pending.comparisons.pop_front();
            }
            pending.comparisons.push_back(write);
        });
    }

    pub(super) fn delete(&self, id: ConversationId) {
        self.update(|pending| {
            pending
                .conversations
                .insert(id, vec![ConversationWrite::Delete]);
        });
    }

    /// A conversation is about to be loaded, to be continued in this session.
    pub(super) fn adopt(&self, id: ConversationId) {
        self.update(|pending| pending.adopt.push(id));
    }

    pub(super) fn show(&self, id: ConversationId) {
        self.update(|pending| pending.shown = Some(id));
    }

    /// Answers once everything queued so far was written, or writing it failed.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (done, written) = oneshot::channel();
        self.update(|pending| {
            // If the writer has ended, dropping the sender ends the wait.
            pending.flushes.extend((!pending.ended).then_some(done));
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
            pending.damage = Some(why);
            pending.urgent = true;
        });
    }

    /// A reader saw live runs, whose processes may have died.
    pub(super) fn end_dead_runs(&self) {
        self.update(|pending| pending.end_dead_runs = true);
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
        pending.flushes.clear();
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

impl Pending {
    /// The wire of a run that is over waits to be written with it.
    fn take_wire(&mut self, live: &mut LiveRun) {
        let wire = std::mem::take(&mut live.wire);
        self.live_wire_bytes -= wire.bytes_held();
        if !wire.is_empty() {
            self.bytes += wire.bytes_held();
            self.wires.insert(live.run.head.id, wire);
        }
    }

    fn take_batch(&mut self) -> NextWrite {
        let mut batch = Batch {
            finished: std::mem::take(&mut self.finished).into_values().collect(),
            wires: std::mem::take(&mut self.wires),
            trim_captures: std::mem::take(&mut self.trim_captures),
            pieces: std::mem::take(&mut self.last_pieces),
            pieces_stored: std::mem::take(&mut self.pieces_stored),
            conversations: std::mem::take(&mut self.conversations)
                .into_iter()
                .collect(),
            gaps: std::mem::take(&mut self.gaps),
            checks: std::mem::take(&mut self.checks),
            benches: std::mem::take(&mut self.benches),
            firing_alerts: self.firing_alerts.take(),
            comparisons: std::mem::take(&mut self.comparisons),
            flushes: std::mem::take(&mut self.flushes),
            damage: self.damage.take(),
            end_dead_runs: std::mem::take(&mut self.end_dead_runs),
            adopt: std::mem::take(&mut self.adopt),
            shown: self.shown.take(),
            ..Batch::default()
        };
        for live in self.live.values_mut() {
            // `finish` brings the whole of it in a moment: nobody is to read it as over without its end. Until then it is
            // in the file as a live one.
            if live.run.state.is_over() && !self.closed {
                if !std::mem::replace(&mut live.begun, true) {
                    batch.begun.push(Run::new(live.run.head.clone()));
                }
                continue;
            }
            if !std::mem::replace(&mut live.begun, true) {
                batch.begun.push(live.run.clone());
            } else if live.changed {
                batch.changed.push(live.run.clone());
            }
            live.changed = false;
            live.take_pieces(&mut batch.pieces);
        }
        let ended = self.closed && batch.is_empty() && batch.flushes.is_empty();
        (self.any, self.urgent, self.bytes) = (self.closed, self.closed, 0);
        if ended {
            NextWrite::Closed
        } else {
            NextWrite::Write(Box::new(batch))
        }
    }

    /// Drops the oldest finished runs until the queue is small enough. The latest one always stays, since its end is
    /// not in the file yet. Changes of conversations stay: they are merged as they come.
    fn drop_oldest(&mut self, most: usize) {
        while self.bytes > most {
            if self.finished.len() > 1
                && let Some((_, run)) = self.finished.pop_first()
            {
                let wire = self.wires.remove(&run.head.id);
                let bytes = run_bytes(&run) + wire.map_or(0, |wire| wire.bytes_held());
                self.bytes = self.bytes.saturating_sub(bytes);
                self.dropped += 1;
            } else {
                // Only text of live runs is left; `finish` brings it again.
                self.live
                    .values_mut()
                    .for_each(|live| live.take_pieces(&mut Vec::new()));
                self.last_pieces.clear();
                self.bytes = 0;
            }
        }
    }
}

impl Batch {
    /// The runs in the batch.
    pub(super) fn runs(&self) -> impl Iterator<Item = RunId> {
        let live = self.begun.iter().chain(&self.changed);
        let over = self.finished.iter().map(|run| run.head.id);
        let whole = live.map(|run| run.head.id).chain(over);
        whole.chain(self.pieces.iter().map(|piece| RunId(piece.run)))
    }

    /// Whether there is nothing to write; there may still be flushes to answer.
    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty()
            && self.changed.is_empty()
            && self.pieces.is_empty()
            && self.finished.is_empty()
            && !self.trim_captures
            && self.conversations.is_empty()
            && self.gaps.is_empty()
            && self.checks.is_empty()
            && self.benches.is_empty()
            && self.firing_alerts.is_none()
            && self.comparisons.is_empty()
            && self.shown.is_none()
    }
}

/// About how many bytes a run holds, without its request, which is shared.
fn run_bytes(run: &Run) -> usize {
    let unknown = run.answer.unknown.iter();
    let calls = run.answer.tool_calls.iter();
    let media = run.answer.media.iter();
    1000 + run.answer.text.len()
        + run.answer.reasoning.len()
        + run.answer.refusal.len()
        + run.reads.len() * size_of::<crate::run::Read>()
        + unknown
            .map(|(kind, raw)| kind.len() + raw.len())
            .sum::<usize>()
        + calls.map(|call| call.arguments.len()).sum::<usize>()
        + media.map(|media| media.data.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{pieces::PieceContent, tests::a_run},
        *,
    };
    use crate::{
        conversation::Conversation,
        event::{Event, Fault, FaultClass, Phase},
        run::Read,
    };

    fn text(text: &str) -> RunUpdate {
        RunUpdate::Read {
            read: Read {
                at: 1,
                bytes: 1,
                events: 1,
                tokens: 1,
                ..Read::default()
            },
            events: vec![Event::Text { text: text.into() }],
        }
    }

    fn batch(queue: &WriteQueue) -> Box<Batch> {
        let _answer = queue.flush();
        match queue.next(None, Duration::ZERO) {
            NextWrite::Write(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_batch_holds_the_new_text_only() {
        let queue = WriteQueue::default();
        queue.begin(a_run(1));
        queue.record(RunId(1), &text("a").into());
        queue.record(RunId(1), &text("b").into());
        queue.record(RunId(2), &text("nobody's").into());
        let first = batch(&queue);
        assert_eq!((first.begun.len(), first.pieces.len()), (1, 2));
        queue.record(RunId(1), &text("c").into());
        let second = batch(&queue);
        assert_eq!((second.begun.len(), second.changed.len()), (0, 0));
        assert!(second.pieces.iter().any(
            |p| matches!(&p.content, PieceContent::Row(_, bytes) if bytes == b"c") && p.seq == 3
        ));
    }

    #[test]
    fn a_run_that_is_over_waits_for_the_whole_of_it() {
        let queue = WriteQueue::default();
        queue.begin(Run::new(a_run(1).head));
        batch(&queue);
        let fault = Fault::new(FaultClass::Dns, Phase::Dns, "no address");
        for update in RunUpdate::failed_before_start(fault, 0) {
            queue.record(RunId(1), &update.into());
        }
        assert!(batch(&queue).is_empty());
        queue.finish(a_run(1).into());
        assert_eq!(batch(&queue).finished.len(), 1);
    }

    #[test]
    fn a_run_that_is_over_before_it_was_written_is_written_as_live() {
        let queue = WriteQueue::default();
        queue.begin(Run::new(a_run(1).head));
        let fault = Fault::new(FaultClass::Dns, Phase::Dns, "no address");
        for update in RunUpdate::failed_before_start(fault, 0) {
            queue.record(RunId(1), &update.into());
        }
        let first = batch(&queue);
        assert_eq!(first.begun.len(), 1, "whoever looks it up finds it");
        assert!(!first.begun[0].state.is_over());
        assert!(batch(&queue).is_empty());
    }

    #[test]
    fn what_is_superseded_is_not_written() {
        let queue = WriteQueue::default();
        queue.begin(a_run(1));
        queue.record(RunId(1), &text("a").into());
        queue.finish(a_run(1).into());
        let change = ConversationChange::default();
        let id = change.mine.id;
        queue.change(change);
        queue.delete(id);
        let batch = batch(&queue);
        assert_eq!((batch.begun.len(), batch.pieces.len()), (0, 0));
        assert_eq!(batch.finished.len(), 1);
        assert_eq!(batch.conversations, [(id, vec![ConversationWrite::Delete])]);
    }

    #[test]
    fn changes_that_follow_each_other_become_one() {
        let queue = WriteQueue::default();
        let [one, two, three] = [1, 2, 3].map(|n| {
            Arc::new(Conversation {
                updated_unix_ns: n,
                ..Conversation::default()
            })
        });
        let change = |base: &Arc<Conversation>, mine: &Arc<Conversation>| ConversationChange {
            base: Arc::clone(base),
            mine: Arc::clone(mine),
        };
        queue.change(change(&one, &two));
        queue.change(change(&two, &three));
        // This one was made after something else was read.
        queue.change(change(&one, &two));
        let batch = batch(&queue);
        let expected = [change(&one, &three), change(&one, &two)].map(ConversationWrite::Change);
        assert_eq!(batch.conversations[0].1, expected);
    }

    #[test]
    fn the_latest_run_stays_though_it_alone_is_too_large() {
        let queue = WriteQueue::with_max_bytes(2000);
        for id in [1, 2] {
            let mut run = a_run(id);
            run.answer.text = "long ".repeat(1000);
            queue.finish(run.into());
        }
        let batch = batch(&queue);
        assert_eq!((batch.finished.len(), queue.dropped()), (1, 1));
        assert_eq!(batch.finished[0].head.id, RunId(2));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stays() {
        let queue = WriteQueue::with_max_bytes(10_000);
        for id in 0..50 {
            queue.finish(a_run(id).into());
        }
        let batch = batch(&queue);
        let kept: Vec<i64> = batch.finished.iter().map(|run| run.head.id.0).collect();
        assert_eq!(kept.last(), Some(&49));
        assert_eq!(kept.len() + queue.dropped(), 50);
        assert!(queue.dropped() > 30);
    }

    #[test]
    fn a_closed_inbox_gives_what_it_has_and_ends() {
        let queue = WriteQueue::default();
        queue.finish(a_run(1).into());
        queue.close();
        assert!(matches!(
            queue.next(None, Duration::ZERO),
            NextWrite::Write(_)
        ));
        assert!(matches!(
            queue.next(None, Duration::ZERO),
            NextWrite::Closed
        ));
    }
}
