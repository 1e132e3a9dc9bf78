//! The form of a new comparison: what is compared, what is asked, when it stops, what it will cost.

mod arms;
mod limits;

use egui::Ui;

use super::{
    HEAD,
    draft::{CompareDraft, PromptsFrom},
    forecasted::DraftForecast,
    prompt_file::PromptFile,
};
use crate::{
    compare::{ComparePlan, PROMPT},
    desktop::{
        setup::NewForm,
        target_picker::Picker,
        theme::{Theme, caption, space},
        view::Cx,
        widgets::{multiline_field, segmented},
    },
};

/// The form.
#[derive(Debug, Default)]
pub struct CompareForm {
    /// What is typed; kept with the layout.
    pub draft: CompareDraft,
    file: PromptFile,
    forecast: DraftForecast,
    /// The pickers of the arms, and one for a further target.
    pickers: Vec<Picker>,
    is_more_open: bool,
}

impl CompareForm {
    /// Shows the form; returns whether it is to be started.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, is_running: bool) -> bool {
        let theme = cx.theme;
        self.follow(cx);
        let form = NewForm {
            id: HEAD.id,
            heading: "New comparison",
            forecast: self.forecast.lines(),
            why_not: if is_running {
                Some("Another comparison runs: stop it first")
            } else {
                (!self.is_ready()).then_some("What is missing is said above")
            },
        };
        form.ui(ui, theme, |ui| {
            self.arms_ui(ui, cx);
            ui.add_space(space::L);
            self.prompts_ui(ui, theme);
            ui.add_space(space::L);
            self.limits_ui(ui, theme);
        })
    }

    fn prompts_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        ui.label(caption(theme, "What is asked"));
        let from = [
            (PromptsFrom::Text, "One prompt"),
            (PromptsFrom::Lines, "Lines"),
            (PromptsFrom::File, "File"),
        ];
        segmented(ui, theme, "Prompts", &mut self.draft.prompts, &from);
        ui.add_space(space::XS);
        let name = match self.draft.prompts {
            PromptsFrom::Text => "Prompt",
            PromptsFrom::Lines => "Prompts, one a line",
            PromptsFrom::File => return self.file.ui(ui, theme),
        };
        multiline_field(ui, theme, name, &mut self.draft.text, PROMPT, 3);
    }

    /// The plan, with a random seed of its own.
    ///
    /// # Errors
    /// What is missing.
    pub fn plan(&self) -> Result<ComparePlan, String> {
        let all = self.file.prompts().map_or(&[][..], |file| &file.all);
        let plan = self.draft.plan(all)?;
        Ok(ComparePlan {
            seed: rand::random(),
            ..plan
        })
    }

    /// Whether it can be started.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.forecast.is_ready()
    }

    /// What is to be asked before it is started: what it will send and cost. `None` if nothing is.
    #[must_use]
    pub fn question(&self) -> Option<Vec<String>> {
        let found = self.forecast.found()?;
        found.needs_question().then(|| self.forecast.lines())
    }

    /// Computes the forecast again, also while the form is not shown.
    pub fn follow(&mut self, cx: &Cx<'_>) {
        self.forecast.follow(&self.draft, self.file.prompts(), cx);
    }
}
