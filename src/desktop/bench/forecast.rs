//! What a bench that is set up will send and cost, computed again when what is typed changes, and said in sentences.

use std::sync::Arc;

use egui::{Label, RichText, Ui};

use super::draft::BenchDraft;
use crate::{
    bench::{BenchForecast, BenchPlan, BenchPrompts, share::LoadShare},
    clock::wall_clock_ns,
    desktop::{
        theme::Theme,
        view::Cx,
        widgets::{card, count},
    },
    price::Usd,
    settings::Settings,
};

/// The forecast of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanForecast {
    forecast: BenchForecast,
    has_budget: bool,
}

/// The forecast of what is typed.
#[derive(Debug)]
pub struct BenchForecasts {
    made_of: Option<(BenchDraft, Arc<Settings>)>,
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
    pub fn follow(&mut self, draft: &BenchDraft, cx: &Cx<'_>) {
        let settings = &cx.state.settings;
        let is_known =
            |(of, with): &(BenchDraft, Arc<Settings>)| of == draft && Arc::ptr_eq(with, settings);
        if self.made_of.as_ref().is_some_and(is_known) {
            return;
        }
        self.made_of = Some((draft.clone(), Arc::clone(settings)));
        let plan = draft.plan(0);
        self.found = plan.and_then(|plan| PlanForecast::of(&plan, &draft.prompts(), settings));
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

    /// Says it.
    pub fn ui(&self, ui: &mut Ui, theme: &Theme) {
        card(ui, theme, |ui| {
            ui.set_min_width(ui.available_width());
            let lines = match &self.found {
                Ok(found) => found.lines(),
                Err(missing) => vec![missing.clone()],
            };
            for line in lines {
                ui.add(Label::new(RichText::new(line).color(theme.text)).wrap());
            }
        });
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
        let requests = match most {
            Some(requests) => format!("{} requests at most, {place}", count(requests)),
            None => format!("Requests until it stops, {place}"),
        };
        let cost = match (usd_each, self.forecast.usd()) {
            (Some(each), _) if each == Usd::default() => "It costs nothing".to_owned(),
            (Some(each), Some(all)) => format!("{all} at most, {each} a request"),
            (Some(each), None) => format!("{each} a request at most"),
            (None, _) if self.has_budget => {
                "Its price is not known, so that a budget can’t hold: give it a price in the settings, or leave the \
                 budget empty"
                    .to_owned()
            }
            (None, _) => "Its price is not known".to_owned(),
        };
        vec![requests, cost]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        PlanForecast::of(&plan, &draft.prompts(), &settings).unwrap()
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
        assert_eq!(forecast(&of("sim/m")).lines()[1], "It costs nothing");
        assert_eq!(there.lines()[1], "Its price is not known");
    }

    #[test]
    fn a_budget_without_a_price_is_said() {
        let draft = BenchDraft {
            usd: "1".into(),
            ..of("there/m")
        };
        assert!(forecast(&draft).lines()[1].contains("can’t hold"));
    }

    #[test]
    fn a_bench_without_a_count_goes_on_until_it_stops() {
        let closed = BenchDraft {
            seconds: "10".into(),
            requests: String::new(),
            ..of("sim/m")
        };
        assert!(forecast(&closed).lines()[0].contains("until it stops"));
    }
}
