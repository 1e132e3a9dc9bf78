//! The inspector's first tab: one run with all that is known of it.

use egui::{CollapsingHeader, Label, RichText, ScrollArea, Ui};

use super::{
    facts::{RunFacts, pretty},
    findings,
    measured::{groups_ui, reads_ui},
    part::part,
    phases,
    verdict::burst_ui,
};
use crate::{
    chat::{Message, Part, Role},
    conformance::Finding,
    desktop::{
        icons, parts,
        playground::markdown::{Doc, Ink, Mode},
        theme::{Theme, caption, size, space, strong},
        widgets::{copy_button, figure_text, key_value},
    },
    event::{Answer, BodyPart, Fault},
    price::PriceTable,
    run::{Run, RunId},
    visible::visible,
};

/// Characters of a text that are laid out before one asks for all of it.
const LONG: usize = 12_000;

/// What is known of the shown run between frames.
#[derive(Debug, Default)]
pub struct Overview {
    run: Option<RunId>,
    /// The stretches of the answer's text between what else it is made of.
    texts: Vec<Doc>,
}

impl Overview {
    /// Shows a run with its facts, with what it costs by these prices, and its findings once they are known.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        (run, facts): (&Run, &RunFacts),
        prices: &PriceTable,
        findings: Option<&[Finding]>,
    ) {
        if self.run != Some(run.head.id) {
            *self = Self {
                run: Some(run.head.id),
                ..Self::default()
            };
        }
        ScrollArea::vertical()
            .id_salt(run.head.id.0)
            .auto_shrink(false)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                if let Some(fault) = &run.answer.fault {
                    fault_ui(ui, theme, fault);
                    ui.add_space(space::S);
                }
                findings::show(ui, theme, run, findings);
                time_ui(ui, theme, run, facts);
                groups_ui(ui, theme, run, facts, prices);
                server_ui(ui, theme, run);
                self.answer_ui(ui, theme, run);
                request_ui(ui, theme, run, facts);
            });
    }
}

/// The phases as a bar, and what the reads say.
fn time_ui(ui: &mut Ui, theme: &Theme, run: &Run, facts: &RunFacts) {
    part(ui, theme, "Time", |ui| {
        phases::show(ui, theme, &run.stamps);
        reads_ui(ui, theme, run, facts);
        burst_ui(ui, theme, facts);
    });
}

fn fault_ui(ui: &mut Ui, theme: &Theme, fault: &Fault) {
    egui::Frame::new()
        .fill(theme.wash(theme.bad))
        .corner_radius(egui::CornerRadius::same(6))
        .inner_margin(egui::Margin::same(10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                let class = fault.class.as_str().replace('_', " ");
                let phase = fault.phase.as_str().replace('_', " ");
                ui.label(strong(format!("{} {class}", icons::FAULT)).color(theme.bad));
                ui.label(caption(theme, format!("in phase {phase}")));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    copy_button(ui, theme, "Copy the error", || pretty(fault));
                });
            });
            ui.add(Label::new(visible(&fault.message).into_owned()).wrap());
            if let Some(said) = &fault.details {
                let text = format!("Also said: {}", visible(said));
                ui.add(Label::new(caption(theme, text)).wrap());
            }
            ui.horizontal_wrapped(|ui| {
                if let Some(status) = fault.status {
                    ui.label(caption(theme, format!("HTTP {status}")));
                }
                if let Some(code) = &fault.code {
                    ui.label(caption(theme, format!("code {code}")));
                }
                if let Some(wait) = fault.retry_after_ms {
                    let wait = figure_text(ms_of(wait), "ms");
                    ui.label(caption(theme, format!("asked to wait {wait}")));
                }
            });
        });
}

#[expect(clippy::cast_precision_loss, reason = "a wait")]
fn ms_of(ms: u64) -> f64 {
    ms as f64
}

impl Overview {
    fn answer_ui(&mut self, ui: &mut Ui, theme: &Theme, run: &Run) {
        let answer = &run.answer;
        if !answer.reasoning.is_empty() {
            ui.add_space(space::S);
            let title = RichText::new(format!("{} Reasoning", icons::REASONING))
                .size(size::SMALL)
                .color(theme.text_dim);
            CollapsingHeader::new(title)
                .id_salt("reasoning")
                .show(ui, |ui| {
                    text_ui(ui, theme, "reasoning", &answer.reasoning);
                });
        }
        if !answer.text.is_empty() {
            ui.add_space(space::S);
            titled(ui, theme, "Answer", &answer.text);
        }
        self.body_ui(ui, theme, answer);
        if !answer.refusal.is_empty() {
            copied_part(ui, theme, "Refusal", &answer.refusal);
        }
        parts::sources_ui(ui, theme, &answer.citations);
        for call in &answer.tool_calls {
            let title = format!("Tool call {}", call.name);
            copied_part(ui, theme, &title, &call.arguments);
        }
    }

