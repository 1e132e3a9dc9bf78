//! Finding a text in the conversation that is shown: a bar above the panes, marks in the texts, and the next and the
//! previous place.
//!
//! In: the texts of the panes, in which the engine looks. Out: the place to scroll to. Places are those in the texts as
//! they were written, before Markdown is drawn.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use egui::{Frame, Id, Key, Margin, Modifiers, Panel, Ui};

use super::{Playground, markdown::marks};
use crate::{
    chat::Part,
    conversation::{Pane, Turn},
    desktop::{
        icons,
        theme::{Theme, caption},
        view::Cx,
        widgets::{icon_button, search_box},
    },
    engine::{Asked, Command, ComputeCommand, ask},
    event::BodyPart,
    run::{Run, RunId},
};

/// One of the texts of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundPart {
    /// The question.
    Question,
    /// The reasoning of the answer.
    Reasoning,
    /// A text of the answer, counted from 0.
    Answer(usize),
}

/// A place in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundPlace {
    /// The pane's id.
    pub pane: u32,
    /// The index of the turn.
    pub turn: usize,
    /// The text.
    pub part: FoundPart,
    /// The byte in it.
    pub byte: usize,
}

/// The bar and what it found.
#[derive(Debug, Default)]
pub struct Find {
    open: bool,
    words: String,
    /// Whether the field is to take the focus, and whether it had it when last shown.
    focus: bool,
    has_focus: bool,
    /// What was looked for, and a number that changes with the texts.
    looked_for: Option<(String, u64)>,
    /// Where each text stands that the engine was given.
    texts: Vec<FoundPlace>,
    finding: Asked<Vec<(usize, usize)>>,
    found: Vec<FoundPlace>,
    /// Which of `found` is shown.
    at: usize,
    /// The place to scroll to.
    wanted: Option<FoundPlace>,
}

impl Find {
    /// Opens the bar, or gives its field the focus.
    pub fn open(&mut self) {
        self.open = true;
        self.focus = true;
    }

    /// Opens the bar with the longest of these words, without the focus: a search through all conversations finds words,
    /// wherever each of them stands.
    pub fn look_for(&mut self, words: &str) {
        let longest = words.split_whitespace().max_by_key(|word| word.len());
        self.open = true;
        longest.unwrap_or_default().clone_into(&mut self.words);
        self.looked_for = None;
    }

    /// Whether Esc closes the bar.
    #[must_use]
    pub fn takes_esc(&self) -> bool {
        self.open && self.has_focus
    }

    /// Goes to the next place, or to the previous one; from the last to the first.
    pub fn step(&mut self, forward: bool) {
        let count = self.found.len();
        if count > 0 {
            let by = if forward { 1 } else { count - 1 };
            self.at = (self.at + by) % count;
            self.wanted = self.found.get(self.at).copied();
        }
    }

    /// The place to scroll to, once.
    pub fn take_wanted(&mut self) -> Option<FoundPlace> {
        self.wanted.take()
    }

    /// Has the engine look for the words, if they or the texts have changed, and takes what it found.
    pub fn follow(
        &mut self,
        panes: &[Pane],
        runs: &HashMap<RunId, Run>,
        commands: &mut Vec<Command>,
    ) {
        if let Some(found) = self.finding.take() {
            self.take_found(&found);
        }
        if !self.open || self.finding.is_waiting() {
            return;
        }
        let now = (self.words.clone(), state_of(panes, runs));
        if self.looked_for.as_ref() == Some(&now) {
            return;
        }
        if self
            .looked_for
            .as_ref()
            .is_none_or(|before| before.0 != now.0)
        {
            // Other words: the first place is shown.
            self.found.clear();
            self.at = 0;
        }
        self.looked_for = Some(now);
        if self.words.is_empty() {
            self.found.clear();
            return;
        }
        let (places, texts) = texts_of(panes, runs);
        let (reply, finding) = ask();
        (self.texts, self.finding) = (places, finding);
        commands.push(Command::Compute(ComputeCommand::FindText {
            texts,
            words: self.words.clone(),
            reply,
        }));
    }

    fn take_found(&mut self, found: &[(usize, usize)]) {
        let shown = self.found.get(self.at).copied();
        let places = found.iter().filter_map(|(text, byte)| {
            let place = self.texts.get(*text)?;
            Some(FoundPlace {
                byte: *byte,
                ..*place
            })
        });
        self.found = places.collect();
        let again = self.found.iter().position(|place| Some(*place) == shown);
        self.at = again.unwrap_or_default();
        if shown.is_none() {
            self.wanted = self.found.first().copied();
        }
    }

