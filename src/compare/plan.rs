//! The plan of a comparison: who is asked what, over which connections, and when it stops.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ComparePrompt, CompareSample};
use crate::{
    chat::{ChatRequest, Message, Params},
    endpoint::{BackOff, TargetId},
    event::words,
    measure::{Figure, evidence::Quantile, figure},
    price::Usd,
    run::{ConnectionKind, ms},
};

/// Most output tokens of an answer, unless the plan says otherwise.
pub const MAX_TOKENS: u32 = 64;
/// What is asked, unless the plan says otherwise: its answer is long enough for a time per output token.
pub const PROMPT: &str =
    "Count from one to twenty in words, separated by spaces, and say nothing else.";

words! {
    #[derive(Default)]
    /// Over which connections runs go. The verdicts of the two are apart.
    ComparedConnections {
        #[default]
        /// Over an open connection.
        Warm = "warm",
        /// Each opens a new one.
        Cold = "cold",
        /// Rounds over open connections and rounds over new ones, in random order.
        Both = "both",
    }
}

impl ComparedConnections {
    /// The kinds of connection.
    #[must_use]
    pub fn kinds(self) -> &'static [ConnectionKind] {
        match self {
            Self::Warm => &[ConnectionKind::Warm],
            Self::Cold => &[ConnectionKind::Cold],
            Self::Both => &[ConnectionKind::Cold, ConnectionKind::Warm],
        }
    }
}

words! {
    /// A figure that is compared.
    ComparedFigure {
        /// Time to the first token.
        Ttft = "ttft_ms",
        /// Time per output token.
        Tpot = "tpot_ms",
        /// Time to the last token.
        Total = "total_ms",
    }
}

impl ComparedFigure {
    /// Its row in the table of all figures, with its label and definition.
    #[must_use]
    pub fn figure(self) -> Option<&'static Figure> {
        figure(self.as_str())
    }

    /// Its short name on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.figure().map_or(self.as_str(), |figure| figure.label)
    }

    /// Its value in milliseconds; `None` if it is not known.
    #[must_use]
    pub fn ms(self, sample: &CompareSample) -> Option<f64> {
        match self {
            Self::Ttft => sample.first_token.map(ms),
            Self::Total => sample.last_token.map(ms),
            Self::Tpot => sample.tpot_ms(),
        }
    }
}

/// One of the things that are compared: a target, and how it is asked. Two arms may have the same target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arm {
    /// What tells it apart from the others with the same target, in a few words; may be empty.
    pub label: String,
    /// Whom it asks.
    pub target: TargetId,
    /// Settings of its requests, laid over those of the plan.
    pub params: Params,
    /// Its system instruction, instead of the prompt's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What it asks, instead of the plan's prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

impl Arm {
    /// An arm that asks a target as the plan says.
    #[must_use]
    pub fn of(target: TargetId) -> Self {
        Self {
            target,
            ..Self::default()
        }
    }

    /// Its name: the target, and what tells it apart.
    #[must_use]
    pub fn name(&self) -> String {
        match self.label.as_str() {
            "" => self.target.to_string(),
            label => format!("{} ({label})", self.target),
        }
    }
}

/// The letter of an arm, by its place in the plan: A, B, C….
#[must_use]
pub fn arm_letter(arm: usize) -> char {
    let place = u8::try_from(arm.min(25)).unwrap_or_default();
    char::from(b'A' + place)
}

/// When a comparison stops: at the first of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompareStopRule {
    /// Once each arm has so many pairs with the first that count, over each kind of connection.
    pub pairs: Option<u64>,
    /// After so much time in which it was under way.
    pub time: Option<Duration>,
    /// Before it may have cost more.
    #[serde(with = "super::saved::usd")]
    pub usd: Option<Usd>,
    /// Once the verdict that it is about can be told for each arm and kind of connection.
    pub until_settled: bool,
}

/// By which verdict a comparison is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedBy {
    /// The figure.
    pub figure: ComparedFigure,
    /// Its quantile, in percent: 50, 95 or 99.
    pub percent: u8,
}

impl Default for DecidedBy {
    fn default() -> Self {
        Self {
            figure: ComparedFigure::Ttft,
            percent: 50,
        }
    }
}

impl DecidedBy {
    /// Its quantile.
    #[must_use]
    pub fn quantile(self) -> Quantile {
        match self.percent {
            95 => Quantile::P95,
            99 => Quantile::P99,
            _ => Quantile::Median,
        }
    }
}

/// The plan of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparePlan {
    /// Who is compared, at least two: each one with the first.
    pub arms: Vec<Arm>,
    /// What is asked, at least one: each round asks one, and all are asked equally often.
    pub prompts: Vec<ComparePrompt>,
    /// Settings of all requests.
    pub params: Params,
    /// Whether a number that was never sent before is put in front of each request, so that no cache answers.
    pub fresh: bool,
    /// Over which connections.
    pub connections: ComparedConnections,
    /// When it stops.
    pub stop: CompareStopRule,
    /// By which verdict it is settled.
    pub decided_by: DecidedBy,
    /// The seed of the random order.
    pub seed: u64,
    /// Arms whose ratio is surely within 1 ± this share count as the same.
    pub margin: f64,
    /// What is done after a 429. Polite, the endpoint is not asked again before the time that it named, or for 1 s, doubled
    /// for each further 429 up to 60 s.
    pub back_off: BackOff,
    /// The share of an arm's runs that may fail; beyond it the comparison stops, once 10 runs are over.
    pub most_faults: f64,
    /// Two runs of a round that start further apart than this are no pair.
    pub window: Duration,
    /// Whether targets whose price is not known are asked all the same where there is a limit of cost, and not counted.
    pub allow_unpriced: bool,
    /// Where this machine stands, in its owner's words; may be empty.
    pub vantage: String,
}

