//! Search fields: each fills what it stands in, whatever is typed.

use egui::{Key, Role};
use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    conversation::{Conversation, ConversationId, ConversationSummary},
    desktop::view::ViewId,
};

use super::{Desktop, Player, Scene, click, open_view, player::load_conversation, press, scenes};

/// The field of this name, empty and with a text in it.
fn both_ways(desktop: &mut Desktop, player: &mut Player, name: &str) -> [egui::Rect; 2] {
    let of = |desktop: &Desktop| desktop.get_by_label(name).rect();
    let empty = of(desktop);
    desktop.get_by_label(name).focus();
    player.play(desktop);
    desktop.get_by_label(name).type_text("o");
    player.play(desktop);
    [empty, of(desktop)]
}

#[test]
fn the_search_of_providers_is_as_wide_as_their_list() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    desktop.get_by_label_contains("Add an endpoint").click();
    player.play(&mut desktop);
    let fields = both_ways(&mut desktop, &mut player, "Search providers");
    let row = desktop.get_by_label("Add OpenAI").rect();
    for field in fields {
        assert!(
            (field.left() - row.left()).abs() < 2.0,
            "{field} over {row}"
        );
        // Beside the list runs its scroll bar.
        assert!(
            (0.0..20.0).contains(&(field.right() - row.right())),
            "{field} over {row}"
        );
    }
}

#[test]
fn the_search_of_conversations_fills_the_sidebar_and_the_sidebar_keeps_its_width() {
    let many = (1..40).map(|id| ConversationSummary {
        id: ConversationId(id),
        title: format!("On the {id}th question of the long list"),
        updated_unix_ns: id,
        panes: 2,
    });
    let scene = Scene {
        conversations: many.collect(),
        ..scenes::filled()
    };
    let (mut desktop, mut player) = open_view(ViewId::Playground, scene);
    press(&mut desktop, &mut player, Key::B);
    desktop.run_steps(20);
    let pane = |desktop: &Desktop| desktop.get_by_label("Head of pane 1").rect().left();
    let before = pane(&desktop);
    let [empty, typed] = both_ways(&mut desktop, &mut player, "Search conversations");
    assert_eq!(empty, typed);
    let heading = desktop.get_by_role_and_label(Role::Label, "Conversations");
    assert!((heading.rect().left() - empty.left()).abs() < 1.0);
    assert!(
        (pane(&desktop) - before).abs() < 0.5,
        "the sidebar keeps its width"
    );
    let margin = before - empty.right();
    assert!((0.0..24.0).contains(&margin), "{margin}");
}

#[test]
fn a_list_of_conversations_opens_at_the_one_that_is_shown() {
    let many: Vec<_> = (1..80)
        .map(|id| ConversationSummary {
            id: ConversationId(id),
            title: format!("Question {id}"),
            updated_unix_ns: id,
            panes: 2,
        })
        .collect();
    let scene = Scene {
        conversations: many,
        ..scenes::filled()
    };
    let (mut desktop, mut player) = open_view(ViewId::Playground, scene);
    press(&mut desktop, &mut player, Key::B);
    let name = "Open “Question 70”";
    desktop.get_by_label(name).scroll_to_me();
    desktop.run_steps(30);
    click(&mut desktop, &mut player, name);
    let shown = Conversation {
        id: ConversationId(70),
        ..Conversation::default()
    };
    load_conversation(&mut player.heard, &shown);
    player.play(&mut desktop);
    for _ in 0..2 {
        press(&mut desktop, &mut player, Key::B);
        desktop.run_steps(20);
    }
    let (row, search) = (
        desktop.get_by_label(name).rect(),
        desktop.get_by_label("Search conversations").rect(),
    );
    assert!(
        row.top() >= search.bottom() && row.bottom() <= 800.0,
        "{row}"
    );
}
