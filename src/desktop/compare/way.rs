//! A way to ask one target, as it is typed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    chat::Params,
    compare::{Arm, arm_letter},
    endpoint::TargetId,
};

/// A way to ask a target, as it is typed. What is empty is as in the other ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WayDraft {
    /// What tells it apart, in a few words.
    pub label: String,
    pub prompt: String,
    pub system: String,
    /// Settings and other fields of the request's body, as a JSON object.
    pub params: String,
}

impl WayDraft {
    /// The arm of this place.
    ///
    /// # Errors
    /// Why its settings can't be read.
    pub fn arm(&self, target: &TargetId, place: usize) -> Result<Arm, String> {
        let given = |text: &str| {
            Some(text.trim())
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let params = self
            .read_params()
            .map_err(|why| format!("{}: {why}", arm_letter(place)))?;
        Ok(Arm {
            label: given(&self.label).unwrap_or_else(|| format!("way {}", arm_letter(place))),
            target: target.clone(),
            params,
            system: given(&self.system),
            prompt: given(&self.prompt),
        })
    }

    /// Its settings.
    pub fn read_params(&self) -> Result<Params, String> {
        let text = self.params.trim();
        if text.is_empty() {
            return Ok(Params::default());
        }
        let why = |why: serde_json::Error| {
            format!("settings are a JSON object, as {{\"temperature\": 0.2}} ({why})")
        };
        let fields: Map<String, Value> = serde_json::from_str(text).map_err(why)?;
        Params::of_fields(fields).map_err(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_a_json_object() {
        let way = |params: &str| WayDraft {
            params: params.into(),
            ..WayDraft::default()
        };
        let params = way(r#"{"top_k": 3}"#).read_params().unwrap();
        assert_eq!(params.extra.get("top_k"), Some(&3.into()));
        assert_eq!(way(" ").read_params(), Ok(Params::default()));
        for bad in ["[]", "{", r#"{"temperature": "hot"}"#] {
            assert!(way(bad).read_params().is_err(), "{bad}");
        }
        let arm = way("").arm(&"a/m".parse().unwrap(), 1).unwrap();
        assert_eq!(arm.name(), "a/m (way B)");
    }
}
