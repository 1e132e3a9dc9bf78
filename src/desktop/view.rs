//! What a view is. A new one is a file, and a line each in [`ViewId`], [`VerbId`] and
//! [`views`](super::views::views).

use egui::Ui;

pub use super::{
    monitor::MonitorVerb, playground::PlaygroundVerb, runs::RunsVerb, settings::Section,
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
    /// The table of runs.
    Runs,
    /// What was lost, by target.
    Conformance,
    /// Endpoints, keys, appearance, data.
    Settings,
}

/// What can be done by palette and shortcut, by who does it: each view has verbs of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerbId {
    /// The window.
    Window(WindowVerb),
    /// The playground.
    Playground(PlaygroundVerb),
    /// The monitor.
    Monitor(MonitorVerb),
    /// The table of runs.
    Runs(RunsVerb),
    /// The settings: each of its sections can be gone to.
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
    /// Shows everything at its own size.
    ZoomReset,
    /// Switches between dark and light.
    Theme,
    /// Shows the settings with a new endpoint.
    AddEndpoint,
}

/// What a view may touch while it is shown.
#[derive(Debug)]
pub struct Cx<'a> {
    /// What the engine has said.
    pub state: &'a State,
    /// Colours, sizes and icons.
    pub theme: &'a Theme,
    /// Wishes to the engine, sent after the frame.
    pub commands: &'a mut Vec<Command>,
    /// Wishes to the window, done after the frame.
    pub actions: &'a mut Vec<Action>,
}

/// What a view, the palette or a shortcut may ask of the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Shows a view.
    Go(ViewId),
    /// Shows a run of the history in the Runs view.
    OpenRun(RunId),
    /// Shows the settings with a new or the named endpoint open.
    EditEndpoint(Option<String>),
    /// Shows the playground with a pane for this target.
    Ask(TargetId),
    /// Shows another theme or zoom, and has it kept.
    Look(Appearance),
    /// Opens the command palette.
    Palette,
    /// Opens the overlay of keyboard shortcuts.
    Shortcuts,
    /// Tells something in passing (a toast).
    Tell(String),
    /// These targets are drawn: each is given a look of its own, in all views.
    Draw(Vec<TargetId>),
    /// Something of the palette or a shortcut, as listed by [`View::verbs`].
    Verb(VerbId),
}

/// Something a view can do by palette and shortcut.
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
    /// Its icon, a glyph of the icon font (see [`icons`](super::icons)).
    fn icon(&self) -> &'static str;
    /// What it can do by palette and shortcut. Shortcuts hold while it is shown.
    fn verbs(&self) -> Vec<Verb> {
        Vec::new()
    }
    /// Does one of its verbs. Called for every view; those of others are passed over.
    fn verb(&mut self, _id: VerbId, _cx: &mut Cx<'_>) {}
    /// Takes in an action of the window that concerns it ([`Action::OpenRun`], …). Called for every
    /// view.
    fn act(&mut self, _action: &Action, _cx: &mut Cx<'_>) {}
    /// Called every frame before [`View::ui`], shown or not: takes in what the engine has said.
    fn logic(&mut self, _cx: &mut Cx<'_>) {}
    /// The runs that it shows, or needs for what it asks: they stay in the state. Others that are over and in the
    /// history are let go; a view has them loaded again when it shows them.
    fn shown_runs(&self) -> Vec<RunId> {
        Vec::new()
    }
    /// Shows it.
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>);
    /// Called once before the window closes: keeps what it was still holding back.
    fn close(&mut self, _cx: &mut Cx<'_>) {}
    /// What it wants kept with the layout; never a secret.
    fn save(&self) -> Option<String> {
        None
    }
    /// Takes back what it kept.
    fn restore(&mut self, _saved: &str) {}
}
