//! The columns of the table of targets, and their cells.

use egui::{Color32, Label, Response, RichText, Ui};

use super::{super::certificate::certificate_text, order::SortBy, row::TargetRow, trend::trend_ui};
use crate::{
    clock::wall_clock_ns,
    desktop::{
        icons,
        looks::Looks,
        theme::{Theme, space},
        widgets::{Outcome, count, date_time, ms_text},
    },
    endpoint::local_gateway,
    history::MOST_JUDGED,
    run::RunState,
    visible::visible_line,
};

/// What the cells of all rows share.
pub struct RowCx<'a> {
    pub theme: &'a Theme,
    pub looks: &'a Looks,
    /// The first and the last time of any bucket.
    pub edges: (i64, i64),
}

/// A column: its head, how it is sorted, and its cell.
#[derive(Debug)]
pub struct TargetColumn {
    pub title: &'static str,
    pub hover: &'static str,
    pub sort: Option<SortBy>,
    /// Its width in points; 0 for what is left.
    pub width: f32,
    /// Whether its cells are numbers, which are right-aligned.
    pub figures: bool,
    /// Where there is no room for all columns, those with a low number leave first; those without one stay.
    leaves: Option<u8>,
    pub cell: fn(&mut Ui, &RowCx<'_>, TargetRow<'_>),
}

#[rustfmt::skip]
static COLUMNS: &[TargetColumn] = &[
    TargetColumn { title: "Target", hover: "Endpoint and model", sort: Some(SortBy::Target), width: 0.0, figures: false, leaves: None, cell: target_cell },
    TargetColumn { title: "Trend", hover: "The median TTFT of each sixtieth of the range shown. Each target has a scale of its own: from the 5th to the 95th percentile of its medians", sort: None, width: 84.0, figures: false, leaves: Some(2), cell: trend_cell },
    TargetColumn { title: "Status", hover: "How the latest run ended, and on hover until when the endpoint’s certificate is valid, as its free checks saw it", sort: Some(SortBy::Status), width: 108.0, figures: false, leaves: None, cell: status_cell },
    TargetColumn { title: "Last", hover: "The latest TTFT", sort: Some(SortBy::Last), width: 66.0, figures: true, leaves: Some(1), cell: |ui, row_cx, row| ms_cell(ui, row_cx, row.runs.last_ttft_ms) },
    TargetColumn { title: "P50", hover: "The median TTFT", sort: Some(SortBy::P50), width: 66.0, figures: true, leaves: None, cell: |ui, row_cx, row| ms_cell(ui, row_cx, row.runs.ttft.p50) },
    TargetColumn { title: "P95", hover: "95 of 100 TTFTs are at most this; blank below 20 runs", sort: Some(SortBy::P95), width: 66.0, figures: true, leaves: None, cell: |ui, row_cx, row| ms_cell(ui, row_cx, row.runs.ttft.p95) },
    TargetColumn { title: "n", hover: "How many runs the TTFT figures are of: with a clean end, over the connections chosen, and not read late", sort: Some(SortBy::Runs), width: 56.0, figures: true, leaves: None, cell: runs_cell },
    TargetColumn { title: "Errors", hover: "The share of all runs, warm and cold, that failed. Those that you stopped don’t count", sort: Some(SortBy::ErrorRate), width: 62.0, figures: true, leaves: None, cell: errors_cell },
    TargetColumn { title: "Burst", hover: "Which share of the latest answers something held back on their way and let go in bursts. Blank where they don’t tell: it takes eight tokens or more", sort: Some(SortBy::Burst), width: 58.0, figures: true, leaves: Some(3), cell: burst_cell },
    TargetColumn { title: "Today", hover: "What all runs of the target cost since midnight, local time, whoever asked: reported tokens × price. Blank where no cost is known, and with ≥ where some are not", sort: Some(SortBy::CostToday), width: 76.0, figures: true, leaves: Some(4), cell: cost_cell },
];

/// Least width of the column of targets, in points.
pub const LEAST_TARGET: f32 = 130.0;

/// Room between two columns, in points.
pub const BETWEEN: f32 = space::S;

/// The columns that fit into a width, in order. Those that never leave are there in any case.
pub fn fitting(width: f32) -> Vec<&'static TargetColumn> {
    let mut columns: Vec<&TargetColumn> = COLUMNS.iter().collect();
    while needed(&columns) > width {
        let leaving = columns.iter().filter_map(|column| column.leaves).min();
        let Some(leaving) = leaving else { break };
        columns.retain(|column| column.leaves != Some(leaving));
    }
    columns
}

/// The least width of some columns, with the room between them.
fn needed(columns: &[&TargetColumn]) -> f32 {
    let width = |column: &&TargetColumn| match column.width {
        0.0 => LEAST_TARGET,
        width => width,
    };
    let widths: f32 = columns.iter().map(|column| width(column) + BETWEEN).sum();
    widths - BETWEEN
}

