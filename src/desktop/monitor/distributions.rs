//! When and what the monitor asks the history for the charts of distributions, and what it answered.

use egui::Ui;

use super::{Monitor, chart::Chart, pacing::Pacing, query};
use crate::{
    desktop::{range::Range, view::Cx},
    engine::{Asked, Command, HistoryCommand, ask},
    history::{Distribution, DistributionQuery},
    run::ConnectionKind,
};

/// What the history is asked for.
#[derive(Clone, Debug, PartialEq)]
struct DistributionsWanted {
    range: Range,
    zoomed: Option<(i64, i64)>,
    cold: bool,
    hours_of_week: bool,
    late_share: f64,
}

/// The distributions of the targets, as the history last answered.
#[derive(Debug, Default)]
pub struct Distributions {
    pacing: Pacing<DistributionsWanted>,
    answer: Asked<Result<Vec<Distribution>, String>>,
    /// One row a target; `None` until there is an answer.
    pub rows: Option<Vec<Distribution>>,
    /// Why there is no answer.
    pub problem: Option<String>,
}

impl Distributions {
    /// Takes the answer, if there is one.
    pub fn take_in(&mut self) {
        match self.answer.take() {
            None => {}
            Some(Ok(rows)) => (self.rows, self.problem) = (Some(rows), None),
            Some(Err(problem)) => self.problem = Some(problem),
        }
    }
}

impl Monitor {
    /// Over which connections the runs went that the charts of distributions show.
    pub(super) fn connection(&self) -> ConnectionKind {
        if self.kept.cold {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        }
    }

    /// Asks the history for the distributions if the query has changed, but not too often.
    pub(super) fn ask_distributions(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let wanted = DistributionsWanted {
            range: self.kept.range,
            zoomed: self.zoomed,
            cold: self.kept.cold,
            hours_of_week: self.kept.chart == Chart::Hours,
            late_share: cx.state.settings.measuring.late_share,
        };
        let finished = cx.state.finished;
        let known = &self.distributions;
        if known.answer.is_waiting() || !known.pacing.is_due(ui, &wanted, finished) {
            return;
        }
        let hours_of_week = wanted.hours_of_week;
        let (from_unix_ns, to_unix_ns) = query::stretch(wanted.zoomed, wanted.range);
        let query = DistributionQuery {
            from_unix_ns,
            to_unix_ns,
            connection: self.connection(),
            late_share: wanted.late_share,
            hours_of_week,
            ..DistributionQuery::default()
        };
        let (reply, answer) = ask();
        self.distributions.pacing.note(ui, wanted, finished);
        self.distributions.answer = answer;
        let question = HistoryCommand::Distributions { query, reply };
        cx.commands.push(Command::History(question));
    }
}
