//! What the fields of a pane's settings mean, and what is wrong with them.
//!
//! In: what could be read of the fields, and what the engine said of the schemas in it. Out: the settings, or every field
//! that can't be sent.

use serde_json::Value;

use super::schema_form::told;
use crate::{
    chat::{Params, ResponseFormat, Tool},
    schema::SchemaCheck,
};

/// A field's key and what is wrong with it.
pub type Problem = (&'static str, String);

/// What can be sent.
pub type PaneSettings = (Params, Vec<Tool>);

/// What the fields mean, before the schemas in them were checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamsReading {
    /// The settings; those of a field that does not read are left out.
    pub params: Params,
    /// The tools.
    pub tools: Vec<Tool>,
    /// Every field that does not read, and why.
    pub problems: Vec<Problem>,
}

impl ParamsReading {
    /// Settings that were read before.
    pub fn of(params: &Params, tools: &[Tool]) -> Self {
        Self {
            params: params.clone(),
            tools: tools.to_vec(),
            problems: Vec::new(),
        }
    }

    fn schema(&self) -> Option<&Value> {
        match &self.params.response_format {
            Some(ResponseFormat::JsonSchema { schema, .. }) => Some(schema),
            Some(ResponseFormat::JsonObject) | None => None,
        }
    }

    /// The schemas that are to be checked: that of the answer, then one for each tool.
    pub fn schemas(&self) -> Vec<Value> {
        let tools = self.tools.iter().map(|tool| &tool.parameters);
        self.schema().into_iter().chain(tools).cloned().collect()
    }

    /// The field in which the first of them stands.
    pub fn checked_field(&self) -> &'static str {
        self.schema().map_or("tools", |_| "schema")
    }

    /// The settings, by what was said of their schemas.
    ///
    /// # Errors
    /// With every field that can't be sent, and why.
    pub fn checked(mut self, checks: &[SchemaCheck]) -> Result<PaneSettings, Vec<Problem>> {
        let mut checks = checks.iter();
        if self.schema().is_some()
            && let Some(SchemaCheck { problems, .. }) = checks.next()
            && !problems.is_empty()
        {
            self.problems.push(("schema", told(problems)));
        }
        let mut tools = checks.zip(1..);
        let wrong = tools.find_map(|(check, number)| Some((number, check.problems.first()?)));
        if let Some((number, problem)) = wrong {
            let told = format!("Tool {number}: its parameters, {problem}");
            self.problems.push(("tools", told));
        }
        if self.problems.is_empty() {
            Ok((self.params, self.tools))
        } else {
            Err(self.problems)
        }
    }
}