/// What a screen reader says of a row; a click on it opens the runs.
pub fn row_name(row: TargetRow<'_>) -> String {
    let runs = row.runs;
    let mut name = format!("Runs of {}: n {}", runs.target, runs.ttft.runs);
    for (word, ms) in [("P50", runs.ttft.p50), ("P95", runs.ttft.p95)] {
        if let Some(ms) = ms {
            name.extend([", ", word, " ", &ms_text(ms)]);
        }
    }
    if let Some(rate) = runs.outcomes.error_rate() {
        name.extend([", errors ", &percent(rate)]);
    }
    if let Some(lost) = row.facts.and_then(|facts| facts.lost.text()) {
        name.extend([", connections lost: ", &lost]);
    }
    if let Some(share) = row.facts.and_then(|facts| facts.buffered.share()) {
        name.extend([", in bursts ", &percent(share)]);
    }
    if let Some(cost) = row
        .facts
        .and_then(|facts| facts.cost_today.text("at least "))
    {
        name.extend([", today ", &cost]);
    }
    name
}

fn word(ui: &mut Ui, text: &str, color: Color32) -> Response {
    let text = RichText::new(visible_line(text)).color(color);
    ui.add(Label::new(text).selectable(false).truncate())
}

fn target_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: TargetRow<'_>) {
    let mut text = local_gateway::shown(&row.runs.target);
    if row.runs.simulated {
        text = format!("{} {text}", icons::SIMULATED);
    }
    word(ui, &text, row_cx.theme.text);
}

fn trend_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: TargetRow<'_>) {
    let look = row_cx.looks.of(&row.runs.target);
    let color = row_cx.theme.series_color(look.color);
    trend_ui(ui, row.runs, row_cx.edges, color);
}

fn status_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: TargetRow<'_>) {
    let Some(last) = row.runs.last else { return };
    let state = match last.fault {
        Some(_) => RunState::Fault,
        None => RunState::Ok,
    };
    let mut hover = format!("Started {}", date_time(last.at_unix_ns));
    if let Some(until) = row.endpoint.and_then(|known| known.certificate_until) {
        hover.extend(["\n", &certificate_text(until, wall_clock_ns())]);
    }
    Outcome::of(state, last.fault)
        .ui(ui, row_cx.theme)
        .on_hover_text(hover);
}

fn ms_cell(ui: &mut Ui, row_cx: &RowCx<'_>, ms: Option<f64>) {
    let text = ms.map(ms_text).unwrap_or_default();
    word(ui, &text, row_cx.theme.text);
}

fn runs_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: TargetRow<'_>) {
    let text = count(row.runs.ttft.runs as u64);
    word(ui, &text, row_cx.theme.text_dim);
}

fn errors_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: TargetRow<'_>) {
    let text = row.runs.outcomes.error_rate().map(percent);
    let failed = row.runs.outcomes.failed() > 0;
    let theme = row_cx.theme;
    let color = if failed { theme.bad } else { theme.text_dim };
    let cell = word(ui, &text.unwrap_or_default(), color);
    if let Some(lost) = row.facts.and_then(|facts| facts.lost.text()) {
        cell.on_hover_text(format!(
            "Connections that failed runs lost: {lost}. Reset by RST, or half open: nothing was acknowledged any more. Seen \
             at this machine’s socket: between it and the nearest TCP endpoint"
        ));
    }
}

fn burst_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: TargetRow<'_>) {
    let Some(counts) = row.facts.map(|facts| facts.buffered) else {
        return;
    };
    let Some(share) = counts.share() else { return };
    let theme = row_cx.theme;
    let found = counts.buffered > 0;
    let color = if found { theme.warn } else { theme.text_dim };
    word(ui, &percent(share), color).on_hover_text(format!(
        "{} of {} answers were held back on their way and let go in bursts; {} more don’t tell. Of the latest {MOST_JUDGED} \
         answers in the range shown",
        counts.buffered, counts.judged, counts.unclear
    ));
}

fn cost_cell(ui: &mut Ui, row_cx: &RowCx<'_>, row: TargetRow<'_>) {
    let Some(cost) = row.facts.map(|facts| facts.cost_today) else {
        return;
    };
    let Some(text) = cost.text("≥ ") else {
        return;
    };
    let mut hover = format!(
        "Since midnight, local time: reported tokens × price, for {} of {} answers",
        cost.known,
        cost.answers()
    );
    if cost.unknown > 0 {
        hover.push_str(". The others have no known cost");
    }
    if cost.broken > 0 {
        hover.push_str(". Of answers that broke off, what was counted until then");
    }
    word(ui, &text, row_cx.theme.text).on_hover_text(hover);
}

/// A share of 1 as text. Nothing but none is 0 %, and nothing but all is 100 %.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        100.0 => "100 %".to_owned(),
        percent => format!("{:.1} %", percent.clamp(0.1, 99.9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_leave_in_their_order_where_there_is_no_room() {
        let titles = |width: f32| -> Vec<&str> {
            fitting(width)
                .into_iter()
                .map(|column| column.title)
                .collect()
        };
        let all: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
        assert_eq!(titles(1_200.0), all);
        let without = |left: &[&str]| -> Vec<&str> {
            all.iter()
                .copied()
                .filter(|title| !left.contains(title))
                .collect()
        };
        // A window 900 points wide leaves 796 for the table.
        assert_eq!(titles(796.0), without(&["Last"]));
        assert_eq!(titles(700.0), without(&["Last", "Trend"]));
        let least = without(&["Last", "Trend", "Burst", "Today"]);
        assert_eq!(titles(100.0), least);
    }
}
