//! Which runs are shown and in which order, and the menus to choose that.

use std::collections::BTreeSet;

use egui::{ScrollArea, Ui};

use crate::{
    desktop::{range::Range, widgets::choice_box},
    endpoint::{TargetId, local_gateway},
    history::{OutcomeFilter, RunQuery, RunSort},
    visible::visible_line,
};

/// The search text, filters and order that the user chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The search text.
    pub text: String,
    targets: BTreeSet<TargetId>,
    outcome: Option<OutcomeFilter>,
    range: Range,
    /// Their order.
    pub sort: RunSort,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            text: String::new(),
            targets: BTreeSet::new(),
            outcome: None,
            range: Range::All,
            sort: RunSort::default(),
        }
    }
}

impl Wanted {
    /// Whether anything is filtered out.
    pub fn is_filtered(&self) -> bool {
        *self != self.unfiltered()
    }

    /// The same order without search text and filters.
    pub fn unfiltered(&self) -> Self {
        Self {
            sort: self.sort,
            ..Self::default()
        }
    }

    /// The same order of all runs of one target.
    pub fn only(&self, target: TargetId) -> Self {
        Self {
            targets: BTreeSet::from([target]),
            ..self.unfiltered()
        }
    }

    /// The query for the first page; `now` is in nanoseconds since 1970.
    pub fn query(&self, now: i64) -> RunQuery {
        RunQuery {
            text: self.text.trim().to_owned(),
            targets: self.targets.iter().cloned().collect(),
            outcome: self.outcome,
            since_unix_ns: self.range.length_ns().map(|length| now - length),
            sort: self.sort,
            ..RunQuery::default()
        }
    }

    /// Shows the filter menus; `known` are the targets to choose from.
    pub fn filters_ui(&mut self, ui: &mut Ui, known: &BTreeSet<TargetId>) {
        let targets = match self.targets.len() {
            0 => "All targets".to_owned(),
            1 => self
                .targets
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
            many => format!("{many} targets"),
        };
        let menu = choice_box("runs.targets")
            .width(128.0)
            .truncate()
            .selected_text(targets)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show_ui(ui, |ui| self.targets_ui(ui, known));
        menu.response.accessible_name("Targets");
        let outcomes = [
            (None, "Any outcome"),
            (Some(OutcomeFilter::Ok), "OK"),
            (Some(OutcomeFilter::Fault), "Failed"),
            (Some(OutcomeFilter::Cancelled), "Stopped"),
        ];
        let shown = outcomes.iter().find(|(value, _)| *value == self.outcome);
        let menu = choice_box("runs.outcome")
            .width(108.0)
            .selected_text(shown.map_or("", |(_, name)| name))
            .show_ui(ui, |ui| {
                for (value, name) in outcomes {
                    ui.selectable_value(&mut self.outcome, value, name);
                }
            });
        menu.response.accessible_name("Outcome");
        let since = |range: Range| match range {
            Range::All => "Any time".to_owned(),
            range => format!("Last {}", range.name()),
        };
        let menu = choice_box("runs.since")
            .width(108.0)
            .selected_text(since(self.range))
            .show_ui(ui, |ui| {
                for (range, ..) in Range::ALL.iter().rev() {
                    ui.selectable_value(&mut self.range, *range, since(*range));
                }
            });
        menu.response.accessible_name("Time");
    }

    fn targets_ui(&mut self, ui: &mut Ui, known: &BTreeSet<TargetId>) {
        if ui
            .selectable_label(self.targets.is_empty(), "All targets")
            .clicked()
        {
            self.targets.clear();
        }
        // Chosen targets come first when the list opens; the order does not change while it is open.
        let id = ui.scope_id().with("chosen first");
        let frame = ui.ctx().cumulative_frame_nr();
        let (seen, mut first): (u64, BTreeSet<TargetId>) =
            ui.data(|data| data.get_temp(id)).unwrap_or_default();
        if seen + 1 < frame {
            first.clone_from(&self.targets);
        }
        ui.data_mut(|data| data.insert_temp(id, (frame, first.clone())));
        let (chosen, others): (Vec<_>, Vec<_>) =
            known.iter().partition(|target| first.contains(*target));
        ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
            for target in chosen.into_iter().chain(others) {
                let mut on = self.targets.contains(target);
                if ui
                    .checkbox(
                        &mut on,
                        visible_line(&local_gateway::shown(target)).into_owned(),
                    )
                    .clicked()
                {
                    if on {
                        self.targets.insert(target.clone());
                    } else {
                        self.targets.remove(target);
                    }
                }
            }
        });
    }
}
