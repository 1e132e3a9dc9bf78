//! What of the settings goes out, said before it is sent.

use egui::accesskit::Role;
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{chat::CacheLife, dialect::DialectId, settings::Settings};

use super::{Rig, ask, endpoint, rig_with};

/// A pane that asks this model in this protocol, its settings open.
fn settings_of(dialect: DialectId, model: &str) -> Harness<'static, Rig> {
    let mut of = endpoint("it", "It", false, &[model]);
    of.dialect = dialect;
    let settings = Settings {
        endpoints: vec![of],
        ..Settings::default()
    };
    let mut harness = rig_with(settings, [1280.0, 800.0]);
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness
}

fn write(harness: &mut Harness<'_, Rig>, field: &str, text: &str) {
    let node = || Role::TextInput;
    harness.get_by_role_and_label(node(), field).focus();
    harness.run_steps(1);
    harness.get_by_role_and_label(node(), field).type_text(text);
    harness.run_steps(2);
}

#[test]
fn an_effort_says_what_it_becomes_in_the_protocol() {
    let mut harness = settings_of(DialectId::Gemini, "gemini-2.5-flash");
    harness.get_by_label("Reasoning effort: low").click();
    harness.run_steps(3);
    harness.get_by_label_contains("\"thinkingBudget\":1024");
}

#[test]
fn what_is_left_out_is_said_in_the_pane_with_its_settings_closed() {
    let mut harness = settings_of(DialectId::OpenaiChat, "gpt-5-mini");
    write(&mut harness, "Temperature", "0.7");
    write(&mut harness, "Top p", "0.5");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(harness.query_by_label("Clear all").is_none());
    harness.get_by_label_contains("temperature, top_p not sent: this reasoning model");
}

#[test]
fn prompt_caching_is_asked_for_where_the_protocol_has_it() {
    let harness = settings_of(DialectId::OpenaiChat, "gpt-5-mini");
    assert!(harness.query_by_label("Prompt caching: 1 hour").is_none());
    let mut harness = settings_of(DialectId::Anthropic, "claude-sonnet-4-5");
    harness
        .get_by_label("Prompt caching: 1 hour")
        .scroll_to_me();
    harness.run_steps(20);
    harness.get_by_label("Prompt caching: 1 hour").click();
    harness.run_steps(3);
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    let sent = ask(&mut harness, "Hello");
    let params = &sent[0].request.params;
    assert_eq!(params.cache_prompt, Some(CacheLife::Hour));
}
