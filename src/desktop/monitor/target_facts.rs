//! When the monitor asks the history what the table of targets tells beside TTFT, and what it answered.

use egui::Ui;

use super::{Monitor, polled::Polled, query};
use crate::{
    clock::wall_clock_ns,
    desktop::{range::Range, view::Cx, widgets::zoned},
    endpoint::TargetId,
    engine::{Command, HistoryCommand},
    history::{Availability, Distribution, TargetFacts, TargetFactsQuery},
};

/// What decides the answer: the stretch that is shown, and the last midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct FactsWanted {
    range: Range,
    zoomed: Option<(i64, i64)>,
    today_unix_ns: i64,
}

/// The facts of the targets, as the history last answered.
pub type PolledFacts = Polled<FactsWanted, Vec<TargetFacts>>;

/// The facts about the target of a distribution.
pub fn of<'a>(facts: &'a PolledFacts, row: &Distribution) -> Option<&'a TargetFacts> {
    let mut facts = facts.found_if(|_| true)?.iter();
    facts.find(|facts| facts.target == row.target && facts.simulated == row.simulated)
}

/// What free checks found of a target's endpoint.
pub fn endpoint_of<'a>(known: &'a [Availability], target: &TargetId) -> Option<&'a Availability> {
    let mut known = known.iter();
    known.find(|known| known.endpoint == target.endpoint)
}

/// The last local midnight before a time, in nanoseconds since 1970.
fn midnight_before(unix_ns: i64) -> i64 {
    let midnight = zoned(unix_ns).start_of_day();
    let midnight = midnight.map(|time| time.timestamp().as_nanosecond());
    let midnight = midnight.ok().and_then(|ns| i64::try_from(ns).ok());
    midnight.unwrap_or(unix_ns)
}

impl Monitor {
    /// Asks the history for the facts if what is shown has changed or runs have ended, but not too often.
    pub(super) fn ask_facts(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let today_unix_ns = midnight_before(wall_clock_ns());
        let wanted = FactsWanted {
            range: self.kept.range,
            zoomed: self.zoomed,
            today_unix_ns,
        };
        let Some(reply) = self.facts.due(ui, wanted, cx.state.finished) else {
            return;
        };
        let (from_unix_ns, to_unix_ns) = query::stretch(self.zoomed, self.kept.range);
        let query = TargetFactsQuery {
            from_unix_ns,
            to_unix_ns,
            today_unix_ns,
        };
        let question = HistoryCommand::TargetFacts { query, reply };
        cx.commands.push(Command::History(question));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_is_the_begin_of_the_local_day() {
        let at = 1_790_000_123_456_789_012;
        let midnight = midnight_before(at);
        assert!(midnight <= at);
        let (midnight, at) = (zoned(midnight), zoned(at));
        assert_eq!(midnight.date(), at.date());
        assert_eq!((midnight.hour(), midnight.minute()), (0, 0));
    }
}
