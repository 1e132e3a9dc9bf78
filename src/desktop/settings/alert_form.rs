//! The form of an alert: what it looks at, when it fires, who is told; and how it would have done on the past.

use egui::{Label, TextEdit, Ui};

use super::{
    alert_draft::{AlertDraft, AlertField, AlertProblems},
    alert_trial::{DAY_NS, not_kept_ui, trial_lines},
    form::{FormProgress, captioned_field, head_ui},
};
use crate::{
    alert::AlertTrial,
    clock::wall_clock_ns,
    desktop::{
        theme::{Theme, caption, heading, space},
        view::Cx,
        widgets::{card, choice_box, ghost_button, labeled_field, problem_ui, segmented, toggle},
    },
    engine::{Asked, Command, HistoryCommand, ask},
    settings::{
        SettingsEdit,
        alert::{AlertFigure, AlertSettings, AlertUnit, WebhookForm},
    },
    visible::visible_line,
};

const FORMS: [(WebhookForm, &str); 4] = [
    (WebhookForm::Json, "JSON"),
    (WebhookForm::Slack, "Slack"),
    (WebhookForm::Lark, "Lark"),
    (WebhookForm::Dingtalk, "DingTalk"),
];
/// Over how many days of the past a rule may be tried.
const PAST: [(i64, &str); 3] = [(1, "1 day"), (7, "7 days"), (30, "30 days")];

/// The open form.
#[derive(Debug)]
pub struct AlertForm {
    draft: AlertDraft,
    progress: FormProgress,
    /// How many days of the past it is to be tried on.
    days: i64,
    asked: Asked<Result<AlertTrial, String>>,
    /// What is being tried.
    tries: Option<TriedRule>,
    /// How it did.
    trial: Option<(TriedRule, Result<AlertTrial, String>)>,
}

/// What is tried on the past.
#[derive(Clone, Debug)]
struct TriedRule {
    /// By what it judges: see [`AlertSettings::judgement`].
    judgement: String,
    /// Over how many days.
    days: i64,
}

impl AlertForm {
    /// A form with a draft.
    #[must_use]
    pub fn new(draft: AlertDraft) -> Self {
        Self {
            draft,
            progress: FormProgress::default(),
            days: 7,
            asked: Asked::default(),
            tries: None,
            trial: None,
        }
    }

    /// Takes what was asked; returns whether the alert is saved.
    pub fn logic(&mut self, cx: &Cx<'_>) -> bool {
        if let Some(answer) = self.asked.take() {
            self.trial = self.tries.take().map(|tried| (tried, answer));
        }
        self.progress.is_saved(cx)
    }

