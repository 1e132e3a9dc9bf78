//! The form under an answer that waits for the results of its calls.
//!
//! In: the calls. Out: the results, as typed, once each has one.

use egui::{Label, RichText, TextEdit, Ui, vec2};

use super::{edits, intent::Intent};
use crate::{
    chat::ToolCall,
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong},
        widgets::{card, primary_button},
    },
    visible::visible,
};

/// What is typed for each call.
#[derive(Debug, Default)]
pub struct ResultsForm {
    results: Vec<String>,
}

impl ResultsForm {
    /// Shows the form; gives the wish to go on, when it was pressed.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        pane: u32,
        calls: &[ToolCall],
    ) -> Option<Intent> {
        self.results.resize(calls.len(), String::new());
        let mut wish = None;
        ui.add_space(space::S);
        card(ui, theme, |ui| {
            ui.set_width(ui.available_width());
            ui.label(strong(if calls.len() == 1 {
                "What did the call give?".to_owned()
            } else {
                format!("What did the {} calls give?", calls.len())
            }));
            for (index, (call, result)) in calls.iter().zip(&mut self.results).enumerate() {
                result_ui(ui, theme, index, call, result);
            }
            ui.add_space(space::XS);
            let missing = self.results.iter().filter(|r| r.trim().is_empty()).count();
            let text = format!("{} Continue", icons::ARROW_UP);
            let button = ui.add_enabled_ui(missing == 0, |ui| primary_button(ui, theme, &text));
            let button = button.inner;
            button.widget_info(|| {
                egui::WidgetInfo::labeled(
                    egui::Role::Button,
                    missing == 0,
                    "Continue with these results",
                )
            });
            let hint = match missing {
                1 => "One result is missing: every call needs one".to_owned(),
                _ => format!("{missing} results are missing: every call needs one"),
            };
            if button.on_disabled_hover_text(hint).clicked() {
                let results = edits::results_of(calls, &self.results);
                wish = Some(Intent::Continue(pane, results));
            }
        });
        wish
    }
}

fn result_ui(ui: &mut Ui, theme: &Theme, index: usize, call: &ToolCall, result: &mut String) {
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
    ui.add(edit)
        .accessible_name(format!("Result of call {}: {name}", index + 1));
    if let Some(why) = broken_json(result) {
        let text = format!(
            "{} Sent as text: it looks like JSON, but {why}",
            icons::WARN
        );
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(theme.warn)).wrap());
    }
}

/// Why a result that begins as JSON is none.
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
