//! The plan that the arguments describe.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    super::{UsageError, input},
    CompareArgs,
};
use crate::{
    chat::Params,
    compare::{
        Arm, ComparePlan, ComparePrompt, CompareStopRule, ComparedFigure, DecidedBy, prompts_of,
    },
    endpoint::TargetId,
};

/// Most pairs, where nothing but the verdict stops a comparison.
const MOST_PAIRS: u64 = 200;

impl CompareArgs {
    /// The targets that are named first.
    pub(super) fn named(&self) -> Result<Vec<TargetId>, UsageError> {
        let names = self.arms.iter();
        names
            .map(|text| text.parse().map_err(UsageError::new))
            .collect()
    }

    /// What is compared: the targets, or the ways to ask the only one.
    pub(super) fn arms(&self, targets: &[TargetId]) -> Result<Vec<Arm>, UsageError> {
        if self.vary.is_empty() {
            return Ok(targets.iter().cloned().map(Arm::of).collect());
        }
        let [target] = targets else {
            return Err(UsageError::new(
                "--vary compares ways to ask one target: name just one",
            ));
        };
        let varied = self.vary.iter().map(|text| varied(target, text));
        varied.collect()
    }

    /// The plan of these arms.
    pub(super) fn plan(&self, arms: Vec<Arm>) -> Result<ComparePlan, UsageError> {
        let plan = ComparePlan::default();
        let mut prompts: Vec<ComparePrompt> =
            self.prompts.iter().map(ComparePrompt::of_text).collect();
        if let Some(file) = &self.prompts_file {
            prompts.extend(read_prompts(file)?);
        }
        if prompts.is_empty() {
            prompts.clone_from(&plan.prompts);
        }
        for prompt in &mut prompts {
            if prompt.system.is_none() {
                prompt.system.clone_from(&self.system);
            }
        }
        if !(0.0..=1.0).contains(&self.max_faults) {
            return Err(UsageError::new("--max-faults is a share from 0 to 1"));
        }
        if !(0.0..1.0).contains(&self.margin) {
            return Err(UsageError::new("--margin is a share from 0 to below 1"));
        }
        Ok(ComparePlan {
            arms,
            prompts,
            params: Params {
                max_tokens: Some(self.max_tokens),
                temperature: self.temperature,
                ..Params::default()
            },
            fresh: !self.as_is,
            connections: self.connections,
            stop: self.stop_rule(),
            decided_by: self.decided_by(),
            seed: self.seed.unwrap_or_else(rand::random),
            margin: self.margin,
            back_off: self.back_off,
            most_faults: self.max_faults,
            window: self.window,
            allow_unpriced: self.allow_unpriced,
            vantage: self.vantage.clone(),
        })
    }

    fn stop_rule(&self) -> CompareStopRule {
        let is_open = self.pairs.is_none() && self.time.is_none() && self.usd.is_none();
        CompareStopRule {
            pairs: self
                .pairs
                .or((is_open && !self.until_settled).then_some(MOST_PAIRS)),
            time: self.time,
            usd: self.usd,
            until_settled: self.until_settled || is_open,
        }
    }

    fn decided_by(&self) -> DecidedBy {
        DecidedBy {
            figure: match self.by.as_str() {
                "tpot" => ComparedFigure::Tpot,
                "total" => ComparedFigure::Total,
                _ => ComparedFigure::Ttft,
            },
            // Only these words come through.
            percent: self.quantile.parse().unwrap_or(50),
        }
    }
}

fn read_prompts(file: &Path) -> Result<Vec<ComparePrompt>, UsageError> {
    let text = input::text("prompts", file, input::MAX_TEXT)?;
    let is_json = file.extension().is_some_and(|end| end == "jsonl");
    prompts_of(&text, is_json)
        .map_err(|why| UsageError::new(format!("{}: {why}", input::name(file))))
}

/// A way to ask a target: its settings in JSON. What is none of ours goes into the request's body.
fn varied(target: &TargetId, text: &str) -> Result<Arm, UsageError> {
    let bad = |why: &dyn std::fmt::Display| UsageError::new(format!("--vary {text}: {why}"));
    let mut fields: Map<String, Value> = serde_json::from_str(text).map_err(|why| bad(&why))?;
    let mut words = |name: &str| match fields.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(&format!("{name} is a text"))),
    };
    let (prompt, system) = (words("prompt")?, words("system")?);
    let params = Params::of_fields(fields).map_err(|why| bad(&why))?;
    Ok(Arm {
        label: text.to_owned(),
        target: target.clone(),
        params,
        system,
        prompt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_varied_is_ours_or_the_bodys() {
        let target: TargetId = "here/m".parse().unwrap();
        let text = r#"{"temperature":0.5,"top_k":3,"prompt":"p","system":"s"}"#;
        let arm = varied(&target, text).unwrap();
        assert_eq!(arm.params.temperature, Some(0.5));
        assert_eq!(arm.params.extra.get("top_k"), Some(&3.into()));
        assert_eq!(
            (arm.prompt.as_deref(), arm.system.as_deref()),
            (Some("p"), Some("s"))
        );
        assert_eq!(arm.name(), format!("here/m ({text})"));
        assert_eq!(varied(&target, "{}").unwrap().params, Params::default());
        for text in ["", "[]", r#"{"prompt":3}"#, r#"{"temperature":"hot"}"#] {
            assert!(varied(&target, text).is_err(), "{text}");
        }
    }
}
