//! The results of calls: typed in a form, kept, sent.

use egui::accesskit::Role;
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    chat::{Part, Role as Who},
    event::Event,
    run::ConnectionKind,
};

use super::{Rig, ask, conversations::reopened, ended, put, put_loaded, rig, tool_call};

/// Two calls of the same function.
pub fn calls(name: &str) -> [Event; 2] {
    let call = |index, city| tool_call(index, name, &format!("{{\"city\":\"{city}\"}}"));
    [call(0, "Bern"), call(1, "Rome")]
}

#[test]
fn calls_are_answered_in_their_own_pane_and_the_model_goes_on() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Weather in Bern and Rome?");
    let run = ended(&sent[0], "I look", 100, 200, ConnectionKind::Warm);
    put(&mut harness, run.with(calls("get_weather")));
    put(
        &mut harness,
        ended(&sent[1], "No idea", 100, 200, ConnectionKind::Warm),
    );
    harness.run_steps(4);
    harness.get_by_label("What did the 2 calls return?");
    harness.state_mut().commands.clear();
    let fields = [
        "Result of call 1: get_weather",
        "Result of call 2: get_weather",
    ];
    for (field, text) in fields.into_iter().zip(["{\"sky\":", "sun"]) {
        harness.get_by_label("Continue with these results").click();
        harness.run_steps(2);
        assert!(harness.state().sent().is_empty(), "a result is missing");
        let node = harness.get_by_role_and_label(Role::MultilineTextInput, field);
        node.scroll_to_me();
        node.focus();
        harness.run_steps(2);
        harness
            .get_by_role_and_label(Role::MultilineTextInput, field)
            .type_text(text);
        harness.run_steps(3);
    }
    harness.get_by_label_contains("it looks like JSON, but");
    harness
        .get_by_label("Continue with these results")
        .scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label("Continue with these results").click();
    harness.run_steps(3);
    let sent = harness.state().sent();
    let [run] = sent.as_slice() else {
        panic!("one pane goes on: {sent:?}");
    };
    let roles: Vec<_> = run.request.messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, [Who::User, Who::Assistant, Who::Tool]);
    let called = &run.request.messages[1].parts;
    assert!(called.iter().any(|part| matches!(part, Part::ToolCall(_))));
    let results: Vec<_> = (run.request.messages[2].parts.iter())
        .map(|part| match part {
            Part::ToolResult { id, content, .. } => (id.as_str(), content.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(results, [("call_0", "{\"sky\":"), ("call_1", "sun")]);
    assert!(
        harness
            .query_by_label("What did the 2 calls return?")
            .is_none()
    );
    harness
        .get_all_by_label("Result of get_weather")
        .next()
        .unwrap();

    // A question after it carries the whole exchange on.
    put(
        &mut harness,
        ended(run, "Rain and sun", 100, 200, ConnectionKind::Warm),
    );
    let sent = ask(&mut harness, "Thanks");
    assert_eq!(sent[0].request.messages.len(), 5);
}

fn write(harness: &mut Harness<'_, Rig>, field: &str, text: &str) {
    let node = || Role::MultilineTextInput;
    harness.get_by_role_and_label(node(), field).scroll_to_me();
    harness.get_by_role_and_label(node(), field).focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(node(), field).type_text(text);
    harness.run_steps(2);
}

fn written(harness: &Harness<'_, Rig>, field: &str) -> String {
    let node = harness.get_by_role_and_label(Role::MultilineTextInput, field);
    node.value().unwrap_or_default()
}

#[test]
fn what_is_typed_as_a_result_outlives_the_window() {
    let field = "Result of call 2: get_weather";
    let mut first = rig();
    let sent = ask(&mut first, "Weather in Bern and Rome?");
    let run = ended(&sent[0], "", 100, 200, ConnectionKind::Warm).with(calls("get_weather"));
    put(&mut first, run.clone());
    first.run_steps(4);
    write(&mut first, field, "22 °C");
    // A frame of the harness is a quarter of a second.
    first.run_steps(5);

    let mut second = reopened(&first);
    put_loaded(&mut second, &run);
    second.run_steps(4);
    assert_eq!(written(&second, field), "22 °C");
    write(&mut second, "Result of call 1: get_weather", "12 °C");
    second
        .get_by_label("Continue with these results")
        .scroll_to_me();
    second.run_steps(3);
    second.get_by_label("Continue with these results").click();
    second.run_steps(3);
    let sent = second.state().sent();
    let results = &sent[0].request.messages[2].parts;
    let content = |part: &Part| match part {
        Part::ToolResult { content, .. } => content.clone(),
        other => panic!("{other:?}"),
    };
    let results: Vec<_> = results.iter().map(content).collect();
    assert_eq!(results, ["12 °C", "22 °C"]);
}

#[test]
fn another_attempt_has_results_of_its_own() {
    let field = "Result of call 1: get_weather";
    let mut harness = rig();
    let sent = ask(&mut harness, "Weather?");
    let with_calls =
        |sent, text| ended(sent, text, 100, 200, ConnectionKind::Warm).with(calls("get_weather"));
    put(&mut harness, with_calls(&sent[0], "One"));
    put(
        &mut harness,
        ended(&sent[1], "No", 1, 2, ConnectionKind::Warm),
    );
    harness.run_steps(4);
    write(&mut harness, field, "first");
    harness.state_mut().commands.clear();
    harness
        .get_all_by_label("Ask again")
        .next()
        .unwrap()
        .click();
    harness.run_steps(3);
    let again = harness.state().sent();
    put(&mut harness, with_calls(&again[0], "Two"));
    harness.run_steps(4);
    assert_eq!(written(&harness, field), "");
    harness.get_by_label("Earlier attempt").click();
    harness.run_steps(4);
    assert_eq!(written(&harness, field), "first");
}