    /// Shows the form; returns whether it stays open.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) -> bool {
        let theme = cx.theme;
        let name = match &self.draft.old_name {
            Some(name) => format!("Edit {}", visible_line(name)),
            None => "New alert".to_owned(),
        };
        let stays = head_ui(ui, theme, "Back to the alerts", name);
        ui.add_space(space::S);
        let checked = self.draft.rule(&cx.state.settings);
        let none = AlertProblems::new();
        let problems = match &checked {
            Err(problems) if self.progress.has_tried => problems,
            _ => &none,
        };
        what_ui(ui, theme, &mut self.draft, problems);
        when_ui(ui, theme, &mut self.draft, problems);
        who_ui(ui, theme, &mut self.draft, problems);
        ui.add_space(space::M);
        self.trial_ui(ui, cx, checked.as_ref().ok());
        ui.add_space(space::M);
        stays && self.buttons_ui(ui, cx, checked)
    }

    fn trial_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, rule: Option<&AlertSettings>) {
        let theme = cx.theme;
        card(ui, theme, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal(|ui| {
                segmented(ui, theme, "Past", &mut self.days, &PAST);
                let button = ui.add_enabled(!self.asked.is_waiting(), egui::Button::new("Try on the past"));
                let hover = "Says how often it would have fired on the probes and checks that the history has. Nobody is told";
                if button.on_hover_text(hover).clicked() {
                    self.progress.has_tried = true;
                    if let Some(rule) = rule {
                        let (reply, asked) = ask();
                        self.asked = asked;
                        self.tries = Some(TriedRule {
                            judgement: rule.judgement(),
                            days: self.days,
                        });
                        cx.commands.push(Command::History(HistoryCommand::TryAlert {
                            rule: Box::new(rule.clone()),
                            since_unix_ns: wall_clock_ns().saturating_sub(self.days * DAY_NS),
                            reply,
                        }));
                    }
                }
                if self.asked.is_waiting() {
                    ui.label(caption(theme, "Trying…"));
                }
            });
            not_kept_ui(ui, cx, self.draft.figure, self.days);
            // Of another rule it would say nothing.
            let judgement = rule.map(AlertSettings::judgement);
            let is_of_rule = |tried: &TriedRule| judgement.as_ref() == Some(&tried.judgement);
            match &self.trial {
                Some((tried, Err(why))) if is_of_rule(tried) => {
                    ui.colored_label(theme.warn, why);
                }
                Some((tried, Ok(trial))) if is_of_rule(tried) => {
                    trial_lines(ui, theme, tried.days, trial);
                }
                _ => {}
            }
        });
    }

    fn buttons_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        checked: Result<AlertSettings, AlertProblems>,
    ) -> bool {
        let theme = cx.theme;
        if self.progress.has_tried && checked.is_err() {
            problem_ui(ui, theme, Some("Fix the fields marked above first"));
        }
        let mut stays = true;
        ui.horizontal(|ui| {
            if self.progress.save_button(ui, theme) {
                self.progress.has_tried = true;
                if let Ok(rule) = checked {
                    self.progress.saves(cx);
                    cx.commands.push(Command::Edit(SettingsEdit::PutAlert {
                        old_name: self.draft.old_name.clone(),
                        alert: Box::new(rule),
                    }));
                }
            }
            stays = !ghost_button(ui, theme, "Cancel").clicked();
            if let Some(name) = self.draft.old_name.clone() {
                let texts = ["Remove…", "Remove it"];
                if self.progress.remove_button(ui, theme, texts, None) {
                    let edit = SettingsEdit::RemoveAlert { name };
                    cx.commands.push(Command::Edit(edit));
                    stays = false;
                }
            }
        });
        stays
    }
}

fn what_ui(ui: &mut Ui, theme: &Theme, draft: &mut AlertDraft, problems: &AlertProblems) {
    let problem = |field| problems.get(&field).map(String::as_str);
    ui.columns_const(|[left, right]| {
        let name = problem(AlertField::Name);
        labeled_field(left, theme, "Name", &mut draft.name, "slow", name);
        right.label(caption(theme, "What it looks at"));
        choice_box("alert.figure")
            .width(right.available_width())
            .selected_text(label(draft.figure))
            .show_ui(right, |ui| {
                for figure in AlertFigure::ALL {
                    let row = ui.selectable_label(draft.figure == *figure, label(*figure));
                    if row.clicked() {
                        draft.set_figure(*figure);
                    }
                }
            })
            .response
            .accessible_name("Figure");
        right.add(Label::new(caption(theme, meaning(draft.figure))).wrap());
    });
    ui.add_space(space::S);
    let takes = "Targets, one per line: endpoint/model, or a beginning with * at its end. All of them if there are none";
    let targets = TextEdit::multiline(&mut draft.targets).desired_rows(2);
    captioned_field(ui, theme, ("Targets", takes), targets.hint_text("openai/*"));
    problem_ui(ui, theme, problem(AlertField::Targets));
    ui.add_space(space::S);
}

/// A figure's name in the list.
fn label(figure: AlertFigure) -> &'static str {
    match figure {
        AlertFigure::TtftP50 => "Median TTFT",
        AlertFigure::TtftP95 => "TTFT P95",
        AlertFigure::TtftP99 => "TTFT P99",
        AlertFigure::ErrorRate => "Error rate of probes",
        AlertFigure::Availability => "Availability: probes and free checks",
        AlertFigure::Burst => "Share of buffered answers",
        AlertFigure::CertificateDays => "Days until the certificate ends",
    }
}

