//! The wires of the runs that the inspector shows, as the history has them.

use std::{sync::Arc, task::Poll};

use egui::Ui;

use crate::{
    capture::DecodedCapture,
    desktop::{
        icons,
        theme::Theme,
        view::Cx,
        widgets::{capitalized, empty},
    },
    engine::{Asked, CaptureCommand, Command, LoadedCapture, ask},
    run::{Run, RunId},
    visible::visible,
};

/// The wires that were asked for.
#[derive(Debug, Default)]
pub struct Wires(Vec<RunWire>);

#[derive(Debug)]
struct RunWire {
    run: RunId,
    asked: Asked<Result<LoadedCapture, String>>,
    /// `None` while it is awaited.
    found: Option<Result<LoadedCapture, String>>,
}

impl Wires {
    /// Keeps those of these runs only.
    pub fn keep(&mut self, runs: &[RunId]) {
        self.0.retain(|wire| runs.contains(&wire.run));
    }

    /// Asks for the wire of a run, once the history has all of it.
    pub fn want(&mut self, run: &Run, cx: &mut Cx<'_>) {
        let id = run.head.id;
        // The findings are told after the history was given the run's end.
        let is_stored = run.state.is_over() && cx.state.findings.contains_key(&id);
        if !is_stored || self.0.iter().any(|wire| wire.run == id) {
            return;
        }
        let (reply, asked) = ask();
        cx.commands
            .push(Command::Capture(CaptureCommand::Load { id, reply }));
        let found = None;
        self.0.push(RunWire {
            run: id,
            asked,
            found,
        });
    }

    /// Takes the history's answers.
    pub fn take_in(&mut self) {
        for wire in self.0.iter_mut().filter(|wire| wire.found.is_none()) {
            match wire.asked.poll() {
                Poll::Pending => {}
                Poll::Ready(Some(found)) => wire.found = Some(found),
                Poll::Ready(None) => {
                    wire.found = Some(Err("There is no history to read it from".to_owned()));
                }
            }
        }
    }

    /// What was found for a run; `None` while it is awaited.
    #[must_use]
    pub fn of(&self, run: RunId) -> Option<&Result<LoadedCapture, String>> {
        self.0.iter().find(|wire| wire.run == run)?.found.as_ref()
    }

    /// The capture of a run, if there is one.
    #[must_use]
    pub fn decoded(&self, run: RunId) -> Option<&Arc<DecodedCapture>> {
        match self.of(run)? {
            Ok(LoadedCapture::Kept(decoded)) => Some(decoded),
            Ok(LoadedCapture::Gone(_)) | Err(_) => None,
        }
    }
}

/// Says why there is no wire to show.
pub fn absent_ui(
    ui: &mut Ui,
    theme: &Theme,
    run: &Run,
    found: Option<&Result<LoadedCapture, String>>,
) {
    let (icon, title, text) = match found {
        _ if !run.state.is_over() => {
            let text = "What goes over the wire can be read once the run is over";
            (icons::INFO, "The run is not over", text.to_owned())
        }
        None => (icons::INFO, "Loading the wire…", String::new()),
        Some(Ok(LoadedCapture::Kept(_))) => return,
        Some(Ok(LoadedCapture::Gone(why))) => (icons::CLEAR, "The wire is gone", sentence(why)),
        Some(Err(why)) => (icons::FAULT, "The wire can’t be read", sentence(why)),
    };
    empty(ui, theme, icon, title, &text, |_| ());
}

/// The text with a capital letter, safe to show.
pub fn sentence(text: &str) -> String {
    capitalized(&visible(text))
}
