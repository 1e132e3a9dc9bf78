//! The alerts: a list of the rules, and the form of one.

use egui::{Label, Ui};

use super::{alert_draft::AlertDraft, alert_form::AlertForm};
use crate::{
    desktop::{
        icons,
        theme::{caption, space, strong, title},
        view::{Action, Cx},
        widgets::{badge, capitalized, card, icon_button, primary_button},
    },
    settings::alert::AlertSettings,
    visible::visible_line,
};

/// The section of alerts.
#[derive(Debug, Default)]
pub struct AlertsSection {
    /// The form, while it is open.
    form: Option<Box<AlertForm>>,
}

impl AlertsSection {
    /// Closes the form of an alert that was saved.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        if let Some(form) = &mut self.form
            && form.logic(cx)
        {
            self.form = None;
            cx.actions.push(Action::Tell("Saved the alert".to_owned()));
        }
    }

    /// Shows the list, or the form.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        match self.form.take() {
            Some(mut form) => self.form = form.ui(ui, cx).then_some(form),
            None => self.list_ui(ui, cx),
        }
    }

    fn list_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        ui.horizontal(|ui| {
            ui.label(title("Alerts"));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let add = format!("{} Add an alert…", icons::ADD);
                if primary_button(ui, theme, &add).clicked() {
                    self.open(AlertDraft::new());
                }
            });
        });
        ui.label(caption(
            theme,
            "An alert tells somebody when the monitor’s probes or free checks say that a target is slow, fails or is away",
        ));
        ui.add_space(space::M);
        let settings = cx.state.settings.clone();
        if settings.alerts.is_empty() {
            ui.label("There is no alert yet");
        }
        for rule in &settings.alerts {
            self.rule_ui(ui, cx, rule);
            ui.add_space(space::S);
        }
    }

    fn rule_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, rule: &AlertSettings) {
        let theme = cx.theme;
        card(ui, theme, |ui| {
            ui.set_width(ui.available_width());
            let name = visible_line(&rule.name).into_owned();
            ui.horizontal(|ui| {
                ui.label(strong(&name));
                let fires = cx.state.alerts.iter().filter(|news| news.rule == rule.name);
                let fires = fires.count();
                if fires > 0 {
                    badge(ui, theme, &format!("fires for {fires}"), theme.warn);
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if icon_button(ui, theme, icons::EDIT, &format!("Edit {name}")).clicked() {
                        self.open(AlertDraft::of(rule));
                    }
                });
            });
            for line in [judges(rule), tells(rule)] {
                ui.add(Label::new(caption(theme, line)).wrap());
            }
        });
    }

    fn open(&mut self, draft: AlertDraft) {
        self.form = Some(Box::new(AlertForm::new(draft)));
    }
}

/// By what a rule judges, as a line.
fn judges(rule: &AlertSettings) -> String {
    let figure = rule.figure;
    let targets = match rule.targets.as_slice() {
        [] => "all targets".to_owned(),
        some => visible_line(&some.join(", ")).into_owned(),
    };
    let (limit, until) = (figure.text(rule.limit()), figure.text(rule.until()));
    let minutes = if figure.is_of_endpoint() {
        String::new()
    } else {
        format!(" in {} min", rule.over_minutes)
    };
    let (name, side) = (capitalized(figure.name()), figure.side());
    format!("{name} {side} {limit}{minutes}, over at {until}; {targets}")
}

/// Whom a rule tells, as a line, without the secret of a URL.
fn tells(rule: &AlertSettings) -> String {
    let mut ways = Vec::new();
    if rule.notify {
        ways.push("a notification".to_owned());
    }
    if rule.webhook.is_some() {
        ways.push(format!("a webhook ({})", rule.form));
    }
    if let Some(program) = rule.command.first() {
        ways.push(format!("the command {}", visible_line(program)));
    }
    let quiet = rule.quiet.map(|quiet| format!("; quiet {quiet}"));
    let ways = if ways.is_empty() {
        "nobody".to_owned()
    } else {
        ways.join(", ")
    };
    format!("Tells {ways}{}", quiet.unwrap_or_default())
}
