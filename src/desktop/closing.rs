//! Closing the window: it stays open until everything is stored, and says so if that takes long.

use egui::{Align2, Context, ViewportCommand, Window};

use super::{
    state::State,
    theme::{Theme, caption},
    widgets::{danger_button, primary_button},
};
use crate::{engine::signals, history::Unstored};

/// How far the window is with closing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// Nobody asked for it.
    #[default]
    No,
    /// It closes as soon as the engine has ended.
    Waits,
    /// It closes now.
    Closes,
}

impl Closing {
    /// Handles a request to close the window; returns whether to tell the engine to stop now.
    pub fn follow(&mut self, ctx: &Context, state: &State) -> bool {
        let requested = ctx.input(|input| input.viewport().close_requested());
        if requested && *self != Self::Closes && !state.stopped {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
        let begins = requested && *self == Self::No && !state.stopped;
        if begins {
            *self = Self::Waits;
        }
        if *self == Self::Waits && state.stopped && state.unstored.is_none() {
            self.close(ctx);
        }
        begins
    }

    fn close(&mut self, ctx: &Context) {
        *self = Self::Closes;
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }

    /// Shows what the window waits for, or what could not be stored.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme, state: &State) {
        if *self != Self::Waits || state.storing.is_none() && state.unstored.is_none() {
            return;
        }
        Window::new("Closing")
            .anchor(Align2::CENTER_CENTER, egui::Vec2::ZERO)
            .collapsible(false)
            .resizable(false)
            .show(ctx, |ui| {
                ui.set_max_width(420.0);
                ui.label(text(state));
                ui.add_space(super::theme::space::S);
                if state.unstored.is_some() {
                    if primary_button(ui, theme, "Close").clicked() {
                        self.close(ctx);
                    }
                    return;
                }
                ui.label(caption(
                    theme,
                    "The window closes by itself once everything is stored",
                ));
                if danger_button(ui, theme, "Close without storing").clicked() {
                    self.close(ctx);
                }
            });
    }
}

fn text(state: &State) -> String {
    match (&state.unstored, &state.storing) {
        (Some(unstored), _) => Unstored::to_string(unstored),
        (None, Some(why)) => format!("Waiting for the history: {why}"),
        (None, None) => String::new(),
    }
}

/// Closes the window when a signal asks the program to end, as its button does; a second signal ends the process.
pub fn on_signals(ctx: &Context) {
    let ctx = ctx.clone();
    let mut asked = false;
    signals::listen(move |signal| {
        if std::mem::replace(&mut asked, true) {
            std::process::exit(128 + i32::from(signal));
        }
        ctx.send_viewport_cmd(ViewportCommand::Close);
        ctx.request_repaint();
    });
}
