//! The figures of a run on one line. Their positions depend on the width only, so that they line up between panes and
//! turns.
//!
//! In: a [`Sheet`]. Out: a line that is blank where nothing is known, each figure with its definition on hover, the
//! best of a comparison and estimates marked.

mod cells;

use egui::{
    Align2, Color32, FontId, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, text::LayoutJob, vec2,
};

use self::cells::{Cell, further_cells, main_cells};
use super::{compare::Comparison, sheet::Sheet};
use crate::{
    desktop::{
        fonts, icons,
        theme::{Theme, size, strong},
        widgets::{Outcome, connection_icon},
    },
    event::{FaultClass, FinishReason},
    run::{ConnectionKind, RunState},
};

/// Height of the line.
pub const HEIGHT: f32 = 18.0;
/// From this width on, all figures have names; below it only the first, and units tell the others.
const NAMED_FROM: f32 = 470.0;
/// From this width on, icons have words beside them.
const WORDS_FROM: f32 = 680.0;

/// What a line shows.
pub struct Line<'a> {
    /// The run's figures.
    pub sheet: &'a Sheet,
    /// Why it failed, if it did.
    pub fault: Option<FaultClass>,
    /// Seconds since it was sent, while it is live.
    pub elapsed_s: Option<f64>,
    /// How it compares with the runs of other panes.
    pub comparison: &'a Comparison,
}

/// The widths of the parts, which depend on the line's width only.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grid {
    /// Width of the icons for state and connection.
    marks: f32,
    /// Widths of the first four figures.
    main: [f32; 4],
    named: bool,
    words: bool,
}

impl Grid {
    fn of(width: f32) -> Self {
        let words = width >= WORDS_FROM;
        if width < NAMED_FROM {
            let (marks, main) = (34.0, [78.0, 64.0, 46.0, 54.0]);
            // Spare width is shared among the figures.
            let wider = ((width - marks) / main.iter().sum::<f32>()).clamp(1.0, 1.3);
            return Self {
                marks,
                main: main.map(|room| room * wider),
                named: false,
                words,
            };
        }
        Self {
            marks: if words { 196.0 } else { 44.0 },
            main: [106.0, 128.0, 102.0, 86.0],
            named: true,
            words,
        }
    }
}

/// Width of each further figure, if it fits.
const FURTHER: f32 = 100.0;

/// Shows the figures of a run.
pub fn line_ui(ui: &mut Ui, theme: &Theme, line: &Line<'_>) {
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let grid = Grid::of(area.width());
    let bare = line.sheet.is_blank() && line.elapsed_s.is_none();
    marks_ui(ui, theme, line, area, grid.words || bare);
    if bare {
        return;
    }
    let mut left = area.left() + grid.marks;
    for (cell, width) in main_cells(line).into_iter().zip(grid.main) {
        if left + width > area.right() + 1.0 {
            break;
        }
        if let Some(cell) = cell {
            cell_ui(ui, theme, &cell, span(area, left, width), grid.named);
        }
        left += width;
    }
    for cell in further_cells(line) {
        if left + FURTHER > area.right() {
            break;
        }
        cell_ui(ui, theme, &cell, span(area, left, FURTHER), true);
        left += FURTHER;
    }
}

fn span(area: Rect, left: f32, width: f32) -> Rect {
    Rect::from_min_size(pos2(left, area.top()), vec2(width, area.height()))
}

/// Shows a run's state, its connection and whether it was simulated, each explained on hover.
fn marks_ui(ui: &mut Ui, theme: &Theme, line: &Line<'_>, area: Rect, words: bool) {
    let sheet = line.sheet;
    let outcome = Outcome::of(sheet.state, line.fault);
    let word = outcome.word.replace('_', " ");
    let finish = sheet.finish.as_ref();
    let how = finish.map_or_else(
        || "The state of the run".to_owned(),
        |(reason, raw)| {
            let reason = reason.as_str().replace('_', " ");
            format!("Why the answer ended: {reason}; the provider’s word: “{raw}”")
        },
    );
    let cut =
        finish.filter(|(reason, _)| *reason != FinishReason::Stop && sheet.state == RunState::Ok);
    let (icon, color, word) = match cut {
        Some((reason @ (FinishReason::Length | FinishReason::ContentFilter), _)) => {
            (icons::WARN, theme.warn, reason.as_str().replace('_', " "))
        }
        _ => (outcome.icon, outcome.color(theme), word),
    };
    let mut left = mark_ui(ui, icon, &word, &how, color, words, area.left(), area);
    if let Some(connection) = sheet.connection {
        let (color, about) = match connection {
            ConnectionKind::Cold => (
                theme.series_color(0),
                "This run opened its connection: DNS, TCP and TLS are part of its TTFT",
            ),
            ConnectionKind::Warm => (theme.text_dim, "The connection was open already"),
        };
        let icon = connection_icon(connection);
        left = mark_ui(
            ui,
            icon,
            connection.as_str(),
            about,
            color,
            words,
            left,
            area,
        );
    }
    if sheet.simulated && words {
        let about = "Answered by the built-in simulator on this machine: real HTTP, made-up model";
        mark_ui(
            ui,
            icons::SIMULATED,
            "simulated",
            about,
            theme.warn,
            words,
            left,
            area,
        );
    }
}

