//! The application: drains updates, shows the current view, sends commands.

mod look;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use egui::{CentralPanel, Context, Frame, Id, Ui};
use serde::{Deserialize, Serialize};

use super::{
    chrome::Chrome,
    closing::Closing,
    dropped,
    input::InOrder,
    looks::Looks,
    outside,
    palette::Palette,
    shortcuts::{self, Pressed},
    spoken::Spoken,
    state::State,
    theme::{self, Theme},
    toast::Toasts,
    view::{Action, Cx, VerbId, View, ViewId, WindowVerb},
    views::views,
};
use crate::{
    clock,
    engine::{Command, Engine, KeyNews, MonitorNews, Update},
    settings::{Appearance, Paths},
};

/// The key under which eframe keeps the layout.
const LAYOUT_KEY: &str = "layout";

/// Updates that come closer together than this are shown in one frame.
const FRAME: Duration = Duration::from_millis(8);

/// One frame applies at most this many updates, for at most this long. The next frame follows at once with the rest.
const MAX_UPDATES: usize = 4_096;
const MAX_TIME: Duration = Duration::from_millis(6);
/// How many updates are applied between two readings of the clock.
const CLOCK_INTERVAL: usize = 64;

/// Returns a function that wakes the window after an update was queued. Several calls between two frames cause one
/// repaint.
pub fn wake(ctx: &Context) -> impl Fn() + Send + Sync + 'static {
    let ctx = ctx.clone();
    let woken = woken_flag(&ctx);
    move || {
        if !woken.swap(true, Ordering::AcqRel) {
            ctx.request_repaint_after(FRAME);
        }
    }
}

/// Whether a repaint has been requested already. [`wake`] and [`App::drain`] share it through the context.
fn woken_flag(ctx: &Context) -> Arc<AtomicBool> {
    ctx.data_mut(|data| {
        data.get_temp_mut_or_default::<Arc<AtomicBool>>(Id::unique("woken"))
            .clone()
    })
}

/// What the window saves for its next start. Contains no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Layout {
    view: Option<ViewId>,
    views: HashMap<ViewId, String>,
    looks: Looks,
}

/// The window's contents: an [`eframe::App`] that owns the engine's handle.
pub struct App {
    /// `None` once [`App::stop`] has handed it to a thread.
    engine: Option<Engine>,
    woken: Arc<AtomicBool>,
    state: State,
    views: Vec<Box<dyn View>>,
    current: ViewId,
    commands: Vec<Command>,
    actions: Vec<Action>,
    palette: Palette,
    shortcuts_open: bool,
    toasts: Toasts,
    chrome: Chrome,
    /// Whether the window's size was checked against its screen.
    fitted: bool,
    closing: Closing,
    /// The theme and zoom that egui was given last.
    appearance: Option<Appearance>,
    /// Receives `()` when the engine has ended.
    ended: mpsc::Sender<()>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Makes the application for a started engine. `saved` is an earlier [`App::layout`]; what can't be read in it is
    /// ignored.
    #[must_use]
    pub fn new(engine: Engine, ctx: &Context, saved: Option<&str>) -> Self {
        theme::install(ctx);
        ctx.add_plugin(InOrder::default());
        ctx.add_plugin(Spoken);
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let layout: Layout = saved
            .and_then(|saved| serde_json::from_str(saved).ok())
            .unwrap_or_default();
        let mut views = views();
        for view in &mut views {
            if let Some(saved) = layout.views.get(&view.id()) {
                view.restore(saved);
            }
        }
        let mut state = State::default();
        state.looks = layout.looks;
        Self {
            engine: Some(engine),
            woken: woken_flag(ctx),
            state,
            views,
            current: layout.view.unwrap_or(ViewId::Playground),
            commands: Vec::new(),
            actions: Vec::new(),
            palette: Palette::default(),
            shortcuts_open: false,
            toasts: Toasts::default(),
            chrome: Chrome::default(),
            fitted: false,
            closing: Closing::default(),
            appearance: None,
            ended: mpsc::channel().0,
        }
    }

    /// Sends on `ended` once the window is closed and the engine has written everything.
    #[must_use]
    pub fn with_ended(mut self, ended: mpsc::Sender<()>) -> Self {
        self.ended = ended;
        self
    }

