//! The form of a new comparison: what it means, what it costs, the question before requests go elsewhere.

use std::time::Duration;

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    compare::{ComparePlan, ComparedConnections, ComparedFigure, DecidedBy},
    desktop::view::ViewId,
    engine::{Command, CompareCommand},
    price::Usd,
};

use super::super::{
    Desktop, Player, SIZES, click, heard, open, open_view, press, scenes, shows, write_into,
};

fn pick(desktop: &mut Desktop, player: &mut Player, letter: &str, target: &str) {
    pick_for(
        desktop,
        player,
        &format!("Target {letter}: not chosen"),
        target,
    );
}

/// Opens a picker, types a target's name and takes the first that is found.
fn pick_for(desktop: &mut Desktop, player: &mut Player, picker: &str, target: &str) {
    click(desktop, player, picker);
    let search = desktop.get_by_label("Search models, or type a name");
    search.type_text(&target.replace('/', " "));
    player.play(desktop);
    desktop.key_press(Key::Enter);
    player.play(desktop);
}

/// The form with two targets.
fn form(targets: [&str; 2]) -> (Desktop, Player) {
    let (mut desktop, mut player) = open_view(ViewId::Compare, scenes::filled());
    for (letter, target) in ["A", "B"].into_iter().zip(targets) {
        pick(&mut desktop, &mut player, letter, target);
    }
    (desktop, player)
}

fn can_start(desktop: &Desktop) -> bool {
    !desktop.get_by_label("Start").accesskit_node().is_disabled()
}

/// Writes the number of pairs after which it stops.
fn write_pairs(desktop: &mut Desktop, player: &mut Player, text: &str) {
    write_into(desktop, player, "Pairs, over each kind of connection", text);
}

fn plans(player: &Player) -> Vec<ComparePlan> {
    heard(player, |command| match command {
        Command::Compare(CompareCommand::Start(plan)) => Some((**plan).clone()),
        _ => None,
    })
}

fn targets(plan: &ComparePlan) -> Vec<String> {
    plan.arms.iter().map(|arm| arm.target.to_string()).collect()
}

#[test]
fn it_says_what_is_missing_and_starts_nothing_before() {
    let (mut desktop, mut player) = open_view(ViewId::Compare, scenes::filled());
    assert!(shows(&desktop, "Choose two targets or more"));
    assert!(!can_start(&desktop));
    press(&mut desktop, &mut player, Key::Enter);
    assert!(plans(&player).is_empty());
    pick(&mut desktop, &mut player, "A", "ollama/steady");
    assert!(shows(&desktop, "Choose two targets or more"));
    pick(&mut desktop, &mut player, "B", "simulator/steady");
    assert!(shows(&desktop, "400 requests at most, all on this machine"));
    write_pairs(&mut desktop, &mut player, "many");
    assert!(shows(&desktop, "A number of pairs is written as 200"));
    assert!(!can_start(&desktop));
}

#[test]
fn what_stays_on_this_machine_starts_without_a_question() {
    let (mut desktop, mut player) = form(["ollama/steady", "simulator/fast"]);
    click(&mut desktop, &mut player, "Connections to compare: Both");
    assert!(shows(&desktop, "800 requests at most"));
    click(&mut desktop, &mut player, "Quantile that settles it");
    click(&mut desktop, &mut player, "P95");
    write_pairs(&mut desktop, &mut player, "30");
    write_into(&mut desktop, &mut player, "Minutes", "5");
    click(&mut desktop, &mut player, "Start");
    let plans = plans(&player);
    let plan = &plans[0];
    assert_eq!(targets(plan), ["ollama/steady", "simulator/fast"]);
    assert_eq!(plan.connections, ComparedConnections::Both);
    assert_eq!(
        (plan.stop.pairs, plan.stop.time),
        (Some(30), Some(Duration::from_mins(5)))
    );
    assert!(plan.stop.until_settled);
    let by = DecidedBy {
        figure: ComparedFigure::Ttft,
        percent: 95,
    };
    assert_eq!(plan.decided_by, by);
    assert_eq!(plan.params.max_tokens, Some(64));
    assert_eq!(plan.check(), Ok(()));
}

