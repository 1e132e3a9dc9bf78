//! The comparisons of the history: a click opens one.

use egui::{ScrollArea, Ui};

use crate::{
    clock::wall_clock_ns,
    compare::{ComparisonId, ComparisonSummary},
    desktop::{
        polled::Polled,
        saved_row::{self, SavedRow},
        theme::{Theme, caption, heading, space},
        view::Cx,
        widgets::{ago, counted, date_time, problem_ui},
    },
    engine::{Command, CompareCommand},
};

/// What decides the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListWanted {
    /// The comparison of this process, and whether it runs.
    live: Option<(ComparisonId, bool)>,
    /// How many were deleted here.
    deleted: u32,
}

/// The list.
#[derive(Debug, Default)]
pub struct SavedComparisons {
    list: Polled<ListWanted, Vec<ComparisonSummary>>,
    deleted: u32,
}

impl SavedComparisons {
    /// Takes the list, if it has come.
    pub fn logic(&mut self) {
        self.list.take_in();
    }

    /// One was deleted.
    pub fn forget(&mut self) {
        self.deleted += 1;
    }

    /// Shows the list; gives the one that is to be opened.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        shown: Option<ComparisonId>,
    ) -> Option<ComparisonId> {
        let live = cx.state.comparison.as_ref();
        let wanted = ListWanted {
            live: live.map(|live| (live.head.id, live.is_running)),
            deleted: self.deleted,
        };
        if let Some(reply) = self.list.due(ui, wanted, cx.state.finished) {
            cx.commands
                .push(Command::Compare(CompareCommand::List(reply)));
        }
        let theme = cx.theme;
        ui.label(heading("Saved comparisons"));
        ui.add_space(space::S);
        problem_ui(ui, theme, self.list.problem.as_deref());
        let found = self.list.found_if(|_| true)?;
        if found.is_empty() {
            ui.label(caption(
                theme,
                "None yet: each comparison is kept here as it runs",
            ));
        }
        let live = live.filter(|live| live.is_running).map(|live| live.head.id);
        let mut opened = None;
        let area = ScrollArea::vertical().auto_shrink(false);
        area.show_rows(ui, saved_row::height(1), found.len(), |ui, rows| {
            for summary in &found[rows] {
                let is_shown = shown == Some(summary.id);
                let state = state_text(summary, live == Some(summary.id));
                // A press belongs to the comparison, wherever a new list puts it.
                let row = ui.push_id(summary.id.0, |ui| {
                    row_ui(ui, theme, summary, (is_shown, &state))
                });
                if row.inner {
                    opened = Some(summary.id);
                }
            }
        });
        opened
    }
}

fn row_ui(
    ui: &mut Ui,
    theme: &Theme,
    summary: &ComparisonSummary,
    (is_shown, state): (bool, &str),
) -> bool {
    let rounds = counted(summary.rounds, "round");
    let began = date_time(summary.began_unix_ns);
    let when = ago(summary.began_unix_ns, wall_clock_ns());
    let row = SavedRow {
        name: format!(
            "Comparison of {}, {began}, {rounds}, {state}",
            summary.arms.join(" and ")
        ),
        title: &summary.arms.join("  ·  "),
        lines: &[(format!("{when} · {rounds} · {state}"), theme.text_dim)],
        is_shown,
    };
    row.ui(ui, theme, |_| {})
}

fn state_text(summary: &ComparisonSummary, is_live: bool) -> String {
    match &summary.end {
        _ if is_live => "runs".to_owned(),
        Some(end) => end.reason.in_words().to_owned(),
        None if summary.is_running_elsewhere => "runs in another process".to_owned(),
        None => "was cut off".to_owned(),
    }
}
