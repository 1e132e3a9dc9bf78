//! What a bench that is set up will send and cost, computed again when what is typed changes, and said in sentences.

use std::sync::Arc;

use super::{draft::BenchDraft, prompts::ReadyPrompts};
use crate::{
    bench::{
        BenchForecast, BenchPlan, BenchPrompts, MostTokens, share::LoadShare, texts::most_bytes,
    },
    clock::wall_clock_ns,
    desktop::{view::Cx, widgets::count},
    price::Usd,
    settings::Settings,
};

/// The forecast of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanForecast {
    forecast: BenchForecast,
    has_budget: bool,
    keeps_texts: bool,
}

/// What is asked, or why that is not known.
type PromptsOrProblem = Result<Arc<ReadyPrompts>, String>;

/// The forecast of what is typed.
#[derive(Debug)]
pub struct BenchForecasts {
    made_of: Option<(BenchDraft, PromptsOrProblem, Arc<Settings>)>,
    /// The forecast, or what is missing.
    found: Result<PlanForecast, String>,
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
    pub fn follow(&mut self, draft: &BenchDraft, asked: PromptsOrProblem, cx: &Cx<'_>) {
        let settings = &cx.state.settings;
        let is_known = |(of, of_asked, with): &(BenchDraft, PromptsOrProblem, Arc<Settings>)| {
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
            (draft.plan(0)).and_then(|plan| PlanForecast::of(&plan, &asked?.prompts, settings));
    }

    /// The forecast; `None` if what is typed is no plan yet.
    #[must_use]
    pub fn found(&self) -> Option<&PlanForecast> {
        self.found.as_ref().ok()
    }

    /// Whether it can be started: it is a plan, and a budget can be held.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.found()
            .is_some_and(|found| !found.has_budget || found.forecast.usd_each.is_some())
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

impl PlanForecast {
    fn of(plan: &BenchPlan, prompts: &BenchPrompts, settings: &Settings) -> Result<Self, String> {
        let endpoint = settings.endpoint_or_preset(&plan.target.endpoint);
        let endpoint =
            endpoint.ok_or_else(|| "The target’s endpoint is not there any more".to_owned())?;
        let most = prompts.source(plan, 0, LoadShare::whole()).most_tokens();
        let prices = &settings.prices;
        Ok(Self {
            forecast: BenchForecast::of(plan, most, &endpoint, prices, wall_clock_ns()),
            has_budget: plan.stop.cost_usd.is_some(),
            keeps_texts: plan.keep_texts,
        })
    }

    /// Whether it has to be asked for before it is sent.
    #[must_use]
    pub fn needs_question(&self) -> bool {
        !self.forecast.is_local
    }

    /// It in sentences.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let BenchForecast {
            requests: most,
            usd_each,
            is_local,
            ..
        } = self.forecast;
        let place = if is_local {
            "all on this machine"
        } else {
            "to another machine"
        };
        let is_by_chance = self.forecast.is_by_chance;
        let requests = match most {
            Some(requests) if is_by_chance => {
                format!("About {} requests, {place}", count(requests))
            }
            Some(requests) => format!("{} requests at most, {place}", count(requests)),
            None => format!("Requests until it stops, {place}"),
        };
        let cost = match (usd_each, self.forecast.usd()) {
            (Some(each), _) if each == Usd::default() => "It costs nothing".to_owned(),
            (Some(each), Some(all)) if is_by_chance => {
                format!("About {all}, {each} a request at most")
            }
            (Some(each), Some(all)) => format!("{all} at most, {each} a request"),
            (Some(each), None) => format!("{each} a request at most"),
            (None, _) if self.has_budget => {
                "Its price is not known, so that a budget can’t hold: give it a price in the settings, or leave the \
                 budget empty"
                    .to_owned()
            }
            (None, _) => "Its price is not known".to_owned(),
        };
        let texts = self.keeps_texts.then(|| texts_kept(most));
        let lines = [requests, self.tokens_text(), cost].into_iter();
        lines.chain(texts).collect()
    }

    fn tokens_text(&self) -> String {
        let MostTokens { input, output } = self.forecast.most;
        let (of, requests) = match self.forecast.requests {
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

/// How much text is kept of so many requests, in words.
fn texts_kept(requests: Option<u64>) -> String {
    let kib = most_bytes(requests).div_ceil(1 << 10);
    format!(
        "Texts of its answers are kept, {} KiB at most before compression",
        count(kib)
    )
}

#[cfg(test)]
mod tests {
    use super::{super::draft::LoadKind, *};
    use crate::endpoint::Endpoint;

    fn forecast(draft: &BenchDraft) -> PlanForecast {
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
        PlanForecast::of(&plan, &asked, &settings).unwrap()
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
    fn how_much_text_is_kept_is_said_before_it_is() {
        let without = of("sim/m");
        let with = BenchDraft {
            keep_texts: true,
            ..without.clone()
        };
        assert!(with.plan(0).unwrap().keep_texts);
        assert_eq!(forecast(&without).lines().len(), 3);
        assert_eq!(
            forecast(&with).lines()[3],
            "Texts of its answers are kept, 3\u{202f}200 KiB at most before compression"
        );
    }

    #[test]
    fn a_bench_without_a_count_goes_on_until_it_stops() {
        let closed = BenchDraft {
            seconds: "10".into(),
            requests: String::new(),
            ..of("sim/m")
        };
        let rate = BenchDraft {
            load: LoadKind::Rate,
            per_second: "2.5".into(),
            warm_up: "5".into(),
            ..closed.clone()
        };
        let said = forecast(&rate).lines();
        assert_eq!(said[0], "About 30 requests, all on this machine");
        assert!(forecast(&closed).lines()[0].contains("until it stops"));
    }
}
