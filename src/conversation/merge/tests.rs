use proptest::prelude::*;

use super::*;
use crate::{
    chat::Part,
    conversation::{ConversationId, Draft},
};

/// A conversation of two panes, with two turns each.
fn base_conversation() -> Conversation {
    let turn = |id| Turn {
        id: TurnId(id),
        user: vec![Part::Text {
            text: format!("question {id}"),
        }],
        runs: vec![RunId(id * 10)],
        ..Turn::default()
    };
    let pane = |id| Pane {
        id,
        turns: vec![turn(1), turn(2)],
        ..Pane::default()
    };
    Conversation {
        id: ConversationId(7),
        title: "base_conversation".into(),
        panes: vec![pane(1), pane(2)],
        ..Conversation::default()
    }
}

fn ids(conversation: &Conversation) -> Vec<(u32, Vec<i64>)> {
    let turns = |pane: &Pane| pane.turns.iter().map(|turn| turn.id.0).collect();
    let panes = conversation.panes.iter();
    panes.map(|pane| (pane.id, turns(pane))).collect()
}

fn ask(conversation: &mut Conversation, pane: usize, id: i64) {
    conversation.panes[pane].turns.push(Turn {
        id: TurnId(id),
        runs: vec![RunId(id * 10)],
        ..Turn::default()
    });
}

fn merged(base: &Conversation, mine: &Conversation, theirs: &Conversation) -> Conversation {
    merge(base, mine, Some(theirs)).unwrap()
}

#[test]
fn both_windows_ask() {
    let base = base_conversation();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    ask(&mut mine, 0, 4);
    ask(&mut mine, 1, 4);
    ask(&mut theirs, 0, 3);
    let both = merged(&base, &mine, &theirs);
    assert_eq!(ids(&both), [(1, vec![1, 2, 3, 4]), (2, vec![1, 2, 4])]);
}

#[test]
fn a_deletion_holds_unless_the_other_side_asked() {
    let base = base_conversation();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.panes[0].turns.clear();
    mine.panes.remove(1);
    assert_eq!(ids(&merged(&base, &mine, &theirs)), [(1, vec![])]);
    // A retry of the second turn, and a question in the removed pane.
    theirs.panes[0].turns[1].runs.push(RunId(99));
    ask(&mut theirs, 1, 3);
    let both = merged(&base, &mine, &theirs);
    assert_eq!(ids(&both), [(1, vec![2]), (2, vec![1, 2, 3])]);
    assert_eq!(merged(&base, &theirs, &mine), both);
}

#[test]
fn a_deleted_conversation_comes_back_with_a_question_or_a_draft() {
    let base = base_conversation();
    assert_eq!(merge(&base, &base, None), None);
    let mut named = base.clone();
    named.title = "named".into();
    assert_eq!(merge(&base, &named, None), None);
    let (mut asked, mut written) = (base.clone(), base.clone());
    ask(&mut asked, 0, 3);
    written.draft.text = "not to be lost".into();
    for mine in [asked, written] {
        assert_eq!(merge(&base, &mine, None), Some(mine));
    }
    // A new one is not stored yet.
    assert_eq!(
        merge(&Conversation::default(), &base, None),
        Some(base.clone())
    );
}

#[test]
fn a_field_has_the_value_of_the_side_that_changed_it() {
    let base = base_conversation();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.title = "mine".into();
    theirs.title = "theirs".into();
    mine.panes[0].params.seed = Some(1);
    theirs.panes[0].params.temperature = Some(0.5);
    theirs.panes[0].system = "be brief".into();
    theirs.draft = Draft {
        text: "theirs".into(),
        ..Draft::default()
    };
    mine.draft.text = "mine".into();
    (mine.updated_unix_ns, theirs.updated_unix_ns) = (5, 9);
    let both = merged(&base, &mine, &theirs);
    assert_eq!((&both.title[..], &both.draft.text[..]), ("mine", "mine"));
    let pane = &both.panes[0];
    assert_eq!(
        (pane.params.seed, pane.params.temperature),
        (Some(1), Some(0.5))
    );
    assert_eq!((&pane.system[..], both.updated_unix_ns), ("be brief", 9));
}

#[test]
fn attempts_of_both_are_kept_and_the_one_chosen_here_is_shown() {
    let base = base_conversation();
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    for (side, run) in [(&mut mine, 50), (&mut theirs, 40)] {
        let turn = &mut side.panes[0].turns[1];
        turn.runs.push(RunId(run));
        turn.shown = 1;
        turn.results.insert(RunId(run), vec![run.to_string()]);
    }
    let turn = &merged(&base, &mine, &theirs).panes[0].turns[1];
    assert_eq!(turn.runs, [RunId(20), RunId(40), RunId(50)]);
    assert_eq!(turn.run(), Some(RunId(50)));
    assert_eq!(turn.results.len(), 2);
    // A window without changes takes the other's.
    let turn = &merged(&base, &base, &theirs).panes[0].turns[1];
    assert_eq!(turn.run(), Some(RunId(40)));
}

