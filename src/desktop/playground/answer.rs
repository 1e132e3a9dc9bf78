//! One answer: its reasoning folded, its text as it comes, calls, faults and oddities as what they are.

use std::fmt::Write as _;

use egui::{Align, CornerRadius, Frame, Label, Layout, Margin, RichText, Ui};

use super::markdown::{Doc, Ink, Mode};
use crate::{
    chat::ToolCall,
    conformance::{self, Finding},
    desktop::{
        icons, parts,
        theme::{RADIUS, Theme, caption, size, space, strong, tiny},
        widgets::{copy_button, fold_ui, ms_text},
    },
    event::{Answer, BodyPart, Fault, FaultClass},
    run::{Run, RunState},
    visible::visible,
};

/// What is known of one answer between frames.
#[derive(Debug, Default)]
pub struct AnswerView {
    /// Whether its text is shown word for word.
    pub raw: bool,
    /// Whether its reasoning is unfolded.
    pub reasoning_open: bool,
    notes_open: bool,
    /// The stretches of text between what else the answer is made of.
    texts: Vec<Doc>,
    reasoning: Doc,
    calls: Vec<CallView>,
}

/// A tool call's arguments as a markdown text, made anew when they grow.
#[derive(Debug, Default)]
struct CallView {
    seen: usize,
    source: String,
    broken: bool,
    doc: Doc,
}

impl AnswerView {
    /// Scrolls to a byte of the reasoning in the next frames, and unfolds it.
    pub fn go_to_reasoning(&mut self, byte: usize) {
        self.reasoning_open = true;
        self.reasoning.go_to(byte);
    }

    /// Scrolls to a byte of a text in the next frames.
    pub fn go_to_text(&mut self, number: usize, byte: usize) {
        if let Some(text) = self.texts.get_mut(number) {
            text.go_to(byte);
        }
    }

    /// Shows the answer of `run`, with its findings as far as they are known. Gives by how much what is on screen was
    /// moved by what is above it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        (run, findings): (&Run, &[Finding]),
        elapsed_s: Option<f64>,
    ) -> f32 {
        let answer = &run.answer;
        let live = !run.state.is_over();
        if !answer.reasoning.is_empty() {
            self.reasoning_ui(ui, theme, answer, live);
        }
        self.body_ui(ui, theme, answer);
        if !answer.refusal.is_empty() {
            refusal_ui(ui, theme, &answer.refusal);
        }
        self.calls_ui(ui, theme, answer, live);
        if live && !is_begun(answer) {
            waiting_ui(ui, theme, run.state, elapsed_s);
        }
        if let Some(fault) = &answer.fault {
            fault_ui(ui, theme, fault, !answer.text.is_empty());
        } else if run.state == RunState::Ok && !is_begun(answer) {
            ui.label(caption(theme, "The answer ended without a word"));
        }
        parts::sources_ui(ui, theme, &answer.citations);
        self.notes_ui(ui, theme, run, findings);
        let texts: f32 = self.texts.iter().map(Doc::shift).sum();
        texts + self.reasoning.shift()
    }

    /// Text, files and items, in the order in which they came.
    fn body_ui(&mut self, ui: &mut Ui, theme: &Theme, answer: &Answer) {
        let mode = self.mode();
        let body = answer.body();
        let texts = body.iter().filter(|part| matches!(part, BodyPart::Text(_)));
        self.texts.resize_with(texts.count(), Doc::default);
        let mut docs = self.texts.iter_mut();
        for (place, part) in body.iter().enumerate() {
            match part {
                BodyPart::Text(text) => {
                    if let Some(doc) = docs.next() {
                        ui.push_id(("text", place), |ui| {
                            doc.ui(ui, theme, &Ink::of(theme), text, mode);
                        });
                    }
                }
                BodyPart::Media(number, media) => parts::media_ui(ui, theme, media, number + 1),
                BodyPart::Item(kind, raw) => parts::item_ui(ui, theme, kind, raw, place),
            }
        }
    }

    fn mode(&self) -> Mode {
        if self.raw { Mode::Raw } else { Mode::Markdown }
    }

    fn reasoning_ui(&mut self, ui: &mut Ui, theme: &Theme, answer: &Answer, live: bool) {
        let thinking = live && !has_output(answer);
        let word = if thinking { "Thinking" } else { "Reasoning" };
        let length = chars_text(answer.reasoning.chars().count());
        let label = format!("{word} · {length} chars");
        fold_ui(
            ui,
            theme,
            icons::REASONING,
            &label,
            &mut self.reasoning_open,
        );
        if self.reasoning_open {
            let bar = Frame::new().inner_margin(Margin {
                left: 12,
                ..Margin::ZERO
            });
            let rect = bar
                .show(ui, |ui| {
                    let mode = self.mode();
                    self.reasoning
                        .ui(ui, theme, &Ink::quiet(theme), &answer.reasoning, mode);
                })
                .response
                .rect;
            let stroke = egui::Stroke::new(2.0, theme.line_strong);
            ui.painter()
                .vline(rect.left() + 4.0, rect.y_range(), stroke);
            if has_output(answer) {
                ui.add_space(space::S);
            }
        }
    }

    fn calls_ui(&mut self, ui: &mut Ui, theme: &Theme, answer: &Answer, live: bool) {
        self.calls
            .resize_with(answer.tool_calls.len(), CallView::default);
        for (index, (call, view)) in answer.tool_calls.iter().zip(&mut self.calls).enumerate() {
            ui.push_id(("call", index), |ui| view.ui(ui, theme, call, live));
        }
    }

    /// What was lost or odd, folded: findings, and what else the stream let be known.
    fn notes_ui(&mut self, ui: &mut Ui, theme: &Theme, run: &Run, findings: &[Finding]) {
        let answer = &run.answer;
        let findings = conformance::in_words(findings);
        let notes: Vec<_> = (answer.notes.iter())
            .filter(|(note, _)| !conformance::is_told(&note.text, &findings))
            .collect();
        let count = findings.len() + notes.len() + answer.unknown.len();
        if count == 0 {
            return;
        }
        let label = if count == 1 {
            "1 note".to_owned()
        } else {
            format!("{count} notes")
        };
        fold_ui(ui, theme, icons::INFO, &label, &mut self.notes_open).on_hover_text(
            "What was lost or odd: settings that were not sent or not heeded, counts that are missing, pieces that \
             are not as the protocol has them, parts that are not known here",
        );
        if !self.notes_open {
            return;
        }
        for finding in findings {
            let row = conformance::row(finding.check);
            let text = format!("{}: {}", row.label, visible(&finding.text));
            ui.add(Label::new(caption(theme, text)).wrap())
                .on_hover_text(row.meaning);
        }
        for (note, times) in notes {
            let times = if *times > 1 {
                format!(" ({times} times)")
            } else {
                String::new()
            };
            ui.add(Label::new(caption(theme, format!("{}{times}", visible(&note.text)))).wrap());
        }
        for (kind, raw) in &answer.unknown {
            ui.label(caption(theme, format!("Unknown {}", visible(kind))));
            parts::json_ui(ui, theme, raw, kind);
        }
    }
}

