//! The chart of phases: for each target, the medians of the parts of its TTFT over time, on top of each other.

mod asked;
mod hover;
mod look;
mod view;

use egui::{ScrollArea, Ui, vec2};
use egui_plot::Bar;

pub(super) use self::asked::PolledPhases;
use self::{
    hover::{bucket_under_pointer, hover_ui},
    look::looks,
};
use super::{
    axes::{Scale, show_plot},
    stack,
    track::Track,
    zoom::{TimeMove, TimeView, zoom_by_wheel},
};
use crate::{
    desktop::{
        looks::{key_item_ui, sample_ui},
        theme::{Theme, caption, space, strong},
        widgets::date_time,
    },
    endpoint::local_gateway,
    history::{PhaseBucket, TargetPhases},
    visible::visible_line,
};

/// Least height of a target's chart, in points; with more targets than have room, the list is scrolled.
const LEAST_HEIGHT: f32 = 110.0;
/// Height of a target's name above its chart, in points.
const NAME: f32 = 20.0;

/// What the chart shows.
#[derive(Clone, Copy, Debug)]
pub struct PhasesFrame<'a> {
    /// The targets that are shown.
    pub rows: &'a [(&'a Track, &'a TargetPhases)],
    /// The stretch of time.
    pub view: TimeView,
    /// Until when probes were rolled up, if any were (nanoseconds since 1970).
    pub rolled_up_until: Option<i64>,
}

impl PhasesFrame<'_> {
    fn buckets(&self) -> impl Iterator<Item = &PhaseBucket> {
        self.rows.iter().flat_map(|(_, row)| &row.buckets)
    }

    /// The top of all charts, which have one scale, in milliseconds.
    fn top_ms(&self) -> f64 {
        let sums = self.buckets().map(PhaseBucket::sum_ms);
        sums.fold(1.0, f64::max) * 1.08
    }
}

/// Draws the charts in all the space that is left.
pub fn show(ui: &mut Ui, theme: &Theme, frame: PhasesFrame<'_>) -> TimeMove {
    key_ui(ui, theme, &frame);
    let count = frame.rows.len();
    if count == 0 {
        return TimeMove::None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few targets")]
    let room = ui.available_height() / count as f32 - space::S;
    let height = room.max(LEAST_HEIGHT);
    let is_scrolled = room < LEAST_HEIGHT;
    let top = frame.top_ms();
    ui.spacing_mut().item_spacing.y = space::S;
    let mut moved = TimeMove::None;
    let area = ScrollArea::vertical().id_salt("phases").auto_shrink(false);
    area.show_rows(ui, height, count, |ui, shown| {
        for (track, row) in &frame.rows[shown] {
            let room = vec2(ui.available_width(), height);
            let layout = egui::Layout::top_down(egui::Align::Min);
            let one = ui.allocate_ui_with_layout(room, layout, |ui| {
                ui.set_min_height(height);
                target_ui(ui, theme, (track, row), (frame.view, top), is_scrolled)
            });
            moved = one.inner.or(moved);
        }
    });
    moved
}

/// Shows a target's name and chart. The wheel scrolls if the list is longer than its room; else it zooms.
fn target_ui(
    ui: &mut Ui,
    theme: &Theme,
    (track, row): (&Track, &TargetPhases),
    (view, top): (TimeView, f64),
    is_scrolled: bool,
) -> TimeMove {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.allocate_ui(vec2(ui.available_width(), NAME), |ui| {
        ui.horizontal(|ui| {
            sample_ui(ui, track.look, theme.series_color(track.look.color));
            let name = local_gateway::shown(&row.target);
            ui.add(egui::Label::new(strong(visible_line(&name).into_owned())).truncate());
        });
    });
    let plot = view
        .plot("phases", theme)
        .id(ui.scope_id().with((&row.target, row.simulated)));
    let plot = Scale::Linear.left_of(plot);
    let name = format!("Phases of {} over time", row.target);
    let answer = show_plot(ui, theme, plot, &name, |plot| {
        plot.set_plot_bounds(view.bounds((0.0, top)));
        for (look, bars) in looks().iter().zip(bars(&row.buckets, view)) {
            plot.bar_chart(stack::part(bars, theme.series_color(look.color)));
        }
        !is_scrolled && zoom_by_wheel(plot)
    });
    let response = answer.response;
    if let Some(bucket) = bucket_under_pointer(row, view.axis, &answer.transform, &response) {
        hover_ui(ui, theme, &response, (track, bucket));
    }
    view.moved(ui, &response, &answer.transform, answer.inner)
}

/// The bars of each phase: they stand on those of the phases before it. A phase that is not known has none.
fn bars(buckets: &[PhaseBucket], view: TimeView) -> [Vec<Bar>; 5] {
    let mut all: [Vec<Bar>; 5] = Default::default();
    for bucket in buckets {
        let stretch = (bucket.from_unix_ns, bucket.to_unix_ns);
        let mut base = 0.0;
        for (bars, median) in all.iter_mut().zip(&bucket.medians) {
            let Some(median) = median else { continue };
            bars.push(stack::bar(view.axis, stretch, base, median.ms));
            base += median.ms;
        }
    }
    all
}

/// Explains the colours of the phases that are known, and says what is not there.
fn key_ui(ui: &mut Ui, theme: &Theme, frame: &PhasesFrame<'_>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        for (place, look) in looks().iter().enumerate() {
            if !frame
                .buckets()
                .any(|bucket| bucket.medians[place].is_some())
            {
                continue;
            }
            key_item_ui(ui, theme.series_color(look.color), look.name).on_hover_text(look.meaning);
        }
        if frame.buckets().next().is_none() {
            ui.label(caption(
                theme,
                "No run over such connections in the range shown",
            ));
        }
    });
    if let Some(text) = rolled_up_text(frame) {
        ui.add(egui::Label::new(caption(theme, text)).wrap());
    }
    ui.add_space(space::XS);
}