impl Default for ComparePlan {
    fn default() -> Self {
        Self {
            arms: Vec::new(),
            prompts: vec![ComparePrompt::of_text(PROMPT)],
            params: Params {
                max_tokens: Some(MAX_TOKENS),
                ..Params::default()
            },
            fresh: true,
            connections: ComparedConnections::Warm,
            stop: CompareStopRule::default(),
            decided_by: DecidedBy::default(),
            seed: 0,
            margin: 0.05,
            back_off: BackOff::Polite,
            most_faults: 0.5,
            window: Duration::from_mins(2),
            allow_unpriced: false,
            vantage: String::new(),
        }
    }
}

/// Why a plan can't be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanProblem {
    /// Too few arms.
    #[error(
        "at least two things are compared: name a second target, or vary the prompt or a parameter of one"
    )]
    TooFewArms,
    /// More than can be told apart.
    #[error("at most {MOST_ARMS} things are compared at once")]
    TooManyArms,
    /// Nothing to ask.
    #[error("there is no prompt")]
    NoPrompt,
    /// It would go on for ever.
    #[error("say when it stops: after so many pairs, a time, a cost, or once it is settled")]
    NoEnd,
    /// The margin is no share.
    #[error("the margin is a share from 0 to below 1")]
    BadMargin,
}

/// Most arms of a comparison.
const MOST_ARMS: usize = 16;

impl ComparePlan {
    /// Whether it can be followed.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), PlanProblem> {
        let stop = &self.stop;
        let ends =
            stop.pairs.is_some() || stop.time.is_some() || stop.usd.is_some() || stop.until_settled;
        match self.arms.len() {
            0 | 1 => Err(PlanProblem::TooFewArms),
            arms if arms > MOST_ARMS => Err(PlanProblem::TooManyArms),
            _ if self.prompts.is_empty() => Err(PlanProblem::NoPrompt),
            _ if !ends => Err(PlanProblem::NoEnd),
            _ if !(0.0..1.0).contains(&self.margin) => Err(PlanProblem::BadMargin),
            _ => Ok(()),
        }
    }

    /// The name of an arm, with its letter where another one has the same name.
    #[must_use]
    pub fn name(&self, arm: usize) -> String {
        let name = self.arms.get(arm).map(Arm::name).unwrap_or_default();
        let is_same = |other: &Arm| other.name() == name;
        if self.arms.iter().filter(|other| is_same(other)).count() > 1 {
            return format!("{}: {name}", arm_letter(arm));
        }
        name
    }

    /// Whether the number of pairs is fixed beforehand: nothing but it, and nothing that the times decide, stops the
    /// comparison.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        let stop = &self.stop;
        stop.pairs.is_some_and(|pairs| pairs > 0)
            && stop.time.is_none()
            && stop.usd.is_none()
            && !stop.until_settled
    }

    /// The request of an arm for a prompt. `number` is put in front where the plan wants that.
    #[must_use]
    pub fn request(&self, arm: &Arm, prompt: usize, number: u64) -> ChatRequest {
        let asked = self.prompts.get(prompt);
        let own = arm.prompt.as_ref().map(|text| vec![Message::user(text)]);
        let messages = own.or_else(|| Some(asked?.messages.clone()));
        let system = arm.system.clone().or_else(|| asked?.system.clone());
        let mut request = ChatRequest {
            model: arm.target.model.clone(),
            system,
            messages: messages.unwrap_or_default(),
            params: self.params_of(arm, asked),
            ..ChatRequest::default()
        };
        if self.fresh {
            request.put_in_front(&format!("{number:016x}\n"));
        }
        request
    }

    fn params_of(&self, arm: &Arm, asked: Option<&ComparePrompt>) -> Params {
        let mut params = laid_over(&self.params, &arm.params);
        if arm.params.max_tokens.is_none() {
            params.max_tokens = asked
                .and_then(|asked| asked.max_tokens)
                .or(params.max_tokens);
        }
        params
    }
}

/// Settings with others laid over them: one that is not set changes nothing.
fn laid_over(base: &Params, over: &Params) -> Params {
    let mut fields = fields_of(base);
    fields.extend(fields_of(over));
    let merged: Option<Params> = serde_json::from_value(fields.into()).ok();
    let mut extra = base.extra.clone();
    extra.extend(over.extra.clone());
    Params {
        extra,
        ..merged.unwrap_or_else(|| over.clone())
    }
}

/// The settings that are set.
fn fields_of(params: &Params) -> Map<String, Value> {
    match serde_json::to_value(params) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
