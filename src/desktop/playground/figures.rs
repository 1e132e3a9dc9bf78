//! The figures of a run, always in sight: how it stands, and what was measured.
//!
//! Blank where nothing is known, each with its definition on hover, the best of a comparison marked.

use egui::{
    Align, Label, Layout, Rect, Response, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use super::compare::{Comparison, SHOWN};
use crate::{
    desktop::{
        icons,
        theme::{Theme, size, strong, tiny},
        widgets::{
            Outcome, badge_with_icon, connection_icon, count, figure_text, ms_text, simulated_badge,
        },
    },
    event::Usage,
    measure::figure,
    run::{Connection, Run},
};

/// Narrowest cell of a figure.
const CELL_WIDTH: f32 = 82.0;
const CELL_HEIGHT: f32 = 34.0;

/// One figure as it is shown.
struct Cell {
    label: &'static str,
    value: Option<String>,
    definition: String,
    best: bool,
}

/// How a token count is had.
type Count = fn(&Usage) -> Option<u64>;

/// The token counts, with their definitions.
const TOKENS: [(&str, &str, Count); 4] = [
    (
        "In",
        "Prompt tokens as the provider counted them, cached ones included",
        |u| u.input,
    ),
    (
        "Out",
        "Output tokens as the provider counted them, reasoning included",
        |u| u.output,
    ),
    (
        "Reasoning",
        "The part of the output that was reasoning, as the provider counted it",
        |u| u.reasoning,
    ),
    (
        "Cached",
        "The part of the prompt that came from the provider's cache",
        |u| u.cached,
    ),
];

/// Shows the figures of `run`; `elapsed_s` is how long it has been going, while it goes.
pub fn figures_ui(
    ui: &mut Ui,
    theme: &Theme,
    run: &Run,
    comparison: &Comparison,
    elapsed_s: Option<f64>,
) {
    ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
    // Badges and figures are no buttons: their lines need no room for a finger.
    ui.spacing_mut().interact_size.y = 16.0;
    state_ui(ui, theme, run, elapsed_s);
    let cells = cells(run, comparison);
    let width = ui.available_width();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few columns"
    )]
    let columns = ((width / CELL_WIDTH) as usize).clamp(2, cells.len().max(2));
    for row in cells.chunks(balanced(cells.len(), columns)) {
        row_ui(ui, theme, row, balanced(cells.len(), columns));
    }
}

/// Columns such that the rows are about equally long.
fn balanced(cells: usize, columns: usize) -> usize {
    cells.div_ceil(cells.div_ceil(columns).max(1)).max(1)
}

fn state_ui(ui: &mut Ui, theme: &Theme, run: &Run, elapsed_s: Option<f64>) {
    ui.horizontal_wrapped(|ui| {
        let outcome = Outcome::of(run.state, run.answer.fault.as_ref().map(|f| f.class));
        let word = outcome.word.replace('_', " ");
        let text = RichText::new(format!("{} {word}", outcome.icon)).size(size::SMALL);
        ui.add(Label::new(text.color(outcome.color(theme))).selectable(false))
            .on_hover_text("How the run stands");
        if let Some(elapsed) = elapsed_s {
            let text = tiny(theme, format!("{elapsed:.1} s"));
            ui.add(Label::new(text).selectable(false)).on_hover_text(
                "Time since it was sent, to be read while it goes; the figures below are measured",
            );
        }
        if let Some(connection) = run.connection {
            let (color, about) = match connection {
                Connection::Cold => (
                    theme.series_color(0),
                    "This run opened its connection: DNS, TCP and TLS are part of its TTFT",
                ),
                Connection::Warm => (theme.text_dim, "The connection was there already"),
            };
            badge_with_icon(
                ui,
                theme,
                connection_icon(connection),
                connection.as_str(),
                color,
            )
            .on_hover_text(about);
        }
        if run.head.simulated {
            simulated_badge(ui, theme);
        }
        if let Some(finish) = &run.answer.finish {
            let word = finish.reason.as_str().replace('_', " ");
            let text = tiny(theme, format!("finish: {word}"));
            ui.add(Label::new(text).selectable(false))
                .on_hover_text(format!(
                    "Why the answer ended; the provider's word: “{}”",
                    finish.raw
                ));
        }
    });
}

