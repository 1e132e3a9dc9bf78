//! The form of a new bench: whom it asks, with what load, when it stops, what it will cost.

mod asking;

use std::sync::Arc;

use egui::Ui;

use super::{
    HEAD,
    asked_draft::{BenchPromptsFrom, SYNTHETIC_SEED},
    draft::{BenchDraft, LoadKind, read_limit},
    forecast::BenchForecasts,
    prompts::{PromptsReader, ReadyPrompts},
};
use crate::{
    bench::{
        ArrivalProcess, BenchConnections, BenchPlan,
        prompts::{PromptChoice, TokenizerChoice},
    },
    desktop::{
        path_field::PathField,
        setup::{self, NO_LIMIT, NewForm},
        target_picker::Picker,
        theme::{Theme, caption, space},
        view::Cx,
        widgets::{labeled_field, segmented, toggle},
    },
};

/// The form.
#[derive(Debug, Default)]
pub struct BenchForm {
    /// What is typed; kept with the layout.
    pub draft: BenchDraft,
    pub forecasts: BenchForecasts,
    prompts: PromptsReader,
    /// The file of prompts.
    file: PathField,
    /// The file of a tokenizer.
    vocabulary: PathField,
    picker: Picker,
    is_more_open: bool,
}

impl BenchForm {
    /// The form with this in it.
    #[must_use]
    pub fn of(draft: BenchDraft) -> Self {
        Self {
            file: PathField::new(draft.asked.file.clone()),
            vocabulary: PathField::new(draft.asked.vocabulary.clone()),
            draft,
            ..Self::default()
        }
    }

    /// The plan, with what it asks.
    ///
    /// # Errors
    /// What is missing.
    pub fn plan(&self) -> Result<(BenchPlan, Arc<ReadyPrompts>), String> {
        let seed = match self.draft.asked.from {
            BenchPromptsFrom::Lengths => SYNTHETIC_SEED,
            BenchPromptsFrom::Text | BenchPromptsFrom::File => rand::random(),
        };
        Ok((self.draft.plan(seed)?, self.ready_prompts()?))
    }

    /// Computes the forecast again, also while the form is not shown.
    pub fn follow(&mut self, cx: &Cx<'_>) {
        if let Ok(PromptChoice::One(text)) = self.draft.choice() {
            self.prompts.take_one(&text);
        }
        self.forecasts.follow(&self.draft, self.ready_prompts(), cx);
    }

    /// What is to be read, and what counts its tokens.
    fn wanted_prompts(&self) -> Result<(PromptChoice, TokenizerChoice), String> {
        let draft = &self.draft;
        Ok((draft.choice()?, draft.asked.tokenizer()?))
    }

    fn ready_prompts(&self) -> Result<Arc<ReadyPrompts>, String> {
        match self.prompts.found(&self.draft.choice()?) {
            Some(Ok(ready)) => Ok(Arc::clone(ready)),
            Some(Err(problem)) => Err(problem.why.clone()),
            None => Err(self.prompts.waiting_text().to_owned()),
        }
    }

    /// Shows the form; returns whether the bench is to be started.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, is_running: bool) -> bool {
        let theme = cx.theme;
        self.follow(cx);
        let form = NewForm {
            id: HEAD.id,
            heading: "New bench",
            forecast: self.forecasts.lines(),
            why_not: if is_running {
                Some("Another bench runs: wait for its end, or stop it")
            } else {
                (!self.forecasts.is_ready()).then_some("What is missing is said above")
            },
        };
        form.ui(ui, theme, |ui| {
            let target = self.draft.target.clone();
            let width = ui.available_width();
            let picked = self.picker.ui(ui, cx, "Target", target.as_ref(), width);
            self.draft.target = picked.or(target);
            ui.add_space(space::L);
            load_ui(ui, theme, &mut self.draft);
            ui.add_space(space::L);
            self.asking_ui(ui, theme);
            ui.add_space(space::L);
            stop_ui(ui, theme, &mut self.draft);
            ui.add_space(space::L);
            goodput_ui(ui, theme, &mut self.draft);
            setup::more_ui(ui, theme, &mut self.is_more_open, |ui| {
                more_ui(ui, theme, &mut self.draft);
            });
        })
    }
}

