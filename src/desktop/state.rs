//! What the engine has said, folded: the one thing that all views read.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use crate::{
    conversation::{Conversation, ConversationId, ConversationSummary},
    credential::KeyStatus,
    dialect::ModelInfo,
    engine::{TestStep, Update},
    event::Fault,
    history::{RunPage, Series, Storage},
    run::{Run, RunId},
    settings::{Settings, SettingsProblem},
};

/// Everything that came from the engine. Views read it; only [`State::apply`] changes it.
#[derive(Debug, Default)]
pub struct State {
    /// The settings that hold now.
    pub settings: Arc<Settings>,
    /// What is wrong with the settings file, if anything.
    pub settings_problem: Option<SettingsProblem>,
    /// How the history stands, once it is open.
    pub storage: Option<Storage>,
    /// Why there is no simulator, if there is none.
    pub no_simulator: Option<String>,
    /// Runs of this session, live or over, and those loaded from the history.
    pub runs: HashMap<RunId, Run>,
    /// Counts finished runs; a change means that tables and plots are out of date.
    pub finished: u64,
    /// Model lists by endpoint.
    pub models: HashMap<String, Result<Arc<Vec<ModelInfo>>, Fault>>,
    /// Where keys live, by endpoint.
    pub keys: HashMap<String, KeyStatus>,
    /// Why a key could not be kept or forgotten, by endpoint.
    pub key_problems: HashMap<String, String>,
    /// Steps of endpoint tests, by endpoint.
    pub tests: HashMap<String, Vec<TestStep>>,
    /// The latest page of runs and its ticket.
    pub run_page: Option<(u64, Result<RunPage, String>)>,
    /// The latest TTFT history and its ticket.
    pub series: Option<(u64, Result<Vec<Series>, String>)>,
    /// The export under way: rows done and in all.
    pub export: Option<(usize, usize)>,
    /// How the last export ended.
    pub exported: Option<Result<(PathBuf, usize), String>>,
    /// The conversations, latest first.
    pub conversations: Vec<ConversationSummary>,
    /// Conversations that were asked for and came; the playground takes them out.
    pub loaded: Vec<(ConversationId, Option<Box<Conversation>>)>,
    /// Images that were read, or why not; the playground takes them out.
    pub images: Vec<Result<crate::chat::Image, String>>,
    /// Whether the engine has ended.
    pub stopped: bool,
}

impl State {
    /// Folds one update in.
    pub fn apply(&mut self, _update: Update) {
        todo!("desktop helper")
    }
}
