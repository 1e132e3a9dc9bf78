//! The gateway of this app: on and off, how programs reach it, what it is doing.
//!
//! In: [`State::gateway`](super::state::State), the gateway's status while the view is shown. Out:
//! [`GatewayCommand`]s; a click on a request opens its run.

mod connect;
mod requests;
mod routes;
mod verb;

use std::sync::Arc;

use egui::{Align, Key, KeyboardShortcut, Layout, Margin, Modifiers, Panel, RichText, Ui};
use serde::{Deserialize, Serialize};

pub use self::verb::{GatewayTab, GatewayVerb};
use self::{connect::Connect, requests::Requests};
use super::{
    icons,
    theme::{size, space, title},
    view::{Cx, Verb, VerbId, View, ViewId},
    widgets::{Tone, banner, copy_button, empty, primary_button, segmented, switch},
};
use crate::{
    engine::{Asked, Command, GatewayAccess, GatewayCommand, GatewayState, ask_in_steps},
    gateway::{self, GatewayStatus},
};

/// The gateway's view.
#[derive(Debug, Default)]
pub struct GatewayView {
    saved: SavedGateway,
    /// Whether the gateway is to be started since it was on when the window was closed.
    starts: bool,
    /// Whether the view was shown since the last frame.
    is_shown: bool,
    asked: Asked<Arc<GatewayStatus>>,
    status: Option<Arc<GatewayStatus>>,
    connect: Connect,
    requests: Requests,
}

/// What is kept with the window's layout.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedGateway {
    /// Whether the user turned it on.
    on: bool,
    tab: GatewayTab,
}

impl View for GatewayView {
    fn id(&self) -> ViewId {
        ViewId::Gateway
    }

    fn title(&self) -> &'static str {
        "Gateway"
    }

    fn icon(&self) -> &'static str {
        icons::GATEWAY
    }

    fn verbs(&self) -> Vec<Verb> {
        let verb = |verb, label, key: Option<Key>| Verb {
            id: VerbId::Gateway(verb),
            label,
            shortcut: key.map(|key| KeyboardShortcut::new(Modifiers::COMMAND, key)),
        };
        let show = |tab, label| verb(GatewayVerb::Show(tab), label, None);
        vec![
            verb(GatewayVerb::Switch, "Turn the gateway on or off", None),
            show(GatewayTab::Requests, "Show the gateway’s requests"),
            show(GatewayTab::Routes, "Show the gateway’s routes"),
            show(GatewayTab::Connect, "Connect a program to the gateway"),
        ]
    }

    fn verb(&mut self, id: VerbId, cx: &mut Cx<'_>) {
        match id {
            VerbId::Gateway(GatewayVerb::Switch) => self.switch(cx),
            VerbId::Gateway(GatewayVerb::Show(tab)) => self.saved.tab = tab,
            _ => {}
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.starts) {
            cx.commands.push(Command::Gateway(GatewayCommand::Start));
        }
        while let Some(status) = self.asked.take() {
            self.status = Some(status);
        }
        if !std::mem::take(&mut self.is_shown) {
            // Nobody looks: the gateway need not tell what it is doing.
            self.asked = Asked::default();
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.is_shown = true;
        self.ask(cx);
        self.bar_ui(ui, cx);
        match &cx.state.gateway {
            GatewayState::On(access) => {
                let access = Arc::clone(access);
                self.on_ui(ui, cx, &access);
            }
            GatewayState::Off => self.off_ui(ui, cx, "Turn the gateway on"),
            GatewayState::Failed(why) => {
                let text = format!("The gateway could not be started: {why}");
                banner(ui, cx.theme, Tone::Bad, &text, |_| ());
                self.off_ui(ui, cx, "Try again");
            }
            GatewayState::Starting => {
                let text = "It asks the keyring for its token, and opens its address";
                empty(ui, cx.theme, icons::GATEWAY, "Starting…", text, |_| ());
            }
            GatewayState::Stopping => {
                let text = "Requests under way may go on for a few seconds";
                empty(ui, cx.theme, icons::GATEWAY, "Stopping…", text, |_| ());
            }
        }
    }

    fn save(&self) -> Option<String> {
        serde_json::to_string(&self.saved).ok()
    }

    fn restore(&mut self, saved: &str) {
        self.saved = serde_json::from_str(saved).unwrap_or_default();
        self.starts = self.saved.on;
    }
}

