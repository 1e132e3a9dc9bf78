//! The table of requests: those under way, then those that are over. Its columns are data.

mod row;

use std::time::{Duration, Instant};

use egui::{
    Align, Key, Label, Layout, Margin, Modifiers, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo,
};
use egui_extras::{Column as Width, TableBuilder};

use self::row::RequestRow;
use crate::{
    clock::{now, wall_clock_ns},
    desktop::{
        theme::{Theme, size, space},
        view::{Action, Cx},
        widgets::{ago, contained, count, figure_text, keys_are_free, ms_text},
    },
    gateway::GatewayStatus,
    visible::visible_line,
};

/// How often a request that waits for its first token shows its time so far.
const TICK: Duration = Duration::from_millis(250);
/// Smallest width of the column with model and target.
const MODEL: f32 = 180.0;

/// The tab's state.
#[derive(Debug, Default)]
pub struct Requests {
    /// The number of the request under the keyboard's cursor.
    selected: Option<u64>,
}

/// What the cells of a frame share.
#[derive(Clone, Copy, Debug)]
struct TableClock {
    now: Instant,
    unix_ns: i64,
}

/// A column: its head, and its cell.
struct RequestColumn {
    title: &'static str,
    hover: &'static str,
    width: f32,
    /// Where there is little room, columns with the highest number are dropped first; 0 is never dropped.
    drop_order: u8,
    is_number: bool,
    cell: fn(&mut Ui, &Theme, RequestRow<'_>, TableClock),
}

#[rustfmt::skip]
static COLUMNS: &[RequestColumn] = &[
    RequestColumn { title: "Time", hover: "When the request came, local time", width: 64.0, drop_order: 0, is_number: false, cell: time_cell },
    RequestColumn { title: "State", hover: "How it stands, or how it ended: the class of its fault", width: 112.0, drop_order: 0, is_number: false, cell: state_cell },
    RequestColumn { title: MODEL_TITLE, hover: "The model that was asked for, and the target that answers or was asked last", width: MODEL, drop_order: 0, is_number: false, cell: model_cell },
    RequestColumn { title: "Key", hover: "The name of the key that it was asked with", width: 84.0, drop_order: 7, is_number: false, cell: key_cell },
    RequestColumn { title: "Tries", hover: "How many targets were asked, one after another or at once", width: 44.0, drop_order: 4, is_number: true, cell: tries_cell },
    RequestColumn { title: "TTFT", hover: "From the request to the first token handed on; while it waits: so far", width: 76.0, drop_order: 0, is_number: true, cell: ttft_cell },
    RequestColumn { title: "Added", hover: "The part of TTFT that the gateway itself took", width: 70.0, drop_order: 1, is_number: true, cell: |ui, theme, row, _| ms_cell(ui, theme, row.over().and_then(|over| over.record.added_ms)) },
    RequestColumn { title: "Total", hover: "Until the request was over", width: 70.0, drop_order: 6, is_number: true, cell: |ui, theme, row, _| ms_cell(ui, theme, row.over().map(|over| over.record.total_ms)) },
    RequestColumn { title: "In", hover: "Prompt tokens, as the provider reported them", width: 58.0, drop_order: 5, is_number: true, cell: |ui, theme, row, _| tokens_cell(ui, theme, row.over().and_then(|over| over.record.input_tokens)) },
    RequestColumn { title: "Out", hover: "Output tokens, as the provider reported them", width: 58.0, drop_order: 3, is_number: true, cell: |ui, theme, row, _| tokens_cell(ui, theme, row.over().and_then(|over| over.record.output_tokens)) },
    RequestColumn { title: "Cost", hover: "Reported tokens × list prices, in US dollars; blank where it is not known", width: 70.0, drop_order: 2, is_number: true, cell: cost_cell },
];

const MODEL_TITLE: &str = "Model → target";

impl Requests {
    /// Shows the table.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, status: &GatewayStatus) {
        let live = status.live.iter().map(RequestRow::Live);
        let over = status.recent.iter().map(RequestRow::Over);
        let rows: Vec<RequestRow<'_>> = live.chain(over).collect();
        if status.live.iter().any(|live| live.ttft.is_none()) {
            ui.ctx().request_repaint_after(TICK);
        }
        let (moved, opened) = self.keys(ui, &rows);
        let frame = egui::Frame::new().inner_margin(Margin {
            left: 16,
            right: 16,
            top: 0,
            bottom: 4,
        });
        let clicked = frame.show(ui, |ui| {
            contained(ui, |ui| {
                let wide = ScrollArea::horizontal().auto_shrink(false);
                wide.show(ui, |ui| self.table_ui(ui, cx.theme, &rows, moved))
                    .inner
            })
        });
        let clicked = clicked
            .inner
            .inspect(|number| self.selected = Some(*number));
        let opened = opened.or(clicked);
        let row = opened.and_then(|number| rows.iter().find(|row| row.number() == number));
        let run = row.and_then(|row| row.run());
        cx.actions.extend(run.map(Action::OpenRun));
    }

