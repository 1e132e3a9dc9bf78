//! The figures of a run on one line: the same places in every pane and every turn, decided by the width alone.
//!
//! In: a [`Sheet`]. Out: a line that is blank where nothing is known, each figure with its definition on hover, the
//! best of a comparison marked, an estimate marked as one.

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
/// From this width on, figures are named; below, only the first, the others being told by their units.
const NAMED_FROM: f32 = 470.0;
/// From this width on, icons have words.
const WORDS_FROM: f32 = 680.0;

/// What a line is made of.
pub struct Line<'a> {
    /// The run's figures.
    pub sheet: &'a Sheet,
    /// Why it failed, if it did.
    pub fault: Option<FaultClass>,
    /// How long it has been going, while it goes.
    pub elapsed_s: Option<f64>,
    /// How it compares with those of other panes.
    pub comparison: &'a Comparison,
}

/// Where the figures stand: decided by the width alone.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grid {
    /// Room for how the run stands.
    marks: f32,
    /// Room for each of the first four.
    main: [f32; 4],
    named: bool,
    words: bool,
}

impl Grid {
    fn of(width: f32) -> Self {
        let words = width >= WORDS_FROM;
        if width < NAMED_FROM {
            let (marks, main) = (34.0, [78.0, 64.0, 46.0, 54.0]);
            // What there is more of is shared out.
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

/// Room for each of the further figures, where there is any.
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

/// How a run stands: its state, its connection, whether it was simulated, each with its words on hover.
fn marks_ui(ui: &mut Ui, theme: &Theme, line: &Line<'_>, area: Rect, words: bool) {
    let sheet = line.sheet;
    let outcome = Outcome::of(sheet.state, line.fault);
    let word = outcome.word.replace('_', " ");
    let finish = sheet.finish.as_ref();
    let how = finish.map_or_else(
        || "How the run stands".to_owned(),
        |(reason, raw)| {
            let reason = reason.as_str().replace('_', " ");
            format!("Why the answer ended: {reason}; the provider's word: “{raw}”")
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
            ConnectionKind::Warm => (theme.text_dim, "The connection was there already"),
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

/// Shows an icon and, if asked for, its word; gives where the next may stand.
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
        // Never by colour alone: where a cup has no room, a line under it.
        let under = Stroke::new(1.0, theme.good);
        ui.painter().hline(at.x_range(), at.bottom() - 0.5, under);
    }
    response.on_hover_ui(|ui| {
        ui.label(strong(cell.label));
        ui.label(&cell.definition);
    });
}

/// A figure's name, where it has one, and its value, in a place of this width.
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
