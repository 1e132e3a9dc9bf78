//! An alert while it is edited: its fields as text, and what is wrong with them.

use std::collections::BTreeMap;

use url::Url;

use super::form::lines;
use crate::settings::{
    Settings,
    alert::{AlertFigure, AlertSettings, AlertUnit, LONGEST_MINUTES, QuietHours, WebhookForm},
};

/// The fields that can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertField {
    /// The name.
    Name,
    /// The targets.
    Targets,
    /// The limit.
    Limit,
    /// Where it is over.
    Until,
    /// The minutes that count.
    Minutes,
    /// The least number of runs.
    Least,
    /// The quiet hours.
    Quiet,
    /// The webhook's URL.
    Webhook,
    /// Who is told.
    Channels,
}

/// What is wrong, by field.
pub type AlertProblems = BTreeMap<AlertField, String>;

/// An alert while it is edited.
#[derive(Clone, PartialEq)]
pub struct AlertDraft {
    /// Its name in the settings file, unless it is new.
    pub old_name: Option<String>,
    pub name: String,
    /// One pattern per line.
    pub targets: String,
    pub figure: AlertFigure,
    /// In the figure's unit; a share in percent.
    pub limit: String,
    /// The same; empty for what holds unless it is said.
    pub until: String,
    pub minutes: String,
    pub least: String,
    /// As `22:00-07:00`; empty for none.
    pub quiet: String,
    pub notify: bool,
    /// Empty for none. A URL that is no reference to a variable is a secret.
    pub webhook: String,
    pub form: WebhookForm,
    /// The program and its arguments, one per line.
    pub command: String,
}

