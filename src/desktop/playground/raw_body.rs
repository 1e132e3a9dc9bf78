//! The dialog in which a request's JSON body is written by hand before it is sent.
//!
//! In: the body that would be sent. Out: the body to send instead.

use std::task::Poll;

use egui::{Context, RichText, ScrollArea, TextEdit, vec2};
use serde_json::Value;

use super::{
    Playground, edits,
    intent::{Intent, RunIntent},
};
use crate::{
    conversation::{Draft, Pane, Turn},
    desktop::{
        icons,
        theme::{Theme, caption, heading, size, space},
        view::{Action, Cx},
        widgets::{dialog, primary_button},
    },
    engine::{Asked, BodyOf, Command, ComputeCommand, RunCommand, ask},
    run::RunId,
    visible::visible,
};

/// Longest body that is edited here, in bytes: files in it are short words.
const MOST: usize = 400_000;

/// A body that the engine was asked for, to be edited as soon as it comes.
#[derive(Debug)]
pub struct AskedBody {
    pane: u32,
    turn: Option<usize>,
    target: String,
    text: Asked<Option<String>>,
}

/// A body that is being edited.
#[derive(Debug)]
pub struct RawEditor {
    /// Of which pane.
    pub pane: u32,
    /// The turn that it takes the place of; none for a further one.
    pub turn: Option<usize>,
    /// Where it goes, for people.
    target: String,
    text: String,
    original: String,
    /// What the text means, or what is wrong with it.
    read: Result<Value, String>,
    focused: bool,
}

impl RawEditor {
    /// Opens a body that would be sent to a target.
    fn new(pane: u32, turn: Option<usize>, target: String, text: String) -> Self {
        Self {
            pane,
            turn,
            target,
            read: read(&text),
            original: text.clone(),
            text,
            focused: false,
        }
    }

    /// The wish to send it, if it can be sent.
    pub fn send(&self) -> Option<Intent> {
        let body = self.read.clone().ok()?;
        Some(Intent::Run(RunIntent::SendRaw(self.pane, self.turn, body)))
    }

    /// Shows the dialog; gives whether it stays open.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme, intents: &mut Vec<Intent>) -> bool {
        let mut stays = true;
        let mut changed = false;
        let room = ctx.content_rect().size();
        let width = (room.x - 120.0).clamp(360.0, 760.0);
        let ((), closed) = dialog(ctx, theme, "raw body", width, |ui| {
            ui.label(heading("Request body"));
            let about = format!(
                "Sent to {} exactly as it stands here. {{{{file 1}}}} is the first attached file, as base64.",
                visible(&self.target)
            );
            ui.label(caption(theme, about));
            ui.add_space(space::S);
            let height = (room.y - 260.0).clamp(120.0, 520.0);
            let scroll = ScrollArea::vertical()
                .max_height(height)
                .min_scrolled_height(height);
            scroll.show(ui, |ui| {
                let edit = TextEdit::multiline(&mut self.text)
                    .code_editor()
                    .desired_rows(18)
                    .desired_width(f32::INFINITY)
                    .margin(vec2(8.0, 6.0));
                let response = ui.add(edit).accessible_name("JSON body");
                changed = response.changed();
                if !std::mem::replace(&mut self.focused, true) {
                    response.request_focus();
                }
            });
            ui.add_space(space::XS);
            let (text, colour) = match &self.read {
                Err(why) => (format!("{} {why}", icons::WARN), theme.bad),
                Ok(_) if self.text == self.original => {
                    ("As it would be sent".to_owned(), theme.text_dim)
                }
                Ok(_) => ("Changed by hand".to_owned(), theme.text_dim),
            };
            ui.label(RichText::new(text).size(size::SMALL).color(colour));
            ui.add_space(space::S);
            ui.horizontal(|ui| {
                let send = ui.add_enabled_ui(self.read.is_ok(), |ui| {
                    primary_button(ui, theme, "Send this body")
                });
                if send.inner.clicked() {
                    intents.extend(self.send());
                    stays = false;
                }
                if ui.button("Cancel").clicked() {
                    stays = false;
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let others = self.text != self.original;
                    let reset = ui.add_enabled(others, egui::Button::new("Reset"));
                    if reset
                        .on_hover_text("Back to what would be sent without a change")
                        .clicked()
                    {
                        self.text.clone_from(&self.original);
                        changed = true;
                    }
                    let format = ui.add_enabled(self.read.is_ok(), egui::Button::new("Format"));
                    if let (true, Ok(body)) = (
                        format
                            .on_hover_text("Indent it; the order of the fields stays")
                            .clicked(),
                        &self.read,
                    ) {
                        self.text = format!("{body:#}");
                    }
                });
            });
        });
        if changed {
            self.read = read(&self.text);
        }
        // A stray click loses nothing that was written.
        stays && !(closed && self.text == self.original)
    }
}

