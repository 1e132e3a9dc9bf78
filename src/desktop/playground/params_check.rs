//! Whether what is typed as a pane's settings can be sent. What takes long of that, the engine does: it checks JSON
//! schemas, and tells what an effort becomes.
//!
//! In: what the fields mean. Out: the settings for the pane once all of them were checked, and what is said beside the
//! fields.

use std::task::Poll;

use serde_json::Value;

use super::{
    params_reading::{PaneSettings, ParamsReading, Problem},
    schema_form::sentence,
};
use crate::{
    chat::{ChatRequest, Params, ResponseFormat},
    conversation::Pane,
    dialect::DialectId,
    engine::{Asked, Command, ComputeCommand, ask},
    schema::SchemaCheck,
};

/// What is known of the settings as they were typed last. Nothing that it says is of an earlier text.
#[derive(Debug, Default)]
pub struct ParamsCheck {
    problems: Vec<Problem>,
    strict_notes: Vec<String>,
    /// What waits for the engine.
    pending: Option<PendingCheck>,
    /// The schemas that were checked last, and what was said of each.
    known: (Vec<Value>, Vec<SchemaCheck>),
}

#[derive(Debug)]
struct PendingCheck {
    reading: ParamsReading,
    schemas: Vec<Value>,
    asked: Asked<Vec<SchemaCheck>>,
}

impl ParamsCheck {
    /// Checks what was read. Gives the settings if that is done at once, and they can be sent; else they come from
    /// [`take`](Self::take).
    pub fn begin(
        &mut self,
        reading: ParamsReading,
        commands: &mut Vec<Command>,
    ) -> Option<PaneSettings> {
        self.problems.clone_from(&reading.problems);
        self.strict_notes.clear();
        self.pending = None;
        let schemas = reading.schemas();
        if schemas == self.known.0 {
            return self.settle(reading);
        }
        let (reply, asked) = ask();
        let command = ComputeCommand::CheckSchemas {
            schemas: schemas.clone(),
            reply,
        };
        commands.push(Command::Compute(command));
        self.pending = Some(PendingCheck {
            reading,
            schemas,
            asked,
        });
        None
    }

    /// Takes in what the engine said; gives the settings if they can be sent.
    pub fn take(&mut self) -> Option<PaneSettings> {
        let Poll::Ready(checks) = self.pending.as_mut()?.asked.poll() else {
            return None;
        };
        let PendingCheck {
            reading, schemas, ..
        } = self.pending.take()?;
        let Some(checks) = checks else {
            let why =
                "It could not be checked, by a defect in Tokenscope: change it, or leave it out";
            self.problems
                .push((reading.checked_field(), why.to_owned()));
            return None;
        };
        self.known = (schemas, checks);
        self.settle(reading)
    }

    fn settle(&mut self, reading: ParamsReading) -> Option<PaneSettings> {
        let checks = &self.known.1;
        if let Some(ResponseFormat::JsonSchema { strict: true, .. }) =
            &reading.params.response_format
        {
            let notes = checks.first().map_or(&[][..], |check| &check.strict_notes);
            self.strict_notes = notes.iter().map(sentence).collect();
        }
        match reading.checked(checks) {
            Ok(settings) => Some(settings),
            Err(problems) => {
                self.problems = problems;
                None
            }
        }
    }

    /// The settings that are being checked, if there is nothing against them yet.
    pub fn unchecked(&self) -> Option<PaneSettings> {
        let reading = &self.pending.as_ref()?.reading;
        let settings = || (reading.params.clone(), reading.tools.clone());
        reading.problems.is_empty().then(settings)
    }

