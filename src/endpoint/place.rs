//! Where requests went, as it is kept with what was measured.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Endpoint;
use crate::{dialect::DialectId, visible::shown_url};

/// Where requests to a target go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetPlace {
    /// The endpoint's protocol.
    pub dialect: Option<DialectId>,
    /// The URL, without any credential.
    pub url: String,
    /// The endpoint's label for how it is reached; may be empty.
    pub route: String,
    /// Whether the built-in simulator answers.
    pub simulated: bool,
}

impl TargetPlace {
    /// Where requests for a model of an endpoint go.
    #[must_use]
    pub fn of(endpoint: &Endpoint, model: &str) -> Self {
        let dialect = endpoint.dialect.dialect();
        Self {
            dialect: Some(endpoint.dialect),
            url: shown_url(&(dialect.chat_url)(&endpoint.base_url, model)),
            route: endpoint.route.clone(),
            simulated: endpoint.simulated,
        }
    }
}

/// `https://api.openai.com/v1/chat/completions, openai-chat, route: direct`
impl fmt::Display for TargetPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        if let Some(dialect) = self.dialect {
            write!(f, ", {dialect}")?;
        }
        if !self.route.is_empty() {
            write!(f, ", route: {}", self.route)?;
        }
        Ok(())
    }
}