    /// Handles the arrow keys and Enter: the row to bring into view, and the request to open.
    fn keys(&mut self, ui: &Ui, rows: &[RequestRow<'_>]) -> (Option<usize>, Option<u64>) {
        if !keys_are_free(ui) {
            return (None, None);
        }
        let (up, down) = ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            (pressed(Key::ArrowUp), pressed(Key::ArrowDown))
        });
        let is_selected = |row: &RequestRow<'_>| Some(row.number()) == self.selected;
        let at = rows.iter().position(is_selected);
        let mut moved = None;
        if up || down {
            let last = rows.len().saturating_sub(1);
            let to = match (at, up) {
                (None, _) => 0,
                (Some(at), true) => at.saturating_sub(1),
                (Some(at), false) => (at + 1).min(last),
            };
            self.selected = rows.get(to).map(|row| row.number());
            moved = Some(to);
        }
        // A control that has the focus takes Enter for itself.
        let is_free = ui.memory(|memory| memory.focused().is_none());
        let enter = is_free && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
        (moved, self.selected.filter(|_| enter))
    }

    /// Draws the rows on screen; gives the number of the request that was clicked.
    fn table_ui(
        &self,
        ui: &mut Ui,
        theme: &Theme,
        rows: &[RequestRow<'_>],
        moved: Option<usize>,
    ) -> Option<u64> {
        let clock = TableClock {
            now: now(),
            unix_ns: wall_clock_ns(),
        };
        ui.spacing_mut().item_spacing.x = space::M;
        ui.visuals_mut().widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
        let columns = fitting(ui.available_width());
        let mut table = TableBuilder::new(ui)
            .id_salt(("gateway.requests", columns.len()))
            .sense(Sense::click())
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center));
        for column in &columns {
            table = table.column(if column.title == MODEL_TITLE {
                Width::remainder().at_least(MODEL).clip(true)
            } else {
                Width::exact(column.width).clip(true)
            });
        }
        if let Some(row) = moved {
            table = table.scroll_to_row(row, None);
        }
        let mut clicked = None;
        let body = table.header(26.0, |mut head| {
            for column in &columns {
                head.col(|ui| head_ui(ui, theme, column));
            }
        });
        body.body(|body| {
            body.rows(space::ROW, rows.len(), |mut table_row| {
                let row = rows[table_row.index()];
                let is_selected = Some(row.number()) == self.selected;
                table_row.set_selected(is_selected);
                for column in &columns {
                    table_row.col(|ui| {
                        ui.with_layout(layout_of(column), |ui| {
                            (column.cell)(ui, theme, row, clock);
                        });
                    });
                }
                let response = table_row.response();
                let name = row.name();
                response.widget_info(|| {
                    WidgetInfo::selected(Role::Row, row.run().is_some(), is_selected, &name)
                });
                if response.clicked() {
                    clicked = Some(row.number());
                }
                if row.run().is_none() {
                    response.on_hover_text(
                        "No run: it was refused, or passed on, before any model was asked",
                    );
                }
            });
        });
        clicked
    }
}

