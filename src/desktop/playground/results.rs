//! The form under an answer that waits for the results of its calls.
//!
//! In: the calls, and what was typed so far. Out: the typed text, stored with the turn; the results, once each call has
//! one.

use egui::{Label, RichText, TextEdit, Ui, vec2};

use super::{
    edits,
    intent::{EditIntent, Intent, RunIntent},
};
use crate::{
    chat::ToolCall,
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong},
        widgets::{card, primary_button},
    },
    run::RunId,
    visible::visible,
};

/// Shows the form; returns the intent to store what was typed or to continue, if any.
pub fn results_ui(
    ui: &mut Ui,
    theme: &Theme,
    (pane, run): (u32, RunId),
    calls: &[ToolCall],
    mut typed: Vec<String>,
) -> Option<Intent> {
    typed.resize(calls.len(), String::new());
    let mut intent = None;
    ui.add_space(space::S);
    card(ui, theme, |ui| {
        ui.set_width(ui.available_width());
        ui.label(strong(if calls.len() == 1 {
            "What did the call return?".to_owned()
        } else {
            format!("What did the {} calls return?", calls.len())
        }));
        let mut changed = false;
        for (index, (call, result)) in calls.iter().zip(&mut typed).enumerate() {
            changed |= result_ui(ui, theme, index, call, result);
        }
        ui.add_space(space::XS);
        if continue_ui(ui, theme, &typed) {
            intent = Some(Intent::Run(RunIntent::Continue(
                pane,
                edits::results_of(calls, &typed),
            )));
        } else if changed {
            intent = Some(Intent::Edit(EditIntent::Results(pane, run, typed)));
        }
    });
    intent
}

/// Shows the button to continue, enabled once each call has a result; returns whether it was clicked.
fn continue_ui(ui: &mut Ui, theme: &Theme, typed: &[String]) -> bool {
    let missing = typed.iter().filter(|r| r.trim().is_empty()).count();
    let hint = match missing {
        1 => "One result is missing: every call needs one".to_owned(),
        _ => format!("{missing} results are missing: every call needs one"),
    };
    ui.horizontal_wrapped(|ui| {
        let text = format!("{} Continue", icons::ARROW_UP);
        let button = ui.add_enabled_ui(missing == 0, |ui| primary_button(ui, theme, &text));
        let button = button.inner;
        button.widget_info(|| {
            let name = "Continue with these results";
            egui::WidgetInfo::labeled(egui::Role::Button, missing == 0, name)
        });
        let about = "If you send a new prompt instead, these calls are left out";
        ui.add(Label::new(caption(theme, about)).wrap());
        button.on_disabled_hover_text(hint).clicked()
    })
    .inner
}

/// Shows a call and the field for its result; returns whether that was changed.
fn result_ui(
    ui: &mut Ui,
    theme: &Theme,
    index: usize,
    call: &ToolCall,
    result: &mut String,
) -> bool {
    ui.add_space(space::XS);
    let name = visible(&call.name).into_owned();
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&name).monospace());
        let arguments: String = call.arguments.chars().take(120).collect();
        ui.label(caption(theme, visible(&arguments)).monospace());
    });
    let edit = TextEdit::multiline(result)
        .hint_text(RichText::new("Text or JSON").color(theme.text_dim))
        .code_editor()
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .margin(vec2(8.0, 5.0));
    let field = ui
        .add(edit)
        .accessible_name(format!("Result of call {}: {name}", index + 1));
    if let Some(why) = broken_json(result) {
        let text = format!(
            "{} Sent as text: it looks like JSON, but {why}",
            icons::WARN
        );
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(theme.warn)).wrap());
    }
    field.changed()
}

/// Why a result that begins like JSON is not valid JSON.
fn broken_json(result: &str) -> Option<String> {
    let begins = result.trim_start().starts_with(['{', '[']);
    let error = serde_json::from_str::<serde_json::Value>(result).err();
    error.filter(|_| begins).map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_as_json_is_held_to_it() {
        assert_eq!(broken_json("12 degrees"), None);
        assert_eq!(broken_json(" {\"a\": [1]} "), None);
        assert!(broken_json("{\"a\": ").unwrap().contains("line 1"));
    }
}
