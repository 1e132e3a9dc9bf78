//! Warns, before a question is sent, which of its settings and files are not sent as they are, and why.
//!
//! In: the target's protocol, the settings and the attached files. Out: a line for each reason.

use egui::{Frame, Label, Margin, RichText, Ui};

use crate::{
    chat::{ChatRequest, Media, Message, Part, Role},
    conversation::Pane,
    desktop::{
        icons,
        theme::{Theme, size},
    },
    dialect::DialectId,
    hints::{self, Hint},
};

/// Shows which of a pane's settings and of these files are not sent, and which file makes the pane's model refuse the
/// question.
pub fn pane_ui(ui: &mut Ui, theme: &Theme, dialect: DialectId, pane: &Pane, attached: &[Media]) {
    let mut said = of_settings(dialect, pane, |hint| hint.sent_as.is_none());
    said.extend(hints::refusal(dialect, &files(attached)));
    // Even an empty frame would take up space.
    if !said.is_empty() {
        let beside = Margin::symmetric(6, 0);
        let frame = Frame::new().inner_margin(beside);
        frame.show(ui, |ui| lines_ui(ui, theme, &said));
    }
}

/// Shows which of a pane's settings are not sent, or are sent under another name.
pub fn settings_ui(ui: &mut Ui, theme: &Theme, dialect: DialectId, pane: &Pane) {
    lines_ui(ui, theme, &of_settings(dialect, pane, |_| true));
}

/// A request with these files.
fn files(attached: &[Media]) -> ChatRequest {
    let files = Message {
        role: Role::User,
        parts: attached.iter().cloned().map(Part::Media).collect(),
    };
    ChatRequest {
        messages: vec![files],
        ..ChatRequest::default()
    }
}

fn of_settings(dialect: DialectId, pane: &Pane, which: fn(&Hint) -> bool) -> Vec<String> {
    let Some(target) = &pane.target else {
        return Vec::new();
    };
    let mut hints = hints::settings(dialect, &target.model, &pane.params);
    hints.retain(which);
    lines(&hints)
}

fn lines_ui(ui: &mut Ui, theme: &Theme, lines: &[String]) {
    for line in lines {
        let text = RichText::new(format!("{} {line}", icons::WARN)).size(size::SMALL);
        ui.add(Label::new(text.color(theme.warn)).wrap());
    }
}

/// A line for each reason, in order, with all settings that it applies to.
fn lines(hints: &[Hint]) -> Vec<String> {
    let mut all: Vec<(String, String)> = Vec::new();
    for hint in hints {
        let sentence = hint.sentence();
        match all.iter_mut().find(|(_, known)| *known == sentence) {
            Some((settings, _)) => {
                settings.push_str(", ");
                settings.push_str(&hint.setting);
            }
            None => all.push((hint.setting.clone(), sentence)),
        }
    }
    let lines = all.into_iter();
    lines
        .map(|(settings, sentence)| format!("{settings} {sentence}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_reason_has_one_line() {
        let hint = |setting: &str, why: &str| Hint {
            setting: setting.into(),
            sent_as: None,
            why: why.into(),
        };
        let hints = [
            hint("temperature", "it samples by itself"),
            hint("seed", "no such field"),
            hint("top_p", "it samples by itself"),
        ];
        assert_eq!(
            lines(&hints),
            [
                "temperature, top_p not sent: it samples by itself",
                "seed not sent: no such field"
            ]
        );
    }
}
