use std::sync::Arc;

use super::*;
use crate::{
    conversation::Conversation,
    event::{Event, Fault, FaultClass, Phase},
    history::{pieces::PieceContent, tests::a_run},
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
    assert!(
        second.pieces.iter().any(
            |p| matches!(&p.content, PieceContent::Row(_, bytes) if bytes == b"c") && p.seq == 3
        )
    );
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
    assert_eq!(
        batch.conversations,
        [(id, vec![ConversationWrite::Delete])].into()
    );
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
    assert_eq!(batch.conversations[&one.id], expected);
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
    assert!(batch.finished.contains_key(&RunId(2)));
}

#[test]
fn memory_is_bounded_and_the_newest_stays() {
    let queue = WriteQueue::with_max_bytes(10_000);
    for id in 0..50 {
        queue.finish(a_run(id).into());
    }
    let batch = batch(&queue);
    let kept: Vec<i64> = batch.finished.keys().map(|id| id.0).collect();
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
