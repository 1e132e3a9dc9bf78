//! What answers cost: at each answer where there is room, and summed for the conversation.

use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    event::{Fault, FaultClass, Phase},
    price::{OwnPrice, PriceTable, Rates, Usd},
    run::ConnectionKind,
    settings::Settings,
};

use super::{ask, ended, endpoint, put, rig_with};

/// $1,000 per million tokens of input and $2,000 of output, for these targets.
fn priced(pattern: &str) -> Settings {
    let rates = Rates {
        input: Some(Usd::of_pico(1_000_000_000)),
        output: Some(Usd::of_pico(2_000_000_000)),
        ..Rates::default()
    };
    Settings {
        endpoints: vec![endpoint("mine", "Mine", false, &["dear", "other"])],
        prices: PriceTable::with_own(vec![OwnPrice::new(pattern, rates, None)]),
        ..Settings::default()
    }
}

const COST: &str = "Cost";

#[test]
fn the_conversation_says_what_its_answers_cost_together() {
    let mut harness = rig_with(priced("mine/dear"), [1600.0, 900.0]);
    let sent = ask(&mut harness, "One");
    assert_eq!(
        harness.query_all_by_label_contains(COST).count(),
        0,
        "not yet"
    );
    for run in &sent {
        put(
            &mut harness,
            ended(run, "an answer", 120, 900, ConnectionKind::Warm),
        );
    }
    harness.run_steps(3);
    // 12 × 1,000 + 100 × 2,000 millionths; the other model has no price.
    harness.get_by_label("Cost at least $0.212");
    harness.get_by_label("Cost: $0.212");
    // A price for both: the sum is made anew, and whole.
    harness.state_mut().tell_settings(priced("mine/*"));
    harness.run_steps(3);
    harness.get_by_label("Cost $0.424");
    assert_eq!(harness.query_all_by_label("Cost: $0.212").count(), 2);
    // Without any, it is blank.
    harness.state_mut().tell_settings(priced("elsewhere/*"));
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label_contains(COST).count(), 0);
}

#[test]
fn an_answer_that_broke_off_costs_at_least_what_was_counted_and_a_refused_one_nothing() {
    let mut harness = rig_with(priced("mine/*"), [1600.0, 900.0]);
    let sent = ask(&mut harness, "One");
    put(
        &mut harness,
        ended(&sent[0], "an answer", 120, 900, ConnectionKind::Warm),
    );
    let mut refused = ended(&sent[1], "", 120, 900, ConnectionKind::Warm).failed(Fault::new(
        FaultClass::RateLimited,
        Phase::Headers,
        "slow down",
    ));
    refused.text = String::new();
    put(&mut harness, refused);
    harness.run_steps(3);
    harness.get_by_label("Cost $0.212");
    let sent = ask(&mut harness, "Two");
    let broken = ended(&sent[0], "half", 120, 900, ConnectionKind::Warm);
    let usage = broken.usage;
    let gone = Fault::new(FaultClass::Interrupted, Phase::Stream, "gone");
    let mut broken = broken.failed(gone);
    broken.usage = usage;
    put(&mut harness, broken);
    harness.run_steps(3);
    harness.get_by_label("Cost at least $0.424");
    harness
        .get_all_by_label("Cost: ≥\u{2009}$0.212")
        .next()
        .unwrap();
}

#[test]
fn what_the_simulator_says_costs_nothing_and_is_blank() {
    let mut settings = priced("*");
    settings.endpoints = vec![endpoint(
        "simulated",
        "Simulated",
        true,
        &["swift", "steady"],
    )];
    let mut harness = rig_with(settings, [1600.0, 900.0]);
    for run in &ask(&mut harness, "One") {
        put(
            &mut harness,
            ended(run, "an answer", 120, 900, ConnectionKind::Warm),
        );
    }
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label_contains(COST).count(), 0);
}
