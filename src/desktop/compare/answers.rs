//! Pairs of answers, to be marked: better, worse, as good, without a word of whose is whose. Then what was preferred.

use std::sync::Arc;

use egui::{Align, Label, Layout, RichText, ScrollArea, Ui};

use super::{arms::ShownArm, signed::estimate_text, verdicts::method_ui};
use crate::{
    compare::{
        BlindPair, CompareState, ComparisonId, MarkChoice, PairMark, Preference,
        preference_in_words,
    },
    desktop::{
        theme::{Theme, caption, space, strong},
        view::Cx,
        widgets::{capitalized, card, counted, key_hint, segmented},
    },
    engine::{Asked, Command, CompareCommand, RunCommand, ask},
    run::RunId,
    visible::visible,
};

/// The pair that is shown, and the marks that were made here.
#[derive(Debug, Default)]
pub struct MarkedAnswers {
    of: Option<ComparisonId>,
    /// The arm whose answers stand beside those of the first; 0 until one is chosen.
    arm: usize,
    /// The round that is shown.
    round: Option<u64>,
    /// Runs that were asked for.
    asked: Vec<RunId>,
    saving: Asked<Result<Vec<PairMark>, String>>,
    /// All marks, as they were kept last.
    marks: Option<Vec<PairMark>>,
    problem: Option<String>,
}

impl MarkedAnswers {
    /// The runs whose answers are shown.
    #[must_use]
    pub fn runs(&self) -> &[RunId] {
        &self.asked
    }

    /// Takes in that a mark was kept; returns whether the comparison is to be opened again, for what follows of it.
    pub fn logic(&mut self) -> bool {
        match self.saving.take() {
            Some(Ok(marks)) => {
                (self.marks, self.problem) = (Some(marks), None);
                true
            }
            Some(Err(why)) => {
                self.problem = Some(format!("The mark was not kept: {why}"));
                false
            }
            None => false,
        }
    }

    /// Begins anew where another comparison is shown.
    fn follow(&mut self, state: &CompareState) {
        if self.of != Some(state.head.id) {
            *self = Self {
                of: Some(state.head.id),
                ..Self::default()
            };
        }
        let arms = state.plan().arms.len();
        self.arm = self.arm.clamp(1, arms.saturating_sub(1).max(1));
        if self.round.is_none() {
            self.round = self.next(state, None);
        }
    }

    fn marks<'a>(&'a self, state: &'a CompareState) -> &'a [PairMark] {
        self.marks.as_deref().unwrap_or(&state.marks)
    }

