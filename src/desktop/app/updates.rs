//! The engine's updates: how they wake the window, and how they are folded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use egui::{Context, Id};

use super::App;
use crate::{
    clock,
    engine::{Engine, KeyNews, MonitorNews, RunNews, Update},
};

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
pub(super) fn woken_flag(ctx: &Context) -> Arc<AtomicBool> {
    ctx.data_mut(|data| {
        data.get_temp_mut_or_default::<Arc<AtomicBool>>(Id::unique("woken"))
            .clone()
    })
}

impl App {
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
        self.follow_long_answers(ctx);
        self.flush(ctx);
        self.follow_title(ctx);
    }

    fn follow_long_answers(&mut self, ctx: &Context) {
        // Up to date in a hidden window, too, where the input of the last frame is not.
        let has_focus = ctx.input(|input| input.raw.focused);
        let notice = self.long_answers.follow(&self.state, has_focus);
        self.commands.extend(notice);
        if let Some(why) = self.long_answers.problem() {
            self.toasts.tell(&why);
        }
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
                Update::Run(RunNews::Over(run)) => self.long_answers.note(run),
                _ => {}
            }
            self.state.apply(update);
            if taken % CLOCK_INTERVAL == 0 && begin.elapsed() > MAX_TIME {
                break;
            }
        }
        false
    }
}
