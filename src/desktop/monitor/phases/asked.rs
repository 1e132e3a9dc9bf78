//! When the monitor asks the history for the phases, and what it answered.

use egui::Ui;

use crate::{
    desktop::{
        monitor::{Monitor, polled::Polled, query},
        range::Range,
        view::Cx,
    },
    engine::{Command, HistoryCommand},
    history::{PhasesQuery, TargetPhases},
};

/// What decides the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct PhasesWanted {
    range: Range,
    zoomed: Option<(i64, i64)>,
    cold: bool,
    late_share: f64,
}

/// The phases of the targets, as the history last answered.
pub type PolledPhases = Polled<PhasesWanted, Vec<TargetPhases>>;

impl Monitor {
    /// The phases over the connections that are chosen; `None` until they are known.
    pub(in crate::desktop::monitor) fn known_phases(&self) -> Option<&[TargetPhases]> {
        let found = self.phases.found_if(|wanted| wanted.cold == self.kept.cold);
        found.map(Vec::as_slice)
    }

    /// Asks the history for the phases if what is shown has changed or runs have ended, but not too often.
    pub(in crate::desktop::monitor) fn ask_phases(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let late_share = cx.state.settings.measuring.late_share;
        let wanted = PhasesWanted {
            range: self.kept.range,
            zoomed: self.zoomed,
            cold: self.kept.cold,
            late_share,
        };
        let Some(reply) = self.phases.due(ui, wanted, cx.state.finished) else {
            return;
        };
        let (from_unix_ns, to_unix_ns) = query::stretch(self.zoomed, self.kept.range);
        let query = PhasesQuery {
            from_unix_ns,
            to_unix_ns,
            connection: self.connection(),
            late_share,
            ..PhasesQuery::default()
        };
        let question = HistoryCommand::Phases { query, reply };
        cx.commands.push(Command::History(question));
    }
}
