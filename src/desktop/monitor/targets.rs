//! The table of targets: how each one does in the range shown. A click on a row opens its runs.

use std::cmp::Ordering;

use egui::{
    Align, Key, Label, Layout, Margin, Modifiers, RichText, Role, ScrollArea, Sense, Stroke, Ui,
    WidgetInfo, vec2,
};
use egui_extras::{Column as Width, TableBuilder, TableRow};
use serde::{Deserialize, Serialize};

use super::Monitor;
use crate::{
    desktop::{
        icons,
        looks::Looks,
        theme::{Theme, size, space},
        view::{Action, Cx},
        widgets::{Outcome, contained, count, date_time, keys_are_free, ms_text},
    },
    endpoint::local_gateway,
    event::FaultClass,
    history::{Distribution, TimeBucket},
    run::RunState,
    visible::visible_line,
};

/// What the table is sorted by. Blank figures come last in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetSort {
    by: SortBy,
    descending: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SortBy {
    Target,
    Status,
    Last,
    #[default]
    P50,
    P95,
    Runs,
    ErrorRate,
}

/// A column: its head, how it is sorted, and its cell.
struct TargetColumn {
    title: &'static str,
    hover: &'static str,
    sort: Option<SortBy>,
    width: f32,
    /// Whether its cells are numbers, which are right-aligned.
    figures: bool,
    cell: fn(&mut Ui, &RowCx<'_>, &Distribution),
}

/// What the cells of all rows share.
struct RowCx<'a> {
    theme: &'a Theme,
    looks: &'a Looks,
    /// The first and the last time of any bucket.
    edges: (i64, i64),
}

#[rustfmt::skip]
static COLUMNS: &[TargetColumn] = &[
    TargetColumn { title: "Target", hover: "Endpoint and model", sort: Some(SortBy::Target), width: 0.0, figures: false, cell: target_cell },
    TargetColumn { title: "Trend", hover: "The median TTFT of each sixtieth of the range shown, from zero up", sort: None, width: 96.0, figures: false, cell: trend_cell },
    TargetColumn { title: "Status", hover: "How the latest run ended", sort: Some(SortBy::Status), width: 112.0, figures: false, cell: status_cell },
    TargetColumn { title: "Last", hover: "The latest TTFT", sort: Some(SortBy::Last), width: 68.0, figures: true, cell: |ui, row_cx, row| ms_cell(ui, row_cx, row.last_ttft_ms) },
    TargetColumn { title: "P50", hover: "The median TTFT", sort: Some(SortBy::P50), width: 68.0, figures: true, cell: |ui, row_cx, row| ms_cell(ui, row_cx, row.ttft.p50) },
    TargetColumn { title: "P95", hover: "95 of 100 TTFTs are at most this; blank below 20 runs", sort: Some(SortBy::P95), width: 68.0, figures: true, cell: |ui, row_cx, row| ms_cell(ui, row_cx, row.ttft.p95) },
    TargetColumn { title: "n", hover: "How many runs the TTFT figures are of: with a clean end, over the connections chosen, and not read late", sort: Some(SortBy::Runs), width: 56.0, figures: true, cell: runs_cell },
    TargetColumn { title: "Errors", hover: "The share of all runs, warm and cold, that failed. Those that you stopped don’t count", sort: Some(SortBy::ErrorRate), width: 68.0, figures: true, cell: errors_cell },
];

/// Least width of the column of targets.
const TARGET: f32 = 130.0;

