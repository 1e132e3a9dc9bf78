//! The text that a screen reader gets: the same as what is drawn, with control and invisible characters escaped.
//!
//! Widgets all over the window are named after models, titles, errors and answers. This plugin escapes their names in
//! one place.

use egui::{
    Context, FullOutput, Plugin,
    accesskit::{Node, Role},
};

use crate::visible::visible;

/// Passes the names and texts of all widgets through [`visible`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Spoken;

impl Plugin for Spoken {
    fn debug_name(&self) -> &'static str {
        "spoken"
    }

    fn output_hook(&mut self, _ctx: &Context, output: &mut FullOutput) {
        let update = output.platform_output.accesskit_update.as_mut();
        for (_, node) in update.into_iter().flat_map(|update| &mut update.nodes) {
            guard(node);
        }
    }
}

fn guard(node: &mut Node) {
    pass(node, Node::label, Node::set_label);
    pass(node, Node::description, Node::set_description);
    pass(node, Node::placeholder, Node::set_placeholder);
    if !is_counted(node.role()) {
        pass(node, Node::value, Node::set_value);
    }
}

fn pass(node: &mut Node, get: fn(&Node) -> Option<&str>, set: fn(&mut Node, String)) {
    let guarded = get(node).map(visible);
    if let Some(std::borrow::Cow::Owned(guarded)) = guarded {
        set(node, guarded);
    }
}

/// Whether a text comes with the positions of its characters or of a caret, so that escaping would shift them. Such a
/// text is what the user edits, which stays as it is, or drawn text, which is escaped already.
fn is_counted(role: Role) -> bool {
    matches!(
        role,
        Role::TextRun
            | Role::TextInput
            | Role::MultilineTextInput
            | Role::SearchInput
            | Role::PasswordInput
    )
}

#[cfg(test)]
mod tests {
    use egui::{Role, WidgetInfo};
    use egui_kittest::{
        Harness,
        kittest::{NodeT as _, Queryable as _},
    };

    use super::*;

    const RAW: &str = "gpt\u{202e}-5\u{200b}\u{1b}[2J\u{e0041}";
    const GUARDED: &str = r"gpt\u{202e}-5\u{200b}\u{1b}[2J\u{e0041}";

    #[test]
    fn what_a_screen_reader_is_told_is_guarded() {
        let mut typed = RAW.to_owned();
        let mut harness = Harness::builder()
            .with_context_setup(|ctx| ctx.add_plugin(Spoken))
            .allow_missing_glyphs()
            .build_ui(move |ui| {
                let button = ui.button("draw");
                button.widget_info(|| WidgetInfo::labeled(Role::Button, true, RAW));
                let label = ui.label("told");
                label.widget_info(|| WidgetInfo::labeled(Role::Label, true, RAW));
                ui.text_edit_singleline(&mut typed).labelled_by(label.id);
                egui::ComboBox::from_label("Choice")
                    .selected_text(RAW)
                    .show_ui(ui, |_| {});
            });
        harness.run();
        let node = |role| harness.get_by_role(role);
        assert_eq!(
            node(Role::Button).accesskit_node().label().as_deref(),
            Some(GUARDED)
        );
        let choice = node(Role::ComboBox).accesskit_node();
        assert_eq!(choice.value().as_deref(), Some(GUARDED));
        let labels = harness.query_all_by_role(Role::Label);
        let told: Vec<_> = labels
            .filter_map(|node| node.accesskit_node().value())
            .collect();
        assert!(told.contains(&GUARDED.to_owned()), "{told:?}");
        // A field holds what was typed, or its caret would stand elsewhere.
        let field = node(Role::TextInput).accesskit_node();
        assert_eq!(field.value().as_deref(), Some(RAW));
        let mut empty = Node::new(Role::TextInput);
        empty.set_placeholder(RAW);
        guard(&mut empty);
        assert_eq!(empty.placeholder(), Some(GUARDED));
    }
}
