//! The part of the form that says what is asked.

use egui::{Context, Label, Ui};

use super::BenchForm;
use crate::{
    bench::prompts::{PromptOrder, Turns, USUAL_PROMPT},
    desktop::{
        bench::asked_draft::{BenchPromptsFrom, TokenizerFrom},
        path_field::ChooseFor,
        theme::{Theme, caption, space},
        widgets::{choice_box, labeled_field, multiline_field, segmented, toggle},
    },
};

impl BenchForm {
    pub(super) fn asking_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        ui.label(caption(theme, "What is asked")).on_hover_text(
            "No two requests begin with the same text, so that no cache shortens an answer",
        );
        let from = [
            (BenchPromptsFrom::Text, "One prompt"),
            (BenchPromptsFrom::File, "File"),
            (BenchPromptsFrom::Lengths, "By length"),
        ];
        segmented(ui, theme, "Prompts", &mut self.draft.asked.from, &from);
        ui.add_space(space::XS);
        let is_typing = match self.draft.asked.from {
            BenchPromptsFrom::Text => {
                let text = &mut self.draft.asked.text;
                multiline_field(ui, theme, "Prompt", text, USUAL_PROMPT, 2);
                false
            }
            BenchPromptsFrom::File => self.file_ui(ui, theme),
            BenchPromptsFrom::Lengths => self.lengths_ui(ui, theme),
        };
        if self.draft.asked.from != BenchPromptsFrom::Text {
            self.read_prompts(ui.ctx(), is_typing);
            self.found_ui(ui, theme);
        }
        ui.add_space(space::XS);
        let problem = self.draft.read_max_tokens().err();
        let text = &mut self.draft.max_tokens;
        let label = "Most output tokens of an answer";
        labeled_field(ui, theme, label, text, "", problem.as_deref())
            .on_hover_text("Of each request of which nothing else is said");
    }

    /// Shows the fields for a file; returns whether one of them is being typed into.
    fn file_ui(&mut self, ui: &mut Ui, theme: &Theme) -> bool {
        self.file.take_in();
        let open = ChooseFor::Open(&["jsonl", "json", "txt"]);
        let field = self.file.ui(ui, theme, open);
        let asked = &mut self.draft.asked;
        asked.file.clone_from(&self.file.path);
        ui.add_space(space::XS);
        ui.label(caption(theme, "Turns of a conversation"))
            .on_hover_text(
                "Which of the user’s turns are asked. The recorded answers before it are sent, too",
            );
        let turns = [
            (Turns::First, "First"),
            (Turns::Each, "Each"),
            (Turns::Last, "Last"),
        ];
        segmented(ui, theme, "Turns", &mut asked.turns, &turns);
        ui.add_space(space::XS);
        ui.label(caption(theme, "Order"))
            .on_hover_text("As they stand in the file, again and again; or each by chance");
        let orders = [
            (PromptOrder::InOrder, "In order"),
            (PromptOrder::Random, "Random"),
        ];
        segmented(ui, theme, "Order", &mut asked.order, &orders);
        ui.add_space(space::XS);
        let label = "Answers as long as recorded";
        toggle(ui, &mut asked.answer_lengths, label).on_hover_text(
            "At most as many output tokens are asked for as the recorded answer has, unless the file says how many",
        );
        let is_counted = asked.answer_lengths;
        field.has_focus() | (is_counted && self.tokenizer_ui(ui, theme))
    }

    /// Shows the fields for synthetic prompts; returns whether one of them is being typed into.
    fn lengths_ui(&mut self, ui: &mut Ui, theme: &Theme) -> bool {
        let asked = &mut self.draft.asked;
        let problem = asked.read_input().err();
        let text = &mut asked.input;
        let label = "Input tokens of a prompt";
        let input = labeled_field(ui, theme, label, text, "", problem.as_deref())
            .on_hover_text(LENGTHS_MEANING);
        let problem = asked.read_output().err();
        let text = &mut asked.output;
        let label = "Output tokens, at most";
        let output = labeled_field(ui, theme, label, text, "as below", problem.as_deref())
            .on_hover_text(LENGTHS_MEANING);
        let problem = asked.read_prompts().err();
        let text = &mut asked.prompts;
        let label = "Different prompts";
        let prompts = labeled_field(ui, theme, label, text, "", problem.as_deref())
            .on_hover_text("So many are made of random words, and asked again and again");
        let fields = [input, output, prompts];
        fields.iter().any(egui::Response::has_focus) | self.tokenizer_ui(ui, theme)
    }

    /// Shows what counts tokens; returns whether the name of a file is being typed.
    fn tokenizer_ui(&mut self, ui: &mut Ui, theme: &Theme) -> bool {
        ui.add_space(space::XS);
        ui.label(caption(theme, "Tokenizer")).on_hover_text(
            "What counts tokens. Nothing is fetched: both vocabularies are part of the program",
        );
        let chosen = &mut self.draft.asked.tokenizer;
        choice_box("bench.tokenizer")
            .width(ui.available_width())
            .selected_text(chosen.name())
            .show_ui(ui, |ui| {
                for (from, name) in TokenizerFrom::ALL {
                    ui.selectable_value(chosen, *from, *name);
                }
            })
            .response
            .accessible_name("Tokenizer");
        if self.draft.asked.tokenizer != TokenizerFrom::File {
            return false;
        }
        self.vocabulary.take_in();
        let open = ChooseFor::Open(&["tiktoken"]);
        let label = "Vocabulary file";
        let field = self.vocabulary.named_ui(ui, theme, label, open);
        let asked = &mut self.draft.asked;
        asked.vocabulary.clone_from(&self.vocabulary.path);
        field.has_focus()
    }

    /// Has prompts read or made. What is typed is read once the field is left; what is wrong is said beside it.
    fn read_prompts(&mut self, ctx: &Context, is_typing: bool) {
        if let Some(problem) = self.prompts.take_in() {
            let field = if problem.is_of_tokenizer {
                &mut self.vocabulary
            } else {
                &mut self.file
            };
            field.problem = Some(problem.why);
        }
        let asked = &self.draft.asked;
        let is_new = match self.wanted_prompts() {
            Ok(wanted) => !is_typing && self.prompts.begin(wanted, ctx),
            Err(_) if asked.from == BenchPromptsFrom::File && asked.file.trim().is_empty() => {
                self.prompts.forget()
            }
            Err(_) => false,
        };
        if is_new {
            (self.file.problem, self.vocabulary.problem) = (None, None);
        }
    }

    /// Says what was read or made.
    fn found_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let Ok((choice, _)) = self.wanted_prompts() else {
            return;
        };
        ui.add_space(space::XS);
        let text = match self.prompts.found(&choice) {
            None => self.prompts.waiting_text().to_owned(),
            Some(Ok(ready)) => ready.text(),
            Some(Err(_)) => String::new(),
        };
        if !text.is_empty() {
            ui.add(Label::new(caption(theme, text)).wrap());
        }
        let is_read = self.prompts.found(&choice).is_some();
        let is_file = self.draft.asked.from == BenchPromptsFrom::File;
        if is_read && is_file && ui.button("Read it again").clicked() {
            let _was_read = self.prompts.forget();
        }
    }
}

const LENGTHS_MEANING: &str = "512: all the same. 512,64: normally distributed with this mean and deviation. \
    512,64,256,1024: with the least and the most, too";
