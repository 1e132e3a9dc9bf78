//! The table of runs. Its columns are data; only the rows on screen are drawn.

use egui::{Align, Label, Layout, RichText, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use super::pages::Pages;
use crate::{
    desktop::{
        icons,
        theme::{Theme, size, space},
        widgets::{
            Outcome, ago, connection_icon, count, danger_item, date_time, figure_text, menu_gap,
            menu_item, ms_text,
        },
    },
    endpoint::{TargetId, local_gateway},
    history::{RunRow, RunSort, SortColumn},
    run::RunId,
    visible::visible_line,
};

/// A column: its head, how it is sorted, and its cell.
struct Column {
    title: &'static str,
    hover: &'static str,
    sort: Option<SortColumn>,
    width: f32,
    /// Where there is little room, columns with the highest number are dropped first; 0 is never dropped.
    drop_order: u8,
    /// Whether its cells are numbers, which are right-aligned.
    figures: bool,
    cell: fn(&mut Ui, &Theme, &RunRow, i64),
}

const UNSORTED: Option<SortColumn> = None;

/// Minimum width of the prompt column.
const PROMPT: f32 = 120.0;
/// Extra space before the prompt: the right-aligned figures to its left end at the column's edge.
const AFTER_FIGURES: f32 = space::M;
/// The column that fills the rest of the width if there is no room for the prompt.
const ELASTIC: &str = "Target";

/// The columns that fit into a width, and whether the prompt fits beside them.
fn fitting(width: f32) -> (Vec<&'static Column>, bool) {
    let mut columns: Vec<&Column> = COLUMNS.iter().collect();
    let fits = |columns: &[&Column]| {
        let taken: f32 = columns.iter().map(|c| c.width + space::M).sum();
        taken + PROMPT <= width
    };
    while !fits(&columns) {
        let weakest = columns
            .iter()
            .enumerate()
            .max_by_key(|(_, column)| column.drop_order);
        match weakest {
            Some((index, column)) if column.drop_order > 0 => columns.remove(index),
            _ => return (columns, false),
        };
    }
    (columns, true)
}

#[rustfmt::skip]
static COLUMNS: &[Column] = &[
    Column { title: "Time", hover: "When the run started, local time", sort: Some(SortColumn::Started), width: 92.0, drop_order: 0, figures: false, cell: time_cell },
    Column { title: "Target", hover: "Endpoint and model", sort: Some(SortColumn::Target), width: 190.0, drop_order: 0, figures: false, cell: target_cell },
    Column { title: "Outcome", hover: "How the run ended: its state, or the class of its fault", sort: Some(SortColumn::Outcome), width: 112.0, drop_order: 0, figures: false, cell: outcome_cell },
    Column { title: "Conn.", hover: "Cold: this run opened its connection, and its TTFT contains the handshakes. Warm: it reused an open one", sort: UNSORTED, width: 66.0, drop_order: 3, figures: false, cell: connection_cell },
    Column { title: "TTFT", hover: "Time to first token: first token − started", sort: Some(SortColumn::Ttft), width: 72.0, drop_order: 0, figures: true, cell: |ui, theme, row, _| ms_cell(ui, theme, row.ttft_ms) },
    Column { title: "Total", hover: "Last token − started", sort: Some(SortColumn::Total), width: 72.0, drop_order: 2, figures: true, cell: |ui, theme, row, _| ms_cell(ui, theme, row.total_ms) },
    Column { title: "Speed", hover: "Output tokens / (last token − first token)", sort: UNSORTED, width: 84.0, drop_order: 4, figures: true, cell: speed_cell },
    Column { title: "In", hover: "Prompt tokens, as the provider reported them", sort: UNSORTED, width: 58.0, drop_order: 5, figures: true, cell: |ui, theme, row, _| tokens_cell(ui, theme, row.input_tokens) },
    Column { title: "Out", hover: "Output tokens, as the provider reported them", sort: Some(SortColumn::OutputTokens), width: 58.0, drop_order: 1, figures: true, cell: |ui, theme, row, _| tokens_cell(ui, theme, row.output_tokens) },
];

/// What a frame showed and what the user clicked in it.
#[derive(Debug, Default)]
pub struct Shown {
    /// The first and the last row on screen.
    pub seen: Option<(usize, usize)>,
    /// The run of the row that was clicked.
    pub clicked: Option<RunId>,
    /// The order that a click on a column's head asks for.
    pub sort: Option<RunSort>,
    /// What was chosen in the menu of a run's row.
    pub chosen: Option<(RunId, RowChoice)>,
}

/// What the menu of a row offers.
#[derive(Debug)]
pub enum RowChoice {
    /// The run is shown.
    Open,
    /// Only runs of its target are shown.
    OnlyTarget(TargetId),
    /// It is deleted, once that is confirmed.
    Delete,
}

/// Shows the table. `now` decides what "today" is; `to` is a row to scroll to.
pub fn show(
    ui: &mut Ui,
    theme: &Theme,
    pages: &Pages,
    selected: Option<RunId>,
    to: Option<usize>,
    now: i64,
) -> Shown {
    let mut shown = Shown::default();
    let total = pages.total().unwrap_or_default();
    ui.spacing_mut().item_spacing.x = space::M;
    // Borders between columns are visible only under the pointer.
    ui.visuals_mut().widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
    let (columns, prompt) = fitting(ui.available_width());
    let mut table = TableBuilder::new(ui)
        .id_salt(("runs", columns.len(), prompt))
        .sense(Sense::click())
        .resizable(true)
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::left_to_right(Align::Center));
    let rest = Width::remainder().at_least(80.0).clip(true);
    for column in &columns {
        table = table.column(if !prompt && column.title == ELASTIC {
            rest
        } else {
            Width::initial(column.width).at_least(44.0).clip(true)
        });
    }
    if prompt {
        table = table.column(rest);
    }
    if let Some(row) = to {
        table = table.scroll_to_row(row, None);
    }
    let sort = pages.query().sort;
    let body = table.header(26.0, |mut head| {
        for column in &columns {
            head.col(|ui| shown.sort = head_cell(ui, theme, column, sort).or(shown.sort));
        }
        if prompt {
            head.col(|ui| {
                ui.add_space(AFTER_FIGURES);
                ui.label(
                    RichText::new("Prompt")
                        .size(size::SMALL)
                        .color(theme.text_dim),
                );
            });
        }
    });
    body.body(|body| {
        body.rows(space::ROW, total, |mut row| {
            let index = row.index();
            let (first, _) = shown.seen.unwrap_or((index, index));
            shown.seen = Some((first, index));
            let data = pages.row(index);
            row.set_selected(data.is_some_and(|data| Some(data.id) == selected));
            row_cells(&mut row, theme, &columns, data, now);
            if prompt {
                row.col(|ui| {
                    if let Some(data) = data {
                        ui.add_space(AFTER_FIGURES);
                        word(ui, &data.prompt, theme.text_dim);
                    }
                });
            }
            let Some(data) = data else { return };
            let response = row.response();
            let name = row_name(data);
            response.widget_info(|| {
                WidgetInfo::selected(Role::Row, true, Some(data.id) == selected, &name)
            });
            if response.clicked() {
                shown.clicked = Some(data.id);
            }
            response.context_menu(|ui| {
                let choice = row_menu(ui, data);
                shown.chosen = choice
                    .map(|choice| (data.id, choice))
                    .or(shown.chosen.take());
            });
        });
    });
    shown
}

