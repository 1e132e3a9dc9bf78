//! What a new bench asks: prompts of a file, or random words by length.

use std::sync::Arc;

use egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use serde_json::json;
use tokenscope::{
    bench::{BenchPlan, RequestSource},
    engine::{BenchCommand, Command},
};

use super::{
    super::{Desktop, Player, click, heard, shows, write_into},
    set_up,
};
use crate::deadline;

/// Waits until the window shows this: prompts are read on a thread of their own.
pub fn wait_for(desktop: &mut Desktop, player: &mut Player, text: &str) {
    deadline::until_true(text, || {
        player.play(desktop);
        shows(desktop, text)
    });
}

/// Scrolls to what has this name.
pub fn show(desktop: &mut Desktop, player: &mut Player, name: &str) {
    let first = desktop.query_all_by_label(name).next();
    first.unwrap().scroll_to_me();
    player.play(desktop);
}

/// The plan of the bench that was started last, and what it asks.
fn asked(player: &Player) -> (BenchPlan, Arc<dyn RequestSource>) {
    let all = heard(player, |command| match command {
        Command::Bench(BenchCommand::Start(start)) => {
            Some((start.plan.clone(), Arc::clone(&start.source)))
        }
        _ => None,
    });
    all.into_iter().next_back().unwrap()
}

/// Writes into a field and leaves it.
fn fill(desktop: &mut Desktop, player: &mut Player, name: &str, text: &str) {
    show(desktop, player, name);
    write_into(desktop, player, name, text);
    desktop.key_press(Key::Enter);
    player.play(desktop);
}

#[test]
fn the_prompts_of_a_file_are_told_before_they_are_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompts.jsonl");
    let lines = "\"one\"\n{\"prompt\": \"two\", \"max_tokens\": 7}\n{\"conversations\": []}\n";
    std::fs::write(&file, lines).unwrap();
    let (mut desktop, mut player) = set_up("simulator/steady", &json!({"asked": {"from": "file"}}));
    assert!(shows(&desktop, "Choose a file of prompts"));
    fill(&mut desktop, &mut player, "File", file.to_str().unwrap());
    let told = "2 prompts, 1 token each on average (o200k_base). 1 entry is left out";
    wait_for(&mut desktop, &mut player, told);
    assert!(shows(&desktop, "output tokens at most"));
    click(&mut desktop, &mut player, "Start");
    let (_, source) = asked(&player);
    let text = |number| source.question(number).request.messages[0].text();
    assert!(text(0).ends_with("one") && text(1).ends_with("two") && text(2).ends_with("one"));
    assert_eq!(source.question(1).request.params.max_tokens, Some(7));
    assert_eq!(source.question(0).request.params.max_tokens, Some(64));
}

#[test]
fn what_is_wrong_with_a_file_is_said_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompts.jsonl");
    std::fs::write(&file, "\"one\"\n{\"question\": \"two\"}\n").unwrap();
    let path = file.to_str().unwrap();
    let asked = json!({"from": "file", "file": path});
    let (mut desktop, mut player) = set_up("simulator/steady", &json!({ "asked": asked }));
    wait_for(&mut desktop, &mut player, "line 2: there is no \"prompt\"");
    assert!(desktop.get_by_label("Start").accesskit_node().is_disabled());
    std::fs::write(&file, "\"one\"\n\"two\"\n").unwrap();
    show(&mut desktop, &mut player, "Read it again");
    click(&mut desktop, &mut player, "Read it again");
    wait_for(&mut desktop, &mut player, "2 prompts, ");
    assert!(!shows(&desktop, "line 2"));
    assert!(!desktop.get_by_label("Start").accesskit_node().is_disabled());
    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn synthetic_prompts_have_the_lengths_that_are_typed() {
    let asked_for = json!({"from": "lengths", "prompts": "20", "input": "3", "output": "9"});
    let (mut desktop, mut player) = set_up("simulator/steady", &json!({ "asked": asked_for }));
    assert!(shows(&desktop, "A length is from 4"));
    fill(&mut desktop, &mut player, "Input tokens of a prompt", "40");
    let told = "20 prompts, 40 tokens each on average (o200k_base)";
    wait_for(&mut desktop, &mut player, told);
    click(&mut desktop, &mut player, "Start");
    let (plan, source) = asked(&player);
    assert_eq!((plan.seed, source.most_tokens().output), (1, 9));
    let request = source.question(0).request;
    let words = request.messages[0].text();
    assert_eq!(words.split_whitespace().count(), 40, "{words}");
}

#[test]
fn a_tokenizer_may_be_a_file() {
    let asked = json!({"from": "lengths", "tokenizer": "file"});
    let (mut desktop, mut player) = set_up("simulator/steady", &json!({ "asked": asked }));
    assert!(shows(&desktop, "Choose a vocabulary file"));
    let nowhere = "/nowhere/qwen.tiktoken";
    fill(&mut desktop, &mut player, "Vocabulary file", nowhere);
    wait_for(&mut desktop, &mut player, "does not exist");
    assert!(desktop.get_by_label("Start").accesskit_node().is_disabled());
}
