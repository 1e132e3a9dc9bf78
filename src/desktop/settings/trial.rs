//! A tiny real request to an endpoint: only an answer proves that key and model are right.
//!
//! In: a click. Out: [`RunCommand::Send`], as the playground sends it; then the run's figures.

use std::collections::BTreeMap;

use egui::{Label, RichText, TextEdit, Ui};

use crate::{
    chat::{ChatRequest, Params},
    desktop::{
        state::State,
        theme::{Theme, caption, size, space},
        view::{Action, Cx},
        widgets::{Outcome, choice_box, figure_ui, ghost_button},
    },
    endpoint::Endpoint,
    engine::{Command, EndpointCommand, RunCommand, SendRun},
    event::Fault,
    measure,
    price::PriceTable,
    run::{Origin, Run, RunId},
    visible::{visible, visible_line},
};

/// Most tokens the answer may have.
const MAX_TOKENS: u32 = 16;
/// Keys of the figures that are shown.
const SHOWN: [&str; 4] = ["ttft_ms", "ttft_net_ms", "total_ms", "output_tokens"];

/// The trial requests, by endpoint.
#[derive(Debug, Default)]
pub struct Trials(BTreeMap<String, Trial>);

#[derive(Debug, Default)]
struct Trial {
    /// The chosen or typed model.
    model: String,
    run: Option<RunId>,
    /// Whether the endpoint's list of models was asked for.
    asked: bool,
}

impl Trials {
    /// The latest run of each endpoint.
    pub fn runs(&self) -> impl Iterator<Item = RunId> + '_ {
        self.0.values().filter_map(|trial| trial.run)
    }

    /// Shows the form to send a request to an endpoint, and the result.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, endpoint: &Endpoint) {
        let trial = self.0.entry(endpoint.id.clone()).or_default();
        if !cx.state.models.contains_key(&endpoint.id) && !std::mem::replace(&mut trial.asked, true)
        {
            cx.commands
                .push(Command::Endpoint(EndpointCommand::ListModels {
                    endpoint: endpoint.id.clone(),
                    refresh: false,
                }));
        }
        ui.add_space(space::XS);
        ui.horizontal_wrapped(|ui| trial.ask_ui(ui, cx, endpoint));
        let Some(id) = trial.run else { return };
        if let Some(fault) = cx.state.refused.get(&id) {
            fault_ui(ui, cx.theme, fault);
        } else if let Some(run) = cx.state.runs.get(&id)
            && run_ui(ui, cx.theme, run, &cx.state.settings.prices)
        {
            cx.actions.push(Action::OpenRun(id));
        }
    }
}

impl Trial {
    fn ask_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, endpoint: &Endpoint) {
        let models = models_of(cx.state, endpoint);
        if self.model.is_empty() {
            self.model = models.first().cloned().unwrap_or_default();
        }
        if models.is_empty() {
            let edit = TextEdit::singleline(&mut self.model)
                .hint_text("Model name")
                .desired_width(180.0);
            ui.add(edit.margin(egui::vec2(8.0, 4.0)))
                .accessible_name(format!("Model to try at {}", endpoint.id));
        } else {
            self.choice_ui(ui, endpoint, &models);
        }
        let idle = self.run.is_none_or(|id| {
            let run = cx.state.runs.get(&id);
            run.is_some_and(|run| run.state.is_over()) || cx.state.refused.contains_key(&id)
        });
        let ready = idle && !self.model.trim().is_empty();
        let send = ui
            .add_enabled(ready, egui::Button::new("Send a tiny request"))
            .accessible_name(format!("Send a tiny request to {}", endpoint.id));
        if send.clicked() {
            let run = self.request(endpoint);
            self.run = Some(run.id);
            cx.commands.push(Command::Run(RunCommand::Send(run)));
        }
        let cost = if endpoint.simulated {
            "The simulator answers, at no cost".to_owned()
        } else {
            format!("A real request: you pay for it and for at most {MAX_TOKENS} output tokens")
        };
        ui.label(caption(cx.theme, cost));
    }

    fn choice_ui(&mut self, ui: &mut Ui, endpoint: &Endpoint, models: &[String]) {
        let choice = choice_box("trial.model")
            .width(200.0)
            .truncate()
            .selected_text(visible_line(&self.model).into_owned())
            .show_ui(ui, |ui| {
                for model in models {
                    let on = *model == self.model;
                    let row = ui.selectable_label(on, visible_line(model).into_owned());
                    if row.clicked() {
                        model.clone_into(&mut self.model);
                    }
                }
            });
        (choice.response).accessible_name(format!("Model to try at {}", endpoint.id));
    }

    fn request(&self, endpoint: &Endpoint) -> SendRun {
        let request = ChatRequest {
            params: Params {
                max_tokens: Some(MAX_TOKENS),
                ..Params::default()
            },
            ..ChatRequest::of_text(self.model.trim(), "Say hello in one word.")
        };
        SendRun {
            id: RunId::new(),
            endpoint: endpoint.id.clone(),
            request: request.into(),
            origin: Origin::Playground,
            cold: false,
        }
    }
}

/// The models to choose from: those in the settings, then those in the endpoint's list.
fn models_of(state: &State, endpoint: &Endpoint) -> Vec<String> {
    let mut models = endpoint.models.clone();
    let listed = state.models.get(&endpoint.id);
    for model in listed
        .and_then(|listed| listed.as_ref().ok())
        .into_iter()
        .flat_map(|m| m.iter())
    {
        if !models.contains(&model.id) {
            models.push(model.id.clone());
        }
    }
    models
}

/// Shows the run's outcome and figures; returns whether to open it.
fn run_ui(ui: &mut Ui, theme: &Theme, run: &Run, prices: &PriceTable) -> bool {
    let fault = run.answer.fault.as_ref();
    let mut open = false;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        Outcome::of(run.state, fault.map(|fault| fault.class)).ui(ui, theme);
        for key in SHOWN {
            if let Some(figure) = measure::figure(key).filter(|f| (f.value)(run, prices).is_some())
            {
                ui.add_space(space::XS);
                ui.label(caption(theme, figure.label));
                figure_ui(ui, theme, figure, run, prices);
            }
        }
        if run.state.is_over() {
            open = ghost_button(ui, theme, "Open the run").clicked();
        }
    });
    if let Some(fault) = fault {
        fault_ui(ui, theme, fault);
    } else if run.state.is_over() && run.stamps.first_token.is_none() {
        ui.label(caption(
            theme,
            "No token came: a reasoning model may use that few up before it answers",
        ));
    }
    open
}

fn fault_ui(ui: &mut Ui, theme: &Theme, fault: &Fault) {
    let status = fault
        .status
        .map(|s| format!("HTTP {s}: "))
        .unwrap_or_default();
    let text = format!("{status}{}", visible(&fault.message));
    let text = RichText::new(text).size(size::SMALL).color(theme.bad);
    ui.add(Label::new(text).wrap());
}
