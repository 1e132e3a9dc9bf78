//! A bench is started, after a question where load goes to another machine; stopped; and shown once it is over.

use std::sync::Arc;

use egui::Ui;

use super::BenchView;
use crate::{
    bench::{BenchId, BenchPlan, share::LoadShare},
    clock::wall_clock_ns,
    desktop::{
        setup::{SendQuestion, SidePanel},
        view::Cx,
    },
    endpoint::local_gateway,
    engine::{BenchCommand, BenchStart, Command},
    history::{BenchRow, BenchState},
    visible::visible_line,
};

/// A bench that runs here.
#[derive(Debug)]
pub struct StartedBench {
    pub id: BenchId,
    pub plan: BenchPlan,
    pub started_unix_ns: i64,
    pub is_stopping: bool,
}

impl BenchView {
    /// Starts what is set up, after a question where load goes to another machine.
    pub(super) fn start(&mut self, cx: &mut Cx<'_>) {
        let Some(forecast) = self.form.forecasts.found() else {
            self.kept.side = Some(SidePanel::SetUp);
            return;
        };
        if self.started.is_some() || !self.form.forecasts.is_ready() {
            return;
        }
        if forecast.needs_question() {
            self.is_asking = true;
        } else {
            self.start_now(cx);
        }
    }

    fn start_now(&mut self, cx: &mut Cx<'_>) {
        let (mut plan, asked) = match self.form.plan() {
            Ok(found) => found,
            Err(why) => return self.problem = Some(why),
        };
        plan.asked = Some(asked.asked.clone());
        let id = BenchId::new();
        // Another number in each bench, so that no answer comes from a cache.
        let nonce = id.0.cast_unsigned();
        let start = BenchStart {
            id,
            source: asked.prompts.source(&plan, nonce, LoadShare::whole()),
            plan: plan.clone(),
        };
        cx.commands
            .push(Command::Bench(BenchCommand::Start(start.into())));
        self.shown.close();
        (self.problem, self.first_fault) = (None, None);
        self.started = Some(StartedBench {
            id,
            plan,
            started_unix_ns: wall_clock_ns(),
            is_stopping: false,
        });
    }

    pub(super) fn stop(&mut self, cx: &mut Cx<'_>) {
        if let Some(started) = &mut self.started {
            started.is_stopping = true;
            cx.commands.push(Command::Bench(BenchCommand::Stop));
        }
    }

    /// Shows what the bench found that was started here, once it is over.
    pub(super) fn end_if_over(&mut self, cx: &mut Cx<'_>) {
        let over = cx.state.bench.over.as_ref();
        let is_it = |started: &StartedBench| over.is_some_and(|over| over.id == started.id);
        if !self.started.as_ref().is_some_and(is_it) {
            return;
        }
        let (Some(over), Some(started)) = (over, self.started.take()) else {
            return;
        };
        self.first_fault = over.first_fault.clone().map(|fault| (over.id, fault));
        match &over.found {
            Ok(summary) => {
                let row = BenchRow {
                    id: started.id,
                    started_unix_ns: started.started_unix_ns,
                    plan: started.plan,
                    state: BenchState::Over,
                    requests: summary.requests.sent + summary.requests.warm_up,
                    bytes: 0,
                    summary: Some((**summary).clone()),
                };
                self.shown.ended(row, Arc::clone(summary), cx);
                self.saved.list(cx);
            }
            Err(fault) => {
                let why = visible_line(&fault.message);
                self.problem = Some(format!("The bench could not be run: {why}"));
            }
        }
    }

    /// Asks before load goes to another machine.
    pub(super) fn question_ui(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        if !self.is_asking {
            return;
        }
        let target = self.form.draft.target.as_ref();
        let target = target.map(local_gateway::shown).unwrap_or_default();
        let mut lines = vec![visible_line(&target).into_owned()];
        lines.extend(self.form.forecasts.lines());
        let question = SendQuestion {
            heading: "Send this load to another machine?",
            lines,
            note: "Whoever runs it should know of it: a bench can slow down others, and hit limits",
            yes: "Send the load",
            no: "Send nothing",
        };
        if let Some(is_sent) = question.ui(ui.ctx(), cx.theme) {
            self.is_asking = false;
            if is_sent {
                self.start_now(cx);
            }
        }
    }
}