#[test]
fn paid_load_is_asked_for_first_with_what_it_costs() {
    let (mut desktop, mut player) = form(["openai/gpt-5-mini", "simulator/steady"]);
    assert!(shows(
        &desktop,
        "400 requests at most, 200 of them to other machines"
    ));
    assert!(shows(&desktop, " at most, $0."));
    click(&mut desktop, &mut player, "Start");
    assert!(shows(&desktop, "Send these requests?") && plans(&player).is_empty());
    click(&mut desktop, &mut player, "Cancel");
    assert!(plans(&player).is_empty());
    press(&mut desktop, &mut player, Key::Enter);
    click(&mut desktop, &mut player, "Send them");
    let plans = plans(&player);
    assert_eq!(plans.len(), 1);
    assert_eq!(
        targets(&plans[0]),
        ["openai/gpt-5-mini", "simulator/steady"]
    );
}

#[test]
fn a_limit_of_cost_needs_prices_or_a_word_of_the_user() {
    let (mut desktop, mut player) = form(["deepseek/steady", "simulator/steady"]);
    write_into(&mut desktop, &mut player, "US dollars", "0.50");
    assert!(shows(
        &desktop,
        "The price of deepseek/steady is not known, so that a limit of cost can’t hold"
    ));
    assert!(!can_start(&desktop));
    let allow = desktop.get_by_label("Ask targets without a known price, too");
    allow.scroll_to_me();
    player.play(&mut desktop);
    click(
        &mut desktop,
        &mut player,
        "Ask targets without a known price, too",
    );
    click(&mut desktop, &mut player, "Start");
    click(&mut desktop, &mut player, "Send them");
    let plan = plans(&player).remove(0);
    assert!(plan.allow_unpriced);
    assert_eq!(plan.stop.usd, Usd::of_dollars(0.5));
}

#[test]
fn two_prompts_or_settings_of_one_target_are_two_arms() {
    let (mut desktop, mut player) = open_view(ViewId::Compare, scenes::filled());
    click(&mut desktop, &mut player, "Compare: Ways to ask one");
    pick_for(
        &mut desktop,
        &mut player,
        "Target: not chosen",
        "simulator/steady",
    );
    assert!(shows(&desktop, "Say what differs between the ways to ask"));
    write_into(&mut desktop, &mut player, "Settings of way A, JSON", "hot");
    assert!(shows(&desktop, "settings are a JSON object"));
    write_into(
        &mut desktop,
        &mut player,
        "Settings of way A, JSON",
        r#"{"temperature": 0.2, "top_k": 3}"#,
    );
    write_into(&mut desktop, &mut player, "Name of way A", "cool");
    click(&mut desktop, &mut player, "Start");
    let plan = plans(&player).remove(0);
    assert_eq!(plan.arms[0].name(), "simulator/steady (cool)");
    assert_eq!(plan.arms[0].params.temperature, Some(0.2));
    assert_eq!(plan.arms[0].params.extra.get("top_k"), Some(&3.into()));
    assert_eq!(targets(&plan), ["simulator/steady", "simulator/steady"]);
}

#[test]
fn what_is_set_up_is_kept_in_the_next_window() {
    let (mut desktop, mut player) = form(["ollama/steady", "simulator/fast"]);
    let field = desktop.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    field.focus();
    player.play(&mut desktop);
    let field = desktop.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    field.type_text("Say hello");
    player.play(&mut desktop);
    let layout = desktop.state().app().layout();
    let (mut desktop, mut player) = open(scenes::filled(), SIZES[0], Some(&layout));
    click(&mut desktop, &mut player, "Start");
    let plan = plans(&player).remove(0);
    assert_eq!(plan.prompts[0].text(), "Say hello");
    assert_eq!(targets(&plan), ["ollama/steady", "simulator/fast"]);
}

#[test]
fn arms_are_added_and_removed_and_each_is_held_against_the_first() {
    let (mut desktop, mut player) = form(["ollama/steady", "simulator/fast"]);
    let further = "Target to add: not chosen";
    pick_for(&mut desktop, &mut player, further, "simulator/steady");
    assert!(shows(&desktop, "600 requests at most"));
    click(&mut desktop, &mut player, "Remove target A");
    click(&mut desktop, &mut player, "Start");
    let plan = plans(&player).remove(0);
    assert_eq!(targets(&plan), ["simulator/fast", "simulator/steady"]);
}
