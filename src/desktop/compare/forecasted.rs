//! What a comparison that is set up will cost, computed again when what is typed changes, and said in sentences.

use std::sync::Arc;

use super::{draft::CompareDraft, prompt_file::FilePrompts};
use crate::{
    clock::wall_clock_ns,
    compare::{CompareForecast, forecast},
    desktop::{view::Cx, widgets::count},
    endpoint::local_gateway,
    price::Usd,
    settings::Settings,
    visible::visible_line,
};

/// The forecast of what is typed.
#[derive(Debug, Default)]
pub struct DraftForecast {
    made_of: Option<(CompareDraft, Option<Arc<FilePrompts>>, Arc<Settings>)>,
    /// The forecast, or what is missing.
    found: Option<Result<CompareForecast, String>>,
    allow_unpriced: bool,
    has_limit: bool,
}

impl DraftForecast {
    /// Computes it if what it is made of has changed.
    pub fn follow(&mut self, draft: &CompareDraft, file: Option<&Arc<FilePrompts>>, cx: &Cx<'_>) {
        let settings = &cx.state.settings;
        let is_known = self
            .made_of
            .as_ref()
            .is_some_and(|(of, of_file, of_settings)| {
                let is_same_file = match (of_file, file) {
                    (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                    (one, other) => one.is_none() && other.is_none(),
                };
                of == draft && is_same_file && Arc::ptr_eq(of_settings, settings)
            });
        if is_known {
            return;
        }
        self.made_of = Some((draft.clone(), file.cloned(), Arc::clone(settings)));
        let dearest = file.map_or(&[][..], |file| &file.dearest);
        let endpoint = |id: &str| settings.endpoint_or_preset(id);
        let plan = draft.plan(dearest);
        let told = |plan| forecast(&plan, endpoint, &settings.prices, wall_clock_ns());
        self.found = Some(plan.map(told));
        self.allow_unpriced = draft.allow_unpriced;
        self.has_limit = draft.read_usd().is_ok_and(|usd| usd.is_some());
    }

    /// The forecast; `None` if what is typed is no plan yet.
    #[must_use]
    pub fn found(&self) -> Option<&CompareForecast> {
        self.found.as_ref()?.as_ref().ok()
    }

    /// Whether it can be started: it is a plan, and a limit of cost can be held.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_limited = self.has_limit && !self.allow_unpriced;
        self.found()
            .is_some_and(|found| !is_limited || found.unpriced.is_empty())
    }

    /// It in sentences.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let found = match &self.found {
            None => return Vec::new(),
            Some(Ok(found)) => found,
            Some(Err(missing)) => return vec![missing.clone()],
        };
        let mut lines = vec![requests_text(found)];
        lines.extend(cost_text(found));
        if !found.unpriced.is_empty() {
            let names: Vec<String> = found.unpriced.iter().map(local_gateway::shown).collect();
            let names = names.join(", ");
            let names = visible_line(&names);
            let what = match (self.has_limit, self.allow_unpriced) {
                (true, false) => {
                    ", so that a limit of cost can’t hold: give it a price in the settings, or allow targets without one"
                }
                (true, true) => ": it is asked, and does not count for the limit",
                (false, _) => "",
            };
            lines.push(format!("The price of {names} is not known{what}"));
        }
        lines
    }
}

fn requests_text(found: &CompareForecast) -> String {
    match (found.requests, found.elsewhere) {
        (Some(all), Some(0)) => format!("{} requests at most, all on this machine", count(all)),
        (Some(all), Some(elsewhere)) => format!(
            "{} requests at most, {} of them to other machines",
            count(all),
            count(elsewhere)
        ),
        (_, Some(0)) => "Requests until it stops, all on this machine".to_owned(),
        _ => "Requests until it stops: nobody knows how many".to_owned(),
    }
}

fn cost_text(found: &CompareForecast) -> Option<String> {
    let is_free = found.usd_a_round == Usd::default();
    match found.usd {
        Some(_) if is_free && found.unpriced.is_empty() => Some("It costs nothing".to_owned()),
        Some(_) if is_free => None,
        Some(usd) => Some(format!("{usd} at most, {} a round", found.usd_a_round)),
        None => Some(format!(
            "{} a round at most, without a limit",
            found.usd_a_round
        )),
    }
}