fn load_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "Load")).on_hover_text(
        "Streams: each sends its next request when its last one is over, so that a target that stalls is asked less \
         (a closed loop). Rate: requests are sent by a schedule, whether earlier ones are over or not (an open loop), \
         so that what a user would wait for is measured",
    );
    let kinds = [(LoadKind::Streams, "Streams"), (LoadKind::Rate, "Rate")];
    segmented(ui, theme, "Load", &mut draft.load, &kinds);
    ui.add_space(space::XS);
    match draft.load {
        LoadKind::Streams => {
            let problem = draft.read_streams().err();
            let text = &mut draft.streams;
            labeled_field(ui, theme, "Streams at a time", text, "", problem.as_deref());
        }
        LoadKind::Rate => {
            let problem = draft.read_rate().err();
            let text = &mut draft.per_second;
            labeled_field(ui, theme, "Requests a second", text, "", problem.as_deref());
            ui.add_space(space::XS);
            let arrivals = [
                (ArrivalProcess::Poisson, "Poisson"),
                (ArrivalProcess::Constant, "Constant"),
            ];
            ui.label(caption(theme, "Spacing")).on_hover_text(
                "Poisson: as the requests of many independent users come. Constant: at equal distances",
            );
            segmented(ui, theme, "Spacing", &mut draft.arrivals, &arrivals);
        }
    }
    ui.add_space(space::XS);
    ui.columns_const(|[left, right]| {
        let problem = draft.read_ramp().err();
        let text = &mut draft.ramp;
        labeled_field(
            left,
            theme,
            "Ramp, seconds",
            text,
            "none",
            problem.as_deref(),
        )
        .on_hover_text("Over how long the load grows to its full size");
        let problem = draft.read_warm_up().err();
        let text = &mut draft.warm_up;
        labeled_field(
            right,
            theme,
            "Warm-up requests",
            text,
            "none",
            problem.as_deref(),
        )
        .on_hover_text("They are sent first, and are in no figure");
    });
}

fn stop_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "It stops at the first of"));
    ui.columns_const(|[left, right]| {
        let problem = draft.read_requests().err();
        let text = &mut draft.requests;
        labeled_field(left, theme, "Requests", text, NO_LIMIT, problem.as_deref());
        let problem = draft.read_seconds().err();
        let text = &mut draft.seconds;
        labeled_field(right, theme, "Seconds", text, NO_LIMIT, problem.as_deref());
    });
    ui.columns_const(|[left, right]| {
        let problem = draft.read_failures().err();
        let (label, text) = ("More failures than", &mut draft.failures);
        labeled_field(left, theme, label, text, NO_LIMIT, problem.as_deref());
        let problem = draft.read_usd().err();
        let text = &mut draft.usd;
        labeled_field(
            right,
            theme,
            "US dollars",
            text,
            NO_LIMIT,
            problem.as_deref(),
        )
        .on_hover_text("Requests under way are counted at their most");
    });
    if draft.load == LoadKind::Rate {
        ui.add_space(space::XS);
        let label = "The target takes less than is sent";
        toggle(ui, &mut draft.over_saturation, label)
            .on_hover_text("What is under way then only grows: waiting longer tells nothing more");
    }
}

fn goodput_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "A good request takes at most (milliseconds)")).on_hover_text(
        "Goodput is the share of requests, failures included, that keep all of these limits (SLOs). In an open loop \
         they hold from schedule",
    );
    ui.columns(3, |columns| {
        let fields = [
            ("TTFT", &mut draft.ttft),
            ("TPOT", &mut draft.tpot),
            ("Total", &mut draft.total),
        ];
        for (column, (name, text)) in columns.iter_mut().zip(fields) {
            let problem = read_limit(text).err();
            labeled_field(column, theme, name, text, "any", problem.as_deref());
        }
    });
}

fn more_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "Connections")).on_hover_text(
        "Warm: open ones, where there are any. Cold: a new one for each request, whose handshakes are part of its TTFT",
    );
    let connections = [
        (BenchConnections::Warm, "Warm"),
        (BenchConnections::Cold, "Cold"),
    ];
    segmented(
        ui,
        theme,
        "Connections",
        &mut draft.connections,
        &connections,
    );
    ui.add_space(space::XS);
    if draft.load == LoadKind::Rate {
        let problem = draft.read_most_in_flight().err();
        let text = &mut draft.most_in_flight;
        labeled_field(
            ui,
            theme,
            "Most requests under way",
            text,
            "",
            problem.as_deref(),
        )
        .on_hover_text("What is due beyond it waits, which counts as this machine’s lag");
    }
    toggle(ui, &mut draft.is_polite, "Wait after a 429").on_hover_text(
        "Nothing is sent for as long as the target asks, or for a second. What was due meanwhile is skipped and \
         counted. The choice is kept with the bench",
    );
    toggle(ui, &mut draft.keep_texts, "Keep the texts of answers").on_hover_text(
        "The first 16 KiB of each answer, as long as there is room. In a terminal, tokenscope bench --show with --texts \
         prints them",
    );
}
