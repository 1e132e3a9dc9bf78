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
        let (own, extra): (Map<_, _>, Map<_, _>) = fields
            .into_iter()
            .partition(|(name, _)| OWN.contains(&name.as_str()));
        let mut params: Params = serde_json::from_value(own.into()).map_err(why)?;
        params.extra.extend(extra);
        Ok(params)
    }
}

/// The settings that each protocol has under its own name; all else goes into the request's body as it is.
const OWN: [&str; 7] = [
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "stop",
    "reasoning_effort",
    "parallel_calls",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_ours_or_the_bodys() {
        let way = |params: &str| WayDraft {
            params: params.into(),
            ..WayDraft::default()
        };
        let params = way(r#"{"temperature": 0.5, "top_k": 3}"#)
            .read_params()
            .unwrap();
        assert_eq!(params.temperature, Some(0.5));
        assert_eq!(params.extra.get("top_k"), Some(&3.into()));
        assert_eq!(way(" ").read_params(), Ok(Params::default()));
        for bad in ["[]", "{", r#"{"temperature": "hot"}"#] {
            assert!(way(bad).read_params().is_err(), "{bad}");
        }
        let arm = way("").arm(&"a/m".parse().unwrap(), 1).unwrap();
        assert_eq!(arm.name(), "a/m (way B)");
    }

    #[test]
    fn each_setting_of_ours_has_its_name() {
        let all = Params {
            temperature: Some(0.0),
            top_p: Some(0.0),
            max_tokens: Some(1),
            seed: Some(0),
            stop: vec!["x".into()],
            reasoning_effort: Some("low".into()),
            parallel_calls: Some(true),
            ..Params::default()
        };
        let Ok(Value::Object(fields)) = serde_json::to_value(&all) else {
            panic!("no object");
        };
        assert!(
            OWN.iter().all(|name| fields.contains_key(*name)),
            "{fields:?}"
        );
    }
}
