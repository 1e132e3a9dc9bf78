//! What waits to be written: filled by any thread, emptied by the writer's.
//!
//! In: begins, updates and ends of runs, changes of conversations. Out: one [`Batch`] at a time. What is
//! superseded while it waits is not written at all, and memory is bounded: if the disk fails for
//! long, the oldest goes first, and is counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    long,
    pieces::{Live, Piece},
};
use crate::{
    conversation::{ConversationChange, ConversationId},
    run::{Run, RunId, RunUpdate},
};

/// How long the first thing to write waits for others to share its transaction.
const GATHER: Duration = Duration::from_millis(200);

/// A batch of this many bytes is written at once.
const FULL_BYTES: usize = 4 << 20;

/// Most bytes that wait while nothing can be written.
const MOST_BYTES: usize = 256 << 20;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    most_bytes: Option<usize>,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four things that may be asked for, in any mix"
)]
struct Waiting {
    live: BTreeMap<RunId, Live>,
    finished: BTreeMap<RunId, Arc<Run>>,
    /// What of the long ones among these is not in the file yet.
    last_pieces: Vec<Piece>,
    /// The long ones: all else of them is in the file.
    streamed: BTreeSet<RunId>,
    conversations: BTreeMap<ConversationId, Vec<Talk>>,
    flushes: Vec<oneshot::Sender<()>>,
    damage: Option<String>,
    find_dead: bool,
    adopt: Vec<ConversationId>,
    shown: Option<ConversationId>,
    /// Whether there is anything to write.
    any: bool,
    /// Whether it should be written without waiting for more.
    urgent: bool,
    closed: bool,
    /// Whether the writer is gone.
    ended: bool,
    bytes: usize,
    dropped: usize,
}

/// What is to be done to a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Talk {
    Change(ConversationChange),
    Delete,
}

/// What is written in one transaction. Writing it again does no harm.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Live runs that are not in the file at all.
    pub(super) begun: Vec<Run>,
    /// Live runs whose row is out of date.
    pub(super) changed: Vec<Run>,
    pub(super) pieces: Vec<Piece>,
    pub(super) finished: Vec<Arc<Run>>,
    /// Those of them whose text is in the file, or among the pieces.
    pub(super) streamed: BTreeSet<RunId>,
    /// What is to be done to each, in its order.
    pub(super) conversations: Vec<(ConversationId, Vec<Talk>)>,
    /// Told when the batch was written, or could not be.
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    /// What a reader found wrong with the file.
    pub(super) damage: Option<String>,
    /// Whether to look for runs whose process died.
    pub(super) find_dead: bool,
    /// Conversations about to be read here: drafts in them that are nobody's become ours.
    pub(super) adopt: Vec<ConversationId>,
    /// The conversation that this window shows now, if that changed.
    pub(super) shown: Option<ConversationId>,
}

/// What the writer is to do next.
#[derive(Debug)]
pub(super) enum Next {
    Write(Box<Batch>),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    End,
}

impl Inbox {
    #[cfg(test)]
    pub(super) fn of_most_bytes(most: usize) -> Self {
        Self {
            most_bytes: Some(most),
            ..Self::default()
        }
    }

    pub(super) fn begin(&self, run: Run) {
        self.put(|waiting| {
            waiting.bytes += weight(&run);
            waiting.live.insert(run.head.id, Live::new(run));
        });
    }

    /// Updates of a run that did not begin here are left aside: its end brings all of it.
    pub(super) fn record(&self, id: RunId, update: &Arc<RunUpdate>) {
        self.put(|waiting| {
            if let Some(live) = waiting.live.get_mut(&id) {
                waiting.bytes += live.apply(update);
            }
        });
    }

    pub(super) fn finish(&self, run: Arc<Run>) {
        self.put(|waiting| {
            let live = waiting.live.remove(&run.head.id);
            if let Some(mut live) = live.filter(|live| live.streams() && long::is_long(&run)) {
                live.cut(&mut waiting.last_pieces);
                waiting.streamed.insert(run.head.id);
            }
            waiting.bytes += weight(&run);
            waiting.finished.insert(run.head.id, run);
        });
    }

    /// Changes that follow each other become one.
    pub(super) fn change(&self, change: ConversationChange) {
        self.put(|waiting| {
            let talks = waiting.conversations.entry(change.mine.id).or_default();
            let joined = match talks.last() {
                Some(Talk::Change(last)) => last.followed_by(&change),
                _ => None,
            };
            if joined.is_some() {
                talks.pop();
            }
            talks.push(Talk::Change(joined.unwrap_or(change)));
        });
    }