    /// The pairs that were both answered.
    fn pairs<'a>(&self, state: &'a CompareState) -> impl Iterator<Item = BlindPair> + use<'a> {
        BlindPair::all(state.plan(), &state.rounds, self.arm)
    }

    /// The next round without a mark, behind one; from the begin if there is none behind it.
    fn next(&self, state: &CompareState, behind: Option<u64>) -> Option<u64> {
        let open = || {
            let open = self
                .pairs(state)
                .filter(|pair| !pair.is_marked(self.marks(state)));
            let rounds = open.map(|pair| pair.round);
            rounds.filter(|round| Some(*round) != behind)
        };
        let is_behind = |round: &u64| behind.is_none_or(|behind| *round > behind);
        open().find(is_behind).or_else(|| open().next())
    }

    fn pair(&self, state: &CompareState) -> Option<BlindPair> {
        let mut pairs = self.pairs(state);
        pairs.find(|pair| Some(pair.round) == self.round)
    }

    /// Keeps what is thought of the pair that is shown, and shows the next one.
    pub fn mark(&mut self, state: &CompareState, choice: MarkChoice, cx: &mut Cx<'_>) {
        self.follow(state);
        let Some(pair) = self.pair(state) else { return };
        let (round, mark) = (pair.round, pair.mark(choice));
        if let Some(mark) = mark {
            let (reply, saving) = ask();
            self.saving = saving;
            cx.commands.push(Command::Compare(CompareCommand::Mark {
                id: state.head.id,
                round,
                arm: self.arm,
                mark: Some(mark),
                reply,
            }));
            let made = PairMark {
                round,
                arm: self.arm,
                mark,
            };
            let mut marks = self.marks(state).to_vec();
            marks.retain(|known| (known.round, known.arm) != (round, self.arm));
            marks.push(made);
            self.marks = Some(marks);
        }
        self.round = self.next(state, Some(round));
    }

    /// Shows a pair and the buttons that mark it, then what was preferred so far.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        state: &Arc<CompareState>,
        arms: &[ShownArm],
    ) {
        self.follow(state);
        let theme = cx.theme;
        if arms.len() > 2 {
            let choices: Vec<(usize, String)> = (arms.iter().enumerate().skip(1))
                .map(|(at, arm)| (at, format!("{} and A", arm.letter)))
                .collect();
            let choices: Vec<(usize, &str)> = choices
                .iter()
                .map(|(at, name)| (*at, name.as_str()))
                .collect();
            if segmented(ui, theme, "Answers of", &mut self.arm, &choices) {
                self.round = self.next(state, None);
            }
        }
        if let Some(problem) = &self.problem {
            ui.colored_label(theme.bad, problem);
        }
        self.preferred_ui(ui, theme, state, arms);
        ui.add_space(space::S);
        let state = Arc::clone(state);
        let Some(pair) = self.pair(&state) else {
            self.asked.clear();
            let text = if self.pairs(&state).next().is_some() {
                "Every pair of answers is marked"
            } else {
                "No pair of answers yet"
            };
            ui.label(caption(theme, text));
            return;
        };
        let chosen = self.buttons_ui(ui, theme, &state);
        ui.add_space(space::S);
        prompt_ui(ui, theme, &pair.asked(state.plan()));
        self.load(pair.runs, cx);
        let height = (ui.available_height() - space::S).max(120.0);
        ui.columns(2, |columns| {
            for ((ui, run), side) in columns.iter_mut().zip(pair.runs).zip(["Left", "Right"]) {
                card(ui, theme, |ui| {
                    ui.set_min_width(ui.available_width());
                    answer_ui(ui, cx, run, side, height - 44.0);
                });
            }
        });
        if let Some(choice) = chosen {
            self.mark(&state, choice, cx);
        }
    }

    fn buttons_ui(&self, ui: &mut Ui, theme: &Theme, state: &CompareState) -> Option<MarkChoice> {
        let mut chosen = None;
        ui.horizontal_wrapped(|ui| {
            for (choice, name, key) in [
                (MarkChoice::Left, "Left is better", "1"),
                (MarkChoice::Right, "Right is better", "2"),
                (MarkChoice::Same, "As good", "3"),
                (MarkChoice::Skip, "Skip", "4"),
            ] {
                if ui.button(name).clicked() {
                    chosen = Some(choice);
                }
                key_hint(ui, theme, key);
                ui.add_space(space::XS);
            }
            let of = self.pairs(state).count();
            let marks = self.marks(state).iter();
            let marked = marks.filter(|mark| mark.arm == self.arm).count();
            let text = format!("{marked} of {} marked", counted(of as u64, "pair"));
            ui.add(Label::new(caption(theme, text)).extend());
        });
        chosen
    }

    fn preferred_ui(&self, ui: &mut Ui, theme: &Theme, state: &CompareState, arms: &[ShownArm]) {
        let mut found = state.result.preferences.iter();
        let (Some(found), Some(arm)) = (
            found.find(|found| found.arm == self.arm),
            arms.get(self.arm),
        ) else {
            ui.label(caption(
                theme,
                "Mark pairs to learn which answers are preferred, and how sure that is",
            ));
            return;
        };
        let letter = arm.letter.to_string();
        let text = capitalized(&preference_in_words(&letter, &found.verdict));
        ui.add(Label::new(strong(text)).wrap())
            .on_hover_ui(|ui| preference_hover(ui, theme, found, &letter));
        let counts = format!(
            "{letter}: {} better, {} worse, {} as good",
            found.better, found.worse, found.same
        );
        let points = |share: f64| format!("{:+.0} points", 100.0 * share);
        let difference = estimate_text(&found.verdict.difference, points);
        let text = match difference.as_str() {
            "" => counts,
            difference => format!("{counts} · share worse − share better: {difference}"),
        };
        ui.add(Label::new(caption(theme, text)).wrap());
    }

    /// Has the runs loaded that are not here.
    fn load(&mut self, runs: [RunId; 2], cx: &mut Cx<'_>) {
        if self.asked == runs {
            return;
        }
        self.asked = runs.to_vec();
        for run in runs {
            if !cx.state.runs.contains_key(&run) && !cx.state.missing_runs.contains(&run) {
                cx.commands.push(Command::Run(RunCommand::Load(run)));
            }
        }
    }
}

fn preference_hover(ui: &mut Ui, theme: &Theme, found: &Preference, letter: &str) {
    ui.label(strong(format!("Preference, {letter} against A")));
    ui.label("The share of pairs in which its answer was worse, less that in which it was better: below 0 it is preferred");
    method_ui(ui, theme, found.verdict.method);
}

/// What was asked.
fn prompt_ui(ui: &mut Ui, theme: &Theme, asked: &str) {
    let text = visible(asked).into_owned();
    ui.add(Label::new(caption(theme, text.replace('\n', " "))).truncate());
    ui.add_space(space::XS);
}

fn answer_ui(ui: &mut Ui, cx: &Cx<'_>, run: RunId, side: &str, height: f32) {
    let theme = cx.theme;
    ui.label(strong(side));
    let text = match cx.state.runs.get(&run) {
        Some(run) => RichText::new(visible(&run.answer.text).into_owned()),
        None if cx.state.missing_runs.contains(&run) => {
            caption(theme, "This run is no longer in the history")
        }
        None => caption(theme, "Loading…"),
    };
    ScrollArea::vertical()
        .id_salt(("answer", side))
        .max_height(height)
        .auto_shrink(false)
        .show(ui, |ui| {
            // The columns around it would justify the text.
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.add(Label::new(text).wrap());
            });
        });
}