fn cells(run: &Run, comparison: &Comparison) -> Vec<Cell> {
    let mut cells = Vec::new();
    for key in SHOWN {
        let Some(figure) = figure(key) else { continue };
        let shown = match key {
            "ttfo_ms" => comparison.ttfo_differs,
            "ttft_net_ms" => comparison.mixed,
            _ => true,
        };
        if !shown {
            continue;
        }
        cells.push(Cell {
            label: if key == "output_speed_tps" {
                "Speed"
            } else {
                figure.label
            },
            value: (figure.value)(run).map(|value| figure_text(value, figure.unit)),
            definition: definition(key, figure.definition, run, comparison),
            best: comparison.is_best(key, run.head.id),
        });
    }
    let usage = run.answer.usage.unwrap_or_default();
    for (label, definition, value) in TOKENS {
        let value = value(&usage);
        // Most models neither reason nor cache: these two come up where any pane knows them, so that
        // the same figure stands in the same place in every pane.
        let shown = match label {
            "Reasoning" => value.is_some() || comparison.reasoning_known,
            "Cached" => value.is_some() || comparison.cached_known,
            _ => true,
        };
        if shown {
            cells.push(Cell {
                label,
                value: value.map(count),
                definition: definition.to_owned(),
                best: false,
            });
        }
    }
    cells
}

fn definition(key: &str, definition: &str, run: &Run, comparison: &Comparison) -> String {
    let mut parts = vec![definition.to_owned()];
    let net = figure("ttft_net_ms").and_then(|net| (net.value)(run));
    if key == "ttft_ms"
        && let Some(net) = net
    {
        parts.push(format!("Net of connecting: {}", ms_text(net)));
    }
    let best = comparison.is_best(key, run.head.id);
    if best {
        parts.push(format!("Best of {}", comparison.compared));
    }
    if comparison.mixed && matches!(key, "ttft_ms" | "ttfo_ms" | "total_ms") {
        parts.push("Not compared: cold and warm runs stand side by side, and a cold one's contains its handshakes".to_owned());
    }
    parts.join("\n\n")
}

fn row_ui(ui: &mut Ui, theme: &Theme, cells: &[Cell], columns: usize) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), CELL_HEIGHT), Sense::hover());
    #[expect(clippy::cast_precision_loss, reason = "a few columns")]
    let width = rect.width() / columns as f32;
    let mut left = rect.left();
    for cell in cells {
        let area = Rect::from_min_size(pos2(left, rect.top()), vec2(width, CELL_HEIGHT));
        cell_ui(ui, theme, cell, area);
        left += width;
    }
}

fn cell_ui(ui: &mut Ui, theme: &Theme, cell: &Cell, area: Rect) -> Response {
    let response = ui.interact(
        area,
        ui.scope_id().with(("figure", cell.label)),
        Sense::hover(),
    );
    let value = cell.value.as_deref().unwrap_or("\u{2013}");
    let name = match (&cell.value, cell.best) {
        (None, _) => format!("{}: not known", cell.label),
        (Some(value), true) => format!("{}: {value}, best", cell.label),
        (Some(value), false) => format!("{}: {value}", cell.label),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    ui.scope_builder(
        egui::UiBuilder::new()
            .max_rect(area)
            .layout(Layout::top_down(Align::Min)),
        |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.spacing_mut().interact_size.y = 0.0;
            ui.add(
                Label::new(tiny(theme, cell.label))
                    .selectable(false)
                    .truncate(),
            );
            let text = match (&cell.value, cell.best) {
                (Some(_), true) => strong(value).color(theme.good),
                (Some(_), false) => RichText::new(value).color(theme.text),
                (None, _) => RichText::new(value).color(theme.text_dim),
            };
            let value = |ui: &mut Ui| {
                ui.add(
                    Label::new(text.size(size::BODY))
                        .selectable(false)
                        .truncate(),
                )
            };
            if cell.best {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 3.0;
                    value(ui);
                    ui.add(
                        Label::new(tiny(theme, icons::BEST).color(theme.good)).selectable(false),
                    );
                });
            } else {
                value(ui);
            }
        },
    );
    response.on_hover_ui(|ui| {
        ui.label(strong(cell.label));
        ui.label(&cell.definition);
    })
}
