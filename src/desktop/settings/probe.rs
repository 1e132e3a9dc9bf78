//! Tests of endpoints, shown step by step.

use std::collections::BTreeMap;

use egui::{Label, RichText, Ui};

use crate::{
    desktop::{
        icons,
        theme::{Theme, caption, size, space},
        widgets::ms_text,
    },
    endpoint::Endpoint,
    engine::{Asked, Command, EndpointCommand, TestStep, TestedThing, ask_in_steps},
    visible::visible,
};

/// The latest test of each endpoint, by the endpoint's id.
#[derive(Debug, Default)]
pub struct Tests(BTreeMap<String, Test>);

/// One test: its steps so far, and those still to come.
#[derive(Debug)]
pub struct Test {
    steps: Vec<TestStep>,
    more: Asked<TestStep>,
}

impl Tests {
    /// Starts a test of an endpoint; an earlier one that still runs is abandoned.
    pub fn begin(&mut self, endpoint: &Endpoint, commands: &mut Vec<Command>) {
        let (steps, more) = ask_in_steps();
        let test = Test {
            steps: Vec::new(),
            more,
        };
        self.0.insert(endpoint.id.clone(), test);
        let endpoint = Box::new(endpoint.clone());
        let command = EndpointCommand::Test { endpoint, steps };
        commands.push(Command::Endpoint(command));
    }

    /// Takes the steps that have arrived.
    pub fn take_in(&mut self) {
        for test in self.0.values_mut() {
            test.steps.extend(std::iter::from_fn(|| test.more.take()));
        }
    }

    /// The latest test of an endpoint, if it was tested.
    pub fn of(&self, endpoint: &str) -> Option<&Test> {
        self.0.get(endpoint)
    }
}

/// Shows the steps of a test, including those still to come.
pub fn show(ui: &mut Ui, theme: &Theme, test: &Test) {
    ui.spacing_mut().item_spacing.y = 2.0;
    for step in &test.steps {
        step_ui(ui, theme, step);
    }
    if !test.more.is_waiting() {
        return;
    }
    for what in TestedThing::ALL.iter().skip(test.steps.len()) {
        line(
            ui,
            theme,
            icons::QUEUED,
            theme.text_dim,
            what.as_str(),
            |ui| {
                ui.label(caption(theme, "…"));
            },
        );
    }
}

fn step_ui(ui: &mut Ui, theme: &Theme, step: &TestStep) {
    let (icon, color) = match &step.result {
        Ok(_) if step.sure => (icons::OK, theme.good),
        Ok(_) => (icons::WARN, theme.warn),
        Err(_) => (icons::FAULT, theme.bad),
    };
    line(ui, theme, icon, color, step.what.as_str(), |ui| {
        if let Some(took) = step.took {
            ui.label(caption(theme, ms_text(took.as_secs_f64() * 1e3)));
        }
        match &step.result {
            Ok(found) if step.sure => ui.add(Label::new(caption(theme, found)).wrap()),
            Ok(found) => {
                let text = RichText::new(found).size(size::SMALL).color(theme.warn);
                ui.add(Label::new(text).wrap())
            }
            Err(fault) => {
                let status = fault
                    .status
                    .map(|status| format!("HTTP {status}: "))
                    .unwrap_or_default();
                let text = format!("{status}{}", visible(&fault.message));
                ui.add(Label::new(RichText::new(text).size(size::SMALL).color(theme.bad)).wrap())
            }
        };
    });
}

fn line(
    ui: &mut Ui,
    theme: &Theme,
    icon: &str,
    color: egui::Color32,
    name: &str,
    more: impl FnOnce(&mut Ui),
) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        ui.label(RichText::new(icon).color(color));
        let (spot, _) = ui.allocate_exact_size(egui::vec2(64.0, 18.0), egui::Sense::hover());
        let at = spot.left_center();
        ui.painter().text(
            at,
            egui::Align2::LEFT_CENTER,
            name,
            egui::FontId::proportional(size::BODY),
            theme.text,
        );
        more(ui);
    });
}