impl Monitor {
    /// Shows the table.
    pub(super) fn targets_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(rows) = &self.distributions.rows else {
            return;
        };
        let mut sorted: Vec<&Distribution> = rows.iter().collect();
        let sort = self.kept.sort;
        sorted.sort_by(|a, b| compared(sort, a, b));
        let cursor = self.cursor.as_ref();
        let at = sorted.iter().position(|row| Some(&row.target) == cursor);
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
        let opened = opened.and_then(|at| Some(sorted.get(at)?.target.clone()));
        self.cursor = at.and_then(|at| Some(sorted.get(at)?.target.clone()));
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
    rows: &[&Distribution],
    mut sort: TargetSort,
    (at, to): (Option<usize>, Option<usize>),
) -> (TargetSort, Option<usize>) {
    let mut clicked = None;
    ui.spacing_mut().item_spacing.x = space::S;
    ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
    let mut table = TableBuilder::new(ui)
        .id_salt("monitor.targets")
        .sense(Sense::click())
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::left_to_right(Align::Center));
    for column in COLUMNS {
        table = table.column(if column.width > 0.0 {
            Width::exact(column.width).clip(true)
        } else {
            Width::remainder().at_least(TARGET).clip(true)
        });
    }
    if let Some(to) = to {
        table = table.scroll_to_row(to, None);
    }
    let body = table.header(26.0, |mut head| {
        for column in COLUMNS {
            head.col(|ui| sort = head_ui(ui, row_cx.theme, column, sort));
        }
    });
    body.body(|body| {
        body.rows(space::ROW, rows.len(), |mut row| {
            let index = row.index();
            let data = rows[index];
            row.set_selected(at == Some(index));
            row_ui(&mut row, row_cx, data);
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
    // The first click sorts names and times from the lowest up, and counts and failures from the highest down.
    let descending = if sorted {
        !sort.descending
    } else {
        matches!(by, SortBy::Status | SortBy::Runs | SortBy::ErrorRate)
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

fn row_ui(row: &mut TableRow<'_, '_>, row_cx: &RowCx<'_>, data: &Distribution) {
    for column in COLUMNS {
        row.col(|ui| {
            ui.with_layout(layout(column), |ui| (column.cell)(ui, row_cx, data));
        });
    }
}

/// What a screen reader says of a row; a click on it opens the runs.
fn row_name(row: &Distribution) -> String {
    let mut name = format!("Runs of {}: n {}", row.target, row.ttft.runs);
    for (word, ms) in [("P50", row.ttft.p50), ("P95", row.ttft.p95)] {
        if let Some(ms) = ms {
            name.extend([", ", word, " ", &ms_text(ms)]);
        }
    }
    if let Some(rate) = row.outcomes.error_rate() {
        name.extend([", errors ", &percent(rate)]);
    }
    name
}

/// The order of two rows.
fn compared(sort: TargetSort, a: &Distribution, b: &Distribution) -> Ordering {
    let figure = |row: &Distribution| match sort.by {
        SortBy::Last => row.last_ttft_ms,
        SortBy::P50 => row.ttft.p50,
        SortBy::P95 => row.ttft.p95,
        SortBy::ErrorRate => row.outcomes.error_rate(),
        SortBy::Target | SortBy::Status | SortBy::Runs => None,
    };
    let turned = |order: Ordering| {
        if sort.descending {
            order.reverse()
        } else {
            order
        }
    };
    let status = |row: &Distribution| row.last.and_then(|last| last.fault).map(FaultClass::as_str);
    let order = match sort.by {
        SortBy::Target => Ordering::Equal,
        SortBy::Status => turned(status(a).cmp(&status(b))),
        SortBy::Runs => turned(a.ttft.runs.cmp(&b.ttft.runs)),
        _ => match (figure(a), figure(b)) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    };
    let names = a.target.cmp(&b.target).then(a.simulated.cmp(&b.simulated));
    let names = if sort.by == SortBy::Target {
        turned(names)
    } else {
        names
    };
    order.then(names)
}

/// The first and the last time of any bucket, in nanoseconds since 1970.
pub(super) fn edges(rows: &[Distribution]) -> (i64, i64) {
    let buckets = rows.iter().flat_map(|row| &row.buckets);
    let from = buckets.clone().map(|bucket| bucket.from_unix_ns).min();
    let to = buckets.map(|bucket| bucket.to_unix_ns).max();
    (from.unwrap_or_default(), to.unwrap_or_default())
}

fn word(ui: &mut Ui, text: &str, color: egui::Color32) {
    let text = RichText::new(visible_line(text)).color(color);
    ui.add(Label::new(text).selectable(false).truncate());
}

fn target_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: &Distribution) {
    let mut text = local_gateway::shown(&row.target);
    if row.simulated {
        text = format!("{} {text}", icons::SIMULATED);
    }
    word(ui, &text, row_cx.theme.text);
}

fn status_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: &Distribution) {
    let Some(last) = row.last else { return };
    let state = match last.fault {
        Some(_) => RunState::Fault,
        None => RunState::Ok,
    };
    Outcome::of(state, last.fault)
        .ui(ui, row_cx.theme)
        .on_hover_text(format!("Started {}", date_time(last.at_unix_ns)));
}

fn ms_cell(ui: &mut Ui, row_cx: &RowCx<'_>, ms: Option<f64>) {
    let text = ms.map(ms_text).unwrap_or_default();
    word(ui, &text, row_cx.theme.text);
}

fn runs_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: &Distribution) {
    let text = count(row.ttft.runs as u64);
    word(ui, &text, row_cx.theme.text_dim);
}

fn errors_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: &Distribution) {
    let text = row.outcomes.error_rate().map(percent).unwrap_or_default();
    let failed = row.outcomes.failed() > 0;
    let theme = row_cx.theme;
    word(ui, &text, if failed { theme.bad } else { theme.text_dim });
}

/// A share of 1 as text. Nothing but none is 0 %, and nothing but all is 100 %.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        100.0 => "100 %".to_owned(),
        percent => format!("{:.1} %", percent.clamp(0.1, 99.9)),
    }
}

/// Paints the medians over time; the line breaks where a bucket has none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "places on screen"
)]
fn trend_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: &Distribution) {
    let room = vec2(ui.available_width(), space::ROW - 10.0);
    let (rect, _) = ui.allocate_exact_size(room, Sense::hover());
    let color = (row_cx.theme).series_color(row_cx.looks.of(&row.target).color);
    let (from, to) = row_cx.edges;
    let length = to.saturating_sub(from).max(1) as f64;
    let known = row.buckets.iter().filter_map(|bucket| bucket.ttft.p50);
    let top = known.fold(f64::MIN_POSITIVE, f64::max);
    let place = |bucket: &TimeBucket, ms: f64| {
        let middle = bucket.from_unix_ns.midpoint(bucket.to_unix_ns);
        let x = middle.saturating_sub(from) as f64 / length;
        egui::pos2(
            rect.left() + rect.width() * x as f32,
            rect.bottom() - rect.height() * (ms / top) as f32,
        )
    };
    let follows = |a: &TimeBucket, b: &TimeBucket| {
        a.to_unix_ns == b.from_unix_ns && a.ttft.p50.is_some() && b.ttft.p50.is_some()
    };
    let painter = ui.painter_at(rect.expand(2.0));
    for part in row.buckets.chunk_by(follows) {
        let points = part.iter();
        let points = points.filter_map(|bucket| Some(place(bucket, bucket.ttft.p50?)));
        let points: Vec<_> = points.collect();
        match points[..] {
            [] => {}
            [alone] => drop(painter.circle_filled(alone, 1.5, color)),
            _ => drop(painter.line(points, Stroke::new(1.5, color))),
        }
    }
}
