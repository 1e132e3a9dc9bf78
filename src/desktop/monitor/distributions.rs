//! When and what the monitor asks the history for the charts of distributions, and what it answered.

use egui::Ui;

use super::{Monitor, chart::Chart, polled::Polled, query};
use crate::{
    desktop::{range::Range, view::Cx},
    engine::{Command, HistoryCommand},
    history::{Distribution, DistributionQuery},
    run::ConnectionKind,
};

/// What decides the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionsWanted {
    range: Range,
    zoomed: Option<(i64, i64)>,
    cold: bool,
    hours_of_week: bool,
    late_share: f64,
}

/// The distributions of the targets, as the history last answered.
pub type PolledDistributions = Polled<DistributionsWanted, Vec<Distribution>>;

impl Monitor {
    /// Over which connections the runs went that the charts of distributions show.
    pub(super) fn connection(&self) -> ConnectionKind {
        if self.kept.cold {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        }
    }

    /// Whether the chart shows the hours of the week, which are counted only for it.
    fn needs_hours_of_week(&self) -> bool {
        self.kept.chart == Chart::Hours
    }

    /// What the chart shows, over the connections that are chosen; `None` until it is known.
    pub(super) fn known_distributions(&self) -> Option<&[Distribution]> {
        let found = self.distributions.found_if(|wanted| {
            wanted.cold == self.kept.cold && (wanted.hours_of_week || !self.needs_hours_of_week())
        });
        found.map(Vec::as_slice)
    }

    /// Asks the history for the distributions if what is shown has changed or runs have ended, but not too often.
    pub(super) fn ask_distributions(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let hours_of_week = self.needs_hours_of_week();
        let late_share = cx.state.settings.measuring.late_share;
        let wanted = DistributionsWanted {
            range: self.kept.range,
            zoomed: self.zoomed,
            cold: self.kept.cold,
            hours_of_week,
            late_share,
        };
        let Some(reply) = self.distributions.due(ui, wanted, cx.state.finished) else {
            return;
        };
        let (from_unix_ns, to_unix_ns) = query::stretch(self.zoomed, self.kept.range);
        let query = DistributionQuery {
            from_unix_ns,
            to_unix_ns,
            connection: self.connection(),
            late_share,
            hours_of_week,
            ..DistributionQuery::default()
        };
        let question = HistoryCommand::Distributions { query, reply };
        cx.commands.push(Command::History(question));
    }
}
