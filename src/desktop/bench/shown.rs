//! One bench of the history: opened when it is asked for, in two steps.

use std::{sync::Arc, task::Poll};

use crate::{
    bench::{BenchCharts, BenchId, BenchPlan, BenchSummary},
    desktop::view::Cx,
    engine::{Asked, BenchCommand, BenchOpening, Command, SavedBenchCommand, ask_in_steps},
    history::{BenchRow, BenchState},
};

/// A bench that is shown.
#[derive(Debug, Default)]
pub struct ShownBench {
    id: Option<BenchId>,
    row: Option<Box<BenchRow>>,
    summary: Option<Arc<BenchSummary>>,
    charts: Option<Arc<BenchCharts>>,
    opening: Asked<Result<BenchOpening, String>>,
    is_opening: bool,
    /// Why it could not be opened.
    pub problem: Option<String>,
}

impl ShownBench {
    /// Its key.
    #[must_use]
    pub fn id(&self) -> Option<BenchId> {
        self.id
    }

    /// What was planned, once that is known.
    #[must_use]
    pub fn plan(&self) -> Option<&BenchPlan> {
        self.row.as_ref().map(|row| &row.plan)
    }

    /// When it began, in nanoseconds since 1970.
    #[must_use]
    pub fn started_unix_ns(&self) -> Option<i64> {
        self.row.as_ref().map(|row| row.started_unix_ns)
    }

    /// What it found, once that is known.
    #[must_use]
    pub fn summary(&self) -> Option<&Arc<BenchSummary>> {
        self.summary.as_ref()
    }

    /// What its plots show, once that is computed.
    #[must_use]
    pub fn charts(&self) -> Option<&Arc<BenchCharts>> {
        self.charts.as_ref()
    }

    /// Whether more of it is on its way.
    #[must_use]
    pub fn is_opening(&self) -> bool {
        self.is_opening
    }

    /// Whether another process runs it.
    #[must_use]
    pub fn is_running_elsewhere(&self) -> bool {
        let is_running = |row: &BenchRow| row.state == BenchState::Running;
        self.row.as_deref().is_some_and(is_running)
    }

    /// Shows one of the history.
    pub fn open(&mut self, id: BenchId, cx: &mut Cx<'_>) {
        if self.id != Some(id) {
            *self = Self::default();
        }
        let (steps, opening) = ask_in_steps();
        (self.id, self.opening, self.is_opening) = (Some(id), opening, true);
        self.problem = None;
        let command = SavedBenchCommand::Open { id, steps };
        cx.commands
            .push(Command::Bench(BenchCommand::Saved(command)));
    }

    /// Shows one that has just ended; the history is asked for the rest.
    pub fn ended(&mut self, row: BenchRow, summary: Arc<BenchSummary>, cx: &mut Cx<'_>) {
        self.open(row.id, cx);
        (self.row, self.summary) = (Some(row.into()), Some(summary));
    }

    /// Shows none.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    /// Takes in what has come.
    pub fn logic(&mut self) {
        while self.is_opening {
            match self.opening.poll() {
                Poll::Pending => return,
                Poll::Ready(None) => self.is_opening = false,
                Poll::Ready(Some(step)) => self.take_in(step),
            }
        }
    }

    fn take_in(&mut self, step: Result<BenchOpening, String>) {
        match step {
            Ok(BenchOpening::Row(Some(row))) => {
                if let Some(summary) = &row.summary {
                    self.summary = Some(Arc::new(summary.clone()));
                }
                self.row = Some(row);
            }
            // One that has just ended here is shown without a history, too.
            Ok(BenchOpening::Row(None)) if self.summary.is_some() => {}
            Ok(BenchOpening::Row(None)) => {
                self.close();
                self.problem = Some("This bench is no longer in the history".to_owned());
            }
            Ok(BenchOpening::Requests { charts, summary }) => {
                self.charts = Some(charts);
                if let Some(summary) = summary {
                    self.summary = Some(Arc::from(summary));
                }
            }
            Err(why) => self.problem = Some(format!("It could not be read: {why}")),
        }
    }
}
