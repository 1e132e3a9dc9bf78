//! What the engine has said, folded: the one thing that all views read.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use super::looks::Looks;
use crate::{
    body::ModelInfo,
    conversation::{Conversation, ConversationId, ConversationSummary},
    credential::{KeyOf, KeyStatus},
    endpoint::TargetId,
    engine::{TestStep, Update},
    event::Fault,
    history::{Conformance, OtherProcesses, RunPage, RunRow, Series, Storage, Unstored},
    run::{Run, RunId, RunUpdate},
    settings::{Paths, Settings, SettingsProblem},
};

/// Everything that came from the engine. [`State::apply`] folds it; a view only takes out what was
/// meant for it alone (pages, conversations, images).
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
    /// Runs of this session, live or over, and those loaded from the history.
    pub runs: HashMap<RunId, Run>,
    /// Runs that could not be started, and why.
    pub refused: HashMap<RunId, Fault>,
    /// Runs that were asked for and that the history does not have.
    pub missing_runs: HashSet<RunId>,
    /// Counts finished runs, here and in other processes; a change means that tables and plots are out of date.
    pub finished: u64,
    /// Runs that this process asks; what is known of them here is newer than any row of the history.
    own: HashSet<RunId>,
    /// Model lists by endpoint.
    pub models: HashMap<String, Result<Arc<Vec<ModelInfo>>, Fault>>,
    /// Where keys live, by endpoint.
    pub keys: HashMap<(String, KeyOf), KeyStatus>,
    /// Why a key could not be kept or forgotten, by endpoint.
    pub key_problems: HashMap<(String, KeyOf), String>,
    /// Steps of endpoint tests, by endpoint; a new test begins a new list.
    pub tests: HashMap<String, Vec<TestStep>>,
    /// Pages of runs by ticket; the Runs view takes them out.
    pub run_pages: Vec<(u64, Result<RunPage, String>)>,
    /// The latest TTFT history and its ticket.
    pub series: Option<(u64, Result<Vec<Series>, String>)>,
    /// The latest whole answers of targets that were asked about.
    pub recent: HashMap<TargetId, Vec<RunRow>>,
    /// How each target kept to its protocol, and the question's ticket.
    pub conformance: Option<(u64, Result<Vec<Conformance>, String>)>,
    /// The export under way: rows done and in all.
    pub export: Option<(usize, usize)>,
    /// How the last export ended; the Runs view takes it out.
    pub exported: Option<Result<(PathBuf, usize), String>>,
    /// The conversations, latest first.
    pub conversations: Vec<ConversationSummary>,
    /// Conversations that were asked for and came; the playground takes them out.
    pub loaded: Vec<(ConversationId, Option<Box<Conversation>>)>,
    /// Files that were read, or why not; the playground takes them out.
    pub files: Vec<Result<crate::chat::Media, String>>,
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
            Update::Accepted(head) => {
                self.own.insert(head.id);
                self.runs.insert(head.id, Run::new(*head));
            }
            Update::Refused { id, fault } => {
                self.refused.insert(id, fault);
            }
            Update::Run { id, update } => self.apply_run(id, &update),
            Update::RunLoaded { id, run } => self.apply_loaded(id, run),
            Update::Settings(settings) => {
                self.settings = settings;
                self.new_settings = true;
            }
            Update::SettingsProblem(problem) => self.settings_problem = problem,
            Update::Models { endpoint, models } => {
                self.models.insert(endpoint, models);
            }
            Update::Tested { endpoint, step } => self.apply_test(endpoint, step),
            Update::Key(status) => {
                let id = (status.endpoint.clone(), status.of);
                self.key_problems.remove(&id);
                self.keys.insert(id, status);
            }
            Update::KeyProblem {
                endpoint,
                of,
                message,
            } => {
                self.key_problems.insert((endpoint, of), message);
            }
            Update::Runs { ticket, page } => self.run_pages.push((ticket, page)),
            Update::Series { ticket, series } => self.series = Some((ticket, series)),
            Update::Recent { target, rows } => {
                self.recent.insert(target, rows);
            }
            Update::Conformance { ticket, rows } => self.conformance = Some((ticket, rows)),
            Update::ExportProgress { done, total } => self.export = Some((done, total)),
            Update::Exported(result) => {
                self.export = None;
                self.exported = Some(result);
            }
            Update::Conversations(list) => self.conversations = list,
            Update::Conversation { id, conversation } => self.loaded.push((id, conversation)),
            Update::File(image) => self.files.push(image),
            Update::Storage(storage) => self.storage = Some(storage),
            Update::Elsewhere(elsewhere) => {
                self.finished += u64::from(elsewhere.runs != self.elsewhere.runs);
                self.elsewhere = elsewhere;
            }
            Update::Storing(why) => self.storing = Some(why),
            Update::Unstored(unstored) => self.unstored = Some(unstored),
            Update::NoSimulator(why) => self.no_simulator = Some(why),
            Update::Stopped => self.stopped = true,
            // The same was folded update by update.
            Update::Ready | Update::Over(_) => {}
        }
    }

    fn apply_run(&mut self, id: RunId, update: &RunUpdate) {
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
        let own = self.own.contains(&id);
        match run {
            Some(_) if own => {}
            Some(run) => {
                self.missing_runs.remove(&id);
                self.runs.insert(id, *run);
            }
            None => {
                self.missing_runs.insert(id);
            }
        }
    }

    fn apply_test(&mut self, endpoint: String, step: TestStep) {
        let steps = self.tests.entry(endpoint).or_default();
        if steps.last().is_some_and(|last| last.last) {
            steps.clear();
        }
        steps.push(step);
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
mod tests {
    use super::*;
    use crate::{
        credential::KeyPlace,
        dialect::DialectId,
        engine::TestedThing,
        event::{FaultClass, Phase},
        run::{Origin, RunHead},
    };

    fn head(id: i64) -> RunHead {
        RunHead {
            id: RunId(id),
            target: TargetId {
                endpoint: "sim".into(),
                model: "steady".into(),
            },
            dialect: DialectId::OpenaiChat,
            route: String::new(),
            url: "http://127.0.0.1:1/v1/chat/completions".into(),
            simulated: true,
            origin: Origin::Playground,
            attempt: 1,
            request: Arc::default(),
        }
    }

    fn step(what: TestedThing, last: bool) -> Update {
        Update::Tested {
            endpoint: "e".into(),
            step: TestStep {
                what,
                result: Ok("fine".into()),
                sure: true,
                took: None,
                last,
            },
        }
    }

    #[test]
    fn a_second_test_begins_a_new_list() {
        let mut state = State::default();
        state.apply(step(TestedThing::Dns, false));
        state.apply(step(TestedThing::Connect, true));
        assert_eq!(state.tests["e"].len(), 2);
        state.apply(step(TestedThing::Dns, false));
        assert_eq!(state.tests["e"].len(), 1);
    }

    #[test]
    fn a_live_run_is_not_replaced_by_its_row() {
        let mut state = State::default();
        state.apply(Update::Accepted(Box::new(head(7))));
        assert_eq!(state.live_runs(), 1);
        let mut row = Run::new(head(7));
        row.state = crate::run::RunState::Fault;
        state.apply(Update::RunLoaded {
            id: RunId(7),
            run: Some(Box::new(row.clone())),
        });
        assert_eq!(state.live_runs(), 1);
        row.head = head(8);
        state.apply(Update::RunLoaded {
            id: RunId(8),
            run: Some(Box::new(row)),
        });
        assert!(state.runs[&RunId(8)].state.is_over());
    }

    #[test]
    fn a_run_that_is_nowhere_is_known_to_be_missing() {
        let mut state = State::default();
        let id = RunId(9);
        state.apply(Update::RunLoaded { id, run: None });
        assert!(state.missing_runs.contains(&id));
    }

    #[test]
    fn a_kept_key_clears_its_problem() {
        let mut state = State::default();
        state.apply(Update::KeyProblem {
            endpoint: "e".into(),
            of: KeyOf::Endpoint,
            message: "the keyring is locked".into(),
        });
        assert_eq!(state.key_problems.len(), 1);
        state.apply(Update::Key(KeyStatus {
            endpoint: "e".into(),
            of: KeyOf::Endpoint,
            origin: "https://e.example".into(),
            place: KeyPlace::Memory,
            problem: None,
        }));
        assert!(state.key_problems.is_empty());
        assert_eq!(
            state.keys[&("e".to_owned(), KeyOf::Endpoint)].place,
            KeyPlace::Memory
        );
    }

    #[test]
    fn pages_of_one_batch_are_all_kept() {
        let mut state = State::default();
        for ticket in [1, 2] {
            state.apply(Update::Runs {
                ticket,
                page: Ok(RunPage::default()),
            });
        }
        assert_eq!(state.run_pages.len(), 2);
    }

    #[test]
    fn a_refusal_and_an_export_find_their_place() {
        let mut state = State::default();
        let fault = Fault::new(FaultClass::NotFound, Phase::Prepare, "no such endpoint");
        state.apply(Update::Refused {
            id: RunId(1),
            fault: fault.clone(),
        });
        assert_eq!(state.refused[&RunId(1)], fault);
        state.apply(Update::ExportProgress { done: 1, total: 9 });
        assert_eq!(state.export, Some((1, 9)));
        state.apply(Update::Exported(Err("disk full".into())));
        assert_eq!(state.export, None);
        assert!(state.exported.is_some());
    }
}
