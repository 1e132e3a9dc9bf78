//! What views ask of the window: actions and verbs.

use egui::Context;

use super::App;
use crate::desktop::{
    outside,
    view::{Action, VerbId, ViewId, WindowVerb},
};

impl App {
    /// Performs the actions of this frame, and those that they add in turn, then sends the commands.
    pub(super) fn flush(&mut self, ctx: &Context) {
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
            Action::Deleted(runs) => self.state.forget(runs),
            Action::EditEndpoint(_) => self.current = ViewId::Settings,
            Action::Ask(_) | Action::ImportConversations(_) => self.current = ViewId::Playground,
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
}
