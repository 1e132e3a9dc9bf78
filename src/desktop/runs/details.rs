//! One run with all that is known of it.

use egui::{CollapsingHeader, Label, RichText, ScrollArea, Ui};

use super::{
    measured::{figures_ui, link_ui, reads_ui},
    phases,
};
use crate::{
    chat::{Message, Part, Role},
    conformance::{self, Finding},
    desktop::{
        icons, parts,
        theme::{Theme, caption, heading, size, space, strong},
        widgets::{
            Outcome, badge, badge_with_icon, connection_icon, copy_button, date_time, figure_text,
            hairline, icon_button, key_value, simulated_badge,
        },
    },
    endpoint::local_gateway,
    event::{BodyPart, Fault},
    price::PriceTable,
    run::Run,
    visible::visible,
};

/// Characters of a text that are laid out before one asks for all of it.
const LONG: usize = 12_000;

/// What was clicked in the details of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailsClick {
    /// Its panel is to be closed.
    Close,
    /// It is to be copied as JSON.
    CopyJson,
}

/// Shows a run, with what it costs by these prices, and its findings once they are known; gives what was clicked.
pub fn show(
    ui: &mut Ui,
    theme: &Theme,
    (run, prices): (&Run, &PriceTable),
    findings: Option<&[Finding]>,
) -> Option<DetailsClick> {
    let clicked = head_ui(ui, theme, run);
    hairline(ui, theme);
    ui.add_space(space::S);
    ScrollArea::vertical()
        .id_salt(run.head.id.0)
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            if let Some(fault) = &run.answer.fault {
                fault_ui(ui, theme, fault);
                ui.add_space(space::S);
            }
            figures_ui(ui, theme, run, prices);
            part(ui, theme, "Time", |ui| {
                phases::show(ui, theme, &run.stamps);
                reads_ui(ui, theme, run);
            });
            if let Some(link) = &run.stamps.link {
                part(ui, theme, "Connection", |ui| {
                    link_ui(ui, theme, link, run, prices);
                });
            }
            server_ui(ui, theme, run);
            answer_ui(ui, theme, run);
            request_ui(ui, theme, run);
            conformance_ui(ui, theme, run, findings);
        });
    clicked
}

/// Shows that a run is awaited, or that there is none.
pub fn show_absent(ui: &mut Ui, theme: &Theme, missing: bool) -> Option<DetailsClick> {
    let mut clicked = None;
    ui.horizontal(|ui| {
        let text = if missing {
            "This run is not in the history"
        } else {
            "Loading the run…"
        };
        ui.label(RichText::new(text).color(theme.text_dim));
        let close = icon_button(ui, theme, icons::CLOSE, "Close the details").clicked();
        clicked = close.then_some(DetailsClick::Close);
    });
    clicked
}

fn head_ui(ui: &mut Ui, theme: &Theme, run: &Run) -> Option<DetailsClick> {
    let mut clicked = None;
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let close = icon_button(ui, theme, icons::CLOSE, "Close the details").clicked();
            let copy = icon_button(ui, theme, icons::COPY, "Copy the run as JSON").clicked();
            clicked =
                (close.then_some(DetailsClick::Close)).or(copy.then_some(DetailsClick::CopyJson));
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(Label::new(heading(local_gateway::shown(&run.head.target))).truncate());
            });
        });
    });
    ui.horizontal_wrapped(|ui| {
        let outcome = Outcome::of(
            run.state,
            run.answer.fault.as_ref().map(|fault| fault.class),
        );
        let word = outcome.word.replace('_', " ");
        badge_with_icon(ui, theme, outcome.icon, &word, outcome.color(theme));
        if let Some(connection) = run.connection {
            badge_with_icon(
                ui,
                theme,
                connection_icon(connection),
                connection.as_str(),
                theme.text_dim,
            );
        }
        if run.head.simulated {
            simulated_badge(ui, theme);
        }
        if !run.head.route.is_empty() {
            badge(ui, theme, &run.head.route, theme.text_dim).on_hover_text("The endpoint’s route");
        }
        ui.label(caption(theme, date_time(run.stamps.started_unix_ns)));
    });
    ui.add_space(space::XS);
    clicked
}

fn part(ui: &mut Ui, theme: &Theme, title: &str, content: impl FnOnce(&mut Ui)) {
    ui.add_space(space::S);
    ui.label(strong(title).size(size::SMALL).color(theme.text_dim));
    content(ui);
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

fn answer_ui(ui: &mut Ui, theme: &Theme, run: &Run) {
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
    for (title, text) in [("Answer", &answer.text), ("Refusal", &answer.refusal)] {
        if !text.is_empty() {
            copied_part(ui, theme, title, text);
        }
    }
    let body = answer.body();
    let beside = body.iter().filter(|p| !matches!(p, BodyPart::Text(_)));
    for (place, part) in beside.enumerate() {
        match part {
            BodyPart::Media(number, media) => parts::media_ui(ui, theme, media, number + 1),
            BodyPart::Item(kind, raw) => parts::item_ui(ui, theme, kind, raw, place),
            BodyPart::Text(_) => {}
        }
    }
    parts::sources_ui(ui, theme, &answer.citations);
    for call in &answer.tool_calls {
        copied_part(
            ui,
            theme,
            &format!("Tool call {}", call.name),
            &call.arguments,
        );
    }
}

fn request_ui(ui: &mut Ui, theme: &Theme, run: &Run) {
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
    let params = serde_json::to_value(&request.params).unwrap_or_default();
    if params.as_object().is_some_and(|params| !params.is_empty()) {
        copied_part(ui, theme, "Parameters", &pretty(&params));
    }
    if !request.tools.is_empty() {
        copied_part(ui, theme, "Tools", &pretty(&request.tools));
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

/// What was lost or odd, and the signatures that go back with the answer.
fn conformance_ui(ui: &mut Ui, theme: &Theme, run: &Run, findings: Option<&[Finding]>) {
    let answer = &run.answer;
    // The last part: nothing below it moves when the findings come.
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
    part(ui, theme, "Conformance", |ui| {
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

fn copied_part(ui: &mut Ui, theme: &Theme, title: &str, text: &str) {
    ui.push_id(title, |ui| {
        ui.add_space(space::S);
        ui.horizontal(|ui| {
            ui.label(strong(title).size(size::SMALL).color(theme.text_dim));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = format!("Copy: {}", title.to_lowercase());
                copy_button(ui, theme, &name, || text.to_owned());
            });
        });
        text_ui(ui, theme, title, text);
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
    egui::Frame::new()
        .fill(theme.surface)
        .stroke(theme.hairline())
        .corner_radius(egui::CornerRadius::same(6))
        .inner_margin(egui::Margin::same(10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(visible(shown).into_owned()).wrap());
            if shown.len() < text.len() && ui.button("Show all of it").clicked() {
                ui.data_mut(|data| data.insert_temp(whole, true));
            }
        });
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
