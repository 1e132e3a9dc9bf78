//! Endpoints in the settings: added, edited, deleted, tested.

use std::sync::Arc;

use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, RunCommand, RunNews, SettingsNews, Update},
    settings::SettingsEdit,
};

use super::{click, edits, field, heard, open_view, scenes, shows, type_into, write_into};

#[test]
fn an_endpoint_is_added_from_a_preset() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop.get_by_label_contains("Add an endpoint").click();
    player.play(&mut desktop);
    type_into(&mut desktop, &mut player, "Search providers", "custom");
    click(&mut desktop, &mut player, "Add Custom");
    if desktop.query_all_by_label("base_url").next().is_some() {
        type_into(
            &mut desktop,
            &mut player,
            "base_url",
            "https://llm.example.com/v1",
        );
        click(&mut desktop, &mut player, "Continue");
    }
    write_into(&mut desktop, &mut player, "Id", "mine");
    write_into(
        &mut desktop,
        &mut player,
        "Base URL",
        "https://llm.example.com/v1",
    );
    assert!(
        shows(&desktop, "https://llm.example.com/v1/chat/completions"),
        "the final URL is shown"
    );
    click(&mut desktop, &mut player, "Save");
    let edits = edits(&player);
    let [
        SettingsEdit::PutEndpoint {
            old_id: None,
            endpoint,
        },
    ] = edits.as_slice()
    else {
        panic!("{edits:?}")
    };
    assert_eq!(
        (endpoint.id.as_str(), endpoint.base_url.as_str()),
        ("mine", "https://llm.example.com/v1")
    );
    assert!(
        desktop.query_all_by_label("Base URL").next().is_some(),
        "it stays open until the file has it"
    );

    let mut settings = player.scene.settings.clone();
    settings.endpoints.push((**endpoint).clone());
    player.say(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    player.play(&mut desktop);
    assert!(desktop.query_by_label("Edit mine").is_some());
}

#[test]
fn a_bad_endpoint_is_explained_and_not_sent() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    write_into(&mut desktop, &mut player, "Id", "a/b");
    write_into(&mut desktop, &mut player, "Base URL", "ftp://x");
    click(&mut desktop, &mut player, "Save");
    assert!(shows(&desktop, "No slashes or spaces"));
    assert!(edits(&player).is_empty());
}

#[test]
fn http_to_another_machine_must_be_allowed() {
    const ALLOW: &str = "Allow http:// to another machine";
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    assert!(
        desktop.query_by_label(ALLOW).is_none(),
        "https asks nothing"
    );
    write_into(
        &mut desktop,
        &mut player,
        "Base URL",
        "http://far.example/v1",
    );
    click(&mut desktop, &mut player, "Save");
    assert!(edits(&player).is_empty());
    click(&mut desktop, &mut player, ALLOW);
    click(&mut desktop, &mut player, "Save");
    let edits = edits(&player);
    let [SettingsEdit::PutEndpoint { endpoint, .. }] = edits.as_slice() else {
        panic!("{edits:?}")
    };
    assert!(endpoint.allow_http && endpoint.base_url.scheme() == "http");
}

#[test]
fn a_broken_settings_file_keeps_what_was_typed() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    write_into(&mut desktop, &mut player, "Name", "Deep blue");
    click(&mut desktop, &mut player, "Save");
    player.say(Update::Settings(SettingsNews::Problem(
        scenes::errors().problem,
    )));
    player.play(&mut desktop);
    assert!(shows(&desktop, "line 12"));
    assert!(desktop.query_by_label("Open the file").is_some());
    assert_eq!(
        field(&desktop, "Name").value().as_deref(),
        Some("Deep blue")
    );
    player.say(Update::Settings(SettingsNews::Problem(None)));
    player.play(&mut desktop);
    assert!(!shows(&desktop, "line 12"));
}

#[test]
fn an_endpoint_is_deleted_only_when_that_is_meant() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    click(&mut desktop, &mut player, "Delete…");
    click(&mut desktop, &mut player, "Keep it");
    assert!(edits(&player).is_empty());
    click(&mut desktop, &mut player, "Delete…");
    click(&mut desktop, &mut player, "Delete it");
    assert_eq!(
        edits(&player),
        [SettingsEdit::RemoveEndpoint {
            id: "deepseek".into()
        }]
    );
}

#[test]
fn a_test_shows_each_step_and_why_one_failed() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Test deepseek");
    for words in ["104.18.7.192", "TLS 1.3", "HTTP 401", "Incorrect API key"] {
        assert!(shows(&desktop, words), "{words}");
    }
}

#[test]
fn a_tiny_request_is_sent_from_the_settings_and_says_what_it_costs() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    assert!(
        desktop
            .query_by_label("Send a tiny request to deepseek")
            .is_none()
    );
    click(&mut desktop, &mut player, "Test deepseek");
    assert!(shows(&desktop, "you pay for it"));
    click(&mut desktop, &mut player, "Send a tiny request to deepseek");
    let sent = heard(&player, |command| match command {
        Command::Run(RunCommand::Send(send)) => {
            Some((send.id, send.endpoint.clone(), (*send.request).clone()))
        }
        _ => None,
    });
    let [(id, endpoint, request)] = &sent[..] else {
        panic!("one request: {sent:?}");
    };
    assert_eq!(
        (endpoint.as_str(), request.model.as_str()),
        ("deepseek", "steady")
    );
    assert_eq!(request.params.max_tokens, Some(16));
    player.say(Update::Run(RunNews::Loaded {
        id: *id,
        run: Some(Box::new(scenes::runs(1, "hello").remove(0))),
    }));
    player.play(&mut desktop);
    assert!(shows(&desktop, "TTFT net"));
}
