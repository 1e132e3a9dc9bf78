//! A new comparison as it is typed, and the plan that it means.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::way::WayDraft;
use crate::{
    chat::Params,
    compare::{
        Arm, ComparePlan, ComparePrompt, CompareStopRule, ComparedConnections, DecidedBy,
        MAX_TOKENS, PROMPT,
    },
    desktop::typed::{self, needed, optional},
    endpoint::{BackOff, TargetId},
    price::Usd,
};

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArmsFrom {
    /// Several targets.
    #[default]
    Targets,
    /// Ways to ask one target.
    Ways,
}

/// Where the prompts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptsFrom {
    /// The text is one prompt.
    #[default]
    Text,
    /// Each line of the text is one.
    Lines,
    /// A file.
    File,
}

/// A new comparison as it is typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompareDraft {
    pub arms: ArmsFrom,
    pub targets: Vec<TargetId>,
    /// Whom the ways ask.
    pub target: Option<TargetId>,
    pub ways: Vec<WayDraft>,
    pub prompts: PromptsFrom,
    /// The prompts; empty for the default one.
    pub text: String,
    pub connections: ComparedConnections,
    pub pairs: String,
    pub minutes: String,
    pub usd: String,
    pub until_settled: bool,
    pub decided_by: DecidedBy,
    /// The margin, in percent.
    pub margin: String,
    pub max_tokens: String,
    pub vantage: String,
    pub back_off: BackOff,
    pub fresh: bool,
    pub allow_unpriced: bool,
}

impl Default for CompareDraft {
    fn default() -> Self {
        Self {
            arms: ArmsFrom::Targets,
            targets: Vec::new(),
            target: None,
            ways: vec![WayDraft::default(), WayDraft::default()],
            prompts: PromptsFrom::Text,
            text: String::new(),
            connections: ComparedConnections::Warm,
            pairs: "200".into(),
            minutes: String::new(),
            usd: String::new(),
            until_settled: true,
            decided_by: DecidedBy::default(),
            margin: "5".into(),
            max_tokens: MAX_TOKENS.to_string(),
            vantage: String::new(),
            back_off: BackOff::Polite,
            fresh: true,
            allow_unpriced: false,
        }
    }
}

impl CompareDraft {
    /// The plan, with these prompts of a file if they come from one.
    ///
    /// # Errors
    /// The first thing that is missing or can't be read.
    pub fn plan(&self, of_file: &[ComparePrompt]) -> Result<ComparePlan, String> {
        let plan = ComparePlan {
            arms: self.read_arms()?,
            prompts: self.read_prompts(of_file)?,
            params: Params {
                max_tokens: Some(self.read_max_tokens()?),
                ..Params::default()
            },
            fresh: self.fresh,
            connections: self.connections,
            stop: CompareStopRule {
                pairs: self.read_pairs()?,
                time: self.read_time()?,
                usd: self.read_usd()?,
                until_settled: self.until_settled,
            },
            decided_by: self.decided_by,
            margin: self.read_margin()?,
            back_off: self.back_off,
            allow_unpriced: self.allow_unpriced,
            vantage: self.vantage.trim().to_owned(),
            ..ComparePlan::default()
        };
        plan.check().map_err(|why| why.to_string())?;
        Ok(plan)
    }

    fn read_arms(&self) -> Result<Vec<Arm>, String> {
        if self.arms == ArmsFrom::Targets {
            if self.targets.len() < 2 {
                return Err("Choose two targets or more".to_owned());
            }
            return Ok(self.targets.iter().cloned().map(Arm::of).collect());
        }
        let target = self.target.as_ref().ok_or("Choose a target")?;
        let arms = self.ways.iter().enumerate();
        let arms = arms.map(|(at, way)| way.arm(target, at));
        let arms: Vec<Arm> = arms.collect::<Result<_, _>>()?;
        let asks = |arm: &Arm| (arm.params.clone(), arm.system.clone(), arm.prompt.clone());
        if arms.iter().all(|arm| asks(arm) == asks(&arms[0])) {
            return Err("Say what differs between the ways to ask".to_owned());
        }
        Ok(arms)
    }

    fn read_prompts(&self, of_file: &[ComparePrompt]) -> Result<Vec<ComparePrompt>, String> {
        let text = match self.text.trim() {
            "" => PROMPT,
            text => text,
        };
        match self.prompts {
            PromptsFrom::Text => Ok(vec![ComparePrompt::of_text(text)]),
            PromptsFrom::Lines => {
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                Ok(lines.map(ComparePrompt::of_text).collect())
            }
            PromptsFrom::File if of_file.is_empty() => Err("Choose a file of prompts".to_owned()),
            PromptsFrom::File => Ok(of_file.to_vec()),
        }
    }