impl GatewayView {
    /// Asks what the gateway is doing, unless that is asked already.
    fn ask(&mut self, cx: &mut Cx<'_>) {
        if !matches!(cx.state.gateway, GatewayState::On(_)) {
            self.status = None;
        } else if !self.asked.is_waiting() {
            let (steps, asked) = ask_in_steps();
            self.asked = asked;
            cx.commands
                .push(Command::Gateway(GatewayCommand::Watch(steps)));
        }
    }

    /// Turns it on, or off.
    fn switch(&mut self, cx: &mut Cx<'_>) {
        let command = match cx.state.gateway {
            GatewayState::Off | GatewayState::Failed(_) => GatewayCommand::Start,
            GatewayState::Starting | GatewayState::On(_) | GatewayState::Stopping => {
                GatewayCommand::Stop
            }
        };
        self.saved.on = matches!(command, GatewayCommand::Start);
        cx.commands.push(Command::Gateway(command));
    }

    fn bar_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(16, 10));
        Panel::top("gateway.bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(title("Gateway"));
                ui.add_space(space::S);
                let (on, word) = match &cx.state.gateway {
                    GatewayState::Off | GatewayState::Failed(_) => (false, "Off"),
                    GatewayState::Starting => (true, "Starting…"),
                    GatewayState::On(_) => (true, "On"),
                    GatewayState::Stopping => (false, "Stopping…"),
                };
                if switch(ui, theme, on, "The gateway").clicked() {
                    self.switch(cx);
                }
                let GatewayState::On(access) = &cx.state.gateway else {
                    ui.label(RichText::new(word).color(theme.text_dim));
                    return;
                };
                let address = format!("http://{}", access.address);
                ui.label(RichText::new(&address).monospace().color(theme.text));
                copy_button(ui, theme, "Copy the address", || address);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let live = self.status.as_ref().map_or(0, |status| status.live.len());
                    let requests = match live {
                        0 => "Requests".to_owned(),
                        live => format!("Requests · {live} live"),
                    };
                    let tabs = [
                        (GatewayTab::Requests, requests.as_str()),
                        (GatewayTab::Routes, "Routes"),
                        (GatewayTab::Connect, "Connect"),
                    ];
                    segmented(ui, theme, "Show", &mut self.saved.tab, &tabs);
                });
            });
        });
    }

    fn off_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, action: &str) {
        let listen = cx.state.settings.gateway.listen.unwrap_or(gateway::LISTEN);
        let text = format!(
            "Programs on this machine ask any model through it, in the protocol that they speak already: only their \
             base URL and their key change. Each of their requests becomes a run with all its figures. It will listen \
             on {listen}"
        );
        let (head, icon) = ("The gateway is off", icons::GATEWAY);
        empty(ui, cx.theme, icon, head, &text, |ui| {
            if primary_button(ui, cx.theme, action).clicked() {
                self.switch(cx);
            }
        });
    }

    fn on_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, access: &GatewayAccess) {
        if let Some(problem) = &access.problem {
            banner(ui, cx.theme, Tone::Warn, problem, |_| ());
        }
        let status = self.status.clone();
        match (self.saved.tab, status) {
            (GatewayTab::Connect, _) => self.connect.ui(ui, cx, access),
            // The answer is on its way.
            (GatewayTab::Requests | GatewayTab::Routes, None) => {}
            (GatewayTab::Routes, Some(status)) => routes::ui(ui, cx, &status.routes),
            (GatewayTab::Requests, Some(status))
                if status.live.is_empty() && status.recent.is_empty() =>
            {
                self.no_requests_ui(ui, cx);
            }
            (GatewayTab::Requests, Some(status)) => self.requests.ui(ui, cx, &status),
        }
    }

    fn no_requests_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let text =
            "Give a program the gateway’s address and token: its requests appear here as they come";
        let (head, icon) = ("No requests yet", icons::GATEWAY);
        empty(ui, cx.theme, icon, head, text, |ui| {
            if primary_button(ui, cx.theme, "Connect a program").clicked() {
                self.saved.tab = GatewayTab::Connect;
            }
        });
        ui.add_space(size::BODY);
    }
}
