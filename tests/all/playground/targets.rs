//! The target of a pane and the parameters it is asked with.

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::view::Action,
    endpoint::TargetId,
    engine::{Command, EndpointCommand, Update},
    event::{Fault, FaultClass, Phase},
};

use super::{ask, rig, send};

#[test]
fn a_target_is_found_by_typing() {
    let mut harness = rig();
    harness.state_mut().tell_models("openai", ["gpt-5-nano"]);
    harness
        .get_by_label("Target of pane 1: simulated/swift")
        .click();
    harness.run_steps(3);
    let asked = |c: &Command| matches!(c, Command::Endpoint(EndpointCommand::ListModels { endpoint, refresh: false }) if endpoint == "simulated");
    assert!(harness.state().commands.iter().any(asked));
    harness
        .get_by_label("Search models, or type a name")
        .type_text("nano");
    harness.run_steps(2);
    harness.get_by_label("openai/gpt-5-nano");
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    harness.get_by_label("Target of pane 1: openai/gpt-5-nano");
}

#[test]
fn an_unknown_model_can_be_named() {
    let mut harness = rig();
    harness
        .get_by_label("Target of pane 2: simulated/steady")
        .click();
    harness.run_steps(3);
    harness
        .get_by_label("Search models, or type a name")
        .type_text("my/own-model");
    harness.run_steps(2);
    harness.get_by_label("Use “my/own-model” at openai").click();
    harness.run_steps(3);
    harness.get_by_label("Target of pane 2: openai/my/own-model");
}

#[test]
fn a_failed_list_is_told_in_words() {
    let mut harness = rig();
    let fault = Fault::new(
        FaultClass::Auth,
        Phase::Headers,
        "Incorrect API key provided",
    );
    harness.state_mut().tell(Update::Models {
        endpoint: "openai".into(),
        models: Err(fault),
    });
    harness
        .get_by_label("Target of pane 1: simulated/swift")
        .click();
    harness.run_steps(3);
    harness.get_by_label_contains("Incorrect API key provided");
    harness.state_mut().commands.clear();
    harness
        .get_by_label("Fetch the models of OpenAI again")
        .click();
    harness.run_steps(2);
    let asked = |c: &Command| matches!(c, Command::Endpoint(EndpointCommand::ListModels { endpoint, refresh: true }) if endpoint == "openai");
    assert!(harness.state().commands.iter().any(asked));
}

#[test]
fn a_pane_opens_a_new_connection_for_each_request_where_it_is_told_to() {
    let mut harness = rig();
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness
        .get_by_label("Connection: New for each request")
        .click();
    harness.run_steps(3);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    let sent = ask(&mut harness, "Hello?");
    let cold: Vec<bool> = sent.iter().map(|run| run.cold).collect();
    assert_eq!(cold, [true, false]);
}

#[test]
fn parameters_belong_to_their_pane_and_must_read() {
    let mut harness = rig();
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .focus();
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .type_text("warm");
    harness.run_steps(2);
    harness.get_by_label_contains("A number of 0 or more");
    assert!(send(&mut harness).is_empty());
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .focus();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .type_text("0.25");
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    let sent = ask(&mut harness, "Now");
    let temperatures: Vec<_> = sent.iter().map(|s| s.request.params.temperature).collect();
    assert_eq!(temperatures, [Some(0.25), None]);
}

#[test]
fn a_setting_that_a_model_refuses_is_said_beside_the_others() {
    let mut harness = rig();
    harness.state_mut().act(&Action::Ask(TargetId {
        endpoint: "openai".into(),
        model: "gpt-5-mini".into(),
    }));
    harness.run_steps(3);
    harness.get_by_label("Parameters of pane 3").click();
    harness.run_steps(3);
    let field = || "Temperature";
    harness
        .get_by_role_and_label(Role::TextInput, field())
        .focus();
    harness
        .get_by_role_and_label(Role::TextInput, field())
        .type_text("0.7");
    harness.run_steps(3);
    let said = "temperature not sent: this reasoning model samples by itself";
    let said = harness.query_all_by_label_contains(said);
    assert_eq!(said.count(), 2, "beside the settings, and in the pane");
}