    /// The most pairs.
    pub fn read_pairs(&self) -> Result<Option<u64>, String> {
        let why = "A number of pairs is written as 200";
        let pairs: Option<u64> = optional(&self.pairs, why, |_| true)?;
        match pairs {
            Some(0) => Err("At least one pair".to_owned()),
            pairs => Ok(pairs),
        }
    }

    /// The longest time.
    pub fn read_time(&self) -> Result<Option<Duration>, String> {
        let why = "A time is written in minutes, as 10 or 0.5";
        let minutes: Option<f64> = optional(&self.minutes, why, |_| true)?;
        let time = |minutes: f64| Duration::try_from_secs_f64(60.0 * minutes).ok();
        match minutes.map(|minutes| time(minutes).filter(|time| !time.is_zero())) {
            None => Ok(None),
            Some(Some(time)) => Ok(Some(time)),
            Some(None) => Err(why.to_owned()),
        }
    }

    /// The most that it may cost.
    pub fn read_usd(&self) -> Result<Option<Usd>, String> {
        typed::usd(&self.usd)
    }

    /// The margin, as a share.
    pub fn read_margin(&self) -> Result<f64, String> {
        let why = "A margin is written in percent, from 0 to below 100";
        let text = self.margin.trim().trim_end_matches('%');
        let percent = needed(text, why, |percent| (0.0..100.0).contains(percent));
        percent.map(|percent: f64| percent / 100.0)
    }

    /// The most output tokens.
    pub fn read_max_tokens(&self) -> Result<u32, String> {
        typed::tokens(&self.max_tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> CompareDraft {
        CompareDraft {
            targets: vec!["a/m".parse().unwrap(), "b/m".parse().unwrap()],
            ..CompareDraft::default()
        }
    }

    #[test]
    fn what_is_typed_is_the_plan() {
        let draft = CompareDraft {
            prompts: PromptsFrom::Lines,
            text: "one\n\ntwo\n".into(),
            connections: ComparedConnections::Both,
            minutes: "0.5".into(),
            usd: "$0.25".into(),
            margin: "10 %".into(),
            vantage: " Berlin ".into(),
            back_off: BackOff::Never,
            ..draft()
        };
        let plan = draft.plan(&[]).unwrap();
        assert_eq!(plan.prompts.len(), 2);
        assert_eq!(plan.stop.pairs, Some(200));
        assert_eq!(plan.stop.time, Some(Duration::from_secs(30)));
        assert_eq!(plan.stop.usd, Usd::of_dollars(0.25));
        assert!(plan.stop.until_settled && !plan.is_fixed());
        assert!((plan.margin - 0.1).abs() < 1e-12);
        assert_eq!(
            (plan.vantage.as_str(), plan.back_off),
            ("Berlin", BackOff::Never)
        );
        let fixed = CompareDraft {
            until_settled: false,
            ..self::draft()
        };
        assert!(fixed.plan(&[]).unwrap().is_fixed());
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        type Change = fn(&mut CompareDraft);
        let bad: [(Change, &str); 10] = [
            (|it| it.targets.truncate(1), "two targets"),
            (|it| it.arms = ArmsFrom::Ways, "Choose a target"),
            (|it| it.prompts = PromptsFrom::File, "file of prompts"),
            (|it| it.pairs = "many".into(), "number of pairs"),
            (|it| it.pairs = "0".into(), "At least one"),
            (|it| it.minutes = "-1".into(), "minutes"),
            (|it| it.usd = "-1".into(), "amount"),
            (|it| it.margin = "100".into(), "margin"),
            (|it| it.max_tokens = String::new(), "tokens"),
            (
                |it| {
                    it.pairs = String::new();
                    it.until_settled = false;
                },
                "say when it stops",
            ),
        ];
        for (change, told) in bad {
            let mut draft = draft();
            change(&mut draft);
            let why = draft.plan(&[]).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn ways_to_ask_one_target_differ() {
        let mut draft = draft();
        draft.arms = ArmsFrom::Ways;
        draft.target = Some("a/m".parse().unwrap());
        assert!(draft.plan(&[]).unwrap_err().contains("what differs"));
        draft.ways[1].prompt = "Be brief.".into();
        let plan = draft.plan(&[]).unwrap();
        assert_eq!(plan.arms[1].prompt.as_deref(), Some("Be brief."));
        assert_eq!(plan.arms[0].target, plan.arms[1].target);
    }
}
