//! What the engine has said, folded: the one thing that all views read.

mod bench;
mod comparing;
mod kept;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

pub use self::bench::{EndedBench, LiveBench};
use super::looks::Looks;
use crate::{
    alert::AlertNews,
    body::ModelInfo,
    compare::CompareState,
    conformance::Finding,
    credential::{KeyOf, KeyStatus},
    engine::{
        GatewayNews, GatewayState, HistoryNews, KeyNews, MonitorNews, MonitorState, RunNews,
        SettingsNews, Update,
    },
    event::Fault,
    history::{OtherProcesses, Storage, Unstored},
    run::{Run, RunId, RunUpdate},
    settings::{Paths, Settings, SettingsProblem},
};

/// What the engine told all views; [`State::apply`] folds it. What one view asked for comes to it alone, as the
/// answer to its question.
#[derive(Debug, Default)]
pub struct State {
    /// The settings that hold now.
    pub settings: Arc<Settings>,
    /// What is wrong with the settings file, if anything.
    pub settings_problem: Option<SettingsProblem>,
    /// How the history stands, once it is open.
    pub storage: Option<Storage>,
    /// What other processes did to the history.
    pub elsewhere: OtherProcesses,
    /// The window closes and waits for the history: what is in the way.
    pub storing: Option<String>,
    /// What could not be stored when the engine ended.
    pub unstored: Option<Unstored>,
    /// Why there is no simulator, if there is none.
    pub no_simulator: Option<String>,
    /// Runs that are live, or shown, or in no history that they could be loaded from again.
    pub runs: HashMap<RunId, Run>,
    /// What was found in those of them that are over, once that is known.
    pub findings: HashMap<RunId, Arc<[Finding]>>,
    /// Those that are over and that the history has, in the order in which they came to be.
    stored: Vec<RunId>,
    /// How many of them there were, and how many runs were shown, when some were let go last.
    looked_through: (usize, usize),
    /// Runs that could not be started, and why.
    pub refused: HashMap<RunId, Fault>,
    /// Runs that were asked for and that the history does not have.
    pub missing_runs: HashSet<RunId>,
    /// Counts finished runs, here and in other processes; a change means that tables and plots are out of date.
    pub finished: u64,
    /// Runs that this process asks; what is known of them here is newer than any row of the history.
    own: HashSet<RunId>,
    /// The state of the desktop's gateway.
    pub gateway: GatewayState,
    /// The state of the monitor.
    pub monitor: MonitorState,
    /// The comparison that runs here, or ran here last.
    pub comparison: Option<Arc<CompareState>>,
    /// Why a comparison could not be begun or resumed; counted, so that the same words are told again.
    pub comparison_refused: Option<(u64, String)>,
    /// The load bench that runs here, or ran here last.
    pub bench: LiveBench,
    /// The alerts that fire, the latest last.
    pub alerts: Vec<AlertNews>,
    /// Model lists by endpoint.
    pub models: HashMap<String, Result<Arc<Vec<ModelInfo>>, Fault>>,
    /// Where keys live, by endpoint.
    pub keys: HashMap<(String, KeyOf), KeyStatus>,
    /// Why a key could not be kept or forgotten, by endpoint.
    pub key_problems: HashMap<(String, KeyOf), String>,
    /// Whether the engine has ended.
    pub stopped: bool,
    /// How targets look, in all views; kept by the window.
    pub looks: Looks,
    /// Where settings and data are kept; told by the window, not by the engine.
    pub paths: Option<Paths>,
    /// Whether settings came that the window has not followed yet.
    new_settings: bool,
}