    /// Text as Markdown, files and items, in the order in which they came.
    fn body_ui(&mut self, ui: &mut Ui, theme: &Theme, answer: &Answer) {
        let body = answer.body();
        let texts = body.iter().filter(|part| matches!(part, BodyPart::Text(_)));
        self.texts.resize_with(texts.count(), Doc::default);
        let mut docs = self.texts.iter_mut();
        for (place, part) in body.iter().enumerate() {
            match part {
                BodyPart::Text(text) => {
                    let Some(doc) = docs.next() else { continue };
                    ui.push_id(("text", place), |ui| {
                        framed(ui, theme, |ui| {
                            doc.ui(ui, theme, &Ink::of(theme), text, Mode::Markdown);
                        });
                    });
                }
                BodyPart::Media(number, media) => parts::media_ui(ui, theme, media, number + 1),
                BodyPart::Item(kind, raw) => parts::item_ui(ui, theme, kind, raw, place),
            }
        }
    }
}

fn request_ui(ui: &mut Ui, theme: &Theme, run: &Run, facts: &RunFacts) {
    let request = &run.head.request;
    if let Some(system) = request
        .system
        .as_deref()
        .filter(|system| !system.is_empty())
    {
        copied_part(ui, theme, "System prompt", system);
    }
    for message in &request.messages {
        message_ui(ui, theme, message);
    }
    for (title, json) in [("Parameters", &facts.params), ("Tools", &facts.tools)] {
        if !json.is_empty() {
            copied_part(ui, theme, title, json);
        }
    }
    part(ui, theme, "Request", |ui| {
        key_value(
            ui,
            theme,
            92.0,
            "URL",
            RichText::new(&run.head.url).monospace(),
        );
        key_value(ui, theme, 92.0, "Dialect", run.head.dialect.as_str());
        key_value(ui, theme, 92.0, "From", run.head.origin.as_str());
        let status = run
            .status
            .map(|status| status.to_string())
            .unwrap_or_default();
        let version = run.http_version.clone().unwrap_or_default();
        key_value(ui, theme, 92.0, "Response", format!("{version} {status}"));
        if let Some(model) = &run.answer.model {
            key_value(ui, theme, 92.0, "Model served", visible(model).into_owned());
        }
        if let Some(id) = &run.answer.response_id {
            key_value(
                ui,
                theme,
                92.0,
                "Response id",
                RichText::new(visible(id)).monospace(),
            );
        }
    });
}

fn message_ui(ui: &mut Ui, theme: &Theme, message: &Message) {
    let who = match message.role {
        Role::User => "Prompt",
        Role::Assistant => "Earlier answer",
        Role::Tool => "Tool result",
    };
    for piece in &message.parts {
        match piece {
            Part::Text { text } => copied_part(ui, theme, who, text),
            Part::Media(media) => {
                part(ui, theme, "Attached file", |ui| {
                    parts::media_ui(ui, theme, media, 1);
                });
            }
            Part::ToolCall(call) => copied_part(
                ui,
                theme,
                &format!("Tool call {}", call.name),
                &call.arguments,
            ),
            Part::ToolResult { name, content, .. } => {
                copied_part(ui, theme, &format!("Result of {name}"), content);
            }
            Part::Reasoning { text } => copied_part(ui, theme, "Earlier reasoning", text),
            Part::Signature { value, .. } if value.is_empty() => {}
            Part::Signature { value, .. } => {
                copied_part(ui, theme, "Signed, or said beside it", value);
            }
            Part::Opaque { kind, raw, .. } => copied_part(ui, theme, kind, raw),
        }
    }
}

/// The server's own times, which no stamp of ours can check.
fn server_ui(ui: &mut Ui, theme: &Theme, run: &Run) {
    let rows = parts::server_times(&run.answer);
    if rows.is_empty() {
        return;
    }
    part(ui, theme, "By the server’s own clock", |ui| {
        for (name, value) in rows {
            key_value(ui, theme, 150.0, &visible(&name), value);
        }
    });
}

fn copied_part(ui: &mut Ui, theme: &Theme, title: &str, text: &str) {
    ui.push_id(title, |ui| {
        ui.add_space(space::S);
        titled(ui, theme, title, text);
        text_ui(ui, theme, title, text);
    });
}

/// A title with a button that copies the text below.
fn titled(ui: &mut Ui, theme: &Theme, title: &str, text: &str) {
    ui.horizontal(|ui| {
        ui.label(strong(title).size(size::SMALL).color(theme.text_dim));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let name = format!("Copy: {}", title.to_lowercase());
            copy_button(ui, theme, &name, || text.to_owned());
        });
    });
}

fn framed(ui: &mut Ui, theme: &Theme, content: impl FnOnce(&mut Ui)) {
    egui::Frame::new()
        .fill(theme.surface)
        .stroke(theme.hairline())
        .corner_radius(egui::CornerRadius::same(6))
        .inner_margin(egui::Margin::same(10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            content(ui);
        });
}

/// A text of any length: a very long one is cut until all of it is asked for.
fn text_ui(ui: &mut Ui, theme: &Theme, id: &str, text: &str) {
    let whole = ui.make_persistent_id(("whole", id));
    let cut = text.char_indices().nth(LONG).map(|(at, _)| at);
    let shown = match cut {
        Some(at) if !ui.data(|data| data.get_temp(whole).unwrap_or(false)) => {
            text.get(..at).unwrap_or(text)
        }
        _ => text,
    };
    framed(ui, theme, |ui| {
        ui.add(Label::new(visible(shown).into_owned()).wrap());
        if shown.len() < text.len() && ui.button("Show all of it").clicked() {
            ui.data_mut(|data| data.insert_temp(whole, true));
        }
    });
}
