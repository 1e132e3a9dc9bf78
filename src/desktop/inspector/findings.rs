//! What was lost or odd in a run, above its figures.

use egui::{Label, RichText, Ui};

use super::part::part;
use crate::{
    conformance::{self, Finding},
    desktop::{
        parts,
        theme::{Theme, caption},
        widgets::badge,
    },
    run::Run,
    visible::visible,
};

/// What was lost or odd, and the signatures that go back with the answer.
pub fn show(ui: &mut Ui, theme: &Theme, run: &Run, findings: Option<&[Finding]>) {
    let answer = &run.answer;
    let checking = findings.is_none() && run.state.is_over();
    let findings = conformance::in_words(findings.unwrap_or_default());
    let notes: Vec<_> = (answer.notes.iter())
        .filter(|(note, _)| !conformance::is_told(&note.text, &findings))
        .collect();
    let signed = answer.pieces.iter().filter_map(|p| p.signature.as_ref());
    let signed = signed.filter(|signature| !signature.is_empty());
    let signatures: Vec<usize> = signed.map(String::len).collect();
    let nothing = findings.is_empty() && notes.is_empty() && answer.unknown.is_empty();
    if nothing && signatures.is_empty() && !checking {
        return;
    }
    part(ui, theme, "Checks", |ui| {
        if checking {
            ui.label(caption(theme, "Checking…"));
        }
        for finding in &findings {
            let row = conformance::row(finding.check);
            let text = RichText::new(visible(&finding.text));
            ui.horizontal_wrapped(|ui| {
                badge(ui, theme, row.label, theme.warn).on_hover_text(row.meaning);
                ui.add(Label::new(text).wrap());
            });
        }
        for (note, times) in notes {
            let times = if *times > 1 {
                format!(" ({times} times)")
            } else {
                String::new()
            };
            ui.add(Label::new(format!("{}{times}", visible(&note.text))).wrap());
        }
        for (kind, raw) in &answer.unknown {
            ui.add(Label::new(format!("Unknown {}", visible(kind))).wrap());
            parts::json_ui(ui, theme, raw, kind);
        }
        if !signatures.is_empty() {
            let bytes = parts::bytes_text(signatures.iter().sum());
            let text = format!("{} parts signed or sourced, {bytes}", signatures.len());
            ui.label(caption(theme, text)).on_hover_text(
                "The provider signed parts of this answer, or said beside them what they rest on and who called; \
                 that goes back with them as it came",
            );
        }
    });
}
