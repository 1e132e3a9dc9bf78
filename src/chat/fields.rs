//! Settings of a request from the fields of a JSON object.

use serde_json::{Map, Value};

use super::Params;

/// The settings that each protocol has under its own name.
const OWN: [&str; 7] = [
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "stop",
    "reasoning_effort",
    "parallel_calls",
];

impl Params {
    /// The settings that these fields describe. What is none of ours goes into the request's body as it is.
    ///
    /// # Errors
    /// If a field of ours has a value of the wrong kind.
    pub fn of_fields(fields: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let (own, extra): (Map<_, _>, Map<_, _>) = fields
            .into_iter()
            .partition(|(name, _)| OWN.contains(&name.as_str()));
        let mut params: Self = serde_json::from_value(own.into())?;
        params.extra.extend(extra);
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_ours_or_the_bodys() {
        let of = |text: &str| Params::of_fields(serde_json::from_str(text).unwrap());
        let params = of(r#"{"temperature": 0.5, "top_k": 3}"#).unwrap();
        assert_eq!(params.temperature, Some(0.5));
        assert_eq!(params.extra.get("top_k"), Some(&3.into()));
        assert_eq!(of("{}").unwrap(), Params::default());
        assert!(of(r#"{"temperature": "hot"}"#).is_err());
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
        let is_named = |name: &&str| fields.contains_key(*name);
        assert!(OWN.iter().all(is_named), "{fields:?}");
    }
}