/// That older probes have no phases, where the chart shows such a time.
fn rolled_up_text(frame: &PhasesFrame<'_>) -> Option<String> {
    let until = frame.rolled_up_until?;
    (frame.view.stretch.0 < until).then(|| {
        format!(
            "Probes before {} are kept as figures of their hours, which have no phases",
            date_time(until)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{desktop::monitor::axes::TimeAxis, history::Median};

    fn view(stretch: (i64, i64)) -> TimeView {
        TimeView {
            axis: TimeAxis::default(),
            stretch,
            is_zoomed: false,
        }
    }

    fn bucket(medians: [Option<f64>; 5]) -> PhaseBucket {
        PhaseBucket {
            from_unix_ns: 0,
            to_unix_ns: 10,
            medians: medians.map(|ms| ms.map(|ms| Median { runs: 3, ms })),
        }
    }

    #[test]
    fn bars_stand_on_each_other_and_leave_out_what_is_not_known() {
        let buckets = [
            bucket([Some(10.0), Some(20.0), None, Some(300.0), Some(5.0)]),
            bucket([None, None, None, Some(250.0), None]),
        ];
        let bars = bars(&buckets, view((0, 10)));
        let of = |place: usize| -> Vec<(Option<f64>, f64)> {
            let bars = bars[place].iter();
            bars.map(|bar| (bar.base_offset, bar.value)).collect()
        };
        assert_eq!(of(0), [(Some(0.0), 10.0)]);
        assert_eq!(of(1), [(Some(10.0), 20.0)]);
        assert_eq!(of(2), []);
        assert_eq!(of(3), [(Some(30.0), 300.0), (Some(0.0), 250.0)]);
        assert_eq!(of(4), [(Some(330.0), 5.0)]);
    }

    #[test]
    fn it_is_said_that_hours_have_no_phases_where_there_are_such_hours() {
        let text = |until| {
            rolled_up_text(&PhasesFrame {
                rows: &[],
                view: view((100, 200)),
                rolled_up_until: until,
            })
        };
        assert_eq!(text(None), None);
        assert_eq!(text(Some(100)), None);
        assert!(text(Some(101)).unwrap().starts_with("Probes before "));
    }
}
