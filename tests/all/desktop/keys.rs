//! Keys, passwords and service accounts: they go to the engine and nowhere else.

use std::{path::Path, sync::Arc, time::Duration};

use egui::Role;
use egui_kittest::kittest::Queryable as _;
use secrecy::ExposeSecret as _;
use tokenscope::{
    credential::{KeyOf, KeyPlace, KeyStatus},
    desktop::view::ViewId,
    engine::{Command, KeyCommand, KeyNews, SettingsNews, Update},
    settings::SettingsEdit,
};

use super::{
    Desktop, Dropped, Player, click, edits, field, heard, open_view, scenes, shows, type_into,
};
use crate::canary::{assert_no_canary_in, canary};

/// Keys of endpoints that were to be kept: the endpoint, the key, whether in the keyring.
fn keys_set(player: &Player) -> Vec<(String, String, bool)> {
    heard(player, |command| match command {
        Command::Key(KeyCommand::Set {
            endpoint,
            of: KeyOf::Endpoint,
            key,
            in_keyring,
        }) => Some((
            endpoint.clone(),
            key.expose_secret().to_owned(),
            *in_keyring,
        )),
        _ => None,
    })
}

#[test]
fn a_key_goes_to_the_engine_and_nowhere_else() {
    const CANARY: &str = "sk-canary-5f1d";
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop.get_by_role_and_label(Role::Tab, "Keys").click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "from OPENAI_API_KEY") && shows(&desktop, "in the OS keyring"));
    assert!(
        shows(&desktop, "the OS keyring is locked"),
        "what is the matter is said in words"
    );
    click(&mut desktop, &mut player, "Set the key of gateway");
    desktop.get_by_label("Key of gateway").type_text(CANARY);
    player.play(&mut desktop);
    let shown = desktop
        .get_by_label("Key of gateway")
        .value()
        .unwrap_or_default();
    assert!(!shown.contains("canary"), "{shown}");
    click(&mut desktop, &mut player, "Keep it in: This session only");
    click(&mut desktop, &mut player, "Keep the key");
    let keys = keys_set(&player);
    assert_eq!(keys, [("gateway".to_owned(), CANARY.to_owned(), false)]);
    assert!(desktop.query_by_label("Key of gateway").is_none());
    assert!(!format!("{:?}", player.heard).contains("canary"));
    assert!(!desktop.state().app().layout().contains("canary"));

    player.say(Update::Key(KeyNews::Status(KeyStatus {
        endpoint: "gateway".into(),
        of: KeyOf::Endpoint,
        origin: "https://llm.example.com:8443".into(),
        place: KeyPlace::Memory,
        problem: None,
    })));
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Forget the key of gateway…");
    click(&mut desktop, &mut player, "Forget it");
    assert!(player.heard.iter().any(
        |command| matches!(command, Command::Key(KeyCommand::Forget { endpoint, of: KeyOf::Endpoint }) if endpoint == "gateway")
    ));
}

#[test]
fn a_proxy_has_a_password_of_its_own() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop.get_by_role_and_label(Role::Tab, "Keys").click();
    player.say(Update::Key(KeyNews::Status(KeyStatus {
        endpoint: "gateway".into(),
        of: KeyOf::Proxy,
        origin: "http://ada@proxy.example.com:3128".into(),
        place: KeyPlace::Missing,
        problem: None,
    })));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Password of its proxy"));
    click(
        &mut desktop,
        &mut player,
        "Set the proxy password of gateway",
    );
    let field = desktop.get_by_label("Proxy password of gateway");
    field.type_text("hunter2");
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Keep the password");
    let passwords = heard(&player, |command| match command {
        Command::Key(KeyCommand::Set {
            endpoint,
            of: KeyOf::Proxy,
            key,
            in_keyring: true,
        }) => Some((endpoint.clone(), key.expose_secret().to_owned())),
        _ => None,
    });
    assert_eq!(passwords, [("gateway".to_owned(), "hunter2".to_owned())]);
}

