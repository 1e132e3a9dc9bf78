//! Files that the provider fetches.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use tokenscope::chat::Part;

use super::{ask, rig};

#[test]
fn a_file_by_address_goes_with_the_question() {
    let mut harness = rig();
    for (address, said) in [
        ("https://host/cat", Some("its type can't be told")),
        ("gs://bucket/talk.mp4", None),
    ] {
        if harness.query_by_label("Address of the file").is_none() {
            harness.get_by_label("Attach by address…").click();
            harness.run_steps(2);
        }
        let field = || Role::TextInput;
        harness
            .get_by_role_and_label(field(), "Address of the file")
            .focus();
        harness.run_steps(1);
        harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        harness
            .get_by_role_and_label(field(), "Address of the file")
            .type_text(address);
        harness.run_steps(2);
        harness.get_by_label("Attach").click();
        harness.run_steps(3);
        if let Some(said) = said {
            harness.get_by_label_contains(said);
        }
    }
    harness.get_by_label("Remove file 1");
    let sent = ask(&mut harness, "What is said in it?");
    let media = sent[0].request.messages[0]
        .parts
        .iter()
        .find_map(|part| match part {
            Part::Media(media) => Some(media),
            _ => None,
        });
    let media = media.unwrap();
    assert_eq!(media.uri.as_deref(), Some("gs://bucket/talk.mp4"));
    assert_eq!(media.mime, "video/mp4");
    assert!(media.data.is_empty());
}
