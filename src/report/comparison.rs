//! The report on a comparison: what was compared, the verdicts over each kind of connection, where the difference comes
//! from, the article's table, and how all of it was made.

mod kind;
mod method;

use super::{
    heading::{self, simulated_note, vantage_text},
    html::{Html, page},
    number::{count_text, minute_text},
};
use crate::{
    compare::{Arm, CompareState, arm_letter, preference_in_words},
    price::Usd,
};

/// The whole page.
pub(super) fn written(state: &CompareState) -> String {
    page("Tokenscope comparison", |html| {
        header(html, state);
        for kind in &state.result.kinds {
            kind::section(html, state, kind);
        }
        preferences(html, state);
        method::section(html, state);
    })
}

/// An arm's letter and its name.
fn arm_name(state: &CompareState, arm: usize) -> String {
    let name = state.plan().arms.get(arm).map(Arm::name);
    format!("{}: {}", arm_letter(arm), name.unwrap_or_default())
}

fn header(html: &mut Html, state: &CompareState) {
    html.raw("<header>\n<h1>Tokenscope comparison</h1>\n");
    heading::facts(html, facts(state));
    let simulated = state.head.places.iter().filter(|place| place.simulated);
    simulated_note(html, simulated.count(), state.plan().arms.len(), "arms");
    html.raw("</header>\n");
}

/// What the comparison is about: names and values.
fn facts(state: &CompareState) -> Vec<(&'static str, String)> {
    let (head, plan) = (&state.head, state.plan());
    let mut facts = Vec::new();
    for arm in 0..plan.arms.len() {
        let place = head.places.get(arm).cloned().unwrap_or_default();
        facts.push(("Arm", format!("{}, {place}", arm_name(state, arm))));
    }
    facts.push(("Vantage", vantage_text(&plan.vantage).to_owned()));
    facts.push(("Time", time_in_words(state)));
    facts.push(("Pairs", pairs_in_words(state)));
    facts.push(("Stopped", stop_in_words(state)));
    facts.push(("Asked", asked_in_words(state)));
    facts.push(("Cost", cost_in_words(state)));
    facts.push((
        "Made by",
        format!(
            "Tokenscope {} (begun by {}), comparison {}",
            env!("CARGO_PKG_VERSION"),
            head.version,
            head.id
        ),
    ));
    facts
}

fn time_in_words(state: &CompareState) -> String {
    let to = state.end.as_ref().map(|end| end.at_unix_ns);
    let to = to.map_or_else(|| "not over".to_owned(), minute_text);
    format!(
        "{} to {to} UTC, under way for {} s",
        minute_text(state.head.began_unix_ns),
        state.elapsed.as_secs()
    )
}

fn pairs_in_words(state: &CompareState) -> String {
    let kinds = state.result.kinds.iter().map(|kind| {
        let pairs = kind.against_first.iter().map(|arm| arm.pairs).min();
        format!(
            "{}: n = {} of {} rounds",
            kind.connection,
            count_text(pairs.unwrap_or_default()),
            count_text(kind.rounds)
        )
    });
    kinds.collect::<Vec<String>>().join("; ")
}

fn stop_in_words(state: &CompareState) -> String {
    let rule = &state.plan().stop;
    let mut rules = Vec::new();
    rules.extend(rule.pairs.map(|pairs| format!("{pairs} pairs")));
    rules.extend(rule.time.map(|time| format!("{} s", time.as_secs())));
    rules.extend(rule.usd.map(|usd| usd.to_string()));
    if rule.until_settled {
        rules.push("settled".to_owned());
    }
    let why = state
        .end
        .as_ref()
        .map_or("it is not over, or was cut off", |end| {
            end.reason.in_words()
        });
    format!("{why} (to stop at the first of: {})", rules.join(", "))
}

fn asked_in_words(state: &CompareState) -> String {
    let plan = state.plan();
    let fresh = if plan.fresh {
        "each with a number in front that was never sent before"
    } else {
        "sent as they are: a cache may have answered"
    };
    let prompts = match plan.prompts.len() {
        1 => "1 prompt".to_owned(),
        count => format!("{} prompts", count_text(count)),
    };
    format!(
        "{prompts}, {fresh}; seed {}; margin ± {} %; after a 429: {}",
        plan.seed,
        100.0 * plan.margin,
        plan.back_off
    )
}

fn cost_in_words(state: &CompareState) -> String {
    let cost = state.cost;
    let mut words = match (cost.known, cost.unknown) {
        (known, 0) if known == Usd::default() => "nothing".to_owned(),
        (known, _) if known == Usd::default() => "nothing that is known".to_owned(),
        (known, _) => known.to_string(),
    };
    if cost.unknown > 0 {
        let unknown = count_text(usize::try_from(cost.unknown).unwrap_or(usize::MAX));
        words.extend(["; of ", unknown.as_str(), " runs it is not known"]);
    }
    words
}

fn preferences(html: &mut Html, state: &CompareState) {
    if state.result.preferences.is_empty() {
        return;
    }
    html.raw("<section id=\"answers\">\n<h2>What people thought of the answers</h2>\n");
    html.raw(
        "<p class=\"quiet\">Each answer beside that of the first arm to the same prompt, in an order that did not tell whose \
         was whose.</p>\n",
    );
    for found in &state.result.preferences {
        let name = arm_name(state, found.arm);
        let words = preference_in_words(&name, &found.verdict);
        html.words(
            "p",
            "",
            format!(
                "{words}: {} better, {} worse, {} the same.",
                found.better, found.worse, found.same
            ),
        );
        html.end_line();
    }
    html.raw("</section>\n");
}
