//! The application: drains updates, shows the current view, sends commands.

mod actions;
mod layout;
mod look;
mod title;
mod updates;

use std::sync::{Arc, atomic::AtomicBool, mpsc};

use egui::{CentralPanel, Context, Frame, Ui};

use self::layout::Layout;
pub use self::updates::wake;
use super::{
    chrome::Chrome,
    closing::Closing,
    dropped,
    input::InOrder,
    long_answers::LongAnswers,
    palette::Palette,
    shortcuts::{self, Pressed},
    spoken::Spoken,
    state::State,
    theme::{self, Theme},
    toast::Toasts,
    view::{Action, Cx, View, ViewId},
    views::views,
};
use crate::{
    engine::{Command, Engine, Update},
    settings::{Appearance, Paths},
};

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
    long_answers: LongAnswers,
    chrome: Chrome,
    /// What the title bar says.
    title: String,
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
        let layout = Layout::read(saved);
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
            woken: updates::woken_flag(ctx),
            state,
            views,
            current: layout.view.unwrap_or(ViewId::Playground),
            commands: Vec::new(),
            actions: Vec::new(),
            palette: Palette::default(),
            shortcuts_open: false,
            toasts: Toasts::default(),
            long_answers: LongAnswers::default(),
            chrome: Chrome::default(),
            title: String::new(),
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

    /// Shows the window's contents.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let theme = Theme::of(&ctx);
        let dropped = dropped::capture(&ctx, self.current);
        self.actions.extend(dropped.map(Action::OpenCapture));
        let dropped = dropped::conversations(&ctx);
        self.actions
            .extend(dropped.map(Action::ImportConversations));
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
        storage.set_string(layout::KEY, self.layout());
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.stop();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}