    pub(super) fn delete(&self, id: ConversationId) {
        self.put(|waiting| {
            waiting.conversations.insert(id, vec![Talk::Delete]);
        });
    }

    /// A conversation is about to be read, to be gone on with here.
    pub(super) fn adopt(&self, id: ConversationId) {
        self.put(|waiting| waiting.adopt.push(id));
    }

    pub(super) fn show(&self, id: ConversationId) {
        self.put(|waiting| waiting.shown = Some(id));
    }

    /// Answers once all that waits now is written, or could not be.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (done, written) = oneshot::channel();
        self.put(|waiting| {
            // Once the writer is gone, the wait is over at once.
            waiting.flushes.extend((!waiting.ended).then_some(done));
            waiting.urgent = true;
        });
        written
    }

    /// Somebody began to watch: the writer has to look up.
    pub(super) fn wake(&self) {
        self.put(|_| {});
    }

    /// A reader met damage.
    pub(super) fn report_damage(&self, why: String) {
        self.put(|waiting| {
            waiting.damage = Some(why);
            waiting.urgent = true;
        });
    }

    /// A reader met runs of other processes that may be dead.
    pub(super) fn find_dead(&self) {
        self.put(|waiting| waiting.find_dead = true);
    }

    /// Nothing will come any more.
    pub(super) fn close(&self) {
        self.put(|waiting| {
            waiting.closed = true;
            waiting.urgent = true;
        });
    }

    /// The writer is gone: nobody waits for it any longer.
    pub(super) fn end(&self) {
        let mut waiting = self.lock();
        (waiting.closed, waiting.ended) = (true, true);
        waiting.flushes.clear();
    }

    /// The file is a new one: live runs are not in it.
    pub(super) fn begin_again(&self) {
        self.put(|waiting| {
            for live in waiting.live.values_mut() {
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

    fn put(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.lock();
        let (was_any, was_urgent) = (waiting.any, waiting.urgent);
        change(&mut waiting);
        waiting.any = true;
        waiting.urgent |= waiting.bytes >= FULL_BYTES;
        waiting.shed(self.most_bytes.unwrap_or(MOST_BYTES));
        if !was_any || waiting.urgent && !was_urgent {
            self.bell.notify_all();
        }
    }

    /// Waits for something to write, and a moment more for what else comes.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next {
        let idle = |waiting: &mut Waiting| !waiting.any;
        let waiting = self.lock();
        let waiting = if let Some(patience) = patience {
            let waited = self.bell.wait_timeout_while(waiting, patience, idle);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            let waited = self.bell.wait_while(waiting, idle);
            waited.unwrap_or_else(PoisonError::into_inner)
        };
        if !waiting.any {
            return Next::Nothing;
        }
        let gathered = self
            .bell
            .wait_timeout_while(waiting, GATHER, |waiting| !waiting.urgent);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        waiting.cut()
    }

    /// Waits before something is tried again; shorter if nothing more will come.
    pub(super) fn pause(&self, time: Duration) {
        let open = |waiting: &mut Waiting| !waiting.closed;
        drop(self.bell.wait_timeout_while(self.lock(), time, open));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic elsewhere leaves the maps whole: each change is one insert or remove.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn cut(&mut self) -> Next {
        let mut batch = Batch {
            finished: std::mem::take(&mut self.finished).into_values().collect(),
            pieces: std::mem::take(&mut self.last_pieces),
            streamed: std::mem::take(&mut self.streamed),
            conversations: std::mem::take(&mut self.conversations)
                .into_iter()
                .collect(),
            flushes: std::mem::take(&mut self.flushes),
            damage: self.damage.take(),
            find_dead: std::mem::take(&mut self.find_dead),
            adopt: std::mem::take(&mut self.adopt),
            shown: self.shown.take(),
            ..Batch::default()
        };
        for live in self.live.values_mut() {
            if !std::mem::replace(&mut live.begun, true) {
                batch.begun.push(live.run.clone());
            } else if live.changed {
                batch.changed.push(live.run.clone());
            }
            live.changed = false;
            live.cut(&mut batch.pieces);
        }
        let ended = self.closed && batch.is_empty() && batch.flushes.is_empty();
        (self.any, self.urgent, self.bytes) = (self.closed, self.closed, 0);
        if ended {
            Next::End
        } else {
            Next::Write(Box::new(batch))
        }
    }

    /// Drops the oldest runs until the rest has room; the latest stays, however large it is: its end is in no
    /// file yet. Conversations stay: changes of one become one.
    fn shed(&mut self, most: usize) {
        while self.bytes > most {
            if self.finished.len() > 1
                && let Some((_, run)) = self.finished.pop_first()
            {
                self.bytes = self.bytes.saturating_sub(weight(&run));
                self.dropped += 1;
            } else {
                // Only live text is left; the ends of these runs bring it again.
                self.live
                    .values_mut()
                    .for_each(|live| live.cut(&mut Vec::new()));
                self.last_pieces.clear();
                self.bytes = 0;
            }
        }
    }
}

impl Batch {
    /// The runs that it tells of.
    pub(super) fn runs(&self) -> impl Iterator<Item = RunId> {
        let live = self.begun.iter().chain(&self.changed);
        let over = self.finished.iter().map(|run| run.head.id);
        let whole = live.map(|run| run.head.id).chain(over);
        whole.chain(self.pieces.iter().map(|piece| RunId(piece.run)))
    }

    /// Whether there is nothing to write; there may be something to answer.
    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty()
            && self.changed.is_empty()
            && self.pieces.is_empty()
            && self.finished.is_empty()
            && self.conversations.is_empty()
            && self.shown.is_none()
    }
}

/// About how many bytes a run holds; its request is shared with others.
fn weight(run: &Run) -> usize {
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
        super::{pieces::Said, tests::a_run},
        *,
    };
    use crate::{conversation::Conversation, event::Event, run::Read};

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

    fn batch(inbox: &Inbox) -> Box<Batch> {
        let _answer = inbox.flush();
        match inbox.next(None) {
            Next::Write(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_batch_holds_the_new_text_only() {
        let inbox = Inbox::default();
        inbox.begin(a_run(1));
        inbox.record(RunId(1), &text("a").into());
        inbox.record(RunId(1), &text("b").into());
        inbox.record(RunId(2), &text("nobody's").into());
        let first = batch(&inbox);
        assert_eq!((first.begun.len(), first.pieces.len()), (1, 2));
        inbox.record(RunId(1), &text("c").into());
        let second = batch(&inbox);
        assert_eq!((second.begun.len(), second.changed.len()), (0, 0));
        assert!(
            second
                .pieces
                .iter()
                .any(|p| matches!(&p.said, Said::Row(_, bytes) if bytes == b"c") && p.seq == 3)
        );
    }

    #[test]
    fn what_is_superseded_is_not_written() {
        let inbox = Inbox::default();
        inbox.begin(a_run(1));
        inbox.record(RunId(1), &text("a").into());
        inbox.finish(a_run(1).into());
        let change = ConversationChange::default();
        let id = change.mine.id;
        inbox.change(change);
        inbox.delete(id);
        let batch = batch(&inbox);
        assert_eq!((batch.begun.len(), batch.pieces.len()), (0, 0));
        assert_eq!(batch.finished.len(), 1);
        assert_eq!(batch.conversations, [(id, vec![Talk::Delete])]);
    }

    #[test]
    fn changes_that_follow_each_other_become_one() {
        let inbox = Inbox::default();
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
        inbox.change(change(&one, &two));
        inbox.change(change(&two, &three));
        // This one was made after something else was read.
        inbox.change(change(&one, &two));
        let batch = batch(&inbox);
        let expected = [change(&one, &three), change(&one, &two)].map(Talk::Change);
        assert_eq!(batch.conversations[0].1, expected);
    }

    #[test]
    fn the_latest_run_stays_though_it_alone_is_too_large() {
        let inbox = Inbox::of_most_bytes(2000);
        for id in [1, 2] {
            let mut run = a_run(id);
            run.answer.text = "long ".repeat(1000);
            inbox.finish(run.into());
        }
        let batch = batch(&inbox);
        assert_eq!((batch.finished.len(), inbox.dropped()), (1, 1));
        assert_eq!(batch.finished[0].head.id, RunId(2));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stays() {
        let inbox = Inbox::of_most_bytes(10_000);
        for id in 0..50 {
            inbox.finish(a_run(id).into());
        }
        let batch = batch(&inbox);
        let kept: Vec<i64> = batch.finished.iter().map(|run| run.head.id.0).collect();
        assert_eq!(kept.last(), Some(&49));
        assert_eq!(kept.len() + inbox.dropped(), 50);
        assert!(inbox.dropped() > 30);
    }

    #[test]
    fn a_closed_inbox_gives_what_it_has_and_ends() {
        let inbox = Inbox::default();
        inbox.finish(a_run(1).into());
        inbox.close();
        assert!(matches!(inbox.next(None), Next::Write(_)));
        assert!(matches!(inbox.next(None), Next::End));
    }
}