    /// Whether something typed can't be sent.
    pub fn has_problem(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Whether it is not known yet if what is typed can be sent.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// What is wrong with a field.
    pub fn problem(&self, field: &str) -> Option<&str> {
        let problem = self.problems.iter().find(|(of, _)| *of == field);
        problem.map(|(_, text)| text.as_str())
    }

    /// Whether the engine has yet to say if something is wrong with a field.
    pub fn is_checking(&self, field: &str) -> bool {
        let checked = ["schema", "tools"].contains(&field);
        self.is_pending() && checked && self.problem(field).is_none()
    }

    /// What else is to be said of a field: what strict mode refuses of the answer's schema, where it is asked for.
    pub fn notes(&self, field: &str) -> &[String] {
        match field {
            "schema" => &self.strict_notes,
            _ => &[],
        }
    }
}

/// What a pane's reasoning effort becomes in its target's protocol.
#[derive(Debug, Default)]
pub struct EffortSent {
    of: Option<(DialectId, String, Params)>,
    asked: Asked<Vec<String>>,
    said: Vec<String>,
}

impl EffortSent {
    /// What the effort changes about the body, field by field. Asked when the settings have changed; until the answer
    /// is there, the last one stands.
    pub fn of(
        &mut self,
        dialect: Option<DialectId>,
        pane: &Pane,
        commands: &mut Vec<Command>,
    ) -> &[String] {
        let (Some(dialect), Some(target)) = (dialect, &pane.target) else {
            return &[];
        };
        if pane.params.reasoning_effort.is_none() {
            *self = Self::default();
            return &[];
        }
        let known = self.of.as_ref().is_some_and(|(known, model, params)| {
            *known == dialect && *model == target.model && *params == pane.params
        });
        if !known {
            let (reply, asked) = ask();
            self.asked = asked;
            self.of = Some((dialect, target.model.clone(), pane.params.clone()));
            let request = ChatRequest {
                params: pane.params.clone(),
                ..ChatRequest::of_text(&target.model, "")
            };
            commands.push(Command::Compute(ComputeCommand::Effort {
                dialect,
                request: Box::new(request),
                reply,
            }));
        }
        if let Some(said) = self.asked.take() {
            self.said = said;
        }
        &self.said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::playground::params_form::{ParamsForm, Shape};

    fn of_schema(schema: &str) -> ParamsReading {
        let form = ParamsForm {
            shape: Shape::Schema,
            schema_name: "s".into(),
            schema: schema.into(),
            ..ParamsForm::default()
        };
        form.read()
    }

    /// Checks a schema as far as that goes without the engine; gives the questions to it.
    fn begun(check: &mut ParamsCheck, schema: &str) -> Vec<Command> {
        let mut commands = Vec::new();
        assert_eq!(check.begin(of_schema(schema), &mut commands), None);
        commands
    }

    fn answer(commands: Vec<Command>) {
        for command in commands {
            let Command::Compute(command) = command else {
                panic!("{command:?}");
            };
            command.answer();
        }
    }

    #[test]
    fn what_needs_no_engine_is_settled_at_once() {
        let (mut check, mut commands) = (ParamsCheck::default(), Vec::new());
        let settings = check.begin(ParamsForm::default().read(), &mut commands);
        assert_eq!(settings, Some((Params::default(), Vec::new())));
        assert!(commands.is_empty() && !check.is_pending());
        assert!(begun(&mut check, "{").is_empty(), "it is no JSON yet");
        assert!(check.has_problem());
    }

    #[test]
    fn an_answer_to_an_earlier_text_is_never_shown() {
        let mut check = ParamsCheck::default();
        let first = begun(&mut check, r#"{"type": "objct"}"#);
        let second = begun(&mut check, r#"{"type": "strng"}"#);
        answer(first);
        assert_eq!(check.take(), None);
        assert!(check.is_pending() && !check.has_problem());
        answer(second);
        assert_eq!(check.take(), None);
        let problem = check.problem("schema").unwrap();
        assert!(problem.contains("“strng”"), "{problem}");
        let third = begun(&mut check, r#"{"type": "object"}"#);
        assert!(check.problem("schema").is_none(), "it was of another text");
        answer(third);
        assert!(check.take().is_some() && !check.has_problem());
        let again = check.begin(of_schema(r#"{"type": "object"}"#), &mut Vec::new());
        assert!(again.is_some(), "it is known");
    }

    #[test]
    fn a_check_without_an_answer_holds_the_settings_back() {
        let mut check = ParamsCheck::default();
        drop(begun(&mut check, "{}"));
        assert_eq!(check.take(), None);
        assert!(check.problem("schema").is_some() && !check.is_pending());
    }

    #[test]
    fn an_effort_is_asked_for_when_it_has_changed() {
        let (mut effort, mut commands) = (EffortSent::default(), Vec::new());
        let mut pane = Pane {
            target: Some(crate::endpoint::TargetId {
                endpoint: "e".into(),
                model: "gpt-5".into(),
            }),
            ..Pane::default()
        };
        let dialect = Some(DialectId::OpenaiChat);
        assert!(effort.of(dialect, &pane, &mut commands).is_empty() && commands.is_empty());
        pane.params.reasoning_effort = Some("low".into());
        assert!(effort.of(dialect, &pane, &mut commands).is_empty());
        answer(std::mem::take(&mut commands));
        let said = ["reasoning_effort: \"low\""];
        assert_eq!(effort.of(dialect, &pane, &mut commands), said);
        assert_eq!(effort.of(dialect, &pane, &mut commands), said);
        assert!(commands.is_empty(), "nothing has changed");
        pane.params.reasoning_effort = None;
        assert!(effort.of(dialect, &pane, &mut commands).is_empty());
    }
}
