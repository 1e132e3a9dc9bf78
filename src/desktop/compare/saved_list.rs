//! The comparisons of the history: a click opens one.

use egui::{Label, RichText, Role, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo};

use crate::{
    clock::wall_clock_ns,
    compare::{ComparisonId, ComparisonSummary},
    desktop::{
        polled::Polled,
        theme::{RADIUS, Theme, caption, heading, space},
        view::Cx,
        widgets::{ago, counted, date_time, problem_ui},
    },
    engine::{Command, CompareCommand},
    visible::visible_line,
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
        area.show_rows(ui, ROW, found.len(), |ui, rows| {
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

/// Height of a row without the space below it, in points.
const ROW: f32 = 42.0;

fn row_ui(
    ui: &mut Ui,
    theme: &Theme,
    summary: &ComparisonSummary,
    (is_shown, state): (bool, &str),
) -> bool {
    let arms = summary.arms.join("  ·  ");
    let rounds = counted(summary.rounds, "round");
    let began = date_time(summary.began_unix_ns);
    let name = format!(
        "Comparison of {}, {began}, {rounds}, {state}",
        summary.arms.join(" and ")
    );
    let size = egui::vec2(ui.available_width() - space::S, ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(Role::Button, true, is_shown, visible_line(&name)));
    let fill = match (is_shown, response.hovered() || response.has_focus()) {
        (true, _) => theme.hover,
        (false, true) => theme.raised,
        (false, false) => egui::Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, RADIUS, fill);
    if response.has_focus() {
        let line = egui::Stroke::new(1.5, theme.accent);
        ui.painter()
            .rect_stroke(rect, RADIUS, line, egui::StrokeKind::Inside);
    }
    let inside = rect.shrink2(egui::vec2(space::S, 3.0));
    ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        let text = |text: RichText| Label::new(text).selectable(false).truncate();
        ui.add(text(RichText::new(visible_line(&arms)).color(theme.text)));
        let when = ago(summary.began_unix_ns, wall_clock_ns());
        ui.add(text(caption(theme, format!("{when} · {rounds} · {state}"))));
    });
    response.on_hover_text(visible_line(&name)).clicked()
}

fn state_text(summary: &ComparisonSummary, is_live: bool) -> String {
    match &summary.end {
        _ if is_live => "runs".to_owned(),
        Some(end) => end.reason.in_words().to_owned(),
        None if summary.is_running_elsewhere => "runs in another process".to_owned(),
        None => "was cut off".to_owned(),
    }
}
