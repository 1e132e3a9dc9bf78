//! The chart of errors: which share of the runs failed over time, by the class of their fault.
//!
//! The runs of all targets that are shown count together.

use std::collections::BTreeMap;

use egui::{Color32, Response, Ui};
use egui_plot::{Bar, PlotTransform};

use super::{
    axes::{AXIS, TimeAxis, show_plot},
    stack,
    targets::percent,
    tooltip::{stretch_ui, tooltip},
    zoom::{TimeMove, TimeView, zoom_by_wheel},
};
use crate::{
    desktop::{
        looks::key_item_ui,
        theme::{Theme, caption, space, strong},
        widgets::{count, counted},
    },
    event::FaultClass,
    history::{Distribution, Outcomes},
};

/// The outcomes of one bucket of time.
#[derive(Clone, Debug, PartialEq)]
struct OutcomesColumn {
    from_unix_ns: i64,
    to_unix_ns: i64,
    outcomes: Outcomes,
}

/// Draws the chart in all the space that is left: a sum of all classes above it, and the shares over time.
pub fn show(ui: &mut Ui, theme: &Theme, rows: &[&Distribution], view: TimeView) -> TimeMove {
    let mut all = Outcomes::default();
    for row in rows {
        all.merge(&row.outcomes);
    }
    sums_ui(ui, theme, &all);
    let columns = columns(rows);
    let time = view.axis;
    let plot = view
        .plot("errors", theme)
        .y_axis_formatter(|mark, _| percent(mark.value.max(0.0)))
        .y_axis_min_width(AXIS);
    let highest = columns.iter().filter_map(|c| c.outcomes.error_rate());
    // Few errors are shown as large as many; the axis says how many they are.
    let top = highest.fold(0.01, f64::max) * 1.08;
    let name = "Share of failed runs over time, by class";
    let answer = show_plot(ui, theme, plot, name, |plot| {
        plot.set_plot_bounds(view.bounds((0.0, top)));
        for (class, bars) in bars(&columns, time) {
            plot.bar_chart(stack::part(bars, color(theme, class)));
        }
        zoom_by_wheel(plot)
    });
    let response = answer.response;
    if let Some(column) = under_pointer(&columns, time, &answer.transform, &response) {
        hover_ui(ui, theme, &response, column);
    }
    view.moved(ui, &response, &answer.transform, answer.inner)
}

/// The outcomes of all targets in each bucket, in order of time.
fn columns(rows: &[&Distribution]) -> Vec<OutcomesColumn> {
    let mut columns: BTreeMap<i64, OutcomesColumn> = BTreeMap::new();
    for bucket in rows.iter().flat_map(|row| &row.buckets) {
        let column = columns
            .entry(bucket.from_unix_ns)
            .or_insert(OutcomesColumn {
                from_unix_ns: bucket.from_unix_ns,
                to_unix_ns: bucket.to_unix_ns,
                outcomes: Outcomes::default(),
            });
        column.outcomes.merge(&bucket.outcomes);
    }
    columns.into_values().collect()
}

/// For each class that occurs, its bars: they stand on those of the classes before it.
#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn bars(columns: &[OutcomesColumn], time: TimeAxis) -> BTreeMap<&'static str, Vec<Bar>> {
    let mut all: BTreeMap<&'static str, Vec<Bar>> = BTreeMap::new();
    for column in columns {
        let stretch = (column.from_unix_ns, column.to_unix_ns);
        let runs = column.outcomes.runs().max(1) as f64;
        let mut base = 0.0;
        for (class, failed) in &column.outcomes.faults {
            let share = *failed as f64 / runs;
            let bar = stack::bar(time, stretch, base, share);
            all.entry(class).or_default().push(bar);
            base += share;
        }
    }
    all
}

/// The colour of a class.
fn color(theme: &Theme, class: &str) -> Color32 {
    FaultClass::parse(class).map_or(theme.bad, |class| theme.fault_color(class))
}

/// Each class in words, with its runs and their share.
fn lines(outcomes: &Outcomes) -> Vec<(&'static str, String)> {
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    let share = |runs: usize| percent(runs as f64 / outcomes.runs().max(1) as f64);
    let faults = outcomes.faults.iter();
    let text = |class: &str, runs: usize| {
        let class = class.replace('_', " ");
        format!("{class} {} ({})", count(runs as u64), share(runs))
    };
    faults
        .map(|(class, runs)| (*class, text(class, *runs)))
        .collect()
}

fn sums_ui(ui: &mut Ui, theme: &Theme, all: &Outcomes) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        ui.label(caption(theme, runs_text(all)))
            .on_hover_text("All runs in the range shown, warm and cold, of the targets that are not hidden. Those that you stopped don’t count");
        for (class, text) in lines(all) {
            key_item_ui(ui, color(theme, class), &text);
        }
    });
}

/// `3 of 320 runs failed`.
fn runs_text(outcomes: &Outcomes) -> String {
    let (failed, runs) = (outcomes.failed(), outcomes.runs());
    format!(
        "{} of {} failed",
        count(failed as u64),
        counted(runs as u64, "run")
    )
}

fn under_pointer<'a>(
    columns: &'a [OutcomesColumn],
    time: TimeAxis,
    transform: &PlotTransform,
    response: &Response,
) -> Option<&'a OutcomesColumn> {
    let pointer = response.hover_pos()?;
    let at = time.unix_ns_at(transform, pointer);
    let mut columns = columns.iter();
    columns.find(|column| (column.from_unix_ns..column.to_unix_ns).contains(&at))
}

fn hover_ui(ui: &Ui, theme: &Theme, response: &Response, column: &OutcomesColumn) {
    let pointer = response.hover_pos().unwrap_or_default();
    tooltip(ui, response, pointer, |ui| {
        ui.label(strong(runs_text(&column.outcomes)));
        for (_, text) in lines(&column.outcomes) {
            ui.label(text);
        }
        stretch_ui(ui, theme, column.from_unix_ns, column.to_unix_ns);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(ok: usize, faults: &[(&'static str, usize)]) -> OutcomesColumn {
        OutcomesColumn {
            from_unix_ns: 0,
            to_unix_ns: 10,
            outcomes: Outcomes {
                ok,
                faults: faults.iter().copied().collect(),
            },
        }
    }

    #[test]
    fn bars_stand_on_each_other_and_add_up_to_the_error_rate() {
        let columns = [
            column(6, &[("timeout", 1), ("rate_limited", 3)]),
            column(10, &[]),
        ];
        let bars = bars(&columns, TimeAxis::default());
        let of = |class: &str| {
            let bars = bars[class].iter().map(|bar| (bar.base_offset, bar.value));
            bars.collect::<Vec<_>>()
        };
        assert_eq!(of("rate_limited"), [(Some(0.0), 0.3)]);
        assert_eq!(of("timeout"), [(Some(0.3), 0.1)]);
        assert_eq!(bars.len(), 2);
    }

    #[test]
    fn outcomes_are_said_with_their_share() {
        let outcomes = column(6, &[("timeout", 1), ("rate_limited", 3)]).outcomes;
        assert_eq!(runs_text(&outcomes), "4 of 10 runs failed");
        let texts: Vec<_> = lines(&outcomes).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["rate limited 3 (30.0 %)", "timeout 1 (10.0 %)"]);
    }
}
