//! What of a question is not sent as it was set, and why: said before it is asked.
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

/// Says what of a pane's settings and of these files does not go out.
pub fn pane_ui(ui: &mut Ui, theme: &Theme, dialect: DialectId, pane: &Pane, attached: &[Media]) {
    let mut hints = hints_of(dialect, pane, attached);
    hints.retain(|hint| hint.sent_as.is_none());
    // An empty frame would take room, too.
    if !hints.is_empty() {
        let beside = Margin::symmetric(6, 0);
        let frame = Frame::new().inner_margin(beside);
        frame.show(ui, |ui| lines_ui(ui, theme, &hints));
    }
}

/// Says which of a pane's settings do not go out, or by another name.
pub fn settings_ui(ui: &mut Ui, theme: &Theme, dialect: DialectId, pane: &Pane) {
    lines_ui(ui, theme, &hints_of(dialect, pane, &[]));
}

fn hints_of(dialect: DialectId, pane: &Pane, attached: &[Media]) -> Vec<Hint> {
    let Some(target) = &pane.target else {
        return Vec::new();
    };
    let files = Message {
        role: Role::User,
        parts: attached.iter().cloned().map(Part::Media).collect(),
    };
    let asked = ChatRequest {
        model: target.model.clone(),
        messages: vec![files],
        params: pane.params.clone(),
        ..ChatRequest::default()
    };
    hints::fit(dialect, &asked).1
}

fn lines_ui(ui: &mut Ui, theme: &Theme, hints: &[Hint]) {
    for line in lines(hints) {
        let text = RichText::new(format!("{} {line}", icons::WARN)).size(size::SMALL);
        ui.add(Label::new(text.color(theme.warn)).wrap());
    }
}

/// A line for each reason, in their order, with all that it holds for.
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
