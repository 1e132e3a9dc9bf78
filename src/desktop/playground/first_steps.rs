//! What an empty pane offers while only the simulator could answer: a provider's key, a server on this machine, the
//! simulator.

use egui::{Ui, vec2};

use super::{
    intent::{Change, Intent},
    shared::Shared,
};
use crate::{
    conversation::Pane,
    desktop::{
        icons,
        theme::{caption, space},
        view::{Action, Cx},
        widgets::counted,
    },
    endpoint::{Endpoint, TargetId, local_gateway},
    engine::{Asked, Command, EndpointCommand, LocalServer, ask},
    settings::{Settings, SettingsEdit},
    visible::visible_line,
};

/// The search for servers on this machine, which all empty panes show.
#[derive(Debug, Default)]
pub struct FirstSteps {
    asked: Asked<Vec<LocalServer>>,
    /// `None` before it was asked for.
    found: Option<Vec<LocalServer>>,
}

/// Width of the buttons, in points.
const WIDTH: f32 = 250.0;

/// Whether there is nothing yet but the simulator.
fn is_first_time(settings: &Settings) -> bool {
    let is_built_in = |one: &Endpoint| one.simulated || local_gateway::is_own(&one.id);
    settings.endpoints.iter().all(is_built_in)
}

impl FirstSteps {
    /// Takes in the answer, if it has come.
    pub fn logic(&mut self) {
        if let Some(found) = self.asked.take() {
            (self.found, self.asked) = (Some(found), Asked::default());
        }
    }
}

/// Shows the offers in the middle of an empty pane, once there is any need for them.
pub fn offers_ui(ui: &mut Ui, cx: &mut Cx<'_>, pane: &Pane, shared: &mut Shared<'_>) {
    if !is_first_time(&cx.state.settings) {
        return;
    }
    ui.add_space(space::L);
    ui.label(caption(cx.theme, "To ask a real model:"));
    ui.add_space(space::XS);
    if offer(ui, icons::KEY, "Add a provider and its key…").clicked() {
        cx.actions.push(Action::EditEndpoint(None));
    }
    let is_asking = shared.first_steps.asked.is_waiting();
    let find = ui.add_enabled_ui(!is_asking, |ui| {
        offer(ui, icons::SEARCH, "Look for servers on this machine").on_hover_text(
            "Asks the usual ports of Ollama, LM Studio, llama.cpp, vLLM and LiteLLM for their models, on this machine only and \
             without a key",
        )
    });
    if find.inner.clicked() {
        let (reply, asked) = ask();
        shared.first_steps.asked = asked;
        let command = EndpointCommand::FindLocal(reply);
        cx.commands.push(Command::Endpoint(command));
    }
    if is_asking {
        ui.label(caption(cx.theme, "Looking…"));
    } else {
        found_ui(ui, cx, shared);
    }
    if pane.target.is_none()
        && let Some(target) = simulated_target(&cx.state.settings)
    {
        ui.add_space(space::S);
        ui.label(caption(cx.theme, "Or without any:"));
        ui.add_space(space::XS);
        if offer(ui, icons::SIMULATED, "Try the simulator").clicked() {
            let change = Change::Target(pane.id, target);
            shared.intents.push(Intent::Change(change));
        }
    }
}

/// The servers that answered.
fn found_ui(ui: &mut Ui, cx: &mut Cx<'_>, shared: &mut Shared<'_>) {
    let Some(found) = &shared.first_steps.found else {
        return;
    };
    if found.is_empty() {
        let none = "None answers on the ports 11434, 1234, 8080, 8000 and 4000. Start one, or add another address";
        ui.label(caption(cx.theme, none));
    }
    for server in found {
        let name = &server.endpoint.label;
        match server.models.len() {
            1.. => {
                let models = counted(server.models.len() as u64, "model");
                let text = format!("Use {name}: {models}");
                let hover = visible_line(&server.models.join(", ")).into_owned();
                if offer(ui, icons::CHECK, &text)
                    .on_hover_text(hover)
                    .clicked()
                {
                    let edit = SettingsEdit::PutEndpoint {
                        old_id: None,
                        endpoint: Box::new(server.endpoint.clone()),
                    };
                    cx.commands.push(Command::Edit(edit));
                    let change = Change::EmptyTargets(server.targets());
                    shared.intents.push(Intent::Change(change));
                }
            }
            0 if server.needs_key => {
                let text = format!("{name} answers, and asks for a key: add it as a provider");
                ui.label(caption(cx.theme, text));
            }
            0 => {
                let text =
                    format!("{name} answers, but has no model yet: load one, then look again");
                ui.label(caption(cx.theme, text));
            }
        }
    }
}

fn offer(ui: &mut Ui, icon: &str, text: &str) -> egui::Response {
    let button = egui::Button::new(format!("{icon}  {text}")).min_size(vec2(WIDTH, 28.0));
    let response = ui.add(button);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, text));
    response
}

/// The first model of the simulator.
fn simulated_target(settings: &Settings) -> Option<TargetId> {
    let endpoint = settings.endpoints.iter().find(|one| one.simulated)?;
    let model = endpoint.models.first()?;
    Some(TargetId {
        endpoint: endpoint.id.clone(),
        model: model.clone(),
    })
}
