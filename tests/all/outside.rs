//! What leaves the window: copies and links, with a clipboard that works, and with one that does not.

use std::sync::{Arc, Mutex};

use egui::{Role, accesskit::Toggled};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::desktop::{outside::Outside, view::ViewId};

use crate::desktop::{Desktop, Player, layout_of, open, scenes};

/// The details of a run, in a window with this clipboard.
fn details(
    put: impl FnMut(String) -> Result<(), String> + Send + Sync + 'static,
) -> (Desktop, Player) {
    let layout = layout_of(ViewId::Runs);
    let (mut desktop, mut player) = open(scenes::filled(), (1280.0, 800.0), Some(&layout));
    desktop
        .ctx
        .add_plugin(Outside::new(Box::new(put), |_| Ok(())));
    desktop.query_all_by_role(Role::Row).next().unwrap().click();
    player.play(&mut desktop);
    copy_button(&desktop).scroll_to_me();
    player.play(&mut desktop);
    (desktop, player)
}

fn copy_button(desktop: &Desktop) -> egui_kittest::Node<'_> {
    let mut buttons = desktop.query_all_by_label_contains("Copy: ");
    buttons.next().expect("the details have a copy button")
}

fn is_checked(desktop: &Desktop) -> bool {
    copy_button(desktop).accesskit_node().toggled() == Some(Toggled::True)
}

#[test]
fn a_copy_button_answers_for_a_moment_once_the_text_is_on_the_clipboard() {
    let copied = Arc::new(Mutex::new(Vec::new()));
    let clipboard = copied.clone();
    let (mut desktop, _player) = details(move |text| {
        clipboard.lock().unwrap().push(text);
        Ok(())
    });
    copy_button(&desktop).click();
    desktop.run_steps(8);
    assert!(is_checked(&desktop));
    assert_eq!(copied.lock().unwrap().len(), 1);
    assert!(!copied.lock().unwrap()[0].is_empty());
    // A step is a tenth of a second.
    desktop.run_steps(20);
    assert!(!is_checked(&desktop));
}

#[test]
fn a_copy_that_failed_is_told_and_no_button_says_otherwise() {
    let (mut desktop, _player) = details(|_| Err("no display".to_owned()));
    copy_button(&desktop).click();
    desktop.run_steps(8);
    assert!(!is_checked(&desktop));
    let told = "Not copied: the clipboard can’t be reached (no display)";
    let toast = desktop.get_by_role_and_label(Role::Status, told);
    // It stands in the status bar: below every control of the view.
    assert!(toast.rect().top() >= 800.0 - 26.0, "{:?}", toast.rect());
}

#[test]
fn egui_s_own_copies_and_links_go_the_same_way() {
    let copied = Arc::new(Mutex::new(Vec::new()));
    let clipboard = copied.clone();
    let (mut desktop, _player) = details(move |text| {
        clipboard.lock().unwrap().push(text);
        Ok(())
    });
    desktop.ctx.copy_text("selected".to_owned());
    desktop
        .ctx
        .open_url(egui::OpenUrl::new_tab("file:///etc/passwd"));
    desktop.run_steps(3);
    assert_eq!(*copied.lock().unwrap(), ["selected"]);
    assert!(desktop.output().platform_output.commands.is_empty());
    desktop.get_by_label("Not opened: only http, https and mailto addresses are");
}