impl State {
    /// Folds one update in.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Run(news) => self.apply_run(news),
            Update::Settings(SettingsNews::Are(settings)) => {
                self.settings = settings;
                self.new_settings = true;
            }
            Update::Settings(SettingsNews::Problem(problem)) => self.settings_problem = problem,
            Update::Key(news) => self.apply_key(news),
            Update::History(news) => self.apply_history(news),
            Update::Gateway(GatewayNews::Is(state)) => self.gateway = state,
            // The plot marks gaps.
            Update::Gateway(GatewayNews::Finished) | Update::Monitor(MonitorNews::Gap(_)) => {
                self.finished += 1;
            }
            Update::Models { endpoint, models } => {
                self.models.insert(endpoint, models);
            }
            Update::NoSimulator(why) => self.no_simulator = Some(why),
            Update::Compare(news) => self.apply_compare(news),
            Update::Bench(news) => self.bench.apply(news),
            Update::Monitor(MonitorNews::Is(state)) => self.monitor = state,
            Update::Monitor(MonitorNews::Alert(news)) => self.apply_alert(news),
            Update::Monitor(MonitorNews::Firing(all)) => self.alerts = all,
            Update::Monitor(
                MonitorNews::Check(_) | MonitorNews::Ended | MonitorNews::AlertProblem(_),
            )
            | Update::Ready => {}
            Update::Stopped => self.stopped = true,
        }
    }

    fn apply_alert(&mut self, news: AlertNews) {
        (self.alerts).retain(|known| (&known.rule, &known.target) != (&news.rule, &news.target));
        if news.fires {
            self.alerts.push(news);
        }
    }

    fn apply_run(&mut self, news: RunNews) {
        match news {
            RunNews::Accepted(head) => {
                self.own.insert(head.id);
                self.runs.insert(head.id, Run::new(*head));
            }
            RunNews::Refused { id, fault } => {
                self.refused.insert(id, fault);
            }
            RunNews::Update { id, update } => self.advance_run(id, &update),
            RunNews::Loaded { id, run } => self.apply_loaded(id, run),
            RunNews::Findings { id, findings } => {
                // The run may have been let go before they came.
                if self.runs.contains_key(&id) {
                    self.findings.insert(id, findings);
                }
            }
            // The same was folded update by update.
            RunNews::Over(run) => self.note_stored(run.head.id),
        }
    }

    fn apply_key(&mut self, news: KeyNews) {
        match news {
            KeyNews::Status(status) => {
                let id = (status.endpoint.clone(), status.of);
                self.key_problems.remove(&id);
                self.keys.insert(id, status);
            }
            KeyNews::Problem {
                endpoint,
                of,
                message,
            } => {
                self.key_problems.insert((endpoint, of), message);
            }
        }
    }

    fn apply_history(&mut self, news: HistoryNews) {
        match news {
            HistoryNews::Storage(storage) => {
                self.storage = Some(storage);
                if !self.is_storing() {
                    // What ended of late may not be in the file: nothing is let go of all that is here.
                    self.stored.clear();
                }
            }
            HistoryNews::Elsewhere(elsewhere) => {
                self.finished += u64::from(elsewhere.runs != self.elsewhere.runs);
                self.elsewhere = elsewhere;
            }
            HistoryNews::Storing(why) => self.storing = Some(why),
            HistoryNews::Unstored(unstored) => self.unstored = Some(unstored),
        }
    }

    fn advance_run(&mut self, id: RunId, update: &RunUpdate) {
        let Some(run) = self.runs.get_mut(&id) else {
            tracing::warn!(id = id.0, "an update for a run that was never accepted");
            return;
        };
        if let Err(illegal) = run.apply(update) {
            tracing::warn!(id = id.0, %illegal, "an update out of order was left aside");
        } else if matches!(update, RunUpdate::Closed { .. }) {
            self.finished += 1;
        }
    }

    fn apply_loaded(&mut self, id: RunId, run: Option<Box<Run>>) {
        match run {
            // What is known here is newer.
            Some(_) if self.own.contains(&id) => {}
            Some(run) => {
                self.missing_runs.remove(&id);
                if run.state.is_over() {
                    self.note_stored(id);
                }
                self.runs.insert(id, *run);
            }
            None => {
                self.missing_runs.insert(id);
            }
        }
    }

    /// Whether a run goes in another process.
    #[must_use]
    pub fn is_live_elsewhere(&self, id: RunId) -> bool {
        let live = self.runs.get(&id).is_some_and(|run| !run.state.is_over());
        live && !self.own.contains(&id)
    }

    /// Whether settings came since this was last asked.
    pub(super) fn take_new_settings(&mut self) -> bool {
        std::mem::take(&mut self.new_settings)
    }

    /// Runs that are on their way.
    #[must_use]
    pub fn live_runs(&self) -> usize {
        (self.runs.values())
            .filter(|run| !run.state.is_over())
            .count()
    }
}

#[cfg(test)]
mod tests;
