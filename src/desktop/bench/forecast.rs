//! What a bench that is set up will send and cost, computed again when what is typed changes, and said in sentences.

use std::sync::Arc;

use super::{draft::BenchDraft, prompts::ReadyPrompts};
use crate::{
    bench::{ArrivalProcess, BenchPlan, Load, MostTokens, prompts::BenchPrompts},
    clock::wall_clock_ns,
    desktop::{view::Cx, widgets::count},
    endpoint::local_gateway,
    event::Usage,
    price::Usd,
    settings::Settings,
    transport::is_this_machine,
};

/// What a bench will send and cost at most. What is not known is blank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BenchForecast {
    /// Requests, those of the warm-up included.
    requests: Option<u64>,
    /// Whether chance decides how many there are.
    is_by_chance: bool,
    /// Tokens of one at most, on average.
    most: MostTokens,
    /// What one costs at most.
    usd_each: Option<Usd>,
    /// Whether all of them stay on this machine.
    is_local: bool,
    has_budget: bool,
}

/// What is asked, or why that is not known.
type AskedPrompts = Result<Arc<ReadyPrompts>, String>;

/// The forecast of what is typed.
#[derive(Debug)]
pub struct BenchForecasts {
    made_of: Option<(BenchDraft, AskedPrompts, Arc<Settings>)>,
    /// The forecast, or what is missing.
    found: Result<BenchForecast, String>,
}

impl Default for BenchForecasts {
    fn default() -> Self {
        Self {
            made_of: None,
            found: Err(String::new()),
        }
    }
}

impl BenchForecasts {
    /// Computes it if what it is made of has changed.
    pub fn follow(&mut self, draft: &BenchDraft, asked: AskedPrompts, cx: &Cx<'_>) {
        let settings = &cx.state.settings;
        let is_known = |(of, of_asked, with): &(BenchDraft, AskedPrompts, Arc<Settings>)| {
            let is_same_asked = match (of_asked, &asked) {
                (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
                (one, other) => one.as_ref().err() == other.as_ref().err(),
            };
            of == draft && is_same_asked && Arc::ptr_eq(with, settings)
        };
        if self.made_of.as_ref().is_some_and(is_known) {
            return;
        }
        self.made_of = Some((draft.clone(), asked.clone(), Arc::clone(settings)));
        self.found =
            (draft.plan(0)).and_then(|plan| BenchForecast::of(&plan, &asked?.prompts, settings));
    }

    /// The forecast; `None` if what is typed is no plan yet.
    #[must_use]
    pub fn found(&self) -> Option<&BenchForecast> {
        self.found.as_ref().ok()
    }

    /// Whether it can be started: it is a plan, and a budget can be held.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.found()
            .is_some_and(|found| !found.has_budget || found.usd_each.is_some())
    }

    /// It in sentences.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match &self.found {
            Ok(found) => found.lines(),
            Err(missing) => vec![missing.clone()],
        }
    }
}

impl BenchForecast {
    fn of(plan: &BenchPlan, asked: &BenchPrompts, settings: &Settings) -> Result<Self, String> {
        let endpoint = settings.endpoint_or_preset(&plan.target.endpoint);
        let endpoint =
            endpoint.ok_or_else(|| "The target’s endpoint is not there any more".to_owned())?;
        let most = asked.source(plan, 0).most_tokens();
        let usage = Usage {
            input: Some(most.input),
            output: Some(most.output),
            ..Usage::default()
        };
        let price = settings
            .prices
            .of(&endpoint, &plan.target.model, wall_clock_ns());
        let usd_each = if endpoint.simulated {
            Some(Usd::default())
        } else {
            price.and_then(|price| price.cost(&usage, None))
        };
        // The gateway of this app sends on what it is asked.
        let is_local =
            is_this_machine(&endpoint.base_url) && !local_gateway::is_own(&plan.target.endpoint);
        Ok(Self {
            requests: requests(plan),
            is_by_chance: is_by_chance(plan),
            most,
            usd_each,
            is_local,
            has_budget: plan.stop.cost_usd.is_some(),
        })
    }

    /// Whether it has to be asked for before it is sent.
    #[must_use]
    pub fn needs_question(&self) -> bool {
        !self.is_local
    }