/// The body as written, if it is one; else what is wrong with it.
fn read(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(body @ Value::Object(_)) => Ok(body),
        Ok(_) => Err("A body is a JSON object: { … }".to_owned()),
        Err(error) => Err(format!("This is no JSON yet: {error}")),
    }
}

impl Playground {
    fn pane(&self, id: u32) -> Option<&Pane> {
        self.conversation.panes.iter().find(|pane| pane.id == id)
    }

    pub(super) fn is_raw(&self, pane: u32, turn: usize) -> bool {
        let turn = self.pane(pane).and_then(|pane| pane.turns.get(turn));
        turn.is_some_and(|turn| turn.raw_body.is_some())
    }

    /// Asks for the body that the pane would ask with next, or the one that a turn was asked with, to be opened.
    pub(super) fn edit_raw(&mut self, id: u32, turn: Option<usize>, cx: &mut Cx<'_>) {
        let Some(pane) = self.pane(id) else { return };
        let Some(target) = &pane.target else { return };
        let own = turn.and_then(|turn| pane.turns.get(turn)?.raw_body.clone());
        let of = own.map(BodyOf::Written).or_else(|| {
            let endpoint = cx.state.settings.endpoint(&target.endpoint)?;
            let parts = edits::parts_of(&self.conversation.draft);
            let request = edits::next_request(pane, parts, &cx.state.runs)?;
            Some(BodyOf::Request(
                Box::new(endpoint.clone()),
                Box::new(request),
            ))
        });
        let Some(of) = of else {
            let why = format!("There is no endpoint “{}” any more", target.endpoint);
            return cx.actions.push(Action::Tell(why));
        };
        let (reply, text) = ask();
        cx.commands.push(Command::Compute(ComputeCommand::Body {
            of,
            max_bytes: MOST,
            reply,
        }));
        self.opening_raw = Some(AskedBody {
            pane: id,
            turn,
            target: target.to_string(),
            text,
        });
    }

    /// Opens the body that was asked for, once it is there.
    pub(super) fn take_body(&mut self, cx: &mut Cx<'_>) {
        let Some(asked) = &mut self.opening_raw else {
            return;
        };
        let Poll::Ready(text) = asked.text.poll() else {
            return;
        };
        let why = match (text, self.opening_raw.take()) {
            (Some(Some(text)), Some(asked)) => {
                let AskedBody {
                    pane, turn, target, ..
                } = asked;
                self.raw = Some(RawEditor::new(pane, turn, target, text));
                return;
            }
            (Some(_), _) => {
                "The body is too long to edit here: `tokenscope chat --print-body` writes it, --body sends it"
            }
            (None, _) => "A defect in Tokenscope kept the body from being written",
        };
        cx.actions.push(Action::Tell(why.to_owned()));
    }

    pub(super) fn send_raw(&mut self, id: u32, turn: Option<usize>, body: Value, cx: &mut Cx<'_>) {
        let live = self.live_runs(cx);
        let Some(pane) = edits::pane_mut(&mut self.conversation, id) else {
            return;
        };
        let last = pane.turns.last().and_then(Turn::run);
        if turn.is_none() && last.is_some_and(|run| live.contains(&run)) {
            let why = "This pane is still answering: wait, or stop it";
            return cx.actions.push(Action::Tell(why.to_owned()));
        }
        let parts = match turn {
            None => edits::parts_of(&self.conversation.draft),
            Some(turn) => {
                self.undo.note("edit a body", &self.conversation.panes);
                let Some(pane) = edits::pane_mut(&mut self.conversation, id) else {
                    return;
                };
                let parts = pane.turns.get(turn).map(|turn| turn.user.clone());
                let later: Vec<RunId> = (pane.turns.iter().skip(turn))
                    .flat_map(|turn| turn.runs.iter().copied())
                    .filter(|run| live.contains(run))
                    .collect();
                pane.turns.truncate(turn);
                cx.commands.push(Command::Run(RunCommand::Cancel(later)));
                parts.unwrap_or_default()
            }
        };
        let Some(pane) = edits::pane_mut(&mut self.conversation, id) else {
            return;
        };
        let run = edits::ask_turn(pane, parts, Some(body), &cx.state.runs);
        if turn.is_none() && self.asks_alone(id) {
            self.conversation.draft = Draft::default();
        }
        self.view(id).follow.go_to_end();
        self.start(run.into_iter().collect(), cx);
        self.sessions.list(cx.commands);
    }
}