    /// Shows the bar, if it is open, and tells the texts what to mark.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme) {
        if self.open {
            let frame = Frame::new()
                .fill(theme.surface)
                .inner_margin(Margin::symmetric(8, 5));
            let panel = Panel::top("find").frame(frame);
            panel.show(ui, |ui| ui.horizontal(|ui| self.fields_ui(ui, theme)));
        }
        let words = if self.open { self.words.as_str() } else { "" };
        marks::look_for(ui.ctx(), words);
    }

    fn fields_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let id = Id::unique("find in the conversation");
        let name = "Find in the conversation";
        let field = search_box(ui, theme, id, name, &mut self.words, 260.0);
        if std::mem::take(&mut self.focus) {
            field.request_focus();
        }
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        if field.has_focus() || field.lost_focus() {
            let back = pressed(Modifiers::SHIFT, Key::Enter);
            if back || pressed(Modifiers::NONE, Key::Enter) {
                self.step(!back);
                field.request_focus();
            }
            if pressed(Modifiers::NONE, Key::Escape) {
                self.open = false;
            }
        }
        self.has_focus = field.has_focus();
        ui.label(caption(theme, self.count_text()));
        if icon_button(ui, theme, icons::CHEVRON_UP, "Previous match (Shift+Enter)").clicked() {
            self.step(false);
        }
        if icon_button(ui, theme, icons::CHEVRON_DOWN, "Next match (Enter)").clicked() {
            self.step(true);
        }
        if icon_button(ui, theme, icons::CLOSE, "Close the search (Esc)").clicked() {
            self.open = false;
        }
    }

    fn count_text(&self) -> String {
        match self.found.len() {
            0 if self.words.is_empty() => String::new(),
            0 if self.finding.is_waiting() => "Searching…".to_owned(),
            0 => "No match".to_owned(),
            count => format!("{} of {count}", self.at + 1),
        }
    }
}

impl Playground {
    /// Whether Esc closes something, and stops no run.
    pub(super) fn takes_esc(&self) -> bool {
        self.popup_open || self.find.takes_esc()
    }

    /// Keeps the search up to date, and scrolls to the place that it is to show.
    pub(super) fn follow_find(&mut self, cx: &mut Cx<'_>) {
        let (panes, runs) = (&self.conversation.panes, &cx.state.runs);
        self.find.follow(panes, runs, cx.commands);
        let Some(place) = self.find.take_wanted() else {
            return;
        };
        let pane = panes.iter().find(|pane| pane.id == place.pane);
        let run = pane.and_then(|pane| pane.turns.get(place.turn)?.run());
        let is_question = place.part == FoundPart::Question;
        self.view(place.pane)
            .go_to(place.turn, is_question.then_some(place.byte));
        if let Some(answer) = run.and_then(|run| self.answers.get_mut(&run)) {
            match place.part {
                FoundPart::Question => {}
                FoundPart::Reasoning => answer.go_to_reasoning(place.byte),
                FoundPart::Answer(number) => answer.go_to_text(number, place.byte),
            }
        }
        if self.large.is_some_and(|large| large != place.pane) {
            self.large = None;
        }
        self.reveal = Some(place.pane);
    }
}

/// A number that changes when a text does.
fn state_of(panes: &[Pane], runs: &HashMap<RunId, Run>) -> u64 {
    let mut state = DefaultHasher::new();
    for pane in panes {
        pane.id.hash(&mut state);
        for turn in &pane.turns {
            (turn.id.0, turn.run()).hash(&mut state);
            question(turn).len().hash(&mut state);
            let run = turn.run().and_then(|id| runs.get(&id));
            let lengths = run.map(|run| (run.answer.text.len(), run.answer.reasoning.len()));
            lengths.hash(&mut state);
        }
    }
    state.finish()
}

/// All texts, and where they stand.
fn texts_of(panes: &[Pane], runs: &HashMap<RunId, Run>) -> (Vec<FoundPlace>, Vec<String>) {
    let mut found = (Vec::new(), Vec::new());
    for pane in panes {
        for (turn, asked) in pane.turns.iter().enumerate() {
            let mut add = |part, text: &str| {
                found.0.push(FoundPlace {
                    pane: pane.id,
                    turn,
                    part,
                    byte: 0,
                });
                found.1.push(text.to_owned());
            };
            add(FoundPart::Question, question(asked));
            let Some(run) = asked.run().and_then(|id| runs.get(&id)) else {
                continue;
            };
            add(FoundPart::Reasoning, &run.answer.reasoning);
            let body = run.answer.body().into_iter();
            let texts = body.filter_map(|part| match part {
                BodyPart::Text(text) => Some(text),
                _ => None,
            });
            for (number, text) in texts.enumerate() {
                add(FoundPart::Answer(number), text);
            }
        }
    }
    found
}

/// The text of a question that is shown.
fn question(turn: &Turn) -> &str {
    let texts = turn.user.iter().find_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.unwrap_or_default()
}