    /// It in sentences.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let place = if self.is_local {
            "all on this machine"
        } else {
            "to another machine"
        };
        let requests = match self.requests {
            Some(requests) if self.is_by_chance => {
                format!("About {} requests, {place}", count(requests))
            }
            Some(requests) => format!("{} requests at most, {place}", count(requests)),
            None => format!("Requests until it stops, {place}"),
        };
        let cost = match (self.usd_each, self.requests) {
            (Some(each), _) if each == Usd::default() => "It costs nothing".to_owned(),
            (Some(each), Some(requests)) => match each.checked_mul(requests) {
                Some(all) if self.is_by_chance => format!("About {all}, {each} a request at most"),
                Some(all) => format!("{all} at most, {each} a request"),
                None => format!("{each} a request at most"),
            },
            (Some(each), None) => format!("{each} a request at most"),
            (None, _) if self.has_budget => {
                "Its price is not known, so that a budget can’t hold: give it a price in the settings, or leave the \
                 budget empty"
                    .to_owned()
            }
            (None, _) => "Its price is not known".to_owned(),
        };
        vec![requests, self.tokens_text(), cost]
    }

    fn tokens_text(&self) -> String {
        let MostTokens { input, output } = self.most;
        let (of, requests) = match self.requests {
            Some(requests) => ("", requests),
            None => (", each", 1),
        };
        let times = |tokens: u64| count(tokens.saturating_mul(requests));
        format!(
            "About {} input tokens, {} output tokens at most{of}",
            times(input),
            times(output)
        )
    }
}

/// How many requests a plan sends at most, the warm-up included; about as many where chance spaces them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate"
)]
fn requests(plan: &BenchPlan) -> Option<u64> {
    let by_time = match (&plan.load, plan.stop.time_ms) {
        (Load::Rate { per_second, .. }, Some(time)) => {
            Some((per_second * time as f64 / 1e3).ceil() as u64)
        }
        _ => None,
    };
    let counted = plan.stop.requests.into_iter().chain(by_time).min()?;
    Some(counted.saturating_add(plan.warm_up))
}

/// Whether a plan ends by time, and its requests come as chance has it.
fn is_by_chance(plan: &BenchPlan) -> bool {
    let arrivals = match &plan.load {
        Load::Rate { arrivals, .. } => Some(*arrivals),
        Load::Closed { .. } | Load::Trace { .. } => None,
    };
    arrivals == Some(ArrivalProcess::Poisson) && plan.stop.requests.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{desktop::bench::draft::LoadKind, endpoint::Endpoint};

    fn forecast(draft: &BenchDraft) -> BenchForecast {
        let url = |url: &str| url.parse().unwrap();
        let dialect = crate::dialect::DialectId::OpenaiChat;
        let settings = Settings {
            endpoints: vec![
                Endpoint::custom("here", url("http://127.0.0.1:8000/v1"), dialect),
                Endpoint::custom("there", url("https://api.example.com/v1"), dialect),
                Endpoint {
                    simulated: true,
                    ..Endpoint::custom("sim", url("http://127.0.0.1:9000/v1"), dialect)
                },
            ],
            ..Settings::default()
        };
        let plan = draft.plan(0).unwrap();
        let asked = BenchPrompts::One("x".repeat(30));
        BenchForecast::of(&plan, &asked, &settings).unwrap()
    }

    fn of(target: &str) -> BenchDraft {
        BenchDraft {
            target: Some(target.parse().unwrap()),
            ..BenchDraft::default()
        }
    }

    #[test]
    fn load_to_another_machine_is_asked_for() {
        assert!(!forecast(&of("here/m")).needs_question());
        assert!(!forecast(&of("sim/m")).needs_question());
        let there = forecast(&of("there/m"));
        assert!(there.needs_question());
        assert!(
            there.lines()[0].contains("another machine"),
            "{:?}",
            there.lines()
        );
        assert_eq!(
            forecast(&of("sim/m")).lines()[1..],
            [
                "About 5\u{202f}200 input tokens, 12\u{202f}800 output tokens at most",
                "It costs nothing"
            ]
        );
        assert_eq!(there.lines()[2], "Its price is not known");
    }

    #[test]
    fn a_budget_without_a_price_is_said() {
        let draft = BenchDraft {
            usd: "1".into(),
            ..of("there/m")
        };
        assert!(forecast(&draft).lines()[2].contains("can’t hold"));
    }

    #[test]
    fn requests_are_forecast_where_that_can_be_known() {
        let rate = BenchDraft {
            load: LoadKind::Rate,
            per_second: "2.5".into(),
            seconds: "10".into(),
            requests: String::new(),
            warm_up: "5".into(),
            ..of("sim/m")
        };
        assert_eq!(forecast(&rate).requests, Some(30));
        let said = forecast(&rate).lines();
        assert_eq!(said[0], "About 30 requests, all on this machine");
        let both = BenchDraft {
            requests: "10".into(),
            ..rate.clone()
        };
        assert_eq!(forecast(&both).requests, Some(15));
        let closed = BenchDraft {
            load: LoadKind::Streams,
            ..rate
        };
        assert_eq!(forecast(&closed).requests, None);
        assert!(forecast(&closed).lines()[0].contains("until it stops"));
    }
}