impl CallView {
    fn ui(&mut self, ui: &mut Ui, theme: &Theme, call: &ToolCall, live: bool) {
        if self.source.is_empty() || self.seen != call.arguments.len() {
            self.seen = call.arguments.len();
            let json = serde_json::from_str::<serde_json::Value>(&call.arguments);
            self.broken = json.is_err() && !call.arguments.trim().is_empty();
            let pretty = json
                .ok()
                .and_then(|json| serde_json::to_string_pretty(&json).ok());
            let fence = longest_fence(&call.arguments);
            // The fence stays open, so that what is still coming only adds to the text.
            let body = pretty.as_deref().unwrap_or(&call.arguments);
            let source = format!("{fence}json\n{body}");
            if !source.starts_with(&self.source) {
                self.doc = Doc::default();
            }
            self.source = source;
        }
        ui.add_space(space::XS);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(RichText::new(icons::TOOL).color(theme.accent));
            ui.label(strong("Calls"));
            let name = if call.name.is_empty() {
                "an unnamed function"
            } else {
                &call.name
            };
            ui.label(RichText::new(visible(name)).monospace().color(theme.text));
            if !call.id.is_empty() {
                ui.label(tiny(theme, visible(&call.id)).monospace());
            }
        });
        self.doc
            .ui(ui, theme, &Ink::of(theme), &self.source, Mode::Markdown);
        if self.broken && !live {
            let text = RichText::new("These arguments are not valid JSON").size(size::SMALL);
            ui.label(text.color(theme.warn));
        }
    }
}

/// A fence that no run of backticks in the text can close.
fn longest_fence(text: &str) -> String {
    let runs = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(runs.max(2) + 1)
}

fn has_output(answer: &Answer) -> bool {
    !(answer.text.is_empty()
        && answer.refusal.is_empty()
        && answer.tool_calls.is_empty()
        && answer.media.is_empty())
}