    /// Gives the settings view the paths to show.
    #[must_use]
    pub fn with_paths(mut self, paths: Paths) -> Self {
        self.state.paths = Some(paths);
        self
    }

    /// What to save for the next start.
    #[must_use]
    pub fn layout(&self) -> String {
        let layout = Layout {
            view: Some(self.current),
            views: (self.views.iter())
                .filter_map(|view| Some((view.id(), view.save()?)))
                .collect(),
            looks: self.state.looks.clone(),
        };
        serde_json::to_string(&layout).unwrap_or_default()
    }

    /// The layout that eframe saved.
    pub(super) fn saved_layout(storage: Option<&dyn eframe::Storage>) -> Option<String> {
        storage?.get_string(LAYOUT_KEY)
    }

    /// The state, folded from the engine's updates so far.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The view that is shown.
    #[must_use]
    pub fn current(&self) -> ViewId {
        self.current
    }

    /// Applies the engine's updates, as many as fit into one frame, and lets every view react.
    pub fn drain(&mut self, ctx: &Context) {
        // Cleared first, so that an update that arrives meanwhile requests another frame.
        self.woken.store(false, Ordering::Release);
        if !self.take_updates() {
            ctx.request_repaint();
        }
        self.follow_appearance(ctx);
        self.with_views(ctx, |views, cx| {
            for view in views {
                view.logic(cx);
            }
        });
        let shown = self.views.iter().flat_map(|view| view.shown_runs());
        self.state.let_go(&shown.collect::<Vec<_>>());
        self.flush(ctx);
    }

    /// Applies as many updates as fit into one frame; returns whether none is left.
    fn take_updates(&mut self) -> bool {
        let begin = clock::now();
        for taken in 1..=MAX_UPDATES {
            let Some(update) = self.engine.as_ref().and_then(Engine::try_next) else {
                return true;
            };
            // The settings show no row for an endpoint that was removed, so its key's problem becomes a toast.
            if let Update::Key(KeyNews::Problem {
                endpoint, message, ..
            }) = &update
                && self.state.settings.endpoint(endpoint).is_none()
            {
                self.toasts.tell(&format!("{endpoint}: {message}"));
            }
            match &update {
                Update::Monitor(MonitorNews::Alert(news)) => self.toasts.tell(&news.to_string()),
                Update::Monitor(MonitorNews::AlertProblem(why)) => self.toasts.tell(why),
                _ => {}
            }
            self.state.apply(update);
            if taken % CLOCK_INTERVAL == 0 && begin.elapsed() > MAX_TIME {
                break;
            }
        }
        false
    }