/// Drops a file on the window, and plays until this text is shown.
fn drop_file(desktop: &mut Desktop, player: &mut Player, file: &Path, until: &str) {
    let file = Arc::new(Dropped(file.to_owned()));
    desktop.input_mut().dropped_files.push(file);
    desktop.step();
    desktop.input_mut().dropped_files.clear();
    for _ in 0..200 {
        player.play(desktop);
        if shows(desktop, until) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never shown: {until}");
}

#[test]
fn a_service_account_is_imported_with_its_project_and_its_key_is_seen_nowhere() {
    let canary = canary();
    let folder = tempfile::tempdir().unwrap();
    let (client, account) = (
        folder.path().join("client.json"),
        folder.path().join("me.json"),
    );
    let json = serde_json::json!({"installed": {"client_id": "x", "client_secret": canary}});
    std::fs::write(&client, json.to_string()).unwrap();
    let json = serde_json::json!({
        "type": "service_account", "client_email": "me@p-1.iam.gserviceaccount.com", "project_id": "p-1",
        "private_key": canary,
    });
    std::fs::write(&account, serde_json::to_string_pretty(&json).unwrap()).unwrap();

    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Edit deepseek");
    assert!(!shows(&desktop, "Import service account"), "not of Google");
    click(&mut desktop, &mut player, "Back to the endpoints");
    desktop.get_by_label_contains("Add an endpoint").click();
    player.play(&mut desktop);
    type_into(
        &mut desktop,
        &mut player,
        "Search providers",
        "vertex-native",
    );
    click(&mut desktop, &mut player, "Add Vertex AI, a region");
    assert!(shows(&desktop, "leave the project empty"));
    click(&mut desktop, &mut player, "Continue");
    assert!(shows(&desktop, "Import service account…"));
    click(&mut desktop, &mut player, "Save");
    assert!(shows(
        &desktop,
        "The project is missing: import a service account"
    ));
    assert!(edits(&player).is_empty());

    let refused = "This is an OAuth client, not a service account";
    drop_file(&mut desktop, &mut player, &client, refused);
    let imported = "Imported: service account me@p-1.iam.gserviceaccount.com, project p-1";
    drop_file(&mut desktop, &mut player, &account, imported);
    assert!(!shows(&desktop, refused) && !shows(&desktop, "The project is missing"));
    assert!(desktop.unnamed_widgets().is_empty());
    let url = field(&desktop, "Base URL").value().unwrap();
    assert!(url.contains("/projects/p-1/locations/us-central1"), "{url}");
    assert!(
        keys_set(&player).is_empty(),
        "only a saved endpoint has a key"
    );

    click(&mut desktop, &mut player, "Save");
    let saved = edits(&player);
    let [SettingsEdit::PutEndpoint { endpoint, .. }] = saved.as_slice() else {
        panic!("{saved:?}")
    };
    assert!(endpoint.key_command.is_empty(), "it would be asked first");
    let mut settings = player.scene.settings.clone();
    settings.endpoints.push((**endpoint).clone());
    player.say(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    player.play(&mut desktop);
    assert_eq!(
        keys_set(&player),
        [("vertex-native".to_owned(), json.to_string(), true)]
    );
    assert!(shows(
        &desktop,
        "Saved the endpoint with service account me@p-1"
    ));
    assert_no_canary_in(format!("{:?}", player.heard).as_bytes(), &canary, "a log");
    let layout = desktop.state().app().layout();
    assert_no_canary_in(layout.as_bytes(), &canary, "the layout");
    let shown = format!("{:?}", desktop.root());
    assert_no_canary_in(shown.as_bytes(), &canary, "the window");

    player.say(Update::Key(KeyNews::Problem {
        endpoint: "vertex-native".into(),
        of: KeyOf::Endpoint,
        message: "the OS keyring is locked".into(),
    }));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Its key: the OS keyring is locked"));
}