fn is_begun(answer: &Answer) -> bool {
    has_output(answer) || !answer.reasoning.is_empty()
}

/// A number of characters, short.
fn chars_text(chars: usize) -> String {
    if chars < 1_000 {
        return chars.to_string();
    }
    #[expect(clippy::cast_precision_loss, reason = "rounded to a digit anyway")]
    let thousands = chars as f64 / 1e3;
    format!("{thousands:.1} k")
}

fn waiting_ui(ui: &mut Ui, theme: &Theme, state: RunState, elapsed_s: Option<f64>) {
    let mut text = match state {
        RunState::Queued => "Queued",
        RunState::Connecting => "Connecting",
        _ => "Waiting for the first token",
    }
    .to_owned();
    if let Some(elapsed) = elapsed_s {
        // Writing to a string can't fail.
        let _ = write!(text, " · {elapsed:.1} s");
    }
    ui.label(caption(theme, text));
}

fn refusal_ui(ui: &mut Ui, theme: &Theme, refusal: &str) {
    note_frame(theme, theme.warn).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.label(RichText::new(format!("{} The model refused", icons::WARN)).color(theme.warn));
        ui.add(Label::new(visible(refusal).into_owned()).wrap());
    });
}

fn note_frame(theme: &Theme, color: egui::Color32) -> Frame {
    Frame::new()
        .fill(theme.wash(color))
        .corner_radius(CornerRadius::same(RADIUS))
        .inner_margin(Margin::symmetric(10, 8))
        .outer_margin(Margin::symmetric(0, 4))
}

/// What a fault's class means to a person.
fn headline(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Dns => "The host’s name was not found",
        FaultClass::Connect => "No connection",
        FaultClass::Tls => "TLS failed",
        FaultClass::Proxy => "The proxy failed",
        FaultClass::Auth => "The key was not accepted",
        FaultClass::RateLimited => "Too many requests",
        FaultClass::Overloaded => "The provider is overloaded",
        FaultClass::NotFound => "No such model or address",
        FaultClass::BadRequest => "The request was refused",
        FaultClass::Timeout => "A time limit ran out",
        FaultClass::Reset => "The connection was reset",
        FaultClass::Interrupted => "The answer broke off",
        FaultClass::Protocol => "Not what the protocol says",
        FaultClass::Provider => "The provider reported an error",
        FaultClass::Cancelled => "Stopped",
        FaultClass::Suspended => "The machine slept",
    }
}

/// Shows a fault: class and phase, the provider's own words, and what is kept.
pub fn fault_ui(ui: &mut Ui, theme: &Theme, fault: &Fault, partial: bool) {
    if fault.class.is_no_failure() {
        let head = headline(fault.class);
        let kept = if partial {
            format!("{head}; what had come is kept")
        } else {
            format!("{head} before a token came")
        };
        ui.label(caption(theme, format!("{} {kept}", icons::CANCELLED)));
        return;
    }
    note_frame(theme, theme.bad).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::FAULT).color(theme.bad));
            ui.label(strong(headline(fault.class)).color(theme.bad));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                copy_button(ui, theme, "Copy the error", || fault_text(fault));
            });
        });
        ui.add(Label::new(visible(&fault.message).into_owned()).wrap());
        ui.add(Label::new(tiny(theme, details(fault))).wrap());
        if let Some(said) = &fault.details {
            let text = format!("Also said: {}", visible(said));
            ui.add(Label::new(tiny(theme, text)).wrap());
        }
        if partial {
            ui.label(tiny(theme, "What had come before is kept above"));
        }
    });
}

/// Class, phase, status, the provider's code, and how long it asks to wait.
fn details(fault: &Fault) -> String {
    let phase = fault.phase.as_str().replace('_', " ");
    let mut text = format!(
        "{} · in phase {phase}",
        fault.class.as_str().replace('_', " ")
    );
    if let Some(status) = fault.status {
        let _ = write!(text, " · HTTP {status}");
    }
    if let Some(code) = &fault.code {
        let _ = write!(text, " · {}", visible(code));
    }
    if let Some(wait) = fault.retry_after_ms {
        #[expect(clippy::cast_precision_loss, reason = "a wait of less than ages")]
        let _ = write!(text, " · asks to wait {}", ms_text(wait as f64));
    }
    text
}

fn fault_text(fault: &Fault) -> String {
    let mut text = format!(
        "{}\n{}\n{}",
        headline(fault.class),
        fault.message,
        details(fault)
    );
    if let Some(said) = &fault.details {
        let _ = write!(text, "\n{said}");
    }
    text
}
