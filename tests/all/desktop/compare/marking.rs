//! Marking answers: blind, by buttons and keys.

use egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    compare::{AnswerMark, PairMark, is_first_arm_left},
    engine::{Command, CompareCommand},
};

use super::{
    super::{Desktop, Player, click, heard, shows},
    opened,
};
use crate::desktop::player::reply_to;

fn answers() -> (Desktop, Player) {
    let (mut desktop, mut player) = opened();
    click(&mut desktop, &mut player, "Detail: Answers");
    (desktop, player)
}

fn marks(player: &Player) -> Vec<(u64, AnswerMark)> {
    heard(player, |command| match command {
        Command::Compare(CompareCommand::Mark { round, mark, .. }) => Some((*round, (*mark)?)),
        _ => None,
    })
}

/// The mark that says that the answer at one side is better.
fn better(seed: u64, round: u64, is_left: bool) -> AnswerMark {
    if is_first_arm_left(seed, round, 1) == is_left {
        AnswerMark::Worse
    } else {
        AnswerMark::Better
    }
}

#[test]
fn two_answers_stand_side_by_side_without_a_word_of_whose_they_are() {
    let (desktop, player) = answers();
    let prompt = "Explain what a hash map is to a ten-year-old";
    assert!(shows(&desktop, prompt));
    let [left, right] = ["Left", "Right"].map(|side| desktop.get_by_label(side).rect());
    assert!(left.center().x < right.center().x);
    let text = &player.scene.runs[0].answer.text;
    let start: String = text.chars().take(24).collect();
    assert!(
        desktop.query_all_by_label_contains(&start).count() >= 2,
        "both answers are loaded"
    );
    for verdict in ["B is faster", "B fails"] {
        assert!(!shows(&desktop, verdict), "{verdict} would sway");
    }
}

#[test]
fn a_key_marks_the_pair_for_the_arm_that_stands_there_and_shows_the_next() {
    let (mut desktop, mut player) = answers();
    let seed = player.scene.comparisons[0].head.plan.seed;
    desktop.key_press(Key::Num1);
    player.play(&mut desktop);
    desktop.key_press(Key::Num2);
    player.play(&mut desktop);
    desktop.key_press(Key::Num4);
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "As good");
    let marks = marks(&player);
    let [first, second, third] = marks[..] else {
        panic!("{marks:?}")
    };
    assert_eq!(first.1, better(seed, first.0, true));
    assert_eq!(second.1, better(seed, second.0, false));
    assert_eq!(third.1, AnswerMark::Same);
    assert!(
        first.0 < second.0 && third.0 > second.0 + 1,
        "one was skipped: {marks:?}"
    );
    assert!(shows(&desktop, "3 of "));
}

#[test]
fn once_a_mark_is_kept_the_comparison_is_opened_again_for_what_follows() {
    let (mut desktop, mut player) = answers();
    let opened = |player: &Player| {
        let opens = heard(player, |command| {
            matches!(command, Command::Compare(CompareCommand::Open { .. })).then_some(())
        });
        opens.len()
    };
    assert_eq!(opened(&player), 1);
    click(&mut desktop, &mut player, "Left is better");
    for command in &mut player.heard {
        if let Command::Compare(CompareCommand::Mark {
            round,
            arm,
            mark,
            reply,
            ..
        }) = command
        {
            let made = PairMark {
                round: *round,
                arm: *arm,
                mark: mark.unwrap(),
            };
            reply_to(reply, Ok(vec![made]));
        }
    }
    player.play(&mut desktop);
    assert_eq!(opened(&player), 2);
    assert!(shows(&desktop, "1 of "));
}

#[test]
fn a_mark_that_is_not_kept_says_so() {
    let (mut desktop, mut player) = answers();
    click(&mut desktop, &mut player, "Right is better");
    for command in &mut player.heard {
        if let Command::Compare(CompareCommand::Mark { reply, .. }) = command {
            reply_to(reply, Err("the disk is full".into()));
        }
    }
    player.play(&mut desktop);
    assert!(shows(&desktop, "The mark was not kept: the disk is full"));
}

#[test]
fn a_key_that_is_typed_into_a_field_marks_nothing() {
    let (mut desktop, mut player) = answers();
    click(&mut desktop, &mut player, "Set up a comparison");
    let field = desktop.get_by_role_and_label(egui::Role::TextInput, "Minutes");
    field.focus();
    player.play(&mut desktop);
    let field = desktop.get_by_role_and_label(egui::Role::TextInput, "Minutes");
    assert!(field.accesskit_node().is_focused());
    desktop.key_press(Key::Num1);
    player.play(&mut desktop);
    assert!(marks(&player).is_empty());
}
