//! What is under the pointer on a chart of phases.

use egui::{Response, RichText, Tooltip, Ui, Vec2};
use egui_plot::PlotTransform;

use super::{
    super::{axes::TimeAxis, track::Track},
    look::looks,
};
use crate::{
    desktop::{
        looks::sample_ui,
        theme::{Theme, caption, strong},
        widgets::{count, date_time, ms_text},
    },
    endpoint::local_gateway,
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
    let at = axis.unix_ns(transform.value_from_position(pointer).x);
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
    let place = egui::Rect::from_center_size(pointer, Vec2::splat(14.0));
    Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), response.id, place).show(|ui| {
        ui.horizontal(|ui| {
            sample_ui(ui, track.look, theme.series_color(track.look.color));
            ui.label(strong(local_gateway::shown(&track.target)));
        });
        // From the top down, as they stand.
        for (look, median) in looks().iter().zip(&bucket.medians).rev() {
            let Some(median) = median else { continue };
            ui.horizontal(|ui| {
                ui.label(RichText::new("\u{25a0}").color(theme.series_color(look.color)));
                let (ms, n) = (ms_text(median.ms), count(median.runs as u64));
                ui.label(format!("{} {ms}, n {n}", look.name));
            });
        }
        let (from, to) = (date_time(bucket.from_unix_ns), date_time(bucket.to_unix_ns));
        ui.label(caption(theme, format!("{from} to {to}")));
    });
}