fn row_menu(ui: &mut Ui, row: &RunRow) -> Option<RowChoice> {
    let mut choice = None;
    if menu_item(ui, icons::RUNS, "Open the run") {
        choice = Some(RowChoice::Open);
    }
    if menu_item(ui, icons::SEARCH, "Show only its target") {
        choice = Some(RowChoice::OnlyTarget(row.target.clone()));
    }
    if row.state.is_over() {
        menu_gap(ui);
        if danger_item(ui, icons::DELETE, "Delete the run…") {
            choice = Some(RowChoice::Delete);
        }
    }
    if choice.is_some() {
        ui.close();
    }
    choice
}

fn row_name(row: &RunRow) -> String {
    let outcome = Outcome::of(row.state, row.fault).word;
    format!(
        "Run of {} at {}, {outcome}",
        row.target,
        date_time(row.started_unix_ns)
    )
}

fn head_cell(ui: &mut Ui, theme: &Theme, column: &Column, sort: RunSort) -> Option<RunSort> {
    let sorted = column.sort == Some(sort.by);
    let title = match (sorted, sort.descending) {
        (false, _) => column.title.to_owned(),
        (true, true) => format!("{} {}", column.title, icons::ARROW_DOWN),
        (true, false) => format!("{} {}", column.title, icons::ARROW_UP),
    };
    let color = if sorted { theme.text } else { theme.text_dim };
    let layout = if column.figures {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    ui.with_layout(layout, |ui| {
        let text = RichText::new(title).size(size::SMALL).color(color);
        let sense = if column.sort.is_some() {
            Sense::click()
        } else {
            Sense::hover()
        };
        let response = ui
            .add(Label::new(text).selectable(false).sense(sense))
            .on_hover_text(column.hover);
        let by = column.sort?;
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Button, true, format!("Sort by {}", column.title))
        });
        // The first click sorts figures from the largest down, and words from A up.
        let descending = if sorted {
            !sort.descending
        } else {
            column.figures || by == SortColumn::Started
        };
        response.clicked().then_some(RunSort { by, descending })
    })
    .inner
}

