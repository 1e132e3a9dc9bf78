//! Two benches side by side, each figure with its interval, and the difference with its own.

use egui::{Grid, Label, RichText, Ui, vec2};

use super::{
    figures::{QUANTILES, interval_text},
    words::{plan_text, rate_text},
};
use crate::{
    bench::{
        BenchPlan, BenchSummary,
        beside::{BenchesBeside, DifferenceVerdict, FigureBeside, FigureUnit, PlanDifference},
    },
    desktop::{
        theme::{Theme, caption, space, strong, tiny},
        widgets::ms_text,
    },
    measure::evidence::IntervalEstimate,
    visible::visible_line,
};

/// A bench that is shown: its plan, and what it found.
pub type ShownSide<'a> = (&'a BenchPlan, &'a BenchSummary);

/// Shows both.
pub fn beside_ui(ui: &mut Ui, theme: &Theme, a: ShownSide<'_>, b: ShownSide<'_>) {
    for (letter, (plan, found)) in [("A", a), ("B", b)] {
        let plan = plan_text(plan);
        let mark = if found.valid {
            ""
        } else {
            " · invalid, so it counts for nothing"
        };
        let color = if found.valid { theme.text } else { theme.bad };
        let text = strong(format!("{letter}  {plan}{mark}")).color(color);
        ui.add(Label::new(text).wrap());
    }
    ui.add_space(space::S);
    let both = BenchesBeside::of((a.0, a.1), (b.0, b.1));
    Grid::new("bench.beside")
        .spacing(vec2(space::L, space::XS))
        .min_col_width(88.0)
        .show(ui, |ui| {
            for name in ["", "A", "B", "B − A", ""] {
                ui.label(caption(theme, name));
            }
            ui.end_row();
            for row in &both.figures {
                row_ui(ui, theme, row);
            }
        });
    ui.add_space(space::S);
    let text = "Where the 95 % interval of the difference excludes 0 it is said which is lower. Benches that ran at \
                different times also differ by what changed between them: a comparison asks both in turn";
    let method = BenchesBeside::METHOD;
    let hover = format!("{} {}", method.sentence(), method.citation());
    ui.add(Label::new(caption(theme, text)).wrap())
        .on_hover_text(hover);
    plans_ui(ui, theme, &both.plans);
}

fn row_ui(ui: &mut Ui, theme: &Theme, row: &FigureBeside) {
    let quantile = row.quantile.and_then(|quantile| {
        let mut names = QUANTILES.iter();
        names.find(|(_, of)| *of == quantile).map(|(name, _)| name)
    });
    let name = match quantile {
        Some(quantile) => format!("{}, {}", row.name, quantile.to_lowercase()),
        None => row.name.to_owned(),
    };
    ui.vertical(|ui| ui.add(Label::new(name).extend()));
    value_ui(ui, theme, row.unit, &row.a);
    value_ui(ui, theme, row.unit, &row.b);
    difference_ui(ui, theme, row);
    if let Some(verdict) = row.verdict {
        let color = match verdict {
            DifferenceVerdict::Lower | DifferenceVerdict::Higher => theme.text,
            DifferenceVerdict::CantTell => theme.text_dim,
        };
        let text = RichText::new(verdict.sentence()).color(color);
        ui.vertical(|ui| ui.label(text));
    }
    ui.end_row();
}

fn value_ui(ui: &mut Ui, theme: &Theme, unit: FigureUnit, shown: &IntervalEstimate) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let Some(value) = shown.value else {
            let dash = RichText::new("\u{2013}").color(theme.text_dim);
            ui.label(dash)
                .on_hover_text("Not known, or too few requests for it");
            return;
        };
        ui.add(Label::new(text(unit, value)).extend());
        if let Some((low, high)) = shown.low.zip(shown.high) {
            let interval = match unit {
                FigureUnit::Ms => interval_text(low, high),
                // Shares are written out, times share their unit.
                _ => format!("{}–{}", text(unit, low), text(unit, high)),
            };
            ui.add(Label::new(tiny(theme, interval)).extend());
        }
    });
}

fn difference_ui(ui: &mut Ui, theme: &Theme, row: &FigureBeside) {
    let signed = |value: f64| {
        let sign = if value < 0.0 { "\u{2212}" } else { "+" };
        format!("{sign}{}", text(row.unit, value.abs()))
    };
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let difference = &row.difference;
        if let Some(value) = difference.value {
            ui.add(Label::new(signed(value)).extend());
        }
        if let Some((low, high)) = difference.low.zip(difference.high) {
            let interval = format!("{} to {}", signed(low), signed(high));
            ui.add(Label::new(tiny(theme, interval)).extend());
        }
    });
}

fn text(unit: FigureUnit, value: f64) -> String {
    match unit {
        FigureUnit::Ms => ms_text(value),
        FigureUnit::Share => format!("{:.1} %", value * 100.0),
        FigureUnit::PerSecond => rate_text(value),
    }
}

/// What was planned differently.
fn plans_ui(ui: &mut Ui, theme: &Theme, plans: &[PlanDifference]) {
    if plans.is_empty() {
        return;
    }
    ui.add_space(space::S);
    ui.label(strong("Planned differently"));
    let grid = Grid::new("bench.plans").spacing(vec2(space::L, space::XS));
    grid.show(ui, |ui| {
        for differs in plans {
            ui.label(caption(theme, differs.name));
            for value in [&differs.a, &differs.b] {
                let value = value.as_deref().unwrap_or("not known");
                ui.add(Label::new(visible_line(value)).extend());
            }
            ui.end_row();
        }
    });
}