#[test]
fn panes_have_the_order_of_the_side_that_moved_them() {
    for (base, mine, theirs, both) in [
        (&[1, 2][..], &[1, 2][..], &[2, 1][..], &[2, 1][..]),
        (&[1, 2], &[2, 1], &[1, 2], &[2, 1]),
        (&[1, 2], &[2, 1], &[1, 2, 3], &[2, 1, 3]),
        (&[1, 2], &[1, 2, 4], &[1, 2, 3], &[1, 2, 3, 4]),
        (&[1, 2], &[1, 4, 2], &[1, 2, 3], &[1, 4, 2, 3]),
        (&[1, 2], &[4, 1, 2], &[2, 1], &[4, 2, 1]),
        (&[], &[], &[1], &[1]),
        (&[], &[1], &[], &[1]),
    ] {
        assert_eq!(
            order(base, mine, theirs),
            both,
            "{base:?} {mine:?} {theirs:?}"
        );
    }
}

/// An action in a window; the numbers choose the pane and the turn.
#[derive(Clone, Debug)]
enum WindowAction {
    Ask(usize),
    Retry(usize, usize),
    Delete(usize, usize),
    Clear(usize),
    AddPane,
    RemovePane(usize),
    Title(u8),
    Move(usize),
}

fn any_action() -> impl Strategy<Value = WindowAction> {
    let (a, b) = (0..4_usize, 0..4_usize);
    prop_oneof![
        4 => a.clone().prop_map(WindowAction::Ask),
        2 => (a.clone(), b.clone()).prop_map(|(a, b)| WindowAction::Retry(a, b)),
        2 => (a.clone(), b).prop_map(|(a, b)| WindowAction::Delete(a, b)),
        1 => a.clone().prop_map(WindowAction::Clear),
        1 => Just(WindowAction::AddPane),
        1 => a.clone().prop_map(WindowAction::RemovePane),
        1 => any::<u8>().prop_map(WindowAction::Title),
        1 => a.prop_map(WindowAction::Move),
    ]
}

/// A conversation after a window's actions. Different `next`s keep the ids of two windows distinct.
fn after(base: &Conversation, acts: &[WindowAction], mut next: i64) -> Conversation {
    let mut it = base.clone();
    for act in acts {
        next += 2;
        let panes = it.panes.len();
        match act {
            WindowAction::AddPane => it.panes.push(Pane {
                id: u32::try_from(next).unwrap(),
                ..Pane::default()
            }),
            WindowAction::Title(title) => it.title = title.to_string(),
            _ if panes == 0 => {}
            WindowAction::Ask(pane) => ask(&mut it, pane % panes, next),
            WindowAction::Retry(pane, turn) => {
                let turns = &mut it.panes[pane % panes].turns;
                let turn = turn % turns.len().max(1);
                if let Some(turn) = turns.get_mut(turn) {
                    turn.runs.push(RunId(next * 10));
                    turn.shown = turn.runs.len() - 1;
                }
            }
            WindowAction::Delete(pane, turn) => {
                let turns = &mut it.panes[pane % panes].turns;
                if !turns.is_empty() {
                    turns.remove(turn % turns.len());
                }
            }
            WindowAction::Clear(pane) => it.panes[pane % panes].turns.clear(),
            WindowAction::RemovePane(pane) => drop(it.panes.remove(pane % panes)),
            WindowAction::Move(pane) => it.panes.swap(0, pane % panes),
        }
    }
    it
}

fn runs(conversation: &Conversation) -> BTreeSet<(u32, TurnId, RunId)> {
    let of = |pane: &Pane| -> Vec<_> {
        let turns = pane.turns.iter();
        let runs = turns.flat_map(|turn| turn.runs.iter().map(|run| (turn.id, *run)));
        let id = pane.id;
        runs.map(|(turn, run)| (id, turn, run)).collect()
    };
    conversation.panes.iter().flat_map(of).collect()
}

proptest! {
    #[test]
    fn no_question_is_lost(
        mine in prop::collection::vec(any_action(), 0..12),
        theirs in prop::collection::vec(any_action(), 0..12),
    ) {
        let base = base_conversation();
        let (mine, theirs) = (after(&base, &mine, 100), after(&base, &theirs, 101));
        let both = merged(&base, &mine, &theirs);
        let (before, kept) = (runs(&base), runs(&both));
        for side in [&mine, &theirs] {
            let lost: Vec<_> = runs(side).difference(&before).filter(|run| !kept.contains(run)).copied().collect();
            prop_assert!(lost.is_empty(), "{lost:?}");
        }
        // Runs that neither side deleted are there.
        for run in &before {
            if runs(&mine).contains(run) && runs(&theirs).contains(run) {
                prop_assert!(kept.contains(run));
            }
        }
        // Turns are in the order of their ids, without duplicates.
        for pane in &both.panes {
            prop_assert!(pane.turns.is_sorted_by(|a, b| a.id < b.id));
        }
        // Merging in the other direction gives the same runs, and merging again changes nothing.
        prop_assert_eq!(&runs(&merged(&base, &theirs, &mine)), &kept);
        prop_assert_eq!(&merged(&base, &mine, &both), &both);
    }

    #[test]
    fn a_window_without_changes_takes_the_others_changes(
        acts in prop::collection::vec(any_action(), 0..12),
    ) {
        let base = base_conversation();
        let changed = after(&base, &acts, 100);
        prop_assert_eq!(&merged(&base, &base, &changed), &changed);
        prop_assert_eq!(&merged(&base, &changed, &base), &changed);
    }
}