/// What a figure means, and what it needs.
fn meaning(figure: AlertFigure) -> &'static str {
    match figure {
        AlertFigure::TtftP50 => "Of the probes that answered",
        AlertFigure::TtftP95 => "Of the probes that answered; known from 20 on",
        AlertFigure::TtftP99 => "Of the probes that answered; known from 100 on",
        AlertFigure::ErrorRate => "The share of probes that failed; free checks do not count",
        AlertFigure::Availability => {
            "The share of probes without a fault, and of free checks that found the endpoint there"
        }
        AlertFigure::Burst => {
            "Of the probes that are long enough to tell: answers of 8 tokens and more"
        }
        AlertFigure::CertificateDays => {
            "By the last free check of each endpoint; told once for all its models"
        }
    }
}

fn when_ui(ui: &mut Ui, theme: &Theme, draft: &mut AlertDraft, problems: &AlertProblems) {
    let problem = |field| problems.get(&field).map(String::as_str);
    let unit = match draft.figure.unit() {
        AlertUnit::Ms => "ms",
        AlertUnit::Share => "%",
        AlertUnit::Days => "days",
    };
    let limit = format!("Fires {} ({unit})", draft.figure.side());
    let until = draft.usual_until().unwrap_or_default();
    ui.columns_const(|[left, right]| {
        let wrong = problem(AlertField::Limit);
        labeled_field(left, theme, &limit, &mut draft.limit, "", wrong);
        let name = format!("Over at ({unit})");
        let wrong = problem(AlertField::Until);
        labeled_field(right, theme, &name, &mut draft.until, &until, wrong).on_hover_text(
            "It is over here, or on the good side of it; a little way behind the limit unless you say where",
        );
    });
    ui.add_space(space::S);
    ui.columns_const(|[left, middle, right]| {
        if draft.figure != AlertFigure::CertificateDays {
            let wrong = problem(AlertField::Minutes);
            labeled_field(
                left,
                theme,
                "Minutes that count",
                &mut draft.minutes,
                "15",
                wrong,
            );
            let wrong = problem(AlertField::Least);
            labeled_field(
                middle,
                theme,
                "At least so many",
                &mut draft.least,
                "5",
                wrong,
            )
            .on_hover_text("Fewer probes and checks than this in these minutes tell nothing");
        }
        let wrong = problem(AlertField::Quiet);
        labeled_field(
            right,
            theme,
            "Quiet hours",
            &mut draft.quiet,
            "22:00-07:00",
            wrong,
        )
        .on_hover_text(
            "Nobody is told then, in local time; what lasts is told at their end. Empty for none",
        );
    });
    ui.add_space(space::M);
}

fn who_ui(ui: &mut Ui, theme: &Theme, draft: &mut AlertDraft, problems: &AlertProblems) {
    let problem = |field| problems.get(&field).map(String::as_str);
    ui.label(heading("Who is told"));
    problem_ui(ui, theme, problem(AlertField::Channels));
    toggle(ui, &mut draft.notify, "A notification of the desktop");
    ui.add_space(space::S);
    let hidden = draft.has_plain_webhook();
    let takes = "Webhook: a URL that is posted to";
    let webhook = TextEdit::singleline(&mut draft.webhook)
        .password(hidden)
        .hint_text("${SLACK_HOOK}");
    captioned_field(ui, theme, ("Webhook", takes), webhook)
        .on_hover_text("${NAME} is taken from the environment");
    problem_ui(ui, theme, problem(AlertField::Webhook));
    if hidden {
        let text = "Such a URL is a secret, and stands in the settings file as it is: ${NAME} keeps it in the environment";
        ui.add(Label::new(caption(theme, text).color(theme.warn)).wrap());
    }
    if !draft.webhook.trim().is_empty() {
        segmented(ui, theme, "Form of the webhook", &mut draft.form, &FORMS);
    }
    ui.add_space(space::S);
    let takes =
        "Command: program and arguments, one per line; no shell. JSON is its standard input";
    let command = TextEdit::multiline(&mut draft.command)
        .desired_rows(2)
        .font(egui::TextStyle::Monospace);
    captioned_field(ui, theme, ("Command", takes), command);
}