/// The columns that fit into a width.
fn fitting(width: f32) -> Vec<&'static RequestColumn> {
    let mut columns: Vec<&RequestColumn> = COLUMNS.iter().collect();
    let is_too_wide = |columns: &[&RequestColumn]| {
        let taken: f32 = columns.iter().map(|column| column.width + space::M).sum();
        taken > width
    };
    while is_too_wide(&columns) {
        let weakest = (columns.iter().enumerate()).max_by_key(|(_, column)| column.drop_order);
        match weakest {
            Some((index, column)) if column.drop_order > 0 => columns.remove(index),
            _ => break,
        };
    }
    columns
}

fn layout_of(column: &RequestColumn) -> Layout {
    if column.is_number {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    }
}

fn head_ui(ui: &mut Ui, theme: &Theme, column: &RequestColumn) {
    ui.with_layout(layout_of(column), |ui| {
        let text = RichText::new(column.title).size(size::SMALL);
        let label = Label::new(text.color(theme.text_dim)).selectable(false);
        ui.add(label).on_hover_text(column.hover);
    });
}

fn word(ui: &mut Ui, text: &str, color: egui::Color32) {
    let text = RichText::new(visible_line(text)).color(color);
    ui.add(Label::new(text).selectable(false).truncate());
}

fn time_cell(ui: &mut Ui, theme: &Theme, row: RequestRow<'_>, clock: TableClock) {
    let text = ago(row.at_unix_ns(), clock.unix_ns);
    word(ui, &text, theme.text_dim);
}

fn state_cell(ui: &mut Ui, theme: &Theme, row: RequestRow<'_>, _: TableClock) {
    row.outcome().ui(ui, theme);
}

fn model_cell(ui: &mut Ui, theme: &Theme, row: RequestRow<'_>, _: TableClock) {
    word(ui, &row.model_and_target(), theme.text);
}

fn key_cell(ui: &mut Ui, theme: &Theme, row: RequestRow<'_>, _: TableClock) {
    word(ui, row.key(), theme.text_dim);
}

fn tries_cell(ui: &mut Ui, theme: &Theme, row: RequestRow<'_>, _: TableClock) {
    let attempts = row.attempts();
    let color = if attempts > 1 {
        theme.warn
    } else {
        theme.text_dim
    };
    word(ui, &attempts.to_string(), color);
}

fn ttft_cell(ui: &mut Ui, theme: &Theme, row: RequestRow<'_>, clock: TableClock) {
    let RequestRow::Live(live) = row else {
        return ms_cell(ui, theme, row.over().and_then(|over| over.record.ttft_ms));
    };
    if let Some(ttft) = live.ttft {
        ms_cell(ui, theme, Some(ttft.as_secs_f64() * 1e3));
    } else {
        let so_far = clock.now.saturating_duration_since(live.received);
        let text = ms_text(so_far.as_secs_f64() * 1e3);
        word(ui, &text, theme.accent);
    }
}

fn ms_cell(ui: &mut Ui, theme: &Theme, ms: Option<f64>) {
    word(ui, &ms.map(ms_text).unwrap_or_default(), theme.text);
}

fn tokens_cell(ui: &mut Ui, theme: &Theme, tokens: Option<u64>) {
    word(ui, &tokens.map(count).unwrap_or_default(), theme.text);
}

fn cost_cell(ui: &mut Ui, theme: &Theme, row: RequestRow<'_>, _: TableClock) {
    let cost = row.over().and_then(|over| over.record.cost_usd);
    let text = cost.map(|cost| figure_text(cost, "USD"));
    word(ui, &text.unwrap_or_default(), theme.text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_give_way_and_the_main_ones_stay() {
        let titles = |width| {
            let columns = fitting(width);
            columns
                .iter()
                .map(|column| column.title)
                .collect::<Vec<_>>()
        };
        assert_eq!(titles(2_000.0).len(), COLUMNS.len());
        assert!(!titles(780.0).contains(&"Key"));
        assert_eq!(titles(10.0), ["Time", "State", MODEL_TITLE, "TTFT"]);
    }
}
