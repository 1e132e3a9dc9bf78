//! The chart of spread: for each TTFT, which share of a target's runs was at most that slow (an ECDF), side by side.

use egui::Ui;

use super::{axes::Scale, tooltip::track_ui, track::Track};
use crate::{
    desktop::{
        ecdf::{Ecdf, EcdfLine},
        theme::Theme,
    },
    history::Distribution,
};

/// Draws the chart in all the space that is left.
pub fn show(ui: &mut Ui, theme: &Theme, rows: &[(&Track, &Distribution)], scale: Scale) {
    let steps: Vec<_> = rows.iter().map(|(_, row)| steps(&row.ecdf)).collect();
    let lines = rows.iter().zip(&steps);
    let lines = lines.map(|((track, row), steps)| EcdfLine {
        steps,
        n: row.ttft.runs as u64,
        color: theme.series_color(track.look.color),
        style: track.look.dash,
        markers: None,
    });
    let plot = Ecdf {
        salt: "spread",
        name: "Share of runs by time to first token",
        of: "runs",
        scale,
        lines: lines.collect(),
    };
    plot.ui(ui, theme, |ui, row| track_ui(ui, theme, rows[row].0));
}

/// Times, and the share of runs of at most each of them. Times are in ascending order.
#[expect(clippy::cast_precision_loss, reason = "at most a few hundred values")]
fn steps(sorted: &[f64]) -> Vec<[f64; 2]> {
    let share = |index: usize| (index + 1) as f64 / sorted.len() as f64;
    let steps = sorted.iter().enumerate();
    steps.map(|(index, ms)| [*ms, share(index)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_a_step_up() {
        assert_eq!(steps(&[10.0, 30.0]), [[10.0, 0.5], [30.0, 1.0]]);
        assert_eq!(steps(&[]), Vec::<[f64; 2]>::new());
    }
}