fn row_cells(
    row: &mut TableRow<'_, '_>,
    theme: &Theme,
    columns: &[&Column],
    data: Option<&RunRow>,
    now: i64,
) {
    for column in columns {
        row.col(|ui| {
            let Some(data) = data else {
                word(ui, "…", theme.text_dim);
                return;
            };
            if column.figures {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    (column.cell)(ui, theme, data, now);
                });
            } else {
                (column.cell)(ui, theme, data, now);
            }
        });
    }
}

fn word(ui: &mut Ui, text: &str, color: egui::Color32) {
    ui.add(
        Label::new(RichText::new(visible_line(text)).color(color))
            .selectable(false)
            .truncate(),
    );
}

fn time_cell(ui: &mut Ui, theme: &Theme, row: &RunRow, now: i64) {
    word(ui, &ago(row.started_unix_ns, now), theme.text_dim);
}

fn target_cell(ui: &mut Ui, theme: &Theme, row: &RunRow, _: i64) {
    let mut text = local_gateway::shown(&row.target);
    if row.simulated {
        text = format!("{} {text}", icons::SIMULATED);
    }
    word(ui, &text, theme.text);
}

fn outcome_cell(ui: &mut Ui, theme: &Theme, row: &RunRow, _: i64) {
    Outcome::of(row.state, row.fault).ui(ui, theme);
}

fn connection_cell(ui: &mut Ui, theme: &Theme, row: &RunRow, _: i64) {
    if let Some(connection) = row.connection {
        word(
            ui,
            &format!("{} {connection}", connection_icon(connection)),
            theme.text_dim,
        );
    }
}

fn ms_cell(ui: &mut Ui, theme: &Theme, ms: Option<f64>) {
    word(ui, &ms.map(ms_text).unwrap_or_default(), theme.text);
}

fn speed_cell(ui: &mut Ui, theme: &Theme, row: &RunRow, _: i64) {
    let text = row.output_speed.map(|speed| figure_text(speed, "tok/s"));
    word(ui, &text.unwrap_or_default(), theme.text);
}

fn tokens_cell(ui: &mut Ui, theme: &Theme, tokens: Option<u64>) {
    word(ui, &tokens.map(count).unwrap_or_default(), theme.text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_give_way_and_the_main_ones_stay() {
        let names = |width| {
            let (columns, prompt) = fitting(width);
            let mut titles: Vec<_> = columns.iter().map(|column| column.title).collect();
            if prompt {
                titles.push("Prompt");
            }
            titles
        };
        assert_eq!(names(2_000.0).len(), COLUMNS.len() + 1);
        assert!(!names(900.0).contains(&"In"));
        assert_eq!(names(10.0), ["Time", "Target", "Outcome", "TTFT"]);
    }
}
