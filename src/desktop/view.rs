//! What a view is. To add one, write its file and add a line each to [`ViewId`], [`VerbId`] and
//! [`views`](super::views::views).

use std::{path::PathBuf, sync::Arc};

use egui::Ui;

pub use super::{
    bench::BenchVerb, compare::CompareVerb, gateway::GatewayVerb, monitor::MonitorVerb,
    playground::PlaygroundVerb, runs::RunsVerb, settings::Section,
};
use super::{state::State, theme::Theme};
use crate::{endpoint::TargetId, engine::Command, run::RunId, settings::Appearance};

/// The name of a view, as stored with the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewId {
    /// Ask and compare.
    Playground,
    /// TTFT history.
    Monitor,
    /// Which target is faster, and how sure that is.
    Compare,
    /// What a target takes under load.
    Bench,
    /// The table of runs.
    Runs,
    /// What the checks found, by target.
    Conformance,
    /// The gateway of this app.
    Gateway,
    /// Endpoints, keys, appearance, data.
    Settings,
}

/// What the palette and shortcuts can do, by who does it: each view has its own verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerbId {
    /// The window.
    Window(WindowVerb),
    /// The playground.
    Playground(PlaygroundVerb),
    /// The monitor.
    Monitor(MonitorVerb),
    /// Comparisons.
    Compare(CompareVerb),
    /// Load benches.
    Bench(BenchVerb),
    /// The table of runs.
    Runs(RunsVerb),
    /// The gateway.
    Gateway(GatewayVerb),
    /// The settings: shows one of their sections.
    Settings(Section),
}

/// What the window itself can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowVerb {
    /// Opens the command palette.
    Palette,
    /// Opens the overlay of keyboard shortcuts.
    Shortcuts,
    /// Makes everything larger.
    ZoomIn,
    /// Makes everything smaller.
    ZoomOut,
    /// Resets the zoom to 100 %.
    ZoomReset,
    /// Switches between dark and light.
    Theme,
    /// Shows the settings with a new endpoint.
    AddEndpoint,
}

/// What a view may use while it is shown.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The state, folded from the engine's updates.
    pub state: &'a State,
    /// Colours and sizes.
    pub theme: &'a Theme,
    /// Commands for the engine, sent after the frame.
    pub commands: &'a mut Vec<Command>,
    /// Actions for the window, performed after the frame.
    pub actions: &'a mut Vec<Action>,
}

/// What a view, the palette or a shortcut may ask of the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Shows a view.
    Go(ViewId),
    /// Shows a run of the history in the Runs view.
    OpenRun(RunId),
    /// Runs were deleted from the history: they are dropped from the state, and no view shows them any more.
    Deleted(Arc<[RunId]>),
    /// Shows all runs of a target in the Runs view.
    OpenRunsOf(TargetId),
    /// Opens the file of a capture in the Runs view.
    OpenCapture(PathBuf),
    /// Asks in the playground whether to import this file of conversations.
    ImportConversations(PathBuf),
    /// Shows the settings with the named endpoint open, or with a new one.
    EditEndpoint(Option<String>),
    /// Shows the playground with a pane for this target.
    Ask(TargetId),
    /// Applies and saves another appearance.
    Look(Appearance),
    /// Opens the command palette.
    Palette,
    /// Opens the overlay of keyboard shortcuts.
    Shortcuts,
    /// Shows a toast.
    Tell(String),
    /// Copies a text, and shows a toast once that is done.
    Copy {
        /// The text.
        text: String,
        /// The toast's text.
        said: String,
    },
    /// Gives each of these targets a look of its own, in all views.
    Draw(Vec<TargetId>),
    /// A verb of the palette or a shortcut, as listed by [`View::verbs`].
    Verb(VerbId),
}

/// Something that the palette and a shortcut can do.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// What it is.
    pub id: VerbId,
    /// Its name in the palette.
    pub label: &'static str,
    /// Its shortcut.
    pub shortcut: Option<egui::KeyboardShortcut>,
}

/// One view of the window.
pub trait View {
    /// Its name.
    fn id(&self) -> ViewId;
    /// Its title, in the navigation.
    fn title(&self) -> &'static str;
    /// What it shows, for the title of the window; without it, the window is named after the view.
    fn subject(&self) -> Option<&str> {
        None
    }
    /// Its icon, a glyph of the icon font (see [`icons`](super::icons)).
    fn icon(&self) -> &'static str;
    /// Its verbs for the palette and for shortcuts. Shortcuts work while it is shown.
    fn verbs(&self) -> Vec<Verb> {
        Vec::new()
    }
    /// Performs a verb if it is one of its own. Called for every view.
    fn verb(&mut self, _id: VerbId, _cx: &mut Cx<'_>) {}
    /// Reacts to an action that concerns it ([`Action::OpenRun`], …). Called for every view.
    fn act(&mut self, _action: &Action, _cx: &mut Cx<'_>) {}
    /// Reacts to the engine's updates. Called every frame before [`View::ui`], even while the view is not shown.
    fn logic(&mut self, _cx: &mut Cx<'_>) {}
    /// The runs that it shows, or needs for its requests: they stay in the state. Other finished runs that the history
    /// has are dropped; a view loads them again when it shows them.
    fn shown_runs(&self) -> Vec<RunId> {
        Vec::new()
    }
    /// Shows it.
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>);
    /// Called once before the window closes: saves what is not saved yet.
    fn close(&mut self, _cx: &mut Cx<'_>) {}
    /// What to save with the layout; never a secret.
    fn save(&self) -> Option<String> {
        None
    }
    /// Restores what [`View::save`] returned.
    fn restore(&mut self, _saved: &str) {}
}
