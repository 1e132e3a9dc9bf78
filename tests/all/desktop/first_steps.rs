//! What an empty pane offers to someone who has nothing but the simulator yet.

use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::view::ViewId,
    dialect::DialectId,
    endpoint::Endpoint,
    engine::{Command, EndpointCommand, LocalServer},
    settings::SettingsEdit,
};

use super::{Desktop, Player, edits, open_view, scenes, shows};

const LOOK: &str = "Look for servers on this machine";

fn server(id: &str, models: &[&str], needs_key: bool) -> LocalServer {
    let url = "http://localhost:11434/v1".parse().unwrap();
    LocalServer {
        endpoint: Endpoint {
            label: id.to_owned(),
            ..Endpoint::custom(id, url, DialectId::OpenaiChat)
        },
        models: models.iter().map(ToString::to_string).collect(),
        needs_key,
    }
}

/// Looks for servers, which finds these.
fn look(desktop: &mut Desktop, player: &mut Player, found: Vec<LocalServer>) {
    desktop.get_all_by_label(LOOK).next().unwrap().click();
    player.play(desktop);
    let is_asked =
        |command: &Command| matches!(command, Command::Endpoint(EndpointCommand::FindLocal(_)));
    let place = player.heard.iter().rposition(is_asked).unwrap();
    let Command::Endpoint(EndpointCommand::FindLocal(reply)) = player.heard.remove(place) else {
        unreachable!()
    };
    reply.send(found);
    player.play(desktop);
}

#[test]
fn nothing_is_offered_once_there_is_an_endpoint() {
    let (desktop, _player) = open_view(ViewId::Playground, scenes::filled());
    assert!(!shows(&desktop, LOOK));
}

#[test]
fn a_provider_can_be_added_at_once() {
    let (mut desktop, mut player) = open_view(ViewId::Playground, scenes::empty());
    let add = "Add a provider and its key…";
    desktop.get_all_by_label(add).next().unwrap().click();
    player.play(&mut desktop);
    assert_eq!(desktop.state().app().current(), ViewId::Settings);
}

#[test]
fn a_server_of_this_machine_is_found_when_asked_for_and_used_by_a_click() {
    let (mut desktop, mut player) = open_view(ViewId::Playground, scenes::empty());
    let asked = |player: &Player| {
        let is_asked = |command: &&Command| {
            matches!(command, Command::Endpoint(EndpointCommand::FindLocal(_)))
        };
        player.heard.iter().any(|command| is_asked(&command))
    };
    assert!(!asked(&player), "nothing is sent unasked");
    look(&mut desktop, &mut player, Vec::new());
    assert!(shows(&desktop, "None answers on the ports"));
    let found = vec![
        server("ollama", &["gemma3:270m", "qwen3:0.6b"], false),
        server("lmstudio", &[], false),
        server("vllm", &[], true),
    ];
    look(&mut desktop, &mut player, found.clone());
    assert!(shows(&desktop, "lmstudio answers, but has no model yet"));
    assert!(shows(&desktop, "vllm answers, and asks for a key"));
    let name = "Use ollama: 2 models";
    desktop.get_all_by_label(name).next().unwrap().click();
    player.play(&mut desktop);
    let added = SettingsEdit::PutEndpoint {
        old_id: None,
        endpoint: Box::new(found[0].endpoint.clone()),
    };
    assert_eq!(edits(&player), [added]);
    assert!(shows(&desktop, "gemma3:270m") && shows(&desktop, "qwen3:0.6b"));
}
