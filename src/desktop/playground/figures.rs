//! The figures of a run on one line: the same places in every pane and every turn, decided by the width alone.
//!
//! In: a [`Sheet`]. Out: a line that is blank where nothing is known, each figure with its definition on hover, the
//! best of a comparison marked, an estimate marked as one.

use egui::{
    Align2, Color32, FontId, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, text::LayoutJob, vec2,
};

use super::{
    compare::{Comparison, RULE, Verdict},
    sheet::Sheet,
};
use crate::{
    desktop::{
        fonts, icons,
        theme::{Theme, size, strong},
        widgets::{Outcome, connection_icon, count, figure_text, ms_text},
    },
    event::{FaultClass, FinishReason, Usage},
    measure::figure,
    run::{Connection, State},
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

/// One figure as it is shown.
#[derive(Debug, PartialEq)]
struct Cell {
    label: &'static str,
    value: String,
    definition: String,
    best: bool,
    /// Whether it is not measured, but said to be about so.
    about: bool,
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
        finish.filter(|(reason, _)| *reason != FinishReason::Stop && sheet.state == State::Ok);
    let (icon, color, word) = match cut {
        Some((reason @ (FinishReason::Length | FinishReason::ContentFilter), _)) => {
            (icons::WARN, theme.warn, reason.as_str().replace('_', " "))
        }
        _ => (outcome.icon, outcome.color(theme), word),
    };
    let mut left = mark_ui(ui, icon, &word, &how, color, words, area.left(), area);
    if let Some(connection) = sheet.connection {
        let (color, about) = match connection {
            Connection::Cold => (
                theme.series_color(0),
                "This run opened its connection: DNS, TCP and TLS are part of its TTFT",
            ),
            Connection::Warm => (theme.text_dim, "The connection was there already"),
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

/// The first four, in their places; nothing stands where nothing is known.
fn main_cells(line: &Line<'_>) -> [Option<Cell>; 4] {
    let sheet = line.sheet;
    let total = match line.elapsed_s {
        Some(elapsed) => Some(Cell {
            label: "Elapsed",
            value: format!("{elapsed:.1} s"),
            definition: "Time since it was sent, to be read while it goes; the total is measured"
                .into(),
            best: false,
            about: false,
        }),
        None => measured(line, "total_ms", "Total"),
    };
    let speed = measured(line, "output_speed_tps", "Speed").or_else(|| {
        let about = sheet.about?;
        let speed = figure_text(about.speed?.round(), "tok/s");
        Some(estimated("Speed", &speed, &about.calibration.told()))
    });
    let out = match (sheet.output(), sheet.about) {
        (Some(tokens), _) => counted("Out", Some(tokens), OUT),
        (None, Some(about)) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "rounded up, at least 0"
            )]
            let tokens = about.tokens.ceil() as u64;
            let tokens = format!("{} tok", count(tokens));
            Some(estimated("Out", &tokens, &about.calibration.told()))
        }
        (None, None) => None,
    };
    [measured(line, "ttft_ms", "TTFT"), speed, total, out]
}

const OUT: &str = "Output tokens as the provider counted them, reasoning included";

/// What else is known: times that differ from those above, and counts that are not zero.
fn further_cells(line: &Line<'_>) -> Vec<Cell> {
    let usage: &Usage = &line.sheet.usage;
    let net = (line.comparison.mixed).then(|| measured(line, "ttft_net_ms", "TTFT net"));
    let ttfo = (line.comparison.ttfo_differs).then(|| measured(line, "ttfo_ms", "TTFO"));
    let counts = [
        counted(
            "In",
            usage.input,
            "Prompt tokens as the provider counted them, cached ones included",
        ),
        counted(
            "Reasoning",
            usage.reasoning,
            "The part of the output that was reasoning, as the provider counted it",
        ),
        counted(
            "Cached",
            usage.cached,
            "The part of the prompt that came from the provider's cache",
        ),
    ];
    let times = [net, ttfo].into_iter().map(Option::flatten);
    times.chain(counts).flatten().collect()
}

fn estimated(label: &'static str, value: &str, told: &str) -> Cell {
    Cell {
        label,
        value: format!("≈ {value}"),
        definition: told.to_owned(),
        best: false,
        about: true,
    }
}

/// A count that is not zero.
fn counted(label: &'static str, tokens: Option<u64>, definition: &str) -> Option<Cell> {
    let tokens = tokens.filter(|tokens| *tokens > 0)?;
    Some(Cell {
        label,
        value: format!("{} tok", count(tokens)),
        definition: definition.to_owned(),
        best: false,
        about: false,
    })
}

/// A figure that is known, with how it was made and how it compares.
fn measured(line: &Line<'_>, key: &str, label: &'static str) -> Option<Cell> {
    let figure = figure(key)?;
    let value = line.sheet.value(key)?;
    let best = line.comparison.is_best(key, line.sheet.run);
    let mut parts = vec![figure.definition.to_owned()];
    if key == "ttft_ms"
        && let Some(net) = line.sheet.value("ttft_net_ms")
    {
        parts.push(format!("Net of connecting: {}", ms_text(net)));
    }
    match line.comparison.verdict(key) {
        Some(Verdict::Best(_)) if best => parts.push(format!("The best here. {RULE}")),
        Some(Verdict::None(why)) => parts.push(format!("No best here: {why}")),
        _ => {}
    }
    Some(Cell {
        label,
        value: figure_text(value, figure.unit),
        definition: parts.join("\n\n"),
        best,
        about: false,
    })
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
    use crate::desktop::playground::{estimate::Calibration, sheet::About};

    fn texts(line: &Line<'_>) -> Vec<String> {
        let cells = main_cells(line).into_iter().flatten();
        let all = cells.chain(further_cells(line));
        all.map(|cell| format!("{} {}", cell.label, cell.value))
            .collect()
    }

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
        broken.about = Some(About {
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

    #[test]
    fn zeros_and_blanks_are_not_shown() {
        let shown = |sheet: &Sheet| {
            texts(&Line {
                sheet,
                fault: None,
                elapsed_s: None,
                comparison: &Comparison::default(),
            })
        };
        let mut sheet = Sheet::made(1, "a", [307.0, 118.25, 2_310.0], 240);
        sheet.usage.reasoning = Some(0);
        let expected = [
            "TTFT 307 ms",
            "Speed 118 tok/s",
            "Total 2.31 s",
            "Out 240 tok",
        ];
        assert_eq!(shown(&sheet), expected);
        sheet.usage = Usage {
            output: Some(0),
            cached: Some(7),
            ..Usage::default()
        };
        let expected = [
            "TTFT 307 ms",
            "Speed 118 tok/s",
            "Total 2.31 s",
            "Cached 7 tok",
        ];
        assert_eq!(shown(&sheet), expected);
    }

    #[test]
    fn an_estimate_is_marked_while_it_streams_and_after_it_broke() {
        let comparison = Comparison::default();
        let mut sheet = Sheet::made(1, "a", [307.0, 0.0, 2_310.0], 0);
        sheet.state = State::Streaming;
        sheet.usage = Usage::default();
        sheet.about = Some(About {
            tokens: 239.4,
            speed: Some(117.6),
            calibration: Calibration::default(),
        });
        let mut line = Line {
            sheet: &sheet,
            fault: None,
            elapsed_s: Some(2.34),
            comparison: &comparison,
        };
        let cells = main_cells(&line);
        let [_, _, elapsed, out] = &cells;
        assert_eq!(elapsed.as_ref().unwrap().value, "2.3 s");
        assert_eq!(out.as_ref().unwrap().value, "≈ 240 tok");
        assert!(out.as_ref().unwrap().definition.contains("4 a token"));
        line.elapsed_s = None;
        let [_, _, total, out] = main_cells(&line);
        assert_eq!(total.unwrap().label, "Total");
        assert!(out.unwrap().about, "it stays when the run was stopped");
    }
}
