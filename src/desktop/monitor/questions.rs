//! Which questions to the history each chart needs beside the series.

use egui::Ui;

use super::{Monitor, chart::Chart};
use crate::desktop::view::Cx;

impl Monitor {
    /// Asks the history for what the chart shows beside the series.
    pub(super) fn ask_for_chart(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        match self.kept.chart {
            Chart::Ttft => {}
            Chart::Phases => self.ask_phases(ui, cx),
            Chart::Targets => {
                self.ask_distributions(ui, cx);
                self.ask_facts(ui, cx);
            }
            Chart::Bands | Chart::Spread | Chart::Hours | Chart::Errors => {
                self.ask_distributions(ui, cx);
            }
        }
    }

    /// Why the history could not tell what the chart shows.
    pub(super) fn problem_of_chart(&self) -> Option<&String> {
        let distributions = self.distributions.problem.as_ref();
        match self.kept.chart {
            Chart::Ttft => None,
            Chart::Phases => self.phases.problem.as_ref(),
            Chart::Targets => distributions.or(self.facts.problem.as_ref()),
            Chart::Bands | Chart::Spread | Chart::Hours | Chart::Errors => distributions,
        }
    }
}
