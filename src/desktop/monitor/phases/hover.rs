//! What is under the pointer on a chart of phases.

use egui::{Response, RichText, Ui};
use egui_plot::PlotTransform;

use super::{
    super::{
        axes::TimeAxis,
        tooltip::{stretch_ui, tooltip, track_ui},
        track::Track,
    },
    look::looks,
};
use crate::{
    desktop::{
        theme::Theme,
        widgets::{count, ms_text},
    },
    history::{PhaseBucket, TargetPhases},
};

/// The bucket at the pointer's time.
pub fn bucket_under_pointer<'a>(
    row: &'a TargetPhases,
    axis: TimeAxis,
    transform: &PlotTransform,
    response: &Response,
) -> Option<&'a PhaseBucket> {
    let pointer = response.hover_pos()?;
    let at = axis.unix_ns_at(transform, pointer);
    let mut buckets = row.buckets.iter();
    buckets.find(|bucket| (bucket.from_unix_ns..bucket.to_unix_ns).contains(&at))
}

/// Tells the phases of a bucket, each with the number of runs in which it is known.
pub fn hover_ui(
    ui: &Ui,
    theme: &Theme,
    response: &Response,
    (track, bucket): (&Track, &PhaseBucket),
) {
    let pointer = response.hover_pos().unwrap_or_default();
    tooltip(ui, response, pointer, |ui| {
        track_ui(ui, theme, track);
        // From the top down, as they stand.
        for (look, median) in looks().iter().zip(&bucket.medians).rev() {
            let Some(median) = median else { continue };
            ui.horizontal(|ui| {
                ui.label(RichText::new("\u{25a0}").color(theme.series_color(look.color)));
                let (ms, n) = (ms_text(median.ms), count(median.runs as u64));
                ui.label(format!("{} {ms}, n {n}", look.name));
            });
        }
        stretch_ui(ui, theme, bucket.from_unix_ns, bucket.to_unix_ns);
    });
}
