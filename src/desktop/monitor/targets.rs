//! The table of targets: how each one does in the range shown. A click on a row opens its runs.

mod columns;
mod order;
mod row;
mod trend;

use egui::{
    Align, Key, Label, Layout, Margin, Modifiers, RichText, Role, ScrollArea, Sense, Stroke, Ui,
    WidgetInfo,
};
use egui_extras::{Column as Width, TableBuilder, TableRow};

pub(super) use self::{columns::percent, order::TargetSort};
use self::{
    columns::{BETWEEN, LEAST_TARGET, RowCx, TargetColumn, fitting, row_name},
    order::compared,
    row::TargetRow,
};
use super::{Monitor, target_facts};
use crate::{
    desktop::{
        icons,
        theme::{Theme, size, space},
        view::{Action, Cx},
        widgets::{contained, keys_are_free},
    },
    history::Distribution,
};

impl Monitor {
    /// Shows the table.
    pub(super) fn targets_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(rows) = self.known_distributions() else {
            return;
        };
        let endpoints = self.availability();
        let row_of = |runs| TargetRow {
            runs,
            facts: target_facts::of(&self.facts, runs),
            endpoint: target_facts::endpoint_of(endpoints, &runs.target),
        };
        let mut sorted: Vec<TargetRow<'_>> = rows.iter().map(row_of).collect();
        let sort = self.kept.sort;
        sorted.sort_by(|a, b| compared(sort, a, b));
        let cursor = self.cursor.as_ref();
        let at = sorted
            .iter()
            .position(|row| Some(&row.runs.target) == cursor);
        let pressed = if keys_are_free(ui) {
            keys(ui, at, sorted.len())
        } else {
            TableKeys::default()
        };
        let at = pressed.to.or(at);
        let mut opened = at.filter(|_| pressed.open);
        let row_cx = RowCx {
            theme: cx.theme,
            looks: &cx.state.looks,
            edges: edges(rows),
        };
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(16, 0));
        let shown = frame.show(ui, |ui| {
            contained(ui, |ui| {
                ScrollArea::horizontal()
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        table_ui(ui, &row_cx, &sorted, sort, (at, pressed.to))
                    })
                    .inner
            })
        });
        let (sort, clicked) = shown.inner;
        opened = clicked.or(opened);
        let target_at = |at: usize| Some(sorted.get(at)?.runs.target.clone());
        let opened = opened.and_then(target_at);
        self.cursor = at.and_then(target_at);
        self.kept.sort = sort;
        cx.actions.extend(opened.map(Action::OpenRunsOf));
    }
}

/// What the keyboard did.
#[derive(Clone, Copy, Default)]
struct TableKeys {
    /// The row to go to.
    to: Option<usize>,
    /// Whether to open the row.
    open: bool,
}

/// Handles the arrow keys and Enter while nothing else has the focus.
fn keys(ui: &Ui, at: Option<usize>, rows: usize) -> TableKeys {
    if ui.memory(|memory| memory.focused().is_some()) || rows == 0 {
        return TableKeys::default();
    }
    let (up, down, open) = ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
        (
            pressed(Key::ArrowUp),
            pressed(Key::ArrowDown),
            pressed(Key::Enter),
        )
    });
    let to = match at {
        _ if !(up || down) => None,
        None => Some(0),
        Some(at) if up => Some(at.saturating_sub(1)),
        Some(at) => Some((at + 1).min(rows - 1)),
    };
    TableKeys { to, open }
}

/// Shows head and rows; returns the order that is wanted now and the row that was clicked.
fn table_ui(
    ui: &mut Ui,
    row_cx: &RowCx<'_>,
    rows: &[TargetRow<'_>],
    mut sort: TargetSort,
    (at, to): (Option<usize>, Option<usize>),
) -> (TargetSort, Option<usize>) {
    let mut clicked = None;
    ui.spacing_mut().item_spacing.x = BETWEEN;
    let columns = fitting(ui.available_width());
    ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
    let mut table = TableBuilder::new(ui)
        .id_salt(("monitor.targets", columns.len()))
        .sense(Sense::click())
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::left_to_right(Align::Center));
    for column in &columns {
        table = table.column(if column.width > 0.0 {
            Width::exact(column.width).clip(true)
        } else {
            Width::remainder().at_least(LEAST_TARGET).clip(true)
        });
    }
    if let Some(to) = to {
        table = table.scroll_to_row(to, None);
    }
    let body = table.header(26.0, |mut head| {
        for column in &columns {
            head.col(|ui| sort = head_ui(ui, row_cx.theme, column, sort));
        }
    });
    body.body(|body| {
        body.rows(space::ROW, rows.len(), |mut row| {
            let index = row.index();
            let data = rows[index];
            row.set_selected(at == Some(index));
            row_ui(&mut row, row_cx, &columns, data);
            let response = row.response();
            let name = row_name(data);
            let selected = at == Some(index);
            response.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, &name));
            if response.clicked() {
                clicked = Some(index);
            }
        });
    });
    (sort, clicked)
}

fn head_ui(ui: &mut Ui, theme: &Theme, column: &TargetColumn, sort: TargetSort) -> TargetSort {
    let sorted = column.sort == Some(sort.by);
    let title = match (sorted, sort.descending) {
        (false, _) => column.title.to_owned(),
        (true, true) => format!("{} {}", column.title, icons::ARROW_DOWN),
        (true, false) => format!("{} {}", column.title, icons::ARROW_UP),
    };
    let color = if sorted { theme.text } else { theme.text_dim };
    let text = RichText::new(title).size(size::SMALL).color(color);
    let response = ui
        .with_layout(layout(column), |ui| {
            let sense = match column.sort {
                Some(_) => Sense::click(),
                None => Sense::hover(),
            };
            ui.add(Label::new(text).selectable(false).sense(sense))
        })
        .inner
        .on_hover_text(column.hover);
    let Some(by) = column.sort else { return sort };
    let name = format!("Sort by {}", column.title);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    if !response.clicked() {
        return sort;
    }
    let descending = if sorted {
        !sort.descending
    } else {
        by.begins_descending()
    };
    TargetSort { by, descending }
}

fn layout(column: &TargetColumn) -> Layout {
    if column.figures {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    }
}

fn row_ui(
    row: &mut TableRow<'_, '_>,
    row_cx: &RowCx<'_>,
    columns: &[&TargetColumn],
    data: TargetRow<'_>,
) {
    for column in columns {
        row.col(|ui| {
            ui.with_layout(layout(column), |ui| (column.cell)(ui, row_cx, data));
        });
    }
}

/// The first and the last time of any bucket, in nanoseconds since 1970.
pub(super) fn edges(rows: &[Distribution]) -> (i64, i64) {
    let buckets = rows.iter().flat_map(|row| &row.buckets);
    let from = buckets.clone().map(|bucket| bucket.from_unix_ns).min();
    let to = buckets.map(|bucket| bucket.to_unix_ns).max();
    (from.unwrap_or_default(), to.unwrap_or_default())
}