/// Shows an icon and, if `words`, its word; returns the left edge for the next one.
#[expect(clippy::too_many_arguments, reason = "one call, of one mark's facts")]
fn mark_ui(
    ui: &Ui,
    icon: &str,
    word: &str,
    about: &str,
    color: Color32,
    words: bool,
    left: f32,
    area: Rect,
) -> f32 {
    let text = if words {
        format!("{icon} {word}")
    } else {
        icon.to_owned()
    };
    let font = FontId::proportional(size::SMALL);
    let at = pos2(left, area.center().y);
    let rect = (ui.painter()).text(at, Align2::LEFT_CENTER, text, font, color);
    let id = ui.scope_id().with(("mark", icon));
    let response = ui.interact(rect.expand2(vec2(2.0, 1.0)), id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
    response.on_hover_ui(|ui| {
        ui.label(strong(word));
        ui.label(about);
    });
    rect.right() + if words { 10.0 } else { 5.0 }
}

fn cell_ui(ui: &Ui, theme: &Theme, cell: &Cell, area: Rect, named_fully: bool) {
    let id = ui.scope_id().with(("figure", cell.label));
    let response = ui.interact(area, id, Sense::hover());
    let name = match (cell.best, cell.about) {
        (true, _) => format!("{}: {}, best", cell.label, cell.value),
        (_, true) => format!("{}: {}, estimated", cell.label, cell.value),
        _ => format!("{}: {}", cell.label, cell.value),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    let color = match (cell.best, cell.about || cell.label == "Elapsed") {
        (true, _) => theme.good,
        (_, true) => theme.text_dim,
        _ => theme.text,
    };
    let job = text_of(theme, cell, area.width(), named_fully, color);
    let galley = ui.painter().layout_job(job);
    let at = Align2::LEFT_CENTER.anchor_size(pos2(area.left(), area.center().y), galley.size());
    ui.painter().galley(at.min, galley, color);
    if cell.best && named_fully {
        let font = FontId::proportional(size::SMALL);
        let at = pos2(at.right() + 4.0, area.center().y);
        let center = Align2::LEFT_CENTER;
        ui.painter().text(at, center, icons::BEST, font, theme.good);
    } else if cell.best {
        // Not by colour alone: without room for the trophy icon, the figure is underlined.
        let under = Stroke::new(1.0, theme.good);
        ui.painter().hline(at.x_range(), at.bottom() - 0.5, under);
    }
    response.on_hover_ui(|ui| {
        ui.label(strong(cell.label));
        ui.label(&cell.definition);
    });
}

/// A figure's name, if it is shown, and its value, truncated to this width.
fn text_of(theme: &Theme, cell: &Cell, width: f32, named_fully: bool, color: Color32) -> LayoutJob {
    let named = named_fully || cell.label == "TTFT";
    let mut job = LayoutJob {
        wrap: egui::text::TextWrapping::truncate_at_width(width - 4.0),
        ..LayoutJob::default()
    };
    if named {
        let format = egui::TextFormat::simple(FontId::proportional(size::TINY), theme.text_dim);
        job.append(cell.label, 0.0, format);
    }
    let font = if cell.best {
        FontId::new(size::SMALL, fonts::strong_family())
    } else {
        FontId::proportional(size::SMALL)
    };
    let gap = if named { 4.0 } else { 0.0 };
    let value = if named_fully {
        cell.value.clone()
    } else {
        cell.value.replace("≈ ", "≈\u{2009}")
    };
    job.append(&value, gap, egui::TextFormat::simple(font, color));
    job
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desktop::playground::{estimate::Calibration, sheet::LiveEstimate},
        event::Usage,
    };

    #[test]
    fn the_first_four_fit_into_the_narrowest_pane_and_every_place_is_the_widths_alone() {
        for width in [276.0, 278.0, 469.0, 470.0, 600.0, 679.0, 680.0, 1_000.0] {
            let grid = Grid::of(width);
            let sum = grid.marks + grid.main.iter().sum::<f32>();
            assert!(sum <= width + 0.5, "{width}: {sum}");
        }
    }

    #[test]
    fn usual_figures_are_shown_whole_in_each_of_eight_panes() {
        let comparison = Comparison::default();
        let sheet = Sheet::made(1, "a", [999.0, 99.9, 999.0], 9_999);
        let mut broken = sheet.clone();
        broken.usage = Usage::default();
        broken.about = Some(LiveEstimate {
            tokens: 999.0,
            speed: Some(999.0),
            calibration: Calibration::default(),
        });
        let ctx = egui::Context::default();
        crate::desktop::theme::install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let theme = Theme::of(ui.ctx());
            // A quarter of the first window, and half of a narrow one.
            for (width, sheet) in [(292.0, &sheet), (292.0, &broken), (418.0, &sheet)] {
                let line = Line {
                    sheet,
                    fault: None,
                    elapsed_s: None,
                    comparison: &comparison,
                };
                let grid = Grid::of(width);
                for (cell, room) in main_cells(&line).into_iter().zip(grid.main) {
                    let cell = cell.expect("all are known");
                    let job = text_of(theme, &cell, room, grid.named, theme.text);
                    assert!(!ui.painter().layout_job(job).elided, "{cell:?} in {room}");
                }
            }
        });
        output.textures_delta.clear();
    }
}