    /// Shows the window's contents.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let theme = Theme::of(&ctx);
        let dropped = dropped::capture(&ctx, self.current);
        self.actions.extend(dropped.map(Action::OpenCapture));
        if !self.palette.is_open() && !self.shortcuts_open {
            for pressed in shortcuts::pressed(&ctx, &self.views, self.current) {
                self.actions.push(match pressed {
                    Pressed::Verb(id) => Action::Verb(id),
                    Pressed::View(id) => Action::Go(id),
                });
            }
            self.flush(&ctx);
        }
        // Overlays come first, so that they take the keys before the view below.
        self.overlays_ui(&ctx, theme);
        self.frame_ui(ui, theme);
        self.flush(&ctx);
    }

    fn frame_ui(&mut self, ui: &mut Ui, theme: &'static Theme) {
        let Self {
            state,
            views,
            current,
            commands,
            actions,
            chrome,
            toasts,
            ..
        } = self;
        let mut cx = Cx {
            state,
            theme,
            commands,
            actions,
        };
        Chrome::status_bar(ui, &mut cx, toasts);
        Chrome::rail(ui, &mut cx, views, *current);
        chrome.banners(ui, &mut cx);
        CentralPanel::default()
            .frame(Frame::new().fill(theme.background))
            .show(ui, |ui| {
                if let Some(view) = views.iter_mut().find(|view| view.id() == *current) {
                    ui.push_id(*current, |ui| view.ui(ui, &mut cx));
                }
            });
    }

    fn overlays_ui(&mut self, ctx: &Context, theme: &Theme) {
        let chosen = (self.palette).ui(ctx, theme, &self.views, self.current, &self.state);
        self.actions.extend(chosen);
        if self.shortcuts_open {
            self.shortcuts_open = shortcuts::overlay(ctx, theme, &self.views);
        }
        self.closing.ui(ctx, theme, &self.state);
    }

    fn with_views(&mut self, ctx: &Context, each: impl FnOnce(&mut [Box<dyn View>], &mut Cx<'_>)) {
        let Self {
            state,
            views,
            commands,
            actions,
            ..
        } = self;
        let theme = Theme::of(ctx);
        each(
            views,
            &mut Cx {
                state,
                theme,
                commands,
                actions,
            },
        );
    }

    /// Performs the actions of this frame, and those that they add in turn, then sends the commands.
    fn flush(&mut self, ctx: &Context) {
        while !self.actions.is_empty() {
            for action in std::mem::take(&mut self.actions) {
                self.act(ctx, &action);
            }
            ctx.request_repaint();
        }
        for command in self.commands.drain(..) {
            if let Some(engine) = &self.engine {
                engine.send(command);
            }
        }
    }

    fn act(&mut self, ctx: &Context, action: &Action) {
        match action {
            Action::Go(view) => self.current = *view,
            Action::OpenRun(_) | Action::OpenRunsOf(_) | Action::OpenCapture(_) => {
                self.current = ViewId::Runs;
            }
            Action::Deleted(run) => self.state.forget(*run),
            Action::EditEndpoint(_) => self.current = ViewId::Settings,
            Action::Ask(_) => self.current = ViewId::Playground,
            Action::Look(appearance) => self.set_appearance(ctx, *appearance),
            Action::Palette => self.palette.toggle(),
            Action::Shortcuts => self.shortcuts_open = !self.shortcuts_open,
            Action::Tell(text) => self.toasts.tell(text),
            Action::Copy { text, said } => {
                if outside::copy(ctx, text.clone()) {
                    self.toasts.tell(said);
                }
            }
            Action::Draw(targets) => self.state.looks.take_in(targets.iter()),
            Action::Verb(id) => self.verb(ctx, *id),
        }
        self.with_views(ctx, |views, cx| {
            for view in views {
                view.act(action, cx);
            }
        });
    }

    fn verb(&mut self, ctx: &Context, id: VerbId) {
        if let VerbId::Window(verb) = id {
            return self.window_verb(ctx, verb);
        }
        self.with_views(ctx, |views, cx| {
            for view in views {
                view.verb(id, cx);
            }
        });
    }

    fn window_verb(&mut self, ctx: &Context, verb: WindowVerb) {
        match verb {
            WindowVerb::Palette => self.actions.push(Action::Palette),
            WindowVerb::Shortcuts => self.actions.push(Action::Shortcuts),
            WindowVerb::AddEndpoint => self.actions.push(Action::EditEndpoint(None)),
            WindowVerb::ZoomIn => self.zoom(ctx, 0.1),
            WindowVerb::ZoomOut => self.zoom(ctx, -0.1),
            WindowVerb::ZoomReset => self.zoom(ctx, 1.0 - ctx.zoom_factor()),
            WindowVerb::Theme => self.switch_theme(ctx),
        }
    }

    /// Tells the engine to stop all runs and write everything; a thread waits for its end.
    pub fn stop(&mut self) {
        let Some(engine) = self.engine.take() else {
            return;
        };
        let mut cx = Cx {
            state: &self.state,
            theme: &theme::DARK,
            commands: &mut self.commands,
            actions: &mut self.actions,
        };
        self.views.iter_mut().for_each(|view| view.close(&mut cx));
        let last = self.commands.drain(..).chain([Command::Stop]);
        last.for_each(|command| engine.send(command));
        let ended = self.ended.clone();
        let wait = move || {
            while let Some(update) = engine.next() {
                if matches!(update, Update::Stopped) {
                    break;
                }
            }
            // If this fails, nobody waits any longer: the process is about to exit.
            let _ = ended.send(());
        };
        let _ = std::thread::Builder::new()
            .name("ending".into())
            .spawn(wait);
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.fit_screen(ctx);
        self.drain(ctx);
        if self.closing.follow(ctx, &self.state) {
            // Lets each view save its unsaved changes, also those that are not shown.
            self.drain(ctx);
            if let Some(engine) = &self.engine {
                engine.send(Command::Stop);
            }
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        storage.set_string(LAYOUT_KEY, self.layout());
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.stop();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}