/// Without the webhook's URL, which is a secret.
impl std::fmt::Debug for AlertDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlertDraft")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl AlertDraft {
    /// A draft of an alert that is in the settings file.
    #[must_use]
    pub fn of(rule: &AlertSettings) -> Self {
        let shown = |value: f64| shown(rule.figure, value);
        Self {
            old_name: Some(rule.name.clone()),
            name: rule.name.clone(),
            targets: rule.targets.join("\n"),
            figure: rule.figure,
            limit: rule.above.or(rule.below).map(shown).unwrap_or_default(),
            until: rule.until.map(shown).unwrap_or_default(),
            minutes: rule.over_minutes.to_string(),
            least: rule.least.to_string(),
            quiet: rule
                .quiet
                .map(|quiet| quiet.to_string())
                .unwrap_or_default(),
            notify: rule.notify,
            webhook: rule.webhook.clone().unwrap_or_default(),
            form: rule.form,
            command: rule.command.join("\n"),
        }
    }

    /// A draft of a new alert.
    #[must_use]
    pub fn new() -> Self {
        Self {
            old_name: None,
            ..Self::of(&AlertSettings::default())
        }
    }

    /// The edited alert.
    ///
    /// # Errors
    /// The problems by field, if there are any.
    pub fn rule(&self, settings: &Settings) -> Result<AlertSettings, AlertProblems> {
        let mut problems = AlertProblems::new();
        let mut note = |field, problem: String| {
            problems.entry(field).or_insert(problem);
        };
        if let Some(problem) = self.name_problem(settings) {
            note(AlertField::Name, problem);
        }
        let limit = self
            .limit()
            .map_err(|why| note(AlertField::Limit, why))
            .ok();
        let until = self
            .until(limit)
            .map_err(|why| note(AlertField::Until, why))
            .ok();
        let minutes = whole(&self.minutes, LONGEST_MINUTES);
        let minutes = minutes.map_err(|why| note(AlertField::Minutes, why)).ok();
        let least = whole(&self.least, u32::MAX);
        let least = least.map_err(|why| note(AlertField::Least, why)).ok();
        let quiet = self
            .quiet()
            .map_err(|why| note(AlertField::Quiet, why))
            .ok();
        let webhook = self
            .webhook()
            .map_err(|why| note(AlertField::Webhook, why))
            .ok();
        if let Some(problem) = self.targets_problem() {
            note(AlertField::Targets, problem);
        }
        let (above, below) = self.figure.sides(limit);
        let rule = AlertSettings {
            name: self.name.trim().to_owned(),
            targets: lines(&self.targets),
            figure: self.figure,
            above,
            below,
            until: until.flatten(),
            over_minutes: minutes.unwrap_or_default(),
            least: least.unwrap_or_default(),
            quiet: quiet.flatten(),
            notify: self.notify,
            webhook: webhook.flatten(),
            form: self.form,
            command: lines(&self.command),
        };
        let tells_nobody =
            !rule.notify && self.webhook.trim().is_empty() && rule.command.is_empty();
        if tells_nobody {
            note(
                AlertField::Channels,
                "Somebody should be told: choose one of these".into(),
            );
        }
        if problems.is_empty()
            && let Err((_, why)) = rule.check()
        {
            problems.insert(AlertField::Limit, why);
        }
        if problems.is_empty() {
            Ok(rule)
        } else {
            Err(problems)
        }
    }

    /// Looks at another figure; a limit in another unit would be nonsense.
    pub fn set_figure(&mut self, figure: AlertFigure) {
        let is_alike = figure.unit() == self.figure.unit()
            && figure.fires_below() == self.figure.fires_below();
        if !is_alike {
            self.limit.clear();
            self.until.clear();
        }
        self.figure = figure;
    }

    /// Where it is over unless that is said, as the field would have it.
    #[must_use]
    pub fn usual_until(&self) -> Option<String> {
        let (above, below) = self.figure.sides(Some(self.limit().ok()?));
        let rule = AlertSettings {
            figure: self.figure,
            above,
            below,
            ..AlertSettings::default()
        };
        // Without what the calculation is off by.
        Some(shown(self.figure, (rule.until() * 1e9).round() / 1e9))
    }

    /// Whether the webhook's URL is a secret that stands in the file as it is.
    #[must_use]
    pub fn has_plain_webhook(&self) -> bool {
        !self.webhook.trim().is_empty() && !self.webhook.contains("${")
    }

    fn name_problem(&self, settings: &Settings) -> Option<String> {
        let name = self.name.trim();
        if name.is_empty() {
            return Some("A name is needed, such as slow".into());
        }
        if name.chars().any(char::is_control) {
            return Some("A name is one line of text".into());
        }
        let is_own = self.old_name.as_deref() == Some(name);
        let is_taken = settings.alerts.iter().any(|rule| rule.name == name);
        (is_taken && !is_own).then(|| "Another alert has this name".into())
    }

    fn targets_problem(&self) -> Option<String> {
        let is_apt = |pattern: &String| match pattern.strip_suffix('*') {
            Some(begin) => !begin.contains('*'),
            None => pattern.contains('/') && !pattern.contains('*'),
        };
        let wrong = lines(&self.targets).into_iter().find(|p| !is_apt(p))?;
        Some(format!(
            "{wrong} is neither endpoint/model nor a beginning with * at its end"
        ))
    }

    fn limit(&self) -> Result<f64, String> {
        let what = match (self.figure.unit(), self.figure.fires_below()) {
            (AlertUnit::Ms, _) => "Milliseconds, such as 2000",
            (AlertUnit::Share, false) => "Percent, from 0 to below 100",
            (AlertUnit::Share, true) => "Percent, from above 0 to 100",
            (AlertUnit::Days, _) => "Days, from 1 to 398",
        };
        let value = self.number(&self.limit);
        value
            .filter(|value| self.figure.limits().contains(value))
            .ok_or_else(|| what.to_owned())
    }

    fn until(&self, limit: Option<f64>) -> Result<Option<f64>, String> {
        if self.until.trim().is_empty() {
            return Ok(None);
        }
        let value = self.number(&self.until).filter(|value| *value >= 0.0);
        let value = value.ok_or_else(|| "A number, or nothing".to_owned())?;
        let is_behind = limit.is_none_or(|limit| {
            if self.figure.fires_below() {
                value >= limit && (self.figure.unit() != AlertUnit::Share || value <= 1.0)
            } else {
                value <= limit
            }
        });
        is_behind
            .then_some(Some(value))
            .ok_or_else(|| format!("Not {} the limit at which it fires", self.figure.side()))
    }

    fn quiet(&self) -> Result<Option<QuietHours>, String> {
        match self.quiet.trim() {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| "Quiet hours are written as 22:00-07:00".to_owned()),
        }
    }

    fn webhook(&self) -> Result<Option<String>, String> {
        let text = self.webhook.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let is_http = Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
        // A variable may hold all of it.
        if is_http || text.contains("${") {
            Ok(Some(text.to_owned()))
        } else {
            Err("A URL, or ${NAME} for one from the environment".into())
        }
    }

    /// A number in the settings' unit.
    fn number(&self, text: &str) -> Option<f64> {
        let text = text.trim().trim_end_matches('%').trim_end();
        let number = match self.figure.unit() {
            AlertUnit::Share => moved_point(text, -2)?,
            AlertUnit::Ms | AlertUnit::Days => text.parse().ok()?,
        };
        number.is_finite().then_some(number)
    }
}

/// A value of the settings, as its field has it.
fn shown(figure: AlertFigure, value: f64) -> String {
    let text = value.to_string();
    match figure.unit() {
        AlertUnit::Share => moved_point(&text, 2).map_or(text, |percent| percent.to_string()),
        AlertUnit::Ms | AlertUnit::Days => text,
    }
}

/// A decimal number with its point so many places to the right: 99.9 is 0.999 then, not the nearest number to a hundredth
/// of it. `None` if it is no number.
fn moved_point(text: &str, places: i32) -> Option<f64> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i32>().ok()?.checked_add(places)?;
    format!("{digits}e{exponent}").parse().ok()
}

fn whole(text: &str, most: u32) -> Result<u32, String> {
    let number = text.trim().parse().ok();
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| match most {
        u32::MAX => "A whole number, 1 or more".to_owned(),
        most => format!("A whole number from 1 to {most}"),
    })
}

#[cfg(test)]
mod tests;
